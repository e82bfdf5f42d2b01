"""A clock that goes on while the machine sleeps."""

from __future__ import annotations

import asyncio

from msgspec_runner.boottime import boot_time


class BootClock:
    """The dispatcher's clock of a worker."""

    def now(self) -> float:
        """Return :func:`~msgspec_runner.boottime.boot_time`."""
        return boot_time()

    async def sleep(self, seconds: float) -> None:
        """Sleep in the event loop."""
        await asyncio.sleep(seconds)
