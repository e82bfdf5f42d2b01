"""The only event loop: takes a planned run out of the ledger, posts it, and records what that proved.

Three parts that share one loop:

- The **pump** alone talks to the ledger, through one thread. Each turn is one durable transaction that settles all
  outcomes known by then and claims the next messages (group commit). No message is posted before the transaction that
  claimed it is on the disk.
- ``concurrency`` **workers** take claimed messages, wait for the pace, post, and hand the outcome to the pump.
- :mod:`~msgspec_runner.dispatch.retry`, :mod:`~msgspec_runner.dispatch.breaker` and
  :mod:`~msgspec_runner.dispatch.pace` decide.

At most 2 x ``concurrency`` messages are ``sending`` at any moment, so a crash leaves no more in doubt, and none is
claimed more than :data:`HORIZON` before its turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Protocol, TypeVar

from msgspec_runner.dispatch.breaker import Breaker
from msgspec_runner.dispatch.clock import Bell, Clock, MonotonicClock
from msgspec_runner.dispatch.pace import Pace
from msgspec_runner.dispatch.progress import Progress, RunResult
from msgspec_runner.dispatch.retry import History, decide
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Ledger, Planned, RunStatus, Settlement, Totals
from msgspec_runner.model import Outcome, OutcomeKind, State

HORIZON = 0.1
"""Seconds before its turn that a message may be claimed; one that would wait twice as long is handed back."""

PAGE = 500
"""Planned messages read from the ledger at a time."""

_NOTHING = Outcome(OutcomeKind.UNSENT)
"""What a message without an attempt has to tell."""

T = TypeVar("T")


class Poster(Protocol):
    """What posts a body and says what that proved; :class:`~msgspec_runner.sociocs.client.Client` is one."""

    async def post(self, body: bytes) -> Outcome:
        """Post one body; may be cancelled, and is expected to raise nothing else."""
        ...


@dataclass(slots=True, eq=False)
class _Job:
    """A message between its first claim and its last settlement."""

    message: Planned
    attempts: int = 0
    unsent: int = 0
    throttled: int = 0
    first: float = 0.0
    """When its first attempt began."""
    excused: float = 0.0
    """Seconds that it waited because of 429."""
    excused_since: float | None = None
    """When such a wait began; None: it does not wait for that."""
    due: float = 0.0
    """When to try it again."""
    last: Outcome = _NOTHING
    """What its last attempt proved."""


class Dispatcher:
    """Carries out one planned run.

    Args:
        ledger: knows the run; its methods are called from a thread of the dispatcher's own, one at a time.
        poster: posts bodies.
        run_id: a run that was begun and planned in the ledger.
        concurrency: posts at once.
        rate: messages a second; None: as fast as the concurrency allows.
        clock: for tests.
        rand: returns random numbers in [0, 1), for the backoff's jitter.
        on_event: called in the event loop after each transaction; must be quick.
    """

    def __init__(
        self,
        ledger: Ledger,
        poster: Poster,
        run_id: str,
        *,
        concurrency: int = 10,
        rate: float | None = None,
        clock: Clock | None = None,
        rand: Callable[[], float] = random.random,
        on_event: Callable[[Progress], None] | None = None,
    ) -> None:
        self._ledger = ledger
        self._poster = poster
        self._run_id = run_id
        self._concurrency = concurrency
        self._clock = clock or MonotonicClock()
        self._rand = rand
        self._on_event = on_event
        self._pace = Pace(rate)
        self._breaker = Breaker()
        self._bell = Bell(self._clock)
        self._gate = Bell(self._clock)
        """Wakes the worker that waits for the pace, when the run stops."""
        self._turnstile = asyncio.Lock()
        self._backlog: deque[Planned] = deque()
        self._position = 0
        self._exhausted = False
        self._ready: asyncio.Queue[_Job] = asyncio.Queue()
        self._lined_up = 0
        """Claimed jobs that are not being posted yet."""
        self._posting = 0
        self._waiting: list[tuple[float, int, _Job]] = []
        self._order = count()
        self._outcomes: list[tuple[_Job, Settlement]] = []
        """Known, not recorded yet."""
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
        with ThreadPoolExecutor(1, thread_name_prefix="ledger") as thread:
            task = asyncio.ensure_future(self._run(thread))
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
        self._stop(None)

    def abort(self) -> None:
        """Give up what is in flight as in doubt and end the run now."""
        self._interrupted = True
        self._stop(None)
        for worker in self._workers:
            worker.cancel()

    # the run

    async def _run(self, thread: ThreadPoolExecutor) -> RunResult:
        self._workers = [asyncio.ensure_future(self._work()) for _ in range(self._concurrency)]
        try:
            await self._pump(thread)
        except LedgerError as error:
            await self._last_words(thread, error)
        finally:
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
        totals = await self._close(thread)
        if self._fault is not None:
            raise self._fault
        return RunResult(totals, self._reason, self._interrupted)

    async def _last_words(self, thread: ThreadPoolExecutor, error: LedgerError) -> None:
        """The ledger failed: send nothing new, let the flights land, and try once more to record them."""
        self._fault = error
        self._stop(str(error))
        while self._posting or self._lined_up:
            self._hand_back()
            await self._bell.wait(None)
        with contextlib.suppress(LedgerError):
            await self._commit(thread, ())

    async def _close(self, thread: ThreadPoolExecutor) -> Totals:
        status = RunStatus.FINISHED
        if self._reason is not None:
            status = RunStatus.STOPPED
        elif self._interrupted:
            status = RunStatus.INTERRUPTED
        try:
            return await self._in(thread, lambda: self._ledger.end(self._run_id, status, self._reason))
        except LedgerError:
            if self._fault is not None:
                raise self._fault from None
            raise

    def _stop(self, reason: str | None) -> None:
        """Claim and start nothing more. The first reason is the one that is told."""
        if reason is not None and self._reason is None:
            self._reason = self._note = reason
        self._stopping = True
        self._gate.ring()
        self._bell.ring()

    @staticmethod
    async def _in(thread: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, call)

    # the pump

    async def _pump(self, thread: ThreadPoolExecutor) -> None:
        """Claim and settle until nothing is left to do."""
        while True:
            if self._stopping:
                self._hand_back()
            elif not self._exhausted and len(self._backlog) < self._concurrency:
                await self._fetch(thread)
            now = self._clock.now()
            jobs = [] if self._stopping else self._next_jobs(now)
            if jobs or self._outcomes:
                await self._commit(thread, jobs)
            elif self._is_done():
                return
            else:
                await self._bell.wait(self._seconds_to_next(now))

    def _is_done(self) -> bool:
        if self._sending or self._waiting:
            return False
        return self._stopping or (self._exhausted and not self._backlog)

    async def _fetch(self, thread: ThreadPoolExecutor) -> None:
        page = await self._in(thread, lambda: self._ledger.pending(self._run_id, self._position, PAGE))
        self._exhausted = len(page) < PAGE
        if page:
            self._position = page[-1].position
            self._backlog.extend(page)

    def _next_jobs(self, now: float) -> list[_Job]:
        """Choose what to claim now: what is due for another attempt first, then what is new."""
        room = min(
            self._pace.allowance(now, HORIZON, self._concurrency) - self._lined_up,
            2 * self._concurrency - self._sending,
        )
        jobs: list[_Job] = []
        while len(jobs) < room and self._waiting and self._waiting[0][0] <= now:
            jobs.append(heapq.heappop(self._waiting)[2])
        # Waiting messages keep their places: an outage must not pull the whole plan into retry_wait.
        new = min(room, 2 * self._concurrency - self._sending - len(self._waiting)) - len(jobs)
        jobs.extend(_Job(self._backlog.popleft()) for _ in range(min(new, len(self._backlog))))
        return jobs

    def _seconds_to_next(self, now: float) -> float | None:
        """Seconds until the pump has to look again by itself; None: not before the bell rings."""
        if self._stopping:
            return None
        turn = now + max(0.0, self._pace.wait(now) - HORIZON)
        times = [turn] if self._backlog else []
        times += [max(turn, self._waiting[0][0])] if self._waiting else []
        # A time that has come already waits for room, and the bell rings when there is some.
        return min((time - now for time in times if time > now), default=None)

    async def _commit(self, thread: ThreadPoolExecutor, jobs: Sequence[_Job]) -> None:
        """Record all known outcomes and claim ``jobs`` in one transaction; then line up what was claimed."""
        outcomes = self._outcomes.copy()
        keys = [job.message.key for job in jobs]
        settlements = tuple(settlement for _, settlement in outcomes)
        claimed = await self._in(thread, lambda: self._ledger.commit(self._run_id, keys, settlements))
        del self._outcomes[: len(outcomes)]
        self._sending -= len(outcomes)
        for job, settlement in outcomes:
            if settlement.state is State.RETRY_WAIT:
                heapq.heappush(self._waiting, (job.due, next(self._order), job))
        for job in jobs:  # one that was not claimed belongs to another run
            if job.message.key in claimed:
                self._sending += 1
                self._lined_up += 1
                self._ready.put_nowait(job)
        self._tell(settlements)

    def _tell(self, settlements: tuple[Settlement, ...]) -> None:
        if self._on_event is not None:
            self._on_event(Progress(settlements, self._sending, len(self._waiting), self._pace.rate, self._note))
        self._note = None

    def _hand_back(self) -> None:
        """The run stops: what is not being posted was not sent, so it is planned again."""
        while not self._ready.empty():
            self._lined_up -= 1
            self._record(self._ready.get_nowait(), State.PLANNED)
        for _, _, job in self._waiting:
            self._sending += 1  # settled like the others, though the ledger holds it as retry_wait
            self._record(job, State.PLANNED)
        self._waiting.clear()

    # the workers

    async def _work(self) -> None:
        while True:
            job = await self._ready.get()
            if await self._take_turn(job):
                await self._post(job)

    async def _take_turn(self, job: _Job) -> bool:
        """Wait for the pace; return whether to post. If not, the job was handed back to the pump."""
        state = State.PLANNED
        try:
            async with self._turnstile:
                while not self._stopping:
                    now = self._clock.now()
                    wait = self._pace.take(now)
                    if not wait:
                        return True
                    if wait > 2 * HORIZON:
                        job.due = now + wait - HORIZON
                        job.excused_since = job.excused_since or now
                        state = State.RETRY_WAIT
                        break
                    await self._gate.wait(wait)
        except asyncio.CancelledError:
            self._lined_up -= 1
            self._record(job, State.PLANNED)
            raise
        self._lined_up -= 1
        self._record(job, state)
        return False

    async def _post(self, job: _Job) -> None:
        started = self._clock.now()
        if job.attempts == 0:
            job.first = started
        if job.excused_since is not None:
            job.excused += started - job.excused_since
            job.excused_since = None
        job.attempts += 1
        self._lined_up -= 1
        self._posting += 1
        try:
            outcome = await self._poster.post(job.message.body)
        except asyncio.CancelledError:
            self._record(job, State.IN_DOUBT, Outcome(OutcomeKind.IN_DOUBT, error="given up before the answer"))
            raise
        except Exception as error:  # noqa: BLE001 - a bug must not lose what happened to the message
            self._fault = self._fault or error
            outcome = Outcome(OutcomeKind.IN_DOUBT, error=f"bug in msgspec-runner: {type(error).__name__}")
            self._stop("a bug in msgspec-runner")
        finally:
            self._posting -= 1
        self._judge(job, outcome, started)

    def _judge(self, job: _Job, outcome: Outcome, started: float) -> None:
        """Decide what follows from an attempt, for the message and for the run."""
        now = self._clock.now()
        if outcome.kind is OutcomeKind.ACCEPTED:
            self._pace.accepted()
        elif outcome.kind is OutcomeKind.THROTTLED:
            job.throttled += 1
            job.excused_since = now
        elif outcome.kind is OutcomeKind.UNSENT:
            job.unsent += 1
        history = History(job.unsent, job.throttled, now - job.first - job.excused)
        decision = decide(outcome, history, now, self._rand())
        if decision.pause and decision.retry_at is not None:
            self._pace.pause(decision.retry_at)
            if self._pace.throttled(started, now):
                self._note = f"HTTP 429: waiting {decision.retry_at - now:.1f} s, then {self._pace.rate:.3g}/s"
        reason = decision.stop or self._breaker.observe(outcome, started, now)
        if reason is not None:
            self._stop(reason)
        job.due = decision.retry_at or now
        state = decision.state
        if state is State.RETRY_WAIT and self._stopping:
            state = State.PLANNED
        self._record(job, state, outcome)

    def _record(self, job: _Job, state: State, outcome: Outcome | None = None) -> None:
        """Hand an outcome to the pump; without one, the message's last still holds."""
        known = job.last = outcome or job.last
        settlement = Settlement(job.message.key, state, known.http_status, known.message_id, known.error, job.attempts)
        self._outcomes.append((job, settlement))
        self._bell.ring()
