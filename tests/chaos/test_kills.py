from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.chaos.kills import JITTER, Moment, kills


@given(st.integers(0, 2**32), st.integers(0, 200))
def test_one_seed_gives_one_experiment(seed: int, number: int) -> None:
    drawn = kills(seed, number)
    assert drawn == kills(seed, number)
    assert len(drawn) == number
    assert all(0 <= kill.share <= 1 and 0 <= kill.jitter <= JITTER for kill in drawn)
    assert kills(seed, 200)[:number] == drawn or number < 2


def test_kills_strike_while_it_plans_while_it_sends_and_right_after_the_first_claim() -> None:
    drawn = kills(1, 50)
    assert {kill.moment for kill in drawn} == set(Moment)
    assert (drawn[1].moment, drawn[1].jitter, drawn[1].after_requests(1000, 10)) == (Moment.SENDING, 0.0, 1)


@given(st.integers(0, 2**32), st.integers(1, 50), st.integers(100, 10_000))
def test_something_is_left_for_every_kill(seed: int, number: int, recipients: int) -> None:
    remaining = recipients
    for left, kill in zip(range(number, 0, -1), kills(seed, number), strict=True):
        wanted = kill.after_requests(remaining, left)
        assert 1 <= wanted <= remaining
        remaining -= wanted
    assert remaining >= recipients // (number + 1) - number


@given(st.integers(0, 2**32), st.floats(0.1, 60))
def test_a_kill_while_it_plans_comes_before_the_first_request(seed: int, first_request: float) -> None:
    assert all(kill.after_seconds(first_request) <= first_request for kill in kills(seed, 20))
