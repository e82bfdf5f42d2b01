"""The only event loop: takes a planned run out of the ledger, posts it, and records what that proved.

Three parts that share one loop:

- The **pump** alone talks to the ledger, through one thread. Each turn is one durable transaction that settles all
  outcomes known by then (:mod:`.outcomes`) and claims the next messages (group commit). No message is posted before
  the transaction that claimed it is on the disk.
- ``concurrency`` **workers** take claimed messages when their turn comes (:mod:`.turns`), post, and hand the outcome to
  the pump.
- :mod:`.lanes`, :mod:`.pace`, :mod:`.delivery`, :mod:`.retry` and :mod:`.breaker` decide.

At most 2 x ``concurrency`` messages are ``sending`` at any moment, so a crash leaves no more in doubt, and none is
claimed more than :data:`~msgspec_runner.dispatch.lanes.HORIZON` before its turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime
from functools import partial

from msgspec_runner.boottime import boot_time
from msgspec_runner.dispatch.breaker import Breaker
from msgspec_runner.dispatch.clock import Bell, Clock, MonotonicClock
from msgspec_runner.dispatch.delivery import is_too_late, posting
from msgspec_runner.dispatch.job import Job
from msgspec_runner.dispatch.lanes import Lane, Lanes
from msgspec_runner.dispatch.ledger_thread import LedgerThread
from msgspec_runner.dispatch.outcomes import Outcomes
from msgspec_runner.dispatch.poster import Poster
from msgspec_runner.dispatch.progress import Progress, RunResult
from msgspec_runner.dispatch.retry import decide
from msgspec_runner.dispatch.turns import Turns
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.leases import LEASE
from msgspec_runner.ledger.ledger import RunLedger, RunStatus, Settlement, Totals
from msgspec_runner.ledger.rows import utc_now
from msgspec_runner.model import Outcome, OutcomeKind, State

PAGE = 500
"""Planned messages read from the ledger at a time."""

_SHORTEST_NAP = 0.001
"""Seconds: a shorter one may be lost in the rounding of a clock, and be slept again and again."""


class Dispatcher:
    """Carries out one planned run.

    Args:
        ledger: knows the run; its methods may wait for the disk, so they are called from a thread.
        poster: posts bodies.
        run_id: a run that was begun and planned in the ledger.
        concurrency: posts at once.
        rate: messages a second; None: as fast as the concurrency allows.
        rates: messages a second of specs that have a rate of their own.
        clock: for tests.
        wall: returns the time of day, aware; for tests.
        rand: returns random numbers in [0, 1), for the backoff's jitter.
        on_event: called in the event loop after each transaction; must be quick.
        executor: where the ledger's methods are called, one at a time; shut down with the run. None: a thread.
        lanes: in whose order messages go, instead of ``rate`` and ``rates``.
        lease: seconds from just before a claim in which its post has to leave. A process that stood still for longer
            (a suspended machine) may have been taken for dead, and its claims may be another's by now.
        boot: tells the time for leases; for tests.
        breaker: has seen the run's earlier outcomes; None: there were none.

    Attributes:
        posting: posts under way.
    """

    def __init__(
        self,
        ledger: RunLedger,
        poster: Poster,
        run_id: str,
        *,
        concurrency: int = 10,
        rate: float | None = None,
        rates: Mapping[str, float] | None = None,
        clock: Clock | None = None,
        wall: Callable[[], datetime] = utc_now,
        rand: Callable[[], float] = random.random,
        on_event: Callable[[Progress], None] | None = None,
        executor: Executor | None = None,
        lanes: Lanes | None = None,
        lease: float = LEASE,
        boot: Callable[[], float] = boot_time,
        breaker: Breaker | None = None,
    ) -> None:
        self._ledger = ledger
        self._poster = poster
        self._run_id = run_id
        self._concurrency = concurrency
        self._clock = clock or MonotonicClock()
        self._wall = wall
        self._rand = rand
        self._on_event = on_event
        self._executor = executor or ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._thread = LedgerThread(self._executor, self._say)
        self._lease = lease
        self._boot = boot
        self._lanes = lanes or Lanes(rate, rates or {}, concurrency)
        self._pace = self._lanes.pace
        self._breaker = breaker or Breaker()
        self._bell = Bell(self._clock)
        self._turns = Turns(
            self._lanes,
            self._clock,
            is_over=lambda: self._stopping,
            is_too_old=self._is_too_old,
            on_taken=self._taken,
            on_postponed=lambda job: self._record(job, State.RETRY_WAIT),
        )
        self.posting = 0
        self._expired = 0
        self._outcomes = Outcomes()
        self._batch = max(1, concurrency // 2)
        """Outcomes that are worth a transaction: the other half of what is claimed ahead keeps the workers busy."""
        self._sending = 0
        """Jobs that the ledger holds as ``sending``."""
        self._workers: list[asyncio.Task[None]] = []
        self._stopping = False
        self._interrupted = False
        self._reason: str | None = None
        self._note: str | None = None
        self._fault: Exception | None = None

    async def run(self) -> RunResult:
        """Post everything that is planned, record it, and close the run in the ledger. To be called once.

        If it is cancelled, the posts in flight are given up as in doubt, recorded, and the run is closed.

        Raises:
            LedgerError: the ledger cannot be written. Nothing new was sent from then on; what had been sent and could
                not be recorded is ``sending`` in the ledger and becomes in doubt with the next ``send``.
        """
        with self._executor:
            task = asyncio.ensure_future(self._run())
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                self.abort()
                while not task.done():  # bounded: nothing of the network is waited for any more
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.wait({task})
                if not task.cancelled():
                    task.exception()
                raise

    def request_stop(self) -> None:
        """Finish what is in flight, claim nothing more. For a signal handler in the loop; the second call aborts."""
        if self._interrupted:
            self.abort()
            return
        self._interrupted = True
        self.stop(None)
        self._say(f"stopping: {self.posting} in flight, finished first; once more gives them up as in doubt")

    def abort(self) -> None:
        """Give up what is in flight as in doubt and end the run now."""
        self._interrupted = True
        self.stop(None)
        for worker in self._workers:
            worker.cancel()

    # the run

    async def _run(self) -> RunResult:
        self._workers = [asyncio.ensure_future(self._work()) for _ in range(self._concurrency)]
        dealer = asyncio.ensure_future(self._deal())
        try:
            await self._pump()
        except LedgerError as error:
            await self._last_words(error)
        finally:
            for task in (dealer, *self._workers):
                task.cancel()
            await asyncio.gather(dealer, *self._workers, return_exceptions=True)
        totals = await self._close()
        if self._fault is not None:
            raise self._fault
        return RunResult(totals, self._reason, self._interrupted, self._expired)

    async def _last_words(self, error: LedgerError) -> None:
        """The ledger failed: send nothing new, let the flights land, and try once more to record them."""
        self._fault = error
        self.stop(str(error))
        while self.posting or self._lanes.lined_up:
            self._hand_back()
            await self._bell.wait(None)
        with contextlib.suppress(LedgerError):
            await self._commit(())

    async def _close(self) -> Totals:
        status = RunStatus.FINISHED
        if self._reason is not None:
            status = RunStatus.STOPPED
        elif self._interrupted:
            status = RunStatus.INTERRUPTED
        try:
            return await self._thread.ask(lambda: self._ledger.end(self._run_id, status, self._reason))
        except LedgerError:
            if self._fault is not None:
                raise self._fault from None
            raise

    def stop(self, reason: str | None) -> None:
        """Claim and start nothing more, and end the run. The first reason is the one that is told; None: none is."""
        if reason is not None and self._reason is None:
            self._reason = self._note = reason
        self._stopping = True
        self._bell.ring()
        self._turns.announce()

    def _say(self, note: str) -> None:
        self._note = note
        self._tell(())

    # the pump

    async def _pump(self) -> None:
        """Claim and settle until nothing is left to do."""
        while True:
            if self._stopping:
                self._hand_back()
            elif (lane := self._lanes.hungry()) is not None:
                await self._fetch(lane)
            now = self._clock.now()
            patience = self._outcomes.patience(now)
            if not self._is_ripe() and (patience is None or patience >= _SHORTEST_NAP):
                await self._bell.wait(patience)
                continue
            jobs = [] if self._stopping else self._next_jobs(now)
            if jobs or self._outcomes:
                await self._commit(jobs)
            elif self._is_done():
                return
            elif self._stopping or self._lanes.hungry() is None:
                seconds = None if self._stopping else self._lanes.seconds_to_next(now)
                await self._bell.wait(seconds and max(seconds, _SHORTEST_NAP))

    def _is_done(self) -> bool:
        if self._sending or self._lanes.waiting:
            return False
        return self._stopping or self._lanes.is_empty

    def _is_ripe(self) -> bool:
        """Say whether a transaction should not wait for company."""
        idle = self.posting + self._lanes.lined_up < self._concurrency
        settle, claim = len(self._outcomes), 2 * self._concurrency - self._sending
        return self._stopping or idle or max(settle, claim) >= self._batch

    async def _fetch(self, lane: Lane) -> None:
        start = lane.position
        page = await self._thread.ask(lambda: self._ledger.pending(self._run_id, start, PAGE))
        self._lanes.feed(start, page, last=len(page) < PAGE)

    def _next_jobs(self, now: float) -> list[Job]:
        """Choose what to claim now; what has become too late stays planned, for the next ``send`` to skip."""
        wall = self._wall()
        self._expired += self._lanes.drop(lambda message: is_too_late(message.body, message.delivery, wall))
        return self._lanes.choose(now, self._sending - len(self._outcomes))  # settled in the transaction that claims

    async def _commit(self, jobs: Sequence[Job]) -> None:
        """Record all known outcomes and claim ``jobs`` in one transaction; then line up what was claimed."""
        outcomes = self._outcomes.all()
        keys = [job.message.key for job in jobs]
        settlements = tuple(settlement for _, settlement in outcomes)
        not_after = self._boot() + self._lease
        claimed = await self._thread.ask(lambda: self._ledger.commit(self._run_id, keys, settlements))
        self._outcomes.forget(len(outcomes))
        self._sending -= len(outcomes)
        for job, settlement in outcomes:
            if settlement.state is State.RETRY_WAIT:
                self._lanes.wait(job)
        for job in jobs:  # one that was not claimed belongs to another run
            if job.message.key in claimed:
                self._sending += 1
                job.not_after = not_after
                self._lanes.line_up(job)
            elif job.due and self._stopping:  # or the run is held, and what waited is still ours: to be handed back
                self._lanes.wait(job)
        self._turns.announce()
        self._tell(settlements)

    def _tell(self, settlements: tuple[Settlement, ...]) -> None:
        if self._on_event is not None:
            self._on_event(Progress(settlements, self._sending, self._lanes.waiting, self._pace.rate, self._note))
        self._note = None

    def _hand_back(self) -> None:
        """The run stops: what is not being posted was not sent, so it is planned again."""
        claimed, waiting = self._lanes.clear()
        self._sending += len(waiting)  # settled like the others, though the ledger holds them as retry_wait
        for job in (*claimed, *waiting):
            self._record(job, State.PLANNED)

    # the workers

    async def _work(self) -> None:
        while True:
            job = await self._turns.next()
            try:
                await self._post(job)
            except Exception as error:  # noqa: BLE001 - a bug must not leave the run waiting for this job for ever
                self._stop_for(error)
                if job not in self._outcomes:
                    state = State.IN_DOUBT if job.attempts else State.PLANNED
                    self._outcomes.add(job, job.settlement(state), self._clock.now())
                    self._bell.ring()

    async def _deal(self) -> None:
        try:
            await self._turns.deal()
        except Exception as error:  # noqa: BLE001 - a bug must not leave the workers waiting for ever
            self._stop_for(error)

    def _stop_for(self, bug: Exception) -> None:
        self._fault = self._fault or bug
        self.stop("a bug in msgspec-runner")

    def _taken(self) -> None:
        if self._lanes.lined_up < self._batch:
            self._bell.ring()  # there is a place in the line

    async def _post(self, job: Job) -> None:
        message = job.message
        try:
            wanted = posting(message.body, message.delivery, self._wall())
        except Exception as error:  # noqa: BLE001 - whatever somebody wrote there, or a newer version; it was not sent
            self.stop(
                f"the message with key {message.key[:12]} ({message.spec}) cannot be sent as the ledger has it: its "
                f"body or its delivery rules are damaged, or of a newer version ({type(error).__name__})"
            )
            self._record(job, State.PLANNED)
            return
        if wanted is None:
            self._expired += 1
            self._record(job, State.PLANNED)
            return
        if self._is_too_old(job):
            job.due = self._clock.now()
            self._record(job, State.RETRY_WAIT)  # to be claimed again, if it is still ours
            return
        job.begin(self._clock.now(), wanted.scheduled_for)
        self.posting += 1
        try:
            outcome = await self._poster.post(wanted.body, partial(self._turns.leave, job))
        except asyncio.CancelledError:
            job.last = Outcome(OutcomeKind.IN_DOUBT, error="given up before the answer")
            self._record(job, State.IN_DOUBT)
            raise
        except Exception as error:  # noqa: BLE001 - a bug must not lose what happened to the message
            self._stop_for(error)
            outcome = Outcome(OutcomeKind.IN_DOUBT, error=f"bug in msgspec-runner: {type(error).__name__}")
        finally:
            self.posting -= 1
        if job.kept:
            self._record(job, State.PLANNED if self._stopping else State.RETRY_WAIT)
            return
        self._judge(job, outcome, job.began)

    def _is_too_old(self, job: Job) -> bool:
        return self._boot() >= job.not_after

    def _judge(self, job: Job, outcome: Outcome, started: float) -> None:
        """Decide what follows from an attempt, for the message and for the run."""
        now = self._clock.now()
        if outcome.kind is OutcomeKind.ACCEPTED:
            self._pace.accepted(started, now)
        decision = decide(outcome, job.learn(outcome, now), now, self._rand())
        if decision.retry_at is not None:
            job.due = job.first if decision.pause else decision.retry_at  # after a pause the oldest goes first
            if decision.pause:
                self._slow_down(decision.retry_at, started, now)
        reason = decision.stop or self._breaker.observe(outcome)
        if reason is not None:
            self.stop(reason)
        self._record(job, State.PLANNED if self._stopping and decision.retry_at is not None else decision.state)

    def _slow_down(self, until: float, started: float, now: float) -> None:
        for job in self._lanes.pause(until, now):
            self._record(job, State.RETRY_WAIT)
        if self._pace.throttled(started, now):
            rate = self._pace.slowed
            then = "" if rate is None else f", then {rate:.3g}/s"
            self._note = f"HTTP 429: waiting {until - now:.1f} s{then}"

    def _record(self, job: Job, state: State) -> None:
        """Hand what is known of a job to the pump."""
        settlement = job.settlement(state)
        self._outcomes.add(job, settlement, self._clock.now())
        self._ledger.remember(self._run_id, settlement)
        if len(self._outcomes) == 1 or self._is_ripe():
            self._bell.ring()
