"""One window, from the queue's job to its end: a dispatcher of its own, under the run's shared pace.

What the dispatcher takes for its ledger is one window of a session. A claim holds for a lease: a message whose post
would begin later (the machine was suspended, the process stood still) is handed back. It is planned again if the claim
is still ours by then; if the session was fenced meanwhile, it is in doubt, and stays so.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from msgspec_runner.boottime import boot_time
from msgspec_runner.cluster.clock import BootClock, server_clock
from msgspec_runner.cluster.desk import Desk
from msgspec_runner.cluster.pace import SharedPace, Unreadable
from msgspec_runner.dispatch.breaker import Breaker
from msgspec_runner.dispatch.dispatcher import Dispatcher
from msgspec_runner.dispatch.lanes import Lanes
from msgspec_runner.dispatch.pace import Pace
from msgspec_runner.dispatch.poster import Leave, Poster
from msgspec_runner.dispatch.progress import ENDS, Progress, RunResult
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.postgres_shared import Window, steer
from msgspec_runner.ledger.postgres_worker import WorkerSession
from msgspec_runner.ledger.values import Planned, RunStatus, Settlement, Totals
from msgspec_runner.model import Outcome, State

GAP = 0.08
"""Seconds between two reports of a window: turns are reserved for a few times as long."""

SILENCE = 0.5
"""Seconds after which a report is made though there is nothing to ask: who has no limit hears of one."""


class Manner(NamedTuple):
    """How the messages of a run are posted, whoever does it.

    Attributes:
        timeout: seconds for one request.
        retry_server_errors: take a 500-511 as a proof that nothing was sent.
        rate: messages a second, of the whole run; None: no limit.
        rates: messages a second, by spec.
    """

    timeout: float
    retry_server_errors: bool
    rate: float | None
    rates: dict[str, float]

    def written(self) -> str:
        """Return it as the ledger keeps it."""
        return json.dumps(self._asdict())

    @classmethod
    def read(cls, text: str) -> Manner:
        """Return what :meth:`written` wrote.

        Raises:
            Unreadable: it is something else, or a newer version wrote it.
        """
        try:
            fields = json.loads(text)
            unknown = fields.keys() - set(cls._fields)
            manner = None if unknown else cls(**fields)
        except (ValueError, TypeError, AttributeError):
            unknown, manner = set(), None
        if unknown:
            raise Unreadable("was planned by a newer version: upgrade this worker. It is left to others")
        if manner is None or not manner.is_sound:
            raise Unreadable("has settings in the ledger that make no sense. It is left alone: `cluster stop` ends it")
        return manner

    @property
    def is_sound(self) -> bool:
        """Whether all of it is of the right kind."""
        rates = isinstance(self.rates, dict) and all(map(_is_positive, self.rates.values()))
        flag = isinstance(self.retry_server_errors, bool)
        return rates and flag and _is_positive(self.timeout) and (self.rate is None or _is_positive(self.rate))


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


class WindowLedger:
    """What a window's dispatcher takes for its ledger.

    Args:
        session: has opened the window.
        window: the window.
        on_hold: called from a thread when no more may be claimed.
        worker: who works, for the reason why a run stops.
    """

    def __init__(
        self,
        session: WorkerSession,
        window: Window,
        on_hold: Callable[[], None],
        worker: str,
    ) -> None:
        self._session = session
        self._window = window
        self._on_hold = on_hold
        self._worker = worker
        self._failed = False

    def pending(self, run_id: str, after: int = 0, limit: int = 500) -> list[Planned]:  # noqa: ARG002 - the window's
        """Return the next planned messages of the window."""
        return self._session.pending_in(self._window, after, limit)

    def commit(
        self,
        run_id: str,  # noqa: ARG002 - the window's
        claims: Sequence[str],
        settlements: Sequence[Settlement],
    ) -> set[str]:
        """Settle and claim."""
        try:
            granted = self._session.exchange(claims, settlements)
        except LedgerError:
            self._failed = True
            raise
        if not granted.go:
            self._on_hold()
        return granted.claimed

    def remember(self, run_id: str, settlement: Settlement) -> None:  # noqa: ARG002 - the window's
        """Take note of an outcome while the server is away."""
        self._session.remember(settlement)

    def end(self, run_id: str, status: RunStatus, reason: str | None = None) -> Totals:  # noqa: ARG002 - a reason says all
        """Stop the run for all, if it is to be stopped; it is no worker's to close."""
        if reason is not None and not self._failed:
            said = f"{reason} (worker {self._worker})"
            self._session.lasting(lambda connection: steer(connection, run_id, "stop", said))
        return Totals()


class Brake:
    """Ends the work on a window early: what is in flight is finished first, unless it is pulled twice on purpose.

    Args:
        dispatcher: of the window.
        run_id: the window's run.
    """

    def __init__(self, dispatcher: Dispatcher, run_id: str = "") -> None:
        self._dispatcher = dispatcher
        self.run_id = run_id
        self._pulled = False

    def stop(self) -> None:
        """Finish what is in flight and claim nothing more; the second call does nothing."""
        if not self._pulled:
            self._pulled = True
            self._dispatcher.request_stop()

    def abort(self) -> None:
        """Give up what is in flight as in doubt."""
        self._dispatcher.abort()


class Brakes:
    """The brakes of all windows that are worked on. Once all were pulled, each that comes later is pulled at once: a
    window that was just being opened must not go on alone."""

    def __init__(self) -> None:
        self._all: set[Brake] = set()
        self._pull: Callable[[Brake], None] | None = None

    def __len__(self) -> int:
        return len(self._all)

    def add(self, brake: Brake) -> None:
        """Work on a window begins."""
        self._all.add(brake)
        if self._pull is not None:
            self._pull(brake)

    def remove(self, brake: Brake) -> None:
        """Work on a window has ended."""
        self._all.discard(brake)

    def stop(self) -> None:
        """Stop all of them, and all that come."""
        self._pull = self._pull or Brake.stop
        for brake in tuple(self._all):
            brake.stop()

    def abort(self) -> None:
        """Give up what is in flight in all of them, and in all that come."""
        self._pull = Brake.abort
        for brake in tuple(self._all):
            brake.abort()

    def stop_runs(self, run_ids: Collection[str]) -> None:
        """Stop those of some runs. A window that waits for a turn asks nobody whether it may go on."""
        for brake in tuple(self._all):
            if brake.run_id in run_ids:
                brake.stop()


class _Flights:
    """A poster that knows how many of its posts are under way."""

    def __init__(self, poster: Poster) -> None:
        self._poster = poster
        self.under_way = 0

    async def post(self, body: bytes, leave: Leave) -> Outcome:
        self.under_way += 1
        try:
            return await self._poster.post(body, leave)
        finally:
            self.under_way -= 1


def _hear_end(dispatcher: Dispatcher, keeper: asyncio.Future[None]) -> None:
    """Without its pace nothing goes: nobody should wait for that without a word."""
    error = None if keeper.cancelled() else keeper.exception()
    if error is not None:
        dispatcher.stop(str(error) if isinstance(error, Unreadable) else "a bug in msgspec-runner")


@dataclass(frozen=True, slots=True)
class Carrier:
    """What carries out windows, one at a time for each session.

    Attributes:
        desk: where turns are reserved.
        terms: of the lease.
        worker: its name.
        on_event: hears what is settled.
        breakers: what each run's outcomes were like so far: a window is too small to tell an outage from bad luck.
        settled: what this worker settled of each run, by state, as long as :meth:`told` has not returned it.
    """

    desk: Desk
    terms: Terms
    worker: str
    on_event: Callable[[Progress], None]
    breakers: defaultdict[str, Breaker] = field(default_factory=lambda: defaultdict(Breaker))
    settled: defaultdict[str, Counter[State]] = field(default_factory=lambda: defaultdict(Counter))

    def told(self, run_id: str) -> Totals:
        """Return what this worker settled of a run, and forget it."""
        numbers = self.settled.pop(run_id, Counter[State]())
        return Totals(**{state.value: numbers[state] for state in ENDS})

    async def carry(
        self,
        session: WorkerSession,
        run_id: str,
        window: Window,
        manner: Manner,
        poster: Poster,
        concurrency: int,
        brakes: Brakes,
    ) -> RunResult:
        """Post what is planned in a window; return how it ended. The window is open before and after.

        Args:
            session: that works on it.
            run_id: the run.
            window: the window.
            manner: of the run.
            poster: posts.
            concurrency: posts at once.
            brakes: gets what ends it early, as long as it goes on.

        Raises:
            LedgerError: the ledger was out of reach for too long, or refused an outcome.
        """
        wall = await asyncio.to_thread(session.lasting, server_clock)
        session.go_by(wall)
        stirred = asyncio.Event()
        paces: dict[str, SharedPace] = {}

        def make_pace(spec: str, rate: float | None) -> Pace:
            paces[spec] = SharedPace(rate, stirred.set)
            return paces[spec]

        loop = asyncio.get_running_loop()
        lanes = Lanes(manner.rate, manner.rates, concurrency, make_pace)
        flights = _Flights(poster)

        def hear(progress: Progress) -> None:
            self.settled[run_id].update(settlement.state for settlement in progress.settled)
            self.on_event(progress)

        def hold() -> None:
            loop.call_soon_threadsafe(brake.stop)

        ledger = WindowLedger(session, window, hold, self.worker)
        dispatcher = Dispatcher(
            ledger,
            flights,
            run_id,
            concurrency=concurrency,
            clock=BootClock(),
            wall=wall,
            on_event=hear,
            lanes=lanes,
            lease=self.terms.lease,
            breaker=self.breakers[run_id],
        )
        brake = Brake(dispatcher, run_id)
        keeper = asyncio.ensure_future(
            self._keep_pace(run_id, paces, lanes, lambda: concurrency - flights.under_way + lanes.pace.queue, stirred)
        )
        keeper.add_done_callback(partial(_hear_end, dispatcher))
        brakes.add(brake)
        try:
            return await dispatcher.run()
        finally:
            brakes.remove(brake)
            keeper.cancel()
            with suppress(asyncio.CancelledError, Unreadable):
                await keeper
            if not brakes:  # nothing is posted, at whatever rate
                self.on_event(Progress((), 0, 0, None))

    async def _keep_pace(
        self,
        run_id: str,
        paces: dict[str, SharedPace],
        lanes: Lanes,
        idle: Callable[[], int],
        stirred: asyncio.Event,
    ) -> None:
        """Report and reserve for as long as the window is worked on."""
        last = patience = float("-inf")
        while True:
            now = boot_time()
            # Nothing is read of the plan yet when this begins; there is something, or nobody would work on it.
            demand = lanes.demand(now) if last > 0 else dict.fromkeys(paces, idle())
            wishes = {spec: pace.wish(now, last, demand[spec], idle()) for spec, pace in paces.items()}
            is_due = now - last >= SILENCE or (now >= patience and any(wishes.values()))
            if is_due or any(pace.is_urgent for pace in paces.values()):
                reports = {spec: pace.report(last, wishes[spec]) for spec, pace in paces.items()}
                last = now
                grants = await self.desk.exchange(run_id, reports)
                for spec, pace in paces.items():
                    if spec in grants:
                        pace.granted(grants[spec])
                    else:
                        pace.take_back(reports[spec])
                if grants:
                    patience = now + min(grant.next_in for grant in grants.values())
            with suppress(TimeoutError):
                await asyncio.wait_for(stirred.wait(), GAP)
            stirred.clear()
