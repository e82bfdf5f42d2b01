"""A run that ends early: somebody asks for it, a bug, a ledger that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from msgspec_runner.dispatch.dispatcher import Dispatcher
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Run, RunStatus, Settlement
from msgspec_runner.ledger.sqlite import SqliteLedger
from msgspec_runner.model import Message, Outcome, State
from tests.dispatch.dispatcher_world import (
    ACCEPTED,
    RUN,
    AtOnce,
    Make,
    throttled,
)


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


@pytest.mark.parametrize("where", ["the jitter", "the breaker"])
def test_a_bug_beside_the_transport_ends_the_run_too(world: Make, where: str) -> None:
    w = world(20, lambda row: throttled() if row == 3 else ACCEPTED)
    dispatcher = w.dispatcher()

    def fails(*_: object) -> float:
        raise ZeroDivisionError

    if where == "the jitter":
        dispatcher._rand = fails
    else:
        dispatcher._breaker.observe = fails  # type: ignore[method-assign,assignment]
    with pytest.raises(ZeroDivisionError):
        w.run_with(dispatcher)
    assert State.SENDING not in w.states()
    assert w.states()[State.IN_DOUBT] >= 1, "what came of a post nobody could judge"
    assert w.run_status() is RunStatus.STOPPED


def test_a_run_that_stood_still_posts_nothing_under_its_old_claims(world: Make) -> None:
    """A suspended machine may have been taken for dead meanwhile: what was lined up is claimed again first."""
    slept = 0.0
    commits: list[int] = []

    def script(row: int) -> Outcome:
        nonlocal slept
        if row == 3:
            slept += 31.0
            commits.append(len(w.events))
        return ACCEPTED

    w = world(20, script, boot=lambda: w.clock.time + slept)
    assert w.run().totals.accepted == 20
    rows = [row for row, _ in w.posts]
    assert sorted(rows) == list(range(1, 21))
    again = [settled for event in w.events for settled in event.settled if settled.state is State.RETRY_WAIT]
    assert 1 <= len(again) <= 8, "what was claimed and not posted yet"
    assert all(settled.attempts == 0 for settled in again)
