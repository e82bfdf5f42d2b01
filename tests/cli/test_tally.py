"""How far a run is: pure arithmetic over the dispatcher's news."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.cli.tally import RATE_SECONDS, Tally, words
from msgspec_runner.dispatch.progress import Progress
from msgspec_runner.ledger import Settlement
from msgspec_runner.model import State


def news(*states: State, waiting: int = 0, sending: int = 1, attempts: int | None = 1) -> Progress:
    return Progress(tuple(Settlement("key", state, attempts=attempts) for state in states), sending, waiting, None)


@pytest.mark.parametrize(
    ("counts", "waiting", "line"),
    [
        ({}, 0, "0 of 12,480"),
        ({State.ACCEPTED: 1200, State.REJECTED: 4}, 0, "1,204 of 12,480: 1,200 accepted, 4 rejected"),
        ({State.ACCEPTED: 1, State.IN_DOUBT: 2}, 0, "3 of 12,480: 1 accepted, 2 in doubt"),
        ({State.RETRY_WAIT: 7}, 7, "0 of 12,480: 7 waiting for another attempt"),
        ({State.PLANNED: 3}, 0, "0 of 12,480"),
    ],
)
def test_the_state_of_a_run_in_one_line(counts: dict[State, int], waiting: int, line: str) -> None:
    tally = Tally(12_480, 0.0)
    for state, number in counts.items():
        tally.add(news(*[state] * number, waiting=waiting), 1.0)
    assert words(tally) == line


def test_the_rate_is_that_of_the_last_seconds() -> None:
    tally = Tally(1000, 0.0)
    assert tally.rate(0.0) == 0
    assert tally.seconds_left(0.0) is None
    for second in range(1, 21):
        tally.add(news(*[State.ACCEPTED] * (10 if second <= 10 else 20)), float(second))
    assert tally.rate(20.0) == pytest.approx(20)
    assert tally.seconds_left(20.0) == pytest.approx((1000 - 300) / 20)


def test_what_was_done_before_anybody_watched_counts_but_was_not_done_in_a_moment() -> None:
    tally = Tally(1000, 0.0, {State.ACCEPTED: 500, State.REJECTED: 2})
    assert words(tally) == "502 of 1,000: 500 accepted, 2 rejected"
    tally.add(news(*[State.ACCEPTED] * 20), 1.0)
    assert tally.rate(1.0) == pytest.approx(20)
    assert tally.seconds_left(1.0) == pytest.approx((1000 - 522) / 20)


def test_in_a_pause_the_rate_falls_to_nothing() -> None:
    tally = Tally(1000, 0.0)
    tally.add(news(*[State.ACCEPTED] * 100), 9.0)
    assert tally.rate(10.0) == pytest.approx(10)
    assert tally.rate(15.0) == pytest.approx(10)
    assert tally.rate(9.0 + RATE_SECONDS) == 0
    assert tally.seconds_left(60.0) is None


def test_nothing_is_left_of_what_is_done() -> None:
    tally = Tally(2, 0.0)
    tally.add(news(State.ACCEPTED, State.IN_DOUBT), 0.01)
    assert tally.seconds_left(0.01) == 0
    assert Tally(0, 0.0).seconds_left(0.0) == 0


def test_only_attempts_beyond_the_first_are_retries() -> None:
    tally = Tally(10, 0.0)
    tally.add(news(State.ACCEPTED, State.REJECTED, attempts=3), 1.0)
    tally.add(news(State.RETRY_WAIT, State.PLANNED, attempts=2, waiting=1), 1.0)
    tally.add(news(State.ACCEPTED, attempts=None), 1.0)
    assert (tally.retries, tally.waiting, tally.done) == (4, 0, 3)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 50)), max_size=300))
def test_a_rate_is_never_negative_nor_more_than_all_in_its_shortest_time(steps: list[tuple[float, int]]) -> None:
    tally, now = Tally(100_000, 0.0), 0.0
    for seconds, number in steps:
        now += seconds
        tally.add(news(*[State.ACCEPTED] * number), now)
        assert 0 <= tally.rate(now) <= tally.done / 0.25 + 1e-9
        assert len(tally._points) <= RATE_SECONDS / 0.25 + 3


def test_a_fast_run_is_measured_between_few_points() -> None:
    tally, now = Tally(1_000_000, 0.0), 0.0
    for _ in range(20_000):
        now += 0.001
        tally.add(news(State.ACCEPTED), now)
    assert len(tally._points) < 50
    assert tally.rate(now) == pytest.approx(1000, rel=0.03)
