"""Who posts next: claimed jobs go to idle workers when their turn comes, and leave when they are ready.

A worker that has just finished takes the next job itself, without waiting for anybody: at full speed nothing else
happens. A worker that finds none sits down, and one dealer wakes as many as there is work for.

A post that was made ready in no time leaves at once. One that had to wait for its connection may have to wait again:
others may have left meanwhile. The dealer lets them go in the order in which they came.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from msgspec_runner.dispatch.clock import Bell, Clock
from msgspec_runner.dispatch.job import Job
from msgspec_runner.dispatch.lanes import HORIZON, Lanes

LONGEST_HOLD = 1.0
"""Seconds that a post may stand ready and wait; its connection would not last for ever, nor would its claim."""


class _Standing(NamedTuple):
    """A job that could leave, since when, whether its turn had come by then, and who waits for it."""

    job: Job
    since: float
    late: bool
    place: asyncio.Future[bool]


class Turns:
    """The turns of one run.

    Args:
        lanes: where claimed jobs are lined up.
        clock: tells the time.
        is_over: whether nothing may be begun any more.
        is_too_old: whether a job's claim is too old to be posted under.
        on_taken: called after a job was taken.
        on_postponed: called with a job whose turn is far off (a pause, a low rate): it is to wait unclaimed.
    """

    def __init__(
        self,
        lanes: Lanes,
        clock: Clock,
        *,
        is_over: Callable[[], bool],
        is_too_old: Callable[[Job], bool],
        on_taken: Callable[[], None],
        on_postponed: Callable[[Job], None],
    ) -> None:
        self._lanes = lanes
        self._clock = clock
        self._is_over = is_over
        self._is_too_old = is_too_old
        self._on_taken = on_taken
        self._on_postponed = on_postponed
        self._idle: deque[asyncio.Future[None]] = deque()
        self._standing: list[_Standing] = []
        self._bell = Bell(clock)

    def announce(self) -> None:
        """Tell the dealer that jobs were lined up, or that it is over."""
        self._bell.ring()

    async def next(self) -> Job:
        """Wait until a job may go, of whatever lane, and take it."""
        while (job := self._take()) is None:
            place = asyncio.get_running_loop().create_future()
            self._idle.append(place)
            self._bell.ring()
            await place
        return job

    def leave(self, job: Job) -> bool | Awaitable[bool]:
        """Tell whether a job may leave that could leave now, at once or when it may; False: it is not to leave, but to
        have another turn."""
        if self._lanes.depart(job, self._clock.now(), is_first=not self._standing):
            return self._still(job)
        return self._leave_later(job)

    async def _leave_later(self, job: Job) -> bool:
        may = await self._stand(job)
        job.began = self._clock.now()
        if may:
            return self._still(job)
        self._keep(job)
        return False

    def _still(self, job: Job) -> bool:
        """Whether a job may leave that has its place: unless all is over by now, or its claim too old."""
        if self._is_over() or self._is_too_old(job):
            self._keep(job)
            return False
        return True

    def _keep(self, job: Job) -> None:
        job.keep(job.began, job.began + self._lanes.leaving(job, job.began))

    async def _stand(self, job: Job) -> bool:
        late = job.turns[0] <= job.began
        standing = _Standing(job, job.began, late, asyncio.get_running_loop().create_future())
        self._standing.append(standing)
        if late:
            self._lanes.queue(job, 1)
        self._bell.ring()
        try:
            return await standing.place
        finally:
            if standing in self._standing:  # cancelled
                self._dismiss(standing)

    def _dismiss(self, standing: _Standing) -> None:
        self._standing.remove(standing)
        if standing.late:
            self._lanes.queue(standing.job, -1)

    async def deal(self) -> None:
        """Wake idle workers whenever there is work for them; until it is cancelled."""
        while True:
            waits = [wait for wait in (self._let_go(), self._wake()) if wait is not None]
            await self._bell.wait(min(waits, default=None))

    def _let_go(self) -> float | None:
        """Let leave what may; return the seconds until more may, None where nothing waits."""
        if not self._standing:
            return None
        now = self._clock.now()
        soonest: float | None = None
        for standing in tuple(self._standing):
            wait = self._lanes.leaving(standing.job, now)
            is_over = self._is_over() or now + wait - standing.since > LONGEST_HOLD
            if standing.place.done():  # cancelled
                continue
            if wait and not is_over:
                soonest = wait if soonest is None else min(wait, soonest)
                continue
            self._dismiss(standing)
            if not is_over:
                self._lanes.leave(standing.job, now)
            standing.place.set_result(not is_over)
        return soonest

    def _take(self) -> Job | None:
        if self._is_over():
            return None
        now = self._clock.now()
        turn = self._lanes.next_turn(now)
        if turn is None or turn[0]:
            return None
        job = self._lanes.take(turn[1], now)
        self._on_taken()
        return job

    def _wake(self) -> float | None:
        """Wake whom there is work for; return the seconds until there is more, None where only the bell can tell."""
        while self._idle and not self._is_over():
            now = self._clock.now()
            turn = self._lanes.next_turn(now)
            if turn is None:
                return None
            wait, lane = turn
            if wait > 2 * HORIZON:
                job = lane.ready.popleft()
                job.postpone(now, now + wait - HORIZON)
                self._on_postponed(job)
            elif wait:
                return wait
            else:
                for _ in range(min(len(self._idle), self._lanes.lined_up)):
                    self._idle.popleft().set_result(None)
                return None
        return None
