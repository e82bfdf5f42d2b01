"""What changed in the sandbox, in order, for whoever follows it live.

Readers have no queues. Each holds its place, a number, and reads on from there; who waits is woken. So a slow reader
costs nothing, nobody's memory grows, and without readers an entry is one short tuple.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice
from typing import Final, Literal, NamedTuple

NEWEST: Final = 1000
"""Changes that are held. A reader that has missed more looks at the list again."""

Kind = Literal["request", "cancelled", "cleared", "settings"]
"""A request came; a scheduled message was cancelled; all was forgotten; faults or latency were set."""


class Change(NamedTuple):
    """One change.

    Attributes:
        place: 1 for the first change of this sandbox's life.
        kind: what happened.
        number: the number of the request that it happened to, or None.
    """

    place: int
    kind: Kind
    number: int | None


class Journal:
    """The newest changes; belongs to one event loop and takes no locks.

    Attributes:
        place: that of the newest change; 0 before the first.
    """

    def __init__(self) -> None:
        self.place = 0
        self._changes: deque[Change] = deque(maxlen=NEWEST)
        self._waiting: set[asyncio.Future[None]] = set()

    def add(self, kind: Kind, number: int | None = None) -> None:
        """Note a change and wake who waits for one."""
        self.place += 1
        self._changes.append(Change(self.place, kind, number))
        if self._waiting:
            self.wake()

    def since(self, place: int) -> list[Change] | None:
        """The changes after a place, oldest first; None where some of them are no longer held, or not there yet."""
        missing = self.place - place
        if not 0 <= missing <= len(self._changes):
            return None
        return list(islice(reversed(self._changes), missing))[::-1]

    def wake(self) -> None:
        """Wake who waits, though nothing may have changed, as when the server stops."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()

    async def news(self, place: int, seconds: float) -> None:
        """Return when there is a change after a place, when somebody calls :meth:`wake`, or after a time.

        Args:
            place: up to where the reader has read.
            seconds: how long to wait.
        """
        if self.place > place:
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await asyncio.wait_for(waiting, seconds)
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(waiting)
