"""The dispatcher with a real SQLite ledger, a scripted transport and a clock that jumps."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import heapq
import json
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, time, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.dispatch.delivery import Rules, Window, written
from msgspec_runner.dispatch.dispatcher import PAGE, Dispatcher
from msgspec_runner.dispatch.progress import Progress, RunResult
from msgspec_runner.dispatch.retry import MAX_ATTEMPTS, MAX_ELAPSED
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Record, Run, RunStatus, Settlement
from msgspec_runner.ledger.sqlite import SqliteLedger
from msgspec_runner.model import Message, Outcome, OutcomeKind, State
from msgspec_runner.templates.problems import Refusal

RUN = "20310102-120000-test"
ACCEPTED = Outcome(OutcomeKind.ACCEPTED, http_status=200, message_id="65f0c0ff")
REJECTED = Outcome(OutcomeKind.REJECTED, http_status=200, error="Invalid number.")
UNSENT = Outcome(OutcomeKind.UNSENT, error="no connection to the API")
IN_DOUBT = Outcome(OutcomeKind.IN_DOUBT, http_status=500, error="HTTP 500: the API is in trouble")
STOP = Outcome(OutcomeKind.STOP, http_status=401, error="HTTP 401: the API refused the key")
START = datetime(2031, 1, 2, 12, tzinfo=UTC)
"""When each run begins."""

T = TypeVar("T")
Script = Callable[[int], Outcome | Awaitable[Outcome]]


def throttled(retry_after: float | None = None) -> Outcome:
    return Outcome(OutcomeKind.THROTTLED, http_status=429, error="HTTP 429", retry_after=retry_after)


class JumpingClock:
    """Time passes only when everybody sleeps: then it jumps to whoever wakes first."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.time + seconds, next(self._order), woken))
        await woken

    async def drive(self) -> None:
        while True:
            for _ in range(15):
                await asyncio.sleep(0)
            while self._sleepers and self._sleepers[0][2].done():
                heapq.heappop(self._sleepers)
            if self._sleepers:
                when, _, woken = heapq.heappop(self._sleepers)
                self.time = max(self.time, when)
                woken.set_result(None)


class AtOnce(Executor):
    """Calls the ledger at once, so that no time passes while it works and each test runs in one order only."""

    def submit(self, fn: Callable[..., T], /, *args: object, **kwargs: object) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except LedgerError as error:
            future.set_exception(error)
        return future


class World:
    """A planned run, a transport that follows a script, and what happened."""

    def __init__(
        self,
        folder: Path,
        messages: int,
        script: Script,
        *,
        concurrency: int = 4,
        spec_of: Callable[[int], str] = lambda _: "spec",
        delivery_of: Callable[[int], Rules] = lambda _: Rules(),
        **options: object,
    ) -> None:
        self.path = folder / "ledger.db"
        self.path.touch()
        self.ledger = SqliteLedger(self.path)
        self.clock = JumpingClock()
        self.script = script
        self.posts: list[tuple[int, float]] = []
        self.schedules: dict[int, str | None] = {}
        self.events: list[Progress] = []
        self.event_times: list[float] = []
        self.options = {"concurrency": concurrency, "rand": lambda: 0.5, **options}
        self.keys = [hashlib.sha256(b"%d" % row).hexdigest() for row in range(1, messages + 1)]
        self.ledger.begin(Run(RUN, "sandbox"))
        self.ledger.plan(
            RUN,
            [
                Message(
                    *(key, "", spec_of(row), 1, row, f"+1617555{row:04}", b'{"row":%d}' % row, "digest"),
                    delivery=written(delivery_of(row)),
                )
                for row, key in enumerate(self.keys, 1)
            ],
        )

    async def post(self, body: bytes) -> Outcome:
        fields = json.loads(body)
        row = fields["row"]
        self.posts.append((row, self.clock.time))
        self.schedules[row] = fields.get("schedule")
        outcome = self.script(row)
        if isinstance(outcome, Outcome):
            await asyncio.sleep(0)
            return outcome
        return await outcome

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.clock.time - 1000.0)

    def see(self, event: Progress) -> None:
        self.events.append(event)
        self.event_times.append(self.clock.time)

    def dispatcher(self, ledger: SqliteLedger | None = None) -> Dispatcher:
        return Dispatcher(
            ledger or self.ledger,
            self,
            RUN,
            clock=self.clock,
            wall=self.wall,
            on_event=self.see,
            executor=AtOnce(),
            **self.options,  # type: ignore[arg-type]
        )

    def run(self, main: Callable[[Dispatcher], Awaitable[RunResult]] = Dispatcher.run) -> RunResult:
        return self.run_with(self.dispatcher(), main)

    def run_with(
        self, dispatcher: Dispatcher, main: Callable[[Dispatcher], Awaitable[RunResult]] = Dispatcher.run
    ) -> RunResult:
        async def everything() -> RunResult:
            driver = asyncio.ensure_future(self.clock.drive())
            try:
                return await main(dispatcher)
            finally:
                driver.cancel()

        return asyncio.run(everything())

    def records(self) -> dict[int, Record]:
        return {record.row: record for record in self.ledger.messages(run=RUN)}

    def states(self) -> Counter[State]:
        return Counter(record.state for record in self.records().values())

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """What another process sees: only what was committed."""
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql).fetchall()

    def run_status(self) -> RunStatus:
        run = self.ledger.run(RUN)
        assert run is not None
        return run.status


Make = Callable[..., World]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Make]:
    worlds: list[World] = []

    def make(messages: int, script: Script, **options: object) -> World:
        worlds.append(World(tmp_path, messages, script, **options))  # type: ignore[arg-type]
        return worlds[-1]

    yield make
    for made in worlds:
        made.ledger.close()


def in_turn(*outcomes: Outcome) -> Script:
    """Each message gets these outcomes one after the other, then acceptance."""
    tries: Counter[int] = Counter()

    def script(row: int) -> Outcome:
        tries[row] += 1
        return outcomes[tries[row] - 1] if tries[row] <= len(outcomes) else ACCEPTED

    return script


def test_everything_is_posted_once_and_recorded(world: Make) -> None:
    w = world(PAGE * 2 + 7, lambda _: ACCEPTED)
    result = w.run()
    assert result.stopped_reason is None
    assert not result.interrupted
    assert result.totals.accepted == result.totals.total == PAGE * 2 + 7
    assert Counter(row for row, _ in w.posts) == Counter(range(1, PAGE * 2 + 8))
    record = w.records()[3]
    assert (record.message_id, record.http_status, record.error, record.attempts) == ("65f0c0ff", 200, None, 1)
    assert w.run_status() is RunStatus.FINISHED


def test_nothing_to_do_is_done(world: Make) -> None:
    assert world(0, lambda _: ACCEPTED).run().totals.total == 0


def test_the_intent_is_on_the_disk_before_the_post(world: Make) -> None:
    def script(row: int) -> Outcome:
        assert w.query(f"SELECT state FROM messages WHERE row = {row}") == [("sending",)]
        return ACCEPTED

    w = world(30, script)
    assert w.run().totals.accepted == 30


@pytest.mark.parametrize("rate", [None, 50.0])
def test_a_crash_at_any_post_would_leave_at_most_twice_the_concurrency_in_doubt(
    world: Make, rate: float | None
) -> None:
    seen = []

    def script(row: int) -> Outcome:
        seen.append(w.query("SELECT count(*) FROM messages WHERE state = 'sending'")[0][0])
        return ACCEPTED

    w = world(100, script, concurrency=3, rate=rate)
    w.run()
    assert max(seen) <= 6


@pytest.mark.parametrize("concurrency", [1, 3, 50])
def test_no_transaction_claims_more_than_may_be_posted_at_once(tmp_path: Path, world: Make, concurrency: int) -> None:
    claims: list[int] = []

    class Counting(SqliteLedger):
        def commit(self, run_id: str, keys: Sequence[str], settlements: Sequence[Settlement]) -> set[str]:
            claims.append(len(keys))
            return super().commit(run_id, keys, settlements)

    w = world(200, lambda _: ACCEPTED, concurrency=concurrency)
    w.ledger.close()
    with contextlib.closing(Counting(w.path)) as ledger:
        ledger.recover()  # the run of the first connection is dead now; plan it again here
        ledger.begin(Run(RUN + "2", "sandbox"))
        ledger.plan(
            RUN + "2",
            [Message(key, "", "s", 1, row, "+1", b'{"row":%d}' % row, "d") for row, key in enumerate(w.keys, 1)],
        )
        dispatcher = Dispatcher(ledger, w, RUN + "2", concurrency=concurrency, clock=w.clock, executor=AtOnce())
        assert w.run_with(dispatcher).totals.accepted == 200
    assert sum(claims) == 200
    assert max(claims) <= concurrency


def test_a_slow_pace_claims_nothing_long_before_its_turn(world: Make) -> None:
    def script(row: int) -> Outcome:
        assert w.query("SELECT count(*) FROM messages WHERE state = 'sending'") == [(1,)]
        return ACCEPTED

    w = world(5, script, concurrency=10, rate=1.0)
    assert w.run().totals.accepted == 5
    assert w.posts[-1][1] - w.posts[0][1] == pytest.approx(4.0)


def test_the_rate_holds_across_the_workers(world: Make) -> None:
    w = world(120, lambda _: ACCEPTED, concurrency=10, rate=30.0)
    assert w.run().totals.accepted == 120
    times = [time for _, time in w.posts]
    for start in times:
        assert sum(start <= time < start + 1 for time in times) <= 33
    assert times[-1] - times[0] == pytest.approx(119 / 30, rel=0.1)


def test_a_slow_api_does_not_slow_the_pace(world: Make) -> None:
    async def answer_late() -> Outcome:
        await w.clock.sleep(20.0)
        return ACCEPTED

    w = world(10, lambda _: answer_late(), concurrency=10, rate=1.0)
    assert w.run().totals.accepted == 10
    assert w.posts[-1][1] - w.posts[0][1] == pytest.approx(9.0)


def test_a_rejection_is_recorded_and_the_run_goes_on(world: Make) -> None:
    w = world(6, lambda row: REJECTED if row == 2 else ACCEPTED)
    assert w.run().totals.accepted == 5
    record = w.records()[2]
    assert (record.state, record.http_status, record.error) == (State.REJECTED, 200, "Invalid number.")


def test_twenty_rejections_alike_stop_the_run(world: Make) -> None:
    w = world(100, lambda _: REJECTED)
    result = w.run()
    assert "20 messages in a row were rejected alike" in (result.stopped_reason or "")
    assert 20 <= result.totals.rejected <= 23
    assert result.totals.planned == 100 - result.totals.rejected
    assert w.run_status() is RunStatus.STOPPED


def test_a_refused_key_stops_the_run_and_leaves_the_rest_planned(world: Make) -> None:
    w = world(50, lambda _: STOP)
    result = w.run()
    assert result.stopped_reason == "HTTP 401: the API refused the key"
    assert result.totals.planned == 50
    assert len(w.posts) <= 4
    assert w.run_status() is RunStatus.STOPPED


def test_an_outage_puts_few_messages_in_doubt(world: Make) -> None:
    w = world(1000, lambda _: IN_DOUBT)
    result = w.run()
    assert 5 <= result.totals.in_doubt <= 5 + 3
    assert result.totals.planned == 1000 - result.totals.in_doubt
    assert len({row for row, _ in w.posts}) == len(w.posts), "nothing in doubt is ever posted again"


def test_what_is_proven_unsent_is_tried_again(world: Make) -> None:
    w = world(10, in_turn(UNSENT, UNSENT))
    result = w.run()
    assert result.totals.accepted == 10
    assert {record.attempts for record in w.records().values()} == {3}


def test_what_stays_unsent_stops_the_run_and_is_planned_again(world: Make) -> None:
    waiting = []

    def script(row: int) -> Outcome:
        waiting.append(w.query("SELECT count(*) FROM messages WHERE state = 'retry_wait'")[0][0])
        return UNSENT

    w = world(100, script)
    result = w.run()
    assert result.stopped_reason == "no connection to the API (6 attempts in 8 s)"
    assert result.totals.planned == 100
    assert max(Counter(row for row, _ in w.posts).values()) == MAX_ATTEMPTS
    assert w.posts[-1][1] - w.posts[0][1] <= MAX_ELAPSED
    assert max(waiting) <= 8, "an outage does not pull the whole plan into retry_wait"
    assert w.records()[1].error == "no connection to the API"


def test_a_429_pauses_the_whole_run_for_as_long_as_the_api_says(world: Make) -> None:
    tries: Counter[int] = Counter()

    def script(row: int) -> Outcome:
        tries[row] += 1
        return throttled(retry_after=30.0) if row == 5 and tries[5] == 1 else ACCEPTED

    w = world(40, script)
    result = w.run()
    assert result.totals.accepted == 40
    told = next(time for row, time in w.posts if row == 5)
    assert not [time for _, time in w.posts if told < time < told + 30.0]
    assert any("HTTP 429: waiting 30.0 s" in (event.note or "") for event in w.events)


def test_in_a_long_pause_nothing_is_left_sending(world: Make) -> None:
    def script(row: int) -> Outcome | Awaitable[Outcome]:
        if row == 1 and len(w.posts) <= 4:
            return throttled(retry_after=600.0)
        return ACCEPTED

    w = world(40, script)
    assert w.run().totals.accepted == 40
    in_pause = [event for event, time in zip(w.events, w.event_times, strict=True) if time < 1500.0]
    assert in_pause[-1].sending == 0


def test_waits_for_429_are_not_counted_as_attempts_while_others_get_through(world: Make) -> None:
    tries: Counter[int] = Counter()

    def script(row: int) -> Outcome:
        tries[row] += 1
        return throttled(1.0) if row == 1 and tries[1] <= 10 else ACCEPTED

    w = world(200, script, concurrency=2)
    assert w.run().totals.accepted == 200
    assert w.records()[1].attempts == 11


def test_an_api_that_throttles_everything_stops_the_run(world: Make) -> None:
    w = world(3, lambda _: throttled(20.0))
    result = w.run()
    assert "429 6 times in a row" in (result.stopped_reason or "")
    assert result.totals.planned == 3
    assert max(Counter(row for row, _ in w.posts).values()) <= MAX_ATTEMPTS


def test_the_429_slows_the_run_down(world: Make) -> None:
    tries: Counter[int] = Counter()

    def script(row: int) -> Outcome:
        tries[row] += 1
        return throttled(1.0) if row % 20 == 0 and tries[row] == 1 else ACCEPTED

    w = world(60, script, concurrency=5, rate=100.0)
    assert w.run().totals.accepted == 60
    assert min(event.rate or 0 for event in w.events) <= 50.0


def test_a_requested_stop_finishes_what_is_in_flight(world: Make) -> None:
    async def main(dispatcher: Dispatcher) -> RunResult:
        async def answer_late() -> Outcome:
            dispatcher.request_stop()
            for _ in range(50):
                await asyncio.sleep(0)
            return ACCEPTED

        w.script = lambda row: answer_late() if row == 10 else ACCEPTED
        return await dispatcher.run()

    w = world(100, lambda _: ACCEPTED)
    result = w.run(main)
    assert result.interrupted
    assert result.stopped_reason is None
    assert w.records()[10].state is State.ACCEPTED
    assert result.totals.accepted == len(w.posts) < 20
    assert result.totals.planned == 100 - len(w.posts)
    assert w.run_status() is RunStatus.INTERRUPTED


async def never() -> Outcome:
    await asyncio.Event().wait()
    return ACCEPTED


def test_a_second_stop_gives_up_what_is_in_flight_as_in_doubt(world: Make) -> None:
    async def main(dispatcher: Dispatcher) -> RunResult:
        running = asyncio.ensure_future(dispatcher.run())
        while len(w.posts) < 4:
            await asyncio.sleep(0)
        dispatcher.request_stop()
        dispatcher.request_stop()
        return await running

    w = world(100, lambda _: never())
    result = w.run(main)
    assert result.interrupted
    assert (result.totals.in_doubt, result.totals.planned) == (4, 96)
    assert w.records()[1].error == "given up before the answer"


def test_a_cancelled_run_is_recorded_and_closed(world: Make) -> None:
    async def main(dispatcher: Dispatcher) -> RunResult:
        running = asyncio.ensure_future(dispatcher.run())
        while len(w.posts) < 4:
            await asyncio.sleep(0)
        running.cancel()
        return await running

    w = world(100, lambda _: never())
    with pytest.raises(asyncio.CancelledError):
        w.run(main)
    assert w.states() == {State.IN_DOUBT: 4, State.PLANNED: 96}
    assert w.run_status() is RunStatus.INTERRUPTED


def test_a_stop_wakes_who_waits_for_the_pace_or_for_a_retry(world: Make) -> None:
    async def main(dispatcher: Dispatcher) -> RunResult:
        running = asyncio.ensure_future(dispatcher.run())
        while not w.events or not w.events[-1].waiting:
            await asyncio.sleep(0)
        dispatcher.request_stop()
        return await running

    w = world(20, lambda row: throttled(800.0) if row == 1 else ACCEPTED, rate=2.0)
    result = w.run(main)
    assert result.totals.planned + result.totals.accepted == 20
    assert result.totals.planned >= 15


def test_a_bug_in_the_transport_leaves_the_message_in_doubt_and_is_raised(world: Make) -> None:
    def script(row: int) -> Outcome:
        if row == 3:
            raise ZeroDivisionError
        return ACCEPTED

    w = world(100, script)
    with pytest.raises(ZeroDivisionError):
        w.run()
    record = w.records()[3]
    assert (record.state, record.error) == (State.IN_DOUBT, "bug in msgspec-runner: ZeroDivisionError")
    assert w.states()[State.PLANNED] > 80
    assert w.run_status() is RunStatus.STOPPED


class FullDisk(SqliteLedger):
    """Fails to write from the given commit on, for as many commits as given."""

    first, failures = 3, 1

    def commit(self, run_id: str, claims: Sequence[str], settlements: Sequence[Settlement]) -> set[str]:
        self.first -= 1
        if self.first <= 0 and self.failures > 0:
            self.failures -= 1
            raise LedgerError("the disk is full")
        return super().commit(run_id, claims, settlements)


@pytest.mark.parametrize("failures", [1, 1000])
def test_a_ledger_that_fails_stops_the_run(world: Make, failures: int) -> None:
    w = world(100, lambda _: ACCEPTED)
    w.ledger.close()
    ledger = FullDisk(w.path)
    ledger.failures = failures
    # The run of the first connection is dead now; plan it again here.
    ledger.recover()
    ledger.begin(Run(RUN + "2", "sandbox"))
    messages = [Message(key, "", "s", 1, row, "+1", b'{"row":%d}' % row, "d") for row, key in enumerate(w.keys, 1)]
    assert ledger.plan(RUN + "2", messages) == 100
    dispatcher = Dispatcher(ledger, w, RUN + "2", concurrency=4, clock=w.clock, executor=AtOnce())
    with pytest.raises(LedgerError, match="the disk is full"):
        w.run_with(dispatcher)
    totals = ledger.totals(RUN + "2")
    assert len(w.posts) <= 8, "nothing new is sent once the ledger fails"
    assert totals.planned == 100 - len(w.posts)
    if failures == 1:
        assert totals.accepted == len(w.posts)
    else:
        assert totals.in_doubt > 0
        assert totals.accepted + totals.in_doubt == len(w.posts)
    ledger.close()


def test_what_another_run_claimed_is_not_posted(world: Make) -> None:
    taken: set[str] = set()

    def script(row: int) -> Outcome:
        if row == 1:
            taken.update(w.ledger.claim(RUN, w.keys[50:60]))
        return ACCEPTED

    w = world(100, script)
    w.run()
    assert len(taken) == 10
    assert {row for row, _ in w.posts} == set(range(1, 101)) - set(range(51, 61))


def test_progress_tells_every_settlement_once(world: Make) -> None:
    w = world(50, in_turn(UNSENT))
    w.run()
    told = Counter((s.key, s.state) for event in w.events for s in event.settled)
    assert told == Counter((key, state) for key in w.keys for state in (State.RETRY_WAIT, State.ACCEPTED))
    assert w.events[-1].sending == w.events[-1].waiting == 0


# specs with rates of their own


def most_in_a_second(times: Sequence[float]) -> int:
    return max(sum(start <= time < start + 1 for time in times) for start in times)


@pytest.mark.parametrize("concurrency", [1, 4, 20])
@pytest.mark.parametrize("run_rate", [None, 40.0])
def test_a_specs_rate_holds_for_its_messages_and_keeps_no_others_up(
    world: Make, concurrency: int, run_rate: float | None
) -> None:
    async def answer() -> Outcome:
        await w.clock.sleep(0.01)
        return ACCEPTED

    w = world(
        300,
        lambda _: answer(),
        concurrency=concurrency,
        rate=run_rate,
        rates={"slow": 2.0, "brisk": 10.0},
        spec_of=lambda row: "slow" if row <= 20 else "brisk" if row <= 100 else "free",
    )
    assert w.run().totals.accepted == 300
    slow, brisk, free = (
        [time for row, time in w.posts if row in rows] for rows in (range(21), range(21, 101), range(101, 301))
    )
    assert most_in_a_second(slow) <= 3  # of 2/s, a second that begins with a message holds one more
    assert most_in_a_second(brisk) <= 11
    assert run_rate is None or most_in_a_second([time for _, time in w.posts]) <= 44
    for times, shortest in ((slow, 19 / 2.0), (brisk, 79 / 10.0)):
        late = 1.25 if run_rate or concurrency == 1 else 1.1  # when its turn comes, another's may be under way
        assert shortest * 0.999 <= times[-1] - times[0] <= shortest * late
    alone = 200 / (run_rate - 12.0 if run_rate else 100.0 * concurrency)
    assert free[-1] - free[0] < alone * 1.3 + 0.5, "it did not wait for the others"
    for rows in (range(1, 21), range(21, 101)):
        posted = [row for row, _ in w.posts if row in rows]
        assert posted == sorted(posted), "within a spec the order is that of the plan"


def test_a_slow_spec_of_many_pages_is_passed_over_without_being_held_in_memory(world: Make) -> None:
    rows = PAGE * 3
    w = world(
        rows + 20, lambda _: ACCEPTED, rates={"slow": 1000.0}, spec_of=lambda row: "slow" if row <= rows else "free"
    )
    dispatcher = w.dispatcher()
    held = []

    def script(_: int) -> Outcome:
        held.append(sum(len(lane.backlog) for lane in dispatcher._lanes._lanes))
        return ACCEPTED

    w.script = script
    assert w.run_with(dispatcher).totals.accepted == rows + 20
    assert max(held) <= PAGE + 20 + 4
    first = next(place for place, (row, _) in enumerate(w.posts) if row > rows)
    assert first < PAGE, "the others begin long before its end"


def test_no_more_than_twice_the_concurrency_is_claimed_with_rates_either(world: Make) -> None:
    seen = []

    def script(_: int) -> Outcome:
        seen.append(w.query("SELECT count(*) FROM messages WHERE state = 'sending'")[0][0])
        return ACCEPTED

    names = [f"spec-{number}" for number in range(10)]
    w = world(100, script, concurrency=2, rates=dict.fromkeys(names, 5.0), spec_of=lambda row: names[row % len(names)])
    assert w.run().totals.accepted == 100
    assert max(seen) <= 4


def test_a_stop_hands_back_what_waits_for_its_specs_rate(world: Make) -> None:
    async def main(dispatcher: Dispatcher) -> RunResult:
        running = asyncio.ensure_future(dispatcher.run())
        while len(w.posts) < 3:
            await asyncio.sleep(0)
        dispatcher.request_stop()
        return await running

    w = world(20, lambda _: ACCEPTED, rates={"spec": 1.0})
    result = w.run(main)
    assert result.totals.accepted == len(w.posts)
    assert result.totals.planned == 20 - len(w.posts)


def test_what_is_tried_again_keeps_its_specs_rate(world: Make) -> None:
    w = world(30, in_turn(UNSENT, UNSENT), rates={"spec": 20.0})
    assert w.run().totals.accepted == 30
    assert most_in_a_second([time for _, time in w.posts]) <= 22


# when people may be texted


def test_outside_of_the_window_a_message_is_posted_with_a_schedule(world: Make) -> None:
    hours = {1: (time(12), time(13)), 2: (time(13), time(14)), 3: (time(9), time(12))}
    w = world(3, lambda _: ACCEPTED, delivery_of=lambda row: Rules(Window(*hours[row], "UTC")))
    assert w.run().totals.accepted == 3
    assert w.schedules == {1: None, 2: "2031-01-02T13:00:00+00:00", 3: "2031-01-03T09:00:00+00:00"}
    stored = w.query("SELECT row, scheduled_for FROM messages ORDER BY row")
    assert stored == list(w.schedules.items())


def test_the_window_is_asked_when_a_message_is_posted_not_when_it_was_planned(world: Make) -> None:
    hours = Window(time(9), time(12, 1), "UTC")
    w = world(120, lambda _: ACCEPTED, rate=1.0, delivery_of=lambda _: Rules(hours))
    assert w.run().totals.accepted == 120
    at_once = [row for row, schedule in w.schedules.items() if schedule is None]
    assert at_once == list(range(1, 61))
    assert {w.schedules[row] for row in range(61, 121)} == {"2031-01-03T09:00:00+00:00"}


def test_rules_that_nobody_can_read_stop_the_run_and_nothing_is_sent(world: Make) -> None:
    w = world(10, lambda _: ACCEPTED, delivery_of=lambda row: Rules(Window(time(9), time(19), "Mars/Olympus")))
    with pytest.raises(Refusal):
        w.run()
    assert w.posts == []
    assert w.states() == {State.PLANNED: 10}
    assert w.run_status() is RunStatus.STOPPED


def test_a_held_message_is_held_from_each_attempt(world: Make) -> None:
    w = world(1, in_turn(throttled(30.0)), delivery_of=lambda _: Rules(hold=timedelta(minutes=5)))
    assert w.run().totals.accepted == 1
    assert w.schedules == {1: "2031-01-02T12:05:30+00:00"}
    assert w.query("SELECT scheduled_for FROM messages") == [("2031-01-02T12:05:30+00:00",)]


def test_what_is_rejected_waits_for_nothing(world: Make) -> None:
    w = world(1, lambda _: REJECTED, delivery_of=lambda _: Rules(hold=timedelta(minutes=5)))
    w.run()
    assert w.query("SELECT state, scheduled_for FROM messages") == [("rejected", None)]


def test_what_becomes_too_late_is_left_planned_and_told(world: Make) -> None:
    expires = START + timedelta(seconds=9.5)
    w = world(100, lambda _: ACCEPTED, rate=1.0, delivery_of=lambda _: Rules(expires=expires))
    result = w.run()
    assert (result.totals.accepted, result.totals.planned, result.expired) == (10, 90, 90)
    assert len(w.posts) == 10
    assert (result.stopped_reason, result.interrupted) == (None, False)
    assert w.clock.time < 1020.0, "nobody waits for the turn of what is too late"
    assert w.run_status() is RunStatus.FINISHED


def test_what_becomes_too_late_while_it_waits_for_another_attempt_is_handed_back(world: Make) -> None:
    expires = START + timedelta(seconds=20)
    w = world(3, in_turn(throttled(30.0)), delivery_of=lambda _: Rules(expires=expires))
    result = w.run()
    assert (result.totals.planned, result.expired) == (3, 3)
    assert not [time for _, time in w.posts if time >= 1020.0]


KINDS = st.sampled_from([ACCEPTED, REJECTED, UNSENT, IN_DOUBT, throttled(), throttled(3.0), STOP])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(KINDS, min_size=1, max_size=8), min_size=1, max_size=25),
    st.integers(1, 6),
    st.sampled_from([None, 5.0, 100.0]),
)
def test_whatever_happens_the_ledger_tells_the_truth(
    outcomes: list[list[Outcome]], concurrency: int, rate: float | None
) -> None:
    got: dict[int, list[Outcome]] = {row: [] for row in range(1, len(outcomes) + 1)}

    def script(row: int) -> Outcome:
        plan = outcomes[row - 1]
        got[row].append(plan[min(len(got[row]), len(plan) - 1)])
        return got[row][-1]

    with TemporaryDirectory() as folder:
        w = World(Path(folder), len(outcomes), script, concurrency=concurrency, rate=rate)
        result = w.run()
        records = w.records()
        w.ledger.close()
    for row, record in records.items():
        *before, last = got[row] or [UNSENT]
        assert {o.kind for o in before} <= {OutcomeKind.UNSENT, OutcomeKind.THROTTLED}
        assert sum(o.kind is OutcomeKind.UNSENT for o in got[row]) <= MAX_ATTEMPTS
        proven = {OutcomeKind.ACCEPTED: State.ACCEPTED, OutcomeKind.REJECTED: State.REJECTED}
        proven[OutcomeKind.IN_DOUBT] = State.IN_DOUBT
        assert record.state is proven.get(last.kind, State.PLANNED)
    assert result.totals.planned == 0 or result.stopped_reason is not None
