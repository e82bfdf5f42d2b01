"""The dispatcher: each message once, no more claimed than promised, and at the pace that was asked for."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.dispatch.dispatcher import PAGE, Dispatcher
from msgspec_runner.dispatch.retry import MAX_ATTEMPTS
from msgspec_runner.ledger.ledger import Run, RunStatus, Settlement
from msgspec_runner.ledger.sqlite import SqliteLedger
from msgspec_runner.model import Message, Outcome, OutcomeKind, State
from tests.dispatch.dispatcher_world import (
    ACCEPTED,
    IN_DOUBT,
    REJECTED,
    RUN,
    STOP,
    UNSENT,
    AtOnce,
    Make,
    World,
    in_turn,
    throttled,
)


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
        assert len(got[row]) <= MAX_ATTEMPTS
        proven = {OutcomeKind.ACCEPTED: State.ACCEPTED, OutcomeKind.REJECTED: State.REJECTED}
        proven[OutcomeKind.IN_DOUBT] = State.IN_DOUBT
        assert record.state is proven.get(last.kind, State.PLANNED)
    assert result.totals.planned == 0 or result.stopped_reason is not None
