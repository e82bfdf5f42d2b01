"""A window between a session and a dispatcher: leases, holds, and the end of the run for all."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from msgspec_runner.cluster.brakes import Brake, Brakes
from msgspec_runner.cluster.carrying import Carrier, RunSettings, WindowLedger
from msgspec_runner.cluster.desk import Desk
from msgspec_runner.cluster.exchange import Grant
from msgspec_runner.cluster.pace import SharedPace, Unreadable, first_state
from msgspec_runner.cluster.parts import Part
from msgspec_runner.dispatch import delivery
from msgspec_runner.dispatch.dispatcher import Dispatcher
from msgspec_runner.dispatch.lanes import Lanes
from msgspec_runner.dispatch.poster import Leave
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.ledger import Run, RunStatus, timestamp
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import Patience, connect
from msgspec_runner.ledger.postgres_shared import Sharing, enqueue, fence_if_dead, silent, steer
from msgspec_runner.ledger.postgres_worker import WorkerSession
from msgspec_runner.ledger.values import Settlement
from msgspec_runner.ledger.windows import Window
from msgspec_runner.model import Message, Outcome, OutcomeKind, State
from msgspec_runner.timing import Rules
from tests.dispatch.dispatcher_world import may_leave
from tests.ledger.postgres import address, own_schema

RUN = "20261123-120000-carr"
ACCEPTED = Outcome(OutcomeKind.ACCEPTED, http_status=200, message_id="id")
UNSENT = Outcome(OutcomeKind.UNSENT)
LEASE = 30.0


class Bench:
    """A run of one window, a session that has it open, and a clock that stands still unless it is moved."""

    def __init__(self, url: str, folder: Path, stack: ExitStack, messages: int = 5) -> None:
        place = self.place = address(url)
        self.book = stack.enter_context(_closing(PostgresLedger(place, folder, create=True)))
        self.connection = stack.enter_context(connect(place))
        self.window = Window(1, messages)
        plan = [Message(f"k{n}", "", "s", 1, n, f"+1617555{n:04}", b"%d" % n, "d") for n in range(1, messages + 1)]
        enqueue(
            *(self.connection, self.book.id, Run(RUN, "sandbox"), Sharing("q", "{}", {})),
            *(plan, (), lambda *_: None, datetime.now(UTC)),
        )
        self.session = WorkerSession(place, self.book.id, "w", folder, Patience(first=0.001, longest=0.02))
        stack.callback(self.session.close)
        self.session.open_window(RUN, "sandbox", self.window)
        self.time = 1000.0
        self.holds = 0
        self.ledger = WindowLedger(self.session, self.window, self.hold, "here:1")

    def hold(self) -> None:
        self.holds += 1

    def states(self) -> dict[str, State]:
        return {record.key: record.state for record in self.book.messages()}


class _closing(ExitStack):  # noqa: N801 - reads as what it does
    def __init__(self, book: PostgresLedger) -> None:
        super().__init__()
        self.book = book
        self.callback(book.close)

    def __enter__(self) -> PostgresLedger:  # type: ignore[override]
        return self.book


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(stack.enter_context(own_schema()), tmp_path, stack)


class Suspending:
    """A transport; the machine is suspended after its first post, while others are lined up."""

    def __init__(self, bench: Bench, seconds: float, *, buried: bool) -> None:
        self.bench = bench
        self.seconds = seconds
        self.buried = buried
        self.posted: list[bytes] = []

    async def post(self, body: bytes, leave: Leave) -> Outcome:
        if not await may_leave(leave):
            return UNSENT
        self.posted.append(body)
        if len(self.posted) == 1:
            self.bench.time += self.seconds
            if self.buried:
                terms = Terms(0.0, 0.0, 0.0, 0.0)
                in_doubt = None
                while in_doubt is None:  # not while it is just being heard
                    [dead] = silent(self.bench.connection, terms)
                    in_doubt = fence_if_dead(self.bench.connection, dead, terms, timestamp(datetime.now(UTC)))
                    await asyncio.sleep(0)
                assert in_doubt
        return ACCEPTED


class Throttling:
    """A transport whose API asks the first post to wait so many seconds, and accepts all others."""

    def __init__(self, seconds: float) -> None:
        self.answers = [Outcome(OutcomeKind.THROTTLED, http_status=429, error="HTTP 429", retry_after=seconds)]

    async def post(self, body: bytes, leave: Leave) -> Outcome:
        assert await may_leave(leave)
        return self.answers.pop() if self.answers else ACCEPTED


def carried(bench: Bench, poster: Suspending) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        stopped = False

        def hold() -> None:
            nonlocal stopped
            if not stopped:
                stopped = True
                loop.call_soon_threadsafe(dispatcher.request_stop)

        bench.ledger._on_hold = hold
        dispatcher = Dispatcher(bench.ledger, poster, RUN, concurrency=2, lease=LEASE, boot=lambda: bench.time)
        await dispatcher.run()

    asyncio.run(run())


def test_who_wakes_up_too_late_claims_anew_what_is_still_its_own(bench: Bench) -> None:
    """What was lined up is not posted under the old claim."""
    poster = Suspending(bench, LEASE + 1, buried=False)
    carried(bench, poster)
    assert sorted(poster.posted) == [b"1", b"2", b"3", b"4", b"5"]
    assert set(bench.states().values()) == {State.ACCEPTED}
    assert bench.session.close_window(bench.window, 0), "it is done"


def test_what_was_taken_from_it_meanwhile_stays_in_doubt(bench: Bench) -> None:
    poster = Suspending(bench, LEASE + 1, buried=True)
    carried(bench, poster)
    states = bench.states()
    assert len(poster.posted) == 1
    assert states["k1"] is State.ACCEPTED, "its answer came, and is known after all"
    assert State.IN_DOUBT in states.values()
    assert State.SENDING not in states.values()
    assert bench.session.fenced


def test_a_short_nap_changes_nothing(bench: Bench) -> None:
    poster = Suspending(bench, LEASE / 2, buried=False)
    carried(bench, poster)
    assert set(bench.states().values()) == {State.ACCEPTED}


def test_a_reason_to_stop_stops_all(bench: Bench) -> None:
    bench.ledger.end(RUN, RunStatus.STOPPED, "HTTP 401")
    assert bench.ledger.commit(RUN, ["k1"], ()) == set()
    assert bench.holds == 1
    bench.session.close_window(bench.window, 0)
    run = bench.book.run(RUN)
    assert run is not None
    assert (run.status, run.reason) == (RunStatus.STOPPED, "HTTP 401 (worker here:1)")


class HeldAtLast(WindowLedger):
    """Somebody stops the run just before a message is claimed for another attempt."""

    bench: Bench
    claims: Counter[str]

    def commit(self, run_id: str, claims: Sequence[str], settlements: Sequence[Settlement]) -> set[str]:
        self.claims.update(claims)
        if 2 in self.claims.values():
            steer(self.bench.connection, RUN, "stop", "enough")
        return super().commit(run_id, claims, settlements)


def test_what_was_to_be_tried_again_when_the_run_was_stopped_is_planned_again(bench: Bench) -> None:
    """Else its window would stay open for ever, and the run with it."""
    poster = Throttling(0.001)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        ledger = HeldAtLast(
            bench.session, bench.window, lambda: loop.call_soon_threadsafe(brake.stop) and None, "here:1"
        )
        ledger.bench, ledger.claims = bench, Counter()
        dispatcher = Dispatcher(ledger, poster, RUN, concurrency=1)
        brake = Brake(dispatcher, RUN)
        await dispatcher.run()

    asyncio.run(run())
    assert bench.states()["k1"] is State.PLANNED
    bench.session.close_window(bench.window, 0)
    ended = bench.book.run(RUN)
    assert ended is not None
    assert (ended.status, ended.reason) == (RunStatus.STOPPED, "enough")


def test_an_interruption_of_one_worker_is_none_of_the_run(bench: Bench) -> None:
    bench.ledger.end(RUN, RunStatus.INTERRUPTED)
    assert bench.ledger.commit(RUN, ["k1"], ()) == {"k1"}


@pytest.mark.parametrize("pull", [Brakes.stop, Brakes.abort])
def test_a_window_that_was_being_opened_when_all_were_stopped_is_stopped_too(
    bench: Bench, pull: Callable[[Brakes], None]
) -> None:
    """Else a worker that was told to end would work on it to its end."""
    bench.connection.execute("INSERT INTO paces (run, spec, state) VALUES (%s, '', %s)", (RUN, first_state(None)))
    poster = Suspending(bench, 0.0, buried=False)

    async def carry() -> None:
        desk, brakes = Desk(bench.place), Brakes()
        pull(brakes)
        carrier = Carrier(desk, Terms(30.0, 1.0, 45.0, 5.0), "w", brakes, lambda _: None)
        settings = RunSettings(30.0, retry_server_errors=False, rate=None, rates={})
        await carrier.carry(bench.session, Part(RUN), bench.window, settings, poster, 2)
        assert not len(brakes)
        await desk.close()

    asyncio.run(carry())
    assert not poster.posted
    assert set(bench.states().values()) == {State.PLANNED}


def test_a_machine_s_wrong_clock_decides_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours, expiries and the times of messages are the database's."""
    hours_ahead = timedelta(hours=4)
    monkeypatch.setitem(Dispatcher.__init__.__kwdefaults__, "wall", lambda: datetime.now(UTC) + hours_ahead)
    bench.session.go_by(lambda: datetime.now(UTC) + hours_ahead)
    expires = datetime.now(UTC) + timedelta(hours=2)
    bench.connection.execute("UPDATE messages SET delivery = %s", (delivery.written(Rules(expires=expires)),))
    bench.connection.execute("INSERT INTO paces (run, spec, state) VALUES (%s, '', %s)", (RUN, first_state(None)))
    poster = Suspending(bench, 0.0, buried=False)

    async def carry() -> None:
        desk, brakes = Desk(bench.place), Brakes()
        carrier = Carrier(desk, Terms(30.0, 1.0, 45.0, 5.0), "w", brakes, lambda _: None)
        settings = RunSettings(30.0, retry_server_errors=False, rate=None, rates={})
        await carrier.carry(bench.session, Part(RUN), bench.window, settings, poster, 2)
        await desk.close()

    asyncio.run(carry())
    assert len(poster.posted) == 5
    claimed = bench.connection.execute("SELECT claimed_at, updated_at FROM messages").fetchall()
    latest = max(datetime.fromisoformat(str(moment)) for row in claimed for moment in row)
    assert abs(latest - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "text", ["", "5", "[]", '{"timeout": "x"}', '{"timeout": 1, "retry_server_errors": 0, "rate": null, "rates": {}}']
)
def test_settings_of_others_are_no_manner(text: str) -> None:
    with pytest.raises(Unreadable, match="make no sense"):
        RunSettings.read(text)


def test_settings_of_a_newer_version_are_left_to_it() -> None:
    newer = {**json.loads(RunSettings(30.0, retry_server_errors=True, rate=None, rates={}).written()), "priority": 1}
    with pytest.raises(Unreadable, match="newer version"):
        RunSettings.read(json.dumps(newer))


def test_the_manner_travels(bench: Bench) -> None:
    settings = RunSettings(30.0, retry_server_errors=True, rate=2.5, rates={"s": 1.0})
    assert RunSettings.read(settings.written()) == settings


def test_a_429_in_a_run_without_a_rate_is_waited_for(bench: Bench) -> None:
    """What the new rate is, a shared pace hears a moment later."""
    pace = SharedPace(None, lambda: None)
    pace.granted(Grant(None, float("-inf"), (), 0.0, float("-inf")), 0.0)
    lanes = Lanes(None, {}, 2, lambda *_: pace)
    asyncio.run(Dispatcher(bench.ledger, Throttling(0.001), RUN, concurrency=2, lanes=lanes).run())
    assert set(bench.states().values()) == {State.ACCEPTED}
