"""A worker's seats and its sessions with the ledger: a window that is worked on has a seat, and the seat a session."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.postgres_worker import WorkerSession

SESSIONS = 2
"""Windows at once: while the last messages of one are under way, the other keeps the connections busy."""

ASIDE = 4
"""Windows more of which a few posts at once are enough. They may take long: what could be fast must not wait for
them."""

_ANSWER = 2.0
"""Seconds that an answer takes, amply: so many posts are under way at once of a message a second."""

_FEW = 8
"""One in so many of a worker's posts at once is few."""


@dataclass(slots=True, eq=False)
class Seat:
    """A place for a window.

    Attributes:
        aside: whether it is for a slow one, beside others.
        share: posts at once of who has it.
        session: that works on its windows; None: it had none yet.
    """

    aside: bool = False
    share: int = 0
    session: WorkerSession | None = None


class Sessions:
    """Gives out seats, and sees to it that each has a session that can claim.

    Args:
        concurrency: posts at once, of all seats.
        make: makes a session; it connects with its first question.
    """

    def __init__(self, concurrency: int, make: Callable[[], WorkerSession]) -> None:
        self.seats = min(SESSIONS, concurrency)
        self._make = make
        self._few = concurrency // _FEW
        self._half = -(-concurrency // SESSIONS)
        self._posts = concurrency
        """Posts at once that no seat has."""
        self._taken: set[Seat] = set()
        self._free = [Seat() for _ in range(self.seats)]
        self._free_aside = [Seat(aside=True) for _ in range(ASIDE)]
        self._changed = asyncio.Condition()
        self._all: set[WorkerSession] = set()
        self._replaced: set[WorkerSession] = set()
        """Fenced sessions that are not in use any more, and that people were not told of yet."""

    # -- seats -------------------------------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        """Whether a seat is free for any window."""
        return bool(self._free)

    @property
    def is_empty(self) -> bool:
        """Whether nobody has a seat."""
        return not self._taken

    async def take(self, rate: float | None = None) -> Seat:
        """Wait for a free seat, and for posts that nobody has, and take them.

        A window that may only go slowly gets a seat aside with as many posts as it needs, where that is few and such a
        seat is free. Any other gets half of all posts, or what there is.

        Args:
            rate: messages a second that may go of the window, at most; None: no limit.
        """
        wanted = self._half if rate is None else min(self._half, math.ceil(rate * _ANSWER))
        async with self._changed:
            if wanted <= self._few and self._free_aside:
                seat = self._free_aside.pop()
            else:
                await self._changed.wait_for(lambda: self._free)
                seat, wanted = self._free.pop(0), self._half
            self._taken.add(seat)
            await self._changed.wait_for(lambda: self._posts)
            seat.share = min(wanted, self._posts)
            self._posts -= seat.share
        return seat

    async def give_back(self, seat: Seat) -> None:
        """Free a seat and its posts; its session stays."""
        async with self._changed:
            self._posts += seat.share
            self._taken.discard(seat)
            (self._free_aside if seat.aside else self._free).append(seat)
            self._changed.notify_all()

    # -- sessions ----------------------------------------------------------------------------------------

    async def able(self, seat: Seat) -> WorkerSession:
        """Return the session of a seat: another one, where that was fenced."""
        old = seat.session
        if old is not None and not old.fenced:
            return old
        if old is not None:
            self._all.discard(old)
            self._replaced.add(old)
            await asyncio.to_thread(old.close)
        seat.session = self._make()
        self._all.add(seat.session)
        return seat.session

    @property
    def known(self) -> frozenset[WorkerSession]:
        """Those that are in use, and those that people may have to be told of."""
        return frozenset(self._all | self._replaced)

    def told(self, sessions: Collection[WorkerSession]) -> None:
        """People were told of some that are not in use any more."""
        self._replaced.difference_update(sessions)

    @property
    def have_noted(self) -> bool:
        """Whether a journal holds outcomes that the ledger has not heard of."""
        return any(session.has_noted for session in tuple(self._all))

    def hang_up(self, seconds: float) -> None:
        """Break the lines on which nothing has come for so long."""
        for session in self._all:
            session.hang_up(seconds)

    async def leave(self) -> None:
        """Say good-bye to the ledger."""
        for session in self._all:
            with suppress(LedgerError):
                await asyncio.to_thread(session.leave)
