"""A shared run and a run of one process, against the same API that answers 429: to the user they are alike."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.cluster.exchange import Answer, Grant, Report
from msgspec_runner.cluster.pace import LATE, SharedPace, first_state, read, reserve
from msgspec_runner.dispatch.pace import PROOF, Pace
from tests.cluster.throttling_world import (
    START,
    Api,
    Grudging,
    Limited,
    Moody,
    Row,
    World,
    alone,
    most_in_a_second,
    together,
)

MINUTE = 60.0
NOW = 1_000.0
SEEDS = range(2)

moments = st.floats(0.0, MINUTE)


def ratio(
    make: Callable[[int], Api],
    rate: float | None,
    crew: list[int],
    *,
    latency: float,
    retry_after: float | None,
    seconds: float = MINUTE,
    delay: float = 0.003,
    loss: float = 0.0,
    seeds: range = SEEDS,
) -> tuple[float, list[World]]:
    """Return how much of what one process gets accepted workers do, and what the workers did."""
    single = [alone(World(make(seed), latency, retry_after, seed), rate, sum(crew), seconds) for seed in seeds]
    shared = [
        together(World(make(seed), latency, retry_after, seed), rate, crew, seconds, delay=delay, loss=loss)[0]
        for seed in seeds
    ]
    return fmean(len(world.accepted) for world in shared) / fmean(len(world.accepted) for world in single), shared


@settings(max_examples=15)
@given(
    rate=st.floats(10.0, 60.0),
    workers=st.integers(1, 4),
    latency=st.floats(0.05, 0.3),
    retry_after=st.sampled_from([None, 0.0, 1.0, 2.0]),
    outages=st.lists(st.tuples(st.floats(0.0, 50.0), st.floats(0.0, 3.0)), max_size=2),
    lone=st.lists(moments, max_size=6),
    delay=st.floats(0.001, 0.02),
    loss=st.sampled_from([0.0, 0.05]),
)
def test_a_shared_run_gets_on_as_one_process_does(
    rate: float,
    workers: int,
    latency: float,
    retry_after: float | None,
    outages: list[tuple[float, float]],
    lone: list[float],
    delay: float,
    loss: float,
) -> None:
    """Whatever the API refuses and when, however late the workers tell of it, and if some reports are lost."""
    found, worlds = ratio(
        lambda _: Moody(outages, lone),
        rate,
        [20] * workers,
        latency=latency,
        retry_after=retry_after,
        delay=delay,
        loss=loss,
    )
    assert 0.8 <= found <= 1.2
    for world in worlds:
        assert most_in_a_second(world.posts) <= 1.1 * rate + 1


@pytest.mark.parametrize(
    ("latency", "retry_after", "rate"),
    [(0.02, None, None), (0.02, 0.0, None), (0.02, 1.0, None), (0.2, None, None), (0.2, 1.0, None), (0.1, None, 50.0)],
)
def test_a_tenth_refused_at_random(latency: float, retry_after: float | None, rate: float | None) -> None:
    """How long a run keeps its speed there is luck for both, so it is the mean of many."""
    found, _ = ratio(
        lambda seed: Grudging(0.1, seed),
        rate,
        [5] * 6,
        latency=latency,
        retry_after=retry_after,
        seconds=25.0,
        seeds=range(6),
    )
    assert found >= 0.8


@pytest.mark.parametrize("retry_after", [None, 1.0])
def test_a_limit_is_found_alike(retry_after: float | None) -> None:
    """By one process without a rate, and by workers; neither of them meets it much more often than the other."""
    found, worlds = ratio(
        lambda _: Limited(50.0, 10.0),
        None,
        [10] * 3,
        latency=0.1,
        retry_after=retry_after,
        seeds=range(4),
    )
    single = [alone(World(Limited(50.0, 10.0), 0.1, retry_after, seed), None, 30, MINUTE) for seed in range(4)]
    assert 0.8 <= found <= 1.25
    assert fmean(world.refused for world in worlds) <= 1.5 * fmean(world.refused for world in single)


@pytest.mark.parametrize("crew", [[8], [10, 10, 10]])
@pytest.mark.parametrize("latency", [0.1, 0.2])
def test_after_a_429_a_rate_that_keeps_nobody_waiting_does_not_grow(crew: list[int], latency: float) -> None:
    """Turns that are closer together than posts can use them would be lost."""
    world, row = together(World(Moody([], [5.0]), latency, 0.0, 1), None, crew, MINUTE)
    able = sum(crew) / latency
    assert sum(time >= START + 30 for time in world.accepted) > 0.8 * 30 * able
    last = row.rates[-1]
    assert last is not None
    assert able < last < 8 * able


def told(state: str, *reports: Report) -> Pace:
    """Return a shared pace after some reports."""
    pace = read(state)
    for report in reports:
        reserve({"": pace}, {"": report}, NOW)
    return pace


BEFORE = Answer(float("-inf"), NOW - 0.2)
"""An answer to a worker that had not heard of any slow-down."""


def test_however_many_workers_report_a_burst_and_however_late_it_halves_once() -> None:
    late = [Report(throttled=(BEFORE._replace(ended=NOW - 0.2 + late),)) for late in (0.0, 0.05, 0.1, 0.19)]
    assert told(first_state(100.0), *late).rate == 50.0
    assert told(first_state(100.0), *reversed(late)).rate == 50.0


def test_a_429_of_who_had_heard_of_the_last_one_halves_again() -> None:
    pace = told(first_state(100.0), Report(throttled=(BEFORE,)))
    again = Answer(pace.state.slowed_at, NOW - 0.1)
    reserve({"": pace}, {"": Report(throttled=(again, again))}, NOW)
    assert pace.rate == 25.0
    assert pace.state.slowed_at > again.heard


def test_slow_downs_are_told_apart_where_clocks_differ() -> None:
    """The second 429 seems to come before the first; who was in flight with it is still of its burst."""
    pace = told(first_state(100.0), Report(throttled=(BEFORE,)))
    first = pace.state.slowed_at
    for _ in range(2):
        reserve({"": pace}, {"": Report(throttled=(Answer(first, NOW - 5.0),))}, NOW)
    assert pace.rate == 25.0


def test_what_was_accepted_in_flight_is_a_proof_though_it_is_heard_later() -> None:
    proof = Report(accepted=(BEFORE._replace(ended=NOW - 0.1),) * PROOF)
    assert told(first_state(100.0), Report(throttled=(BEFORE,)), proof).rate == 100.0
    older = Report(accepted=(BEFORE._replace(ended=NOW - 0.3),) * PROOF)
    assert told(first_state(100.0), Report(throttled=(BEFORE,)), older).rate == 50.0


def test_a_worker_tells_what_it_had_heard_of_when_a_request_began() -> None:
    pace = SharedPace(100.0, lambda: None)
    for slowed_at, now in ((float("-inf"), NOW), (7.0, NOW + 1), (7.0, NOW + 2), (8.0, NOW + 3)):
        pace.granted(Grant(100.0, float("-inf"), (), 0.0, slowed_at), now)
    for began in (NOW + 0.5, NOW + 1.5, NOW + 2.5, NOW + 3.5):
        pace.throttled(began, NOW + 4)
    heard = [answer.heard for answer in pace.report(NOW, 0).throttled]
    assert heard == [float("-inf"), 7.0, 7.0, 8.0]


class Window:
    """A window of a shared run at 100/s, and whether something is to be told at once."""

    def __init__(self) -> None:
        self.row = Row(first_state(100.0), 0.0, 0.0)
        self.stirred = 0
        self.pace = SharedPace(100.0, self._stir)
        self.ask(NOW)

    def _stir(self) -> None:
        self.stirred += 1

    def ask(self, now: float, wanted: int = 0) -> None:
        wish = self.pace.wish(now, now - 0.1, wanted, wanted)
        self.pace.granted(self.row.ask(self.pace.report(now, wish), now), now)


def test_of_a_burst_a_window_tells_people_once_and_a_rate_only_when_it_knows() -> None:
    window = Window()
    pace = window.pace
    assert pace.slowed == 100.0
    assert pace.throttled(NOW, NOW + 0.1)
    assert pace.slowed is None, "half of a rate that it heard of earlier would be a guess"
    assert not pace.throttled(NOW + 0.11, NOW + 0.2), "nobody told it to go slower yet"
    window.ask(NOW + 0.2)
    assert pace.slowed == 50.0
    assert not pace.throttled(NOW + 0.15, NOW + 0.3)
    assert pace.throttled(NOW + 0.25, NOW + 0.4)


def test_a_proof_is_told_at_once() -> None:
    window = Window()
    pace = window.pace
    pace.throttled(NOW, NOW + 0.1)
    window.ask(NOW + 0.1)
    window.stirred = 0
    for _ in range(PROOF - 1):
        pace.accepted(NOW, NOW + 0.15)
    assert not pace.is_urgent
    pace.accepted(NOW, NOW + 0.15)
    assert (pace.is_urgent, window.stirred) == (True, 1)
    window.ask(NOW + 0.2)
    assert (pace.is_urgent, pace.slowed) == (False, 100.0)


def test_another_workers_429_is_not_weighed_with_ones_own() -> None:
    window = Window()
    pace = window.pace
    pace.throttled(NOW, NOW + 0.1)
    window.ask(NOW + 0.1)
    for _ in range(PROOF - 1):
        pace.accepted(NOW, NOW + 0.15)
    other = Report(throttled=(Answer(read(window.row.state).state.slowed_at, NOW + 0.2),))
    window.row.ask(other, NOW + 0.2)
    window.ask(NOW + 0.2)
    pace.accepted(NOW + 0.15, NOW + 0.25)
    assert not pace.is_urgent


def test_acceptances_raise_no_rate_that_lets_turns_go_by() -> None:
    window = Window()
    pace = window.pace
    pace.throttled(NOW, NOW + 0.1)
    window.ask(NOW + 0.1)
    for tick in range(2, 8):  # turns are there, and nobody takes them
        window.ask(NOW + tick / 10, wanted=5)
    pace.accepted(NOW + 0.5, NOW + 0.75)
    assert not pace.report(NOW + 0.75, 0).accepted
    pace.accepted(NOW, NOW + 0.75)
    assert pace.report(NOW + 0.75, 0).accepted, "it was in flight with the 429: that may be a proof"


@pytest.mark.parametrize("pause", [2.0, 0.2])
def test_turns_that_lie_in_a_pause_or_just_behind_it_are_not_let_go_by(pause: float) -> None:
    window = Window()
    window.ask(NOW, wanted=35)
    window.pace.pause(NOW + pause)
    window.pace.wait(NOW + 1.0 + LATE)
    window.ask(NOW + 1.0)
    window.pace.accepted(NOW, NOW + 1.0)
    assert window.pace.report(NOW, 0).accepted
