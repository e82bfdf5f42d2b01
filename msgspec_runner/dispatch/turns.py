"""Who posts next: claimed jobs go to idle workers when their turn comes.

A worker that has just finished takes the next job itself, without waiting for anybody: at full speed nothing else
happens. A worker that finds none sits down, and one dealer wakes as many as there is work for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from msgspec_runner.dispatch.clock import Bell, Clock
from msgspec_runner.dispatch.job import Job
from msgspec_runner.dispatch.lanes import HORIZON, Lanes


class Turns:
    """The turns of one run.

    Args:
        lanes: where claimed jobs are lined up.
        clock: tells the time.
        is_over: whether nothing may be begun any more.
        on_taken: called after a job was taken.
        on_postponed: called with a job whose turn is far off (a pause, a low rate): it is to wait unclaimed.
    """

    def __init__(
        self,
        lanes: Lanes,
        clock: Clock,
        *,
        is_over: Callable[[], bool],
        on_taken: Callable[[], None],
        on_postponed: Callable[[Job], None],
    ) -> None:
        self._lanes = lanes
        self._clock = clock
        self._is_over = is_over
        self._on_taken = on_taken
        self._on_postponed = on_postponed
        self._idle: deque[asyncio.Future[None]] = deque()
        self._bell = Bell(clock)

    def announce(self) -> None:
        """Tell the dealer that jobs were lined up."""
        self._bell.ring()

    async def next(self) -> Job:
        """Wait until a job may go, of whatever lane, and take it."""
        while (job := self._take()) is None:
            place = asyncio.get_running_loop().create_future()
            self._idle.append(place)
            self._bell.ring()
            await place
        return job

    async def deal(self) -> None:
        """Wake idle workers whenever there is work for them; until it is cancelled."""
        while True:
            await self._bell.wait(self._wake())

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
