"""Time for the dispatcher: a clock that a test can replace, and a bell that wakes a sleeper early."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from; a test brings its own."""

    def now(self) -> float:
        """Return seconds since any fixed moment; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that time."""
        ...


class MonotonicClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return :func:`time.monotonic`."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep in the event loop."""
        await asyncio.sleep(seconds)


class Bell:
    """Wakes one sleeper: when rung, or after a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake the sleeper, or the next one if nobody sleeps now."""
        self._event.set()

    async def wait(self, seconds: float | None) -> None:
        """Sleep until the bell rings; with ``seconds``, no longer than that."""
        if seconds is None or self._event.is_set():
            await self._event.wait()
        else:
            alarm = asyncio.ensure_future(self._clock.sleep(seconds))
            alarm.add_done_callback(self._alarmed)
            try:
                await self._event.wait()
            finally:
                alarm.remove_done_callback(self._alarmed)  # cancelled, it would wake the next sleeper
                alarm.cancel()
        self._event.clear()

    def _alarmed(self, _: asyncio.Future[None]) -> None:
        self._event.set()
