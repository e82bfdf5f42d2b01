from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.dispatch.pace import MIN_RATE, PROBE, PROOF, REGAIN, Pace, gcra


def test_gcra_keeps_the_distance() -> None:
    assert gcra(-math.inf, 10.0, 0.5, 0.0) == (0.0, 10.5)
    assert gcra(10.5, 10.1, 0.5, 0.0) == (pytest.approx(0.4), pytest.approx(11.0))
    assert gcra(10.5, 10.1, 0.5, 0.4) == (0.0, pytest.approx(11.0))


def send(pace: Pace, gaps: list[float]) -> list[float]:
    """The times at which messages go when whoever asks is late by each of ``gaps``."""
    now, times = 0.0, []
    for gap in gaps:
        now += gap
        while wait := pace.take(now):
            now += wait
        times.append(now)
    return times


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.lists(st.floats(0, 0.3), min_size=50, max_size=300))
def test_no_second_holds_more_than_a_tenth_above_the_rate(rate: int, gaps: list[float]) -> None:
    times = send(Pace(float(rate)), gaps + [0.0] * 600)
    first = 0
    for last, time in enumerate(times):
        while times[first] <= time - 1.0 + 1e-9:
            first += 1
        assert last - first + 1 <= math.ceil(1.1 * rate)
        assert last - first + 1 <= max(1.1 * rate, 1.0) + 1e-9


@pytest.mark.parametrize("rate", [1.0, 7.0, 20.0, 333.0])
def test_the_rate_is_reached(rate: float) -> None:
    times = send(Pace(rate), [0.0] * 1000)
    assert 999 / (times[-1] - times[0]) == pytest.approx(rate, rel=0.06)


def test_a_pause_holds_everything_and_a_shorter_one_does_not_end_it() -> None:
    pace = Pace(None)
    assert pace.take(0.0) == 0.0
    pace.pause(10.0)
    pace.pause(5.0)
    assert pace.take(4.0) == 6.0
    assert pace.allowance(4.0, 0.1, 50) == 0
    assert pace.allowance(9.95, 0.1, 50) == 50
    assert pace.take(10.0) == 0.0


@settings(max_examples=60, deadline=None)
@given(st.floats(0.1, 500), st.floats(0, 0.5), st.lists(st.floats(0, 0.05), max_size=50))
def test_the_allowance_is_what_may_go_within_the_horizon(rate: float, horizon: float, gaps: list[float]) -> None:
    pace = Pace(rate)
    now = send(pace, gaps)[-1] if gaps else 0.0
    allowed = pace.allowance(now, horizon, 1000)
    went = 0
    while went < 1000 and pace.wait(now) <= horizon + 1e-9:
        wait = pace.wait(now)
        now, horizon = now + wait, horizon - wait
        pace.take(now + 1e-9)
        went += 1
    assert abs(allowed - went) <= 1


def test_a_429_halves_once_for_all_that_were_in_flight() -> None:
    pace = Pace(20.0)
    assert pace.throttled(started=0.0, now=1.0)
    assert not pace.throttled(started=0.5, now=1.1)
    assert pace.rate == 10.0
    assert pace.throttled(started=1.0, now=2.0)
    assert pace.rate == 5.0


def kept_waiting(pace: Pace, now: float) -> None:
    """Let two messages go, so that it is the rate that holds the second."""
    for _ in range(2):
        while wait := pace.take(now):
            now += wait


def test_acceptances_give_the_rate_back_quickly_at_first_and_slowly_near_what_was_too_fast() -> None:
    pace = Pace(None)
    pace.take(0.0)
    pace.throttled(started=0.0, now=0.01)
    for _ in range(200):
        kept_waiting(pace, 10.0)
        pace.accepted(started=10.0, now=10.1)
    learnt = pace.rate
    assert learnt is not None
    pace.throttled(started=20.0, now=20.1)
    steps = []
    while (rate := pace.rate or 0) < 1.2 * learnt:
        kept_waiting(pace, 30.0)
        pace.accepted(started=30.0, now=30.1)
        steps.append((rate / learnt, (pace.rate or 0) - rate))
    assert all(step == pytest.approx(REGAIN) for share, step in steps if share < 0.9 - REGAIN / learnt or share >= 1.1)
    assert all(step == pytest.approx(max(PROBE, 1 / learnt)) for share, step in steps if 0.9 <= share < 1.1)


def test_the_configured_rate_is_the_most() -> None:
    pace = Pace(20.0)
    pace.throttled(started=0.0, now=1.0)
    for _ in range(1000):
        kept_waiting(pace, 2.0)
        pace.accepted(started=2.0, now=2.1)
    assert pace.rate == 20.0


def test_a_rate_that_keeps_nobody_waiting_does_not_grow() -> None:
    pace = Pace(20.0)
    pace.throttled(started=0.0, now=1.0)
    for second in range(2, 100):
        pace.take(float(second))
        pace.accepted(started=float(second), now=second + 0.1)
    assert pace.rate == pytest.approx(10.0, abs=2.0)


def test_a_429_among_acceptances_was_not_about_the_rate() -> None:
    pace = Pace(20.0)
    pace.throttled(started=0.0, now=1.0)
    assert pace.rate == 10.0
    for _ in range(PROOF):
        pace.accepted(started=0.5, now=1.2)
    assert pace.rate == 20.0


def test_a_429_among_others_was() -> None:
    pace = Pace(20.0)
    pace.throttled(started=0.0, now=1.0)
    for _ in range(5):
        pace.throttled(started=0.5, now=1.1)
        pace.accepted(started=0.5, now=1.2)
    assert pace.rate == 10.0


def test_the_rate_does_not_fall_below_one_a_second_or_the_configured_rate() -> None:
    for configured, floor in ((20.0, MIN_RATE), (0.5, 0.5)):
        pace = Pace(configured)
        for second in range(20):
            pace.throttled(started=float(second), now=second + 0.5)
        assert pace.rate == floor


def test_without_a_rate_a_429_teaches_one() -> None:
    pace = Pace(None)
    for n in range(100):
        assert pace.take(n / 200) == 0.0
    assert pace.rate is None
    pace.throttled(started=0.4, now=0.5)
    assert pace.rate == pytest.approx(100.0)


def test_a_429_to_the_first_message_teaches_too() -> None:
    pace = Pace(None)
    pace.throttled(started=0.0, now=0.5)
    assert pace.rate == MIN_RATE


def test_what_was_accepted_before_a_429_is_no_proof() -> None:
    """A shared pace may hear of it later."""
    pace = Pace(20.0)
    pace.throttled(started=0.0, now=1.0)
    for _ in range(PROOF):
        pace.accepted(started=0.5, now=0.9)
    assert pace.rate == 10.0


def test_the_rate_is_learnt_from_the_last_second_whenever_the_429_comes() -> None:
    """At no moment is what was sent before forgotten at once."""
    for last in range(150, 500, 7):
        pace = Pace(None)
        for n in range(last):
            pace.take(n / 100)
        pace.throttled(started=0.0, now=last / 100)
        assert pace.rate == pytest.approx(50.0, rel=0.05)


def test_what_is_heard_late_of_the_time_before_a_429_teaches_too() -> None:
    """Of two workers one tells of its messages after the other's 429."""
    pace = Pace(None)
    for n in range(50):
        pace.take(n / 50)
    pace.throttled(started=0.9, now=1.0)
    assert pace.rate == pytest.approx(25.0)
    for n in range(50, -1, -1):
        pace.recall(n / 50 - 0.5)
    assert pace.rate == pytest.approx(25.0 + 26 / 2), "what is older than all that was counted does not count"
    for _ in range(PROOF):
        pace.accepted(started=0.9, now=1.1)
    assert pace.rate == pytest.approx(50.0 + 26)
    pace.recall(0.5)
    assert pace.rate == pytest.approx(50.0 + 27), "nothing is halved any more"
    pace.recall(1.5)
    assert pace.rate == pytest.approx(50.0 + 27), "that was after it"
    pace.throttled(started=2.0, now=3.0)
    pace.recall(2.5)
    assert pace.rate == pytest.approx((50.0 + 27) / 2), "this rate was not learnt from what was sent"
