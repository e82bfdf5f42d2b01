"""Connections that take their time: the rate is kept by what leaves, not by what is begun."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.dispatch.dispatcher import Dispatcher
from msgspec_runner.dispatch.pace import JAM
from msgspec_runner.dispatch.poster import Leave
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.model import Outcome, State
from tests.dispatch.dispatcher_world import ACCEPTED, Make, World, throttled
from tests.dispatch.test_dispatcher_rates import most_in_a_second

START = 1000.0


def connecting(w: World, seconds: Callable[[float], float]) -> World:
    """Let each post wait for its connection first: for so many seconds, by when it begins."""
    post = w.post

    async def connect_and_post(body: bytes, leave: Leave) -> Outcome:
        await w.clock.sleep(seconds(w.clock.time - START))
        return await post(body, leave)

    w.post = connect_and_post  # type: ignore[method-assign]
    return w


def standstill(begin: float, end: float) -> Callable[[float], float]:
    """A server that makes no connection from one moment to another."""
    return lambda now: end - now if begin <= now < end else 0.001


def answering(w: World, seconds: float) -> Callable[[int], Awaitable[Outcome]]:
    async def answer() -> Outcome:
        await w.clock.sleep(seconds)
        return ACCEPTED

    return lambda _: answer()


@pytest.mark.parametrize("concurrency", [4, 100])
@pytest.mark.parametrize("rate", [2.0, 20.0, 50.0])
def test_a_standstill_is_not_made_up_for(world: Make, rate: float, concurrency: int) -> None:
    messages = int(8 * rate)
    w = connecting(world(messages, lambda _: ACCEPTED, concurrency=concurrency, rate=rate), standstill(1.0, 4.0))
    w.script = answering(w, 0.05)
    assert w.run().totals.accepted == messages
    times = [time for _, time in w.posts]
    assert most_in_a_second(times) <= max(1.1 * rate, 1 + rate if rate < 10 else 0)
    assert times[-1] - START <= 8 + 3 + 1.5, "the rate is not lost either"
    assert {record.attempts for record in w.records().values()} == {1}, "who had to wait made no attempt"


@given(
    rate=st.floats(1.0, 200.0),
    concurrency=st.integers(1, 60),
    begin=st.floats(0.0, 2.0),
    stop=st.floats(0.1, 5.0),
    jitter=st.lists(st.floats(0.0, 0.4), min_size=1, max_size=5),
)
@settings(max_examples=30, deadline=None)
def test_whatever_connections_take(
    rate: float, concurrency: int, begin: float, stop: float, jitter: list[float]
) -> None:
    stalled, turn = standstill(begin, begin + stop), iter(range(100_000))
    with TemporaryDirectory() as folder:
        w = World(Path(folder), 120, lambda _: ACCEPTED, concurrency=concurrency, rate=rate)
        with closing(w.ledger):
            connecting(w, lambda now: stalled(now) + jitter[next(turn) % len(jitter)])
            assert w.run().totals.accepted == 120
    assert most_in_a_second([time for _, time in w.posts]) <= 1.1 * rate + 1


@pytest.mark.parametrize("rate", [1.0, 10.0, 100.0])
def test_slow_connections_cost_no_rate(world: Make, rate: float) -> None:
    """Each message makes its own, as with a server that closes them."""
    messages = int(10 * rate)
    w = connecting(world(messages, lambda _: ACCEPTED, concurrency=60, rate=rate), lambda _: 0.3)
    assert w.run().totals.accepted == messages
    assert w.posts[-1][1] - START <= 10 * 1.1 + 0.5


def test_nobody_stands_waiting_for_ever_because_the_first_ones_were_late(world: Make) -> None:
    """What has its turn leaves at once again when the connections are there."""
    rate = 50.0
    w = connecting(world(300, lambda _: ACCEPTED, concurrency=40, rate=rate), lambda now: 0.4 if now < 0.5 else 0.0)
    dispatcher = w.dispatcher()
    waiting: list[int] = []

    def script(_: int) -> Outcome:
        waiting.append(dispatcher._lanes.pace.queue)
        return ACCEPTED

    w.script = script
    assert w.run_with(dispatcher).totals.accepted == 300
    assert max(waiting[150:]) <= JAM * rate + 2


def test_a_specs_rate_is_kept_too(world: Make) -> None:
    w = world(
        200,
        lambda _: ACCEPTED,
        concurrency=40,
        rate=60.0,
        rates={"slow": 10.0},
        spec_of=lambda row: "slow" if row <= 50 else "free",
    )
    connecting(w, standstill(1.0, 3.0))
    assert w.run().totals.accepted == 200
    assert most_in_a_second([time for row, time in w.posts if row <= 50]) <= 11
    assert most_in_a_second([time for _, time in w.posts]) <= 66


def test_a_429_holds_what_is_connecting(world: Make) -> None:
    """It had its turn before, and leaves after the pause."""
    w = connecting(world(10, lambda _: ACCEPTED, concurrency=10), lambda now: 0.5 if now else 0.0)
    first = iter([throttled(5.0)])
    w.script = lambda _: next(first, ACCEPTED)
    connect = iter([0.0, *[0.5] * 100])
    connecting(w, lambda _: next(connect))
    assert w.run().totals.accepted == 10
    times = sorted(time - START for _, time in w.posts)
    assert times[1] >= 5.0


def test_who_is_connecting_when_the_run_stops_is_planned_again(world: Make) -> None:
    async def main(dispatcher: Dispatcher) -> RunResult:
        running = asyncio.ensure_future(dispatcher.run())
        while w.clock.time < START + 1.5:
            await asyncio.sleep(0)
        dispatcher.request_stop()
        return await running

    w = connecting(world(40, lambda _: ACCEPTED, concurrency=5, rate=20.0), standstill(1.0, 4.0))
    result = w.run(main)
    assert result.totals.in_doubt == 0
    assert max(time for _, time in w.posts) < START + 1.6
    assert result.totals.accepted == len(w.posts) < 40
    left = [record for record in w.records().values() if record.state is State.PLANNED]
    assert len(left) == 40 - len(w.posts)
    assert {record.attempts for record in left} == {0}
