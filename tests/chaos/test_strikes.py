from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.chaos.strikes import KILLS_PER_OUTAGE, KILLS_PER_STOP, SESSIONS, Target, lost_workers, strikes
from msgspec_runner.cluster import sessions


@given(st.integers(0, 2**32), st.integers(0, 200))
def test_one_seed_gives_one_experiment(seed: int, kills: int) -> None:
    drawn = strikes(seed, kills)
    assert drawn == strikes(seed, kills)
    met = Counter(strike.target for strike in drawn)
    assert met.total() - met[Target.STOP] - met[Target.OUTAGE] == kills
    assert met[Target.STOP] == -(-kills // KILLS_PER_STOP)
    assert met[Target.OUTAGE] == -(-kills // KILLS_PER_OUTAGE)
    assert met[Target.WATCH] <= 1, "there is one to be killed"
    assert met[Target.WORKER] >= min(kills, 1)
    assert all(0 <= strike.chance < 1 for strike in drawn)


@given(st.integers(0, 2**32), st.integers(1, 200))
def test_plans_are_struck_first_and_then_a_worker_right_after_the_first_claims(seed: int, kills: int) -> None:
    drawn = strikes(seed, kills)
    plans = sum(strike.target is Target.ENQUEUE for strike in drawn)
    assert all(strike.target is Target.ENQUEUE for strike in drawn[:plans])
    assert drawn[plans].target in (Target.WORKER, Target.WATCH)
    assert drawn[plans].kill.after_requests(1000, 1) == 1
    assert drawn[plans].kill.jitter == 0


@pytest.mark.parametrize("seed", range(5))
def test_three_kills_meet_all(seed: int) -> None:
    assert {strike.target for strike in strikes(seed, 3)} == set(Target)


@pytest.mark.parametrize(
    ("killed", "fenced", "times"),
    [
        (set(), {}, 0),
        ({1, 2}, {}, 2),
        ({1}, {1: 2}, 1),
        (set(), {1: 1}, 1),
        (set(), {1: 2}, 1),
        ({1}, {1: 3}, 2),
        ({1}, {1: 4, 2: 2}, 3),
    ],
)
def test_who_was_taken_for_dead_and_killed_later_was_lost_twice(
    killed: set[int], fenced: dict[int, int], times: int
) -> None:
    assert lost_workers(killed, fenced) == times


def test_a_worker_has_as_many_sessions_as_is_counted_with() -> None:
    assert SESSIONS == sessions.SESSIONS
