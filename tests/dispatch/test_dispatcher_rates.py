"""Specs with rates of their own, in one run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from msgspec_runner.dispatch.dispatcher import PAGE, Dispatcher
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.model import Outcome
from tests.dispatch.dispatcher_world import (
    ACCEPTED,
    UNSENT,
    Make,
    in_turn,
)


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
