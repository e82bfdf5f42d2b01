"""The paces of one window, for as long as it is worked on: what they hear is reported, and turns are reserved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from msgspec_runner.boottime import boot_time
from msgspec_runner.cluster.desk import Desk
from msgspec_runner.cluster.exchange import Report
from msgspec_runner.cluster.pace import SharedPace, Unreadable
from msgspec_runner.dispatch.lanes import Lanes
from msgspec_runner.dispatch.pace import Pace

GAP = 0.08
"""Seconds between two reports of a window: turns are reserved for a few times as long."""

SILENCE = 0.5
"""Seconds after which a report is made though there is nothing to ask: who has no limit hears of one."""

LAST_WORDS = 2.0
"""Seconds that the last report may take: longer than anybody holds a pace, and no reason to keep a worker that ends."""

_LAST_ATTEMPTS = 3
"""How often the last report is made where it did not arrive."""

_BREAKING = 0.5
"""Seconds until an exchange has noticed that its line was broken."""


class Pacing:
    """Keeps a window's paces.

    Args:
        desk: where turns are reserved.
        run_id: the window's run.
    """

    def __init__(self, desk: Desk, run_id: str) -> None:
        self._desk = desk
        self._run_id = run_id
        self._paces: dict[str, SharedPace] = {}
        self._stirred = asyncio.Event()
        self._over = False
        self._reported = float("-inf")
        """When the last report was made."""
        self._keeper: asyncio.Task[None] | None = None

    def make(self, spec: str, rate: float | None) -> Pace:
        """Make the pace of a spec; of the run, under the empty name."""
        self._paces[spec] = SharedPace(rate, self._stirred.set)
        return self._paces[spec]

    def begin(self, lanes: Lanes, idle: Callable[[], int], on_fault: Callable[[str], None]) -> None:
        """Begin to report and reserve.

        Args:
            lanes: what waits for turns.
            idle: returns how many of the window's posts at once nothing is done with.
            on_fault: is told why there are no turns any more: nobody should wait for one without a word.
        """

        def hear(keeper: asyncio.Task[None]) -> None:
            error = None if keeper.cancelled() else keeper.exception()
            if error is not None:
                on_fault(str(error) if isinstance(error, Unreadable) else "a bug in msgspec-runner")

        self._keeper = asyncio.create_task(self._keep(lanes, idle))
        self._keeper.add_done_callback(hear)

    async def end(self, *, in_reach: bool) -> None:
        """Report what was not told yet, if the ledger answers soon: the others shall know of each 429.

        Args:
            in_reach: whether the ledger answered last; if not, nothing is waited for.
        """
        keeper = self._keeper
        if keeper is None:
            return
        self._over = True
        self._stirred.set()
        await asyncio.wait({keeper}, timeout=LAST_WORDS if in_reach else 0.0)
        if not keeper.done():
            # Not cancelled at once: psycopg would ask the server to give up the statement, and wait for its answer.
            self._desk.break_off()
            await asyncio.wait({keeper}, timeout=_BREAKING)
        keeper.cancel()
        with suppress(asyncio.CancelledError, Unreadable):
            await keeper

    async def _keep(self, lanes: Lanes, idle: Callable[[], int]) -> None:
        patience = float("-inf")
        while not self._over:
            now = boot_time()
            # Nothing is read of the plan yet when this begins; there is something, or nobody would work on it.
            demand = lanes.demand(now) if self._reported > 0 else dict.fromkeys(self._paces, idle())
            wishes = {spec: pace.wish(now, self._reported, demand[spec], idle()) for spec, pace in self._paces.items()}
            is_due = now - self._reported >= SILENCE or (now >= patience and any(wishes.values()))
            if is_due or any(pace.is_urgent for pace in self._paces.values()):
                next_in = await self._exchange(now, wishes)
                if next_in is not None:
                    patience = now + next_in
            await self._pause()
        for _ in range(_LAST_ATTEMPTS):
            if await self._exchange(boot_time(), dict.fromkeys(self._paces, 0), only_news=True) is not None:
                return
            await asyncio.sleep(GAP)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stirred.wait(), GAP)
        self._stirred.clear()

    async def _exchange(self, now: float, wishes: dict[str, int], *, only_news: bool = False) -> float | None:
        """Report and reserve; return the seconds until there may be more turns, or None: nothing was reported."""
        reports = {spec: pace.report(self._reported, wishes[spec]) for spec, pace in self._paces.items()}
        if only_news and not any(map(_is_news, reports.values())):
            return 0.0
        self._reported = now
        grants = await self._desk.exchange(self._run_id, reports)
        for spec, pace in self._paces.items():
            if spec in grants:
                pace.granted(grants[spec], boot_time())
            else:
                pace.take_back(reports[spec])
        return min((grant.next_in for grant in grants.values()), default=None)


def _is_news(report: Report) -> bool:
    """Whether a report tells the others anything."""
    return report._replace(since=Report().since) != Report()
