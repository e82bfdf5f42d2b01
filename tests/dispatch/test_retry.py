from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.dispatch.retry import (
    BACKOFF_CAP,
    MAX_ATTEMPTS,
    MAX_ELAPSED,
    MAX_PAUSE,
    Decision,
    History,
    backoff,
    decide,
)
from msgspec_runner.model import Outcome, OutcomeKind, State

RAND = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize("kind", [OutcomeKind.ACCEPTED, OutcomeKind.REJECTED, OutcomeKind.IN_DOUBT])
def test_what_is_known_or_in_doubt_is_never_tried_again(kind: OutcomeKind) -> None:
    assert decide(Outcome(kind), History(), 0.0, 0.5) == Decision(State(kind.value))


def test_stop_hands_the_message_back_and_says_why() -> None:
    decision = decide(Outcome(OutcomeKind.STOP, 401, error="HTTP 401: no"), History(), 0.0, 0.5)
    assert decision == Decision(State.PLANNED, stop="HTTP 401: no")


@given(RAND, st.floats(0, 1e6))
def test_the_first_wait_is_below_half_a_second(rand: float, now: float) -> None:
    decision = decide(Outcome(OutcomeKind.UNSENT), History(unsent=1), now, rand)
    assert decision.state is State.RETRY_WAIT
    assert decision.retry_at is not None
    assert now <= decision.retry_at <= now + 0.5
    assert not decision.pause


@given(st.integers(1, 10_000), RAND)
def test_the_backoff_is_full_jitter_below_a_cap(failures: int, rand: float) -> None:
    assert 0 <= backoff(failures, rand) <= min(BACKOFF_CAP, 0.5 * 2.0 ** min(failures - 1, 50))
    assert backoff(failures, 0.0) == 0.0


def test_after_six_attempts_the_run_stops() -> None:
    last = decide(Outcome(OutcomeKind.UNSENT, error="refused"), History(unsent=MAX_ATTEMPTS, elapsed=9.6), 0.0, 0.5)
    assert last == Decision(State.PLANNED, stop="refused (6 attempts in 10 s)")
    assert decide(Outcome(OutcomeKind.UNSENT), History(unsent=MAX_ATTEMPTS - 1), 0.0, 0.5).stop is None


@given(st.integers(0, MAX_ATTEMPTS), RAND, st.none() | st.floats(0, MAX_PAUSE))
def test_attempts_that_were_answered_with_429_are_attempts(throttled: int, rand: float, wait: float | None) -> None:
    last = History(MAX_ATTEMPTS - throttled, throttled, elapsed=9.6)
    unsent = decide(Outcome(OutcomeKind.UNSENT, error="refused"), last, 0.0, rand)
    assert unsent == Decision(State.PLANNED, stop="refused (6 attempts in 10 s)")
    assert decide(Outcome(OutcomeKind.THROTTLED, 429, retry_after=wait), last, 0.0, rand) == Decision(
        State.PLANNED,
        stop="the API answered 429 to the last of 6 attempts for one message: send again later, or with a lower --rate",
    )


@given(st.integers(1, 20), st.floats(0, 200), RAND, st.none() | st.floats(0, 100))
def test_no_attempt_begins_after_sixty_seconds(unsent: int, elapsed: float, rand: float, wait: float | None) -> None:
    outcome = Outcome(OutcomeKind.UNSENT, retry_after=wait)
    decision = decide(outcome, History(unsent=unsent, elapsed=elapsed), 0.0, rand)
    if decision.retry_at is None:
        assert (decision.state, decision.stop is not None) == (State.PLANNED, True)
    else:
        assert unsent < MAX_ATTEMPTS
        assert elapsed + decision.retry_at <= MAX_ELAPSED
        assert decision.retry_at >= (wait or 0.0)


@given(st.integers(1, MAX_ATTEMPTS - 1), st.floats(0, 1e4), RAND, st.floats(0, MAX_PAUSE))
def test_a_429_pauses_the_run_as_long_as_the_api_says(throttled: int, elapsed: float, rand: float, wait: float) -> None:
    history = History(unsent=MAX_ATTEMPTS - 1 - throttled, throttled=throttled, elapsed=elapsed)
    decision = decide(Outcome(OutcomeKind.THROTTLED, 429, retry_after=wait), history, 100.0, rand)
    assert decision == Decision(State.RETRY_WAIT, retry_at=100.0 + wait, pause=True)


def test_a_429_without_retry_after_backs_off() -> None:
    decision = decide(Outcome(OutcomeKind.THROTTLED, 429), History(throttled=3), 0.0, 0.5)
    assert decision == Decision(State.RETRY_WAIT, retry_at=1.0, pause=True)


def test_a_very_long_retry_after_stops_the_run() -> None:
    decision = decide(Outcome(OutcomeKind.THROTTLED, 429, retry_after=3600.0), History(throttled=1), 0.0, 0.5)
    assert decision.state is State.PLANNED
    assert decision.stop == "the API asks to wait 3600 seconds (HTTP 429): send again later"
