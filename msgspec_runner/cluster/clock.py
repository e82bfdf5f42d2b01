"""A clock that goes on while the machine sleeps: what is too late after a suspension must know it."""

from __future__ import annotations

import asyncio
import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux's CLOCK_MONOTONIC stands still in a suspension; other systems' goes on."""


def boot_time() -> float:
    """Return seconds since the machine started, suspensions included."""
    return time.clock_gettime(_CLOCK)


class BootClock:
    """The dispatcher's clock of a worker."""

    def now(self) -> float:
        """Return :func:`boot_time`."""
        return boot_time()

    async def sleep(self, seconds: float) -> None:
        """Sleep in the event loop."""
        await asyncio.sleep(seconds)
