from __future__ import annotations

from msgspec_runner.dispatch.breaker import MAX_DOUBTS, MAX_REJECTIONS, MAX_THROTTLES, Breaker
from msgspec_runner.model import Outcome, OutcomeKind

ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 200, "id")
IN_DOUBT = Outcome(OutcomeKind.IN_DOUBT, 500, error="HTTP 500: trouble")
REJECTED = Outcome(OutcomeKind.REJECTED, 200, error="Invalid channel_key.")
OTHER = Outcome(OutcomeKind.REJECTED, 200, error="Invalid number.")
UNSENT = Outcome(OutcomeKind.UNSENT, error="refused")
THROTTLED = Outcome(OutcomeKind.THROTTLED, 429)


def feed(*outcomes: Outcome) -> list[str | None]:
    breaker = Breaker()
    return [breaker.observe(outcome, float(n), n + 0.5) for n, outcome in enumerate(outcomes)]


def test_five_in_doubt_in_a_row_stop_the_run() -> None:
    *before, last = feed(*[IN_DOUBT] * MAX_DOUBTS)
    assert before == [None] * 4
    assert last == "5 messages in a row are in doubt, the last: HTTP 500: trouble"


def test_an_acceptance_or_a_rejection_ends_the_row() -> None:
    assert not any(feed(*[*[IN_DOUBT] * 4, ACCEPTED] * 10))
    assert not any(feed(*[*[IN_DOUBT] * 4, REJECTED, ACCEPTED] * 10))


def test_unsent_and_throttled_do_not_end_the_row() -> None:
    assert feed(*[IN_DOUBT] * 4, UNSENT, THROTTLED, IN_DOUBT)[-1] is not None


def test_twenty_rejections_alike_stop_the_run() -> None:
    *before, last = feed(*[REJECTED] * MAX_REJECTIONS)
    assert not any(before)
    assert last == "20 messages in a row were rejected alike: Invalid channel_key."


def test_different_rejections_or_an_acceptance_between_do_not() -> None:
    assert not any(feed(*[REJECTED, OTHER] * 50))
    assert not any(feed(*[*[REJECTED] * 19, ACCEPTED] * 5))


def test_six_429_in_a_row_stop_the_run() -> None:
    *before, last = feed(*[THROTTLED] * MAX_THROTTLES)
    assert not any(before)
    assert last is not None
    assert "--rate" in last


def test_429_of_requests_in_flight_together_count_once() -> None:
    breaker = Breaker()
    assert not any(breaker.observe(THROTTLED, started=0.0, now=0.1 + n / 1000) for n in range(50))
    assert not any(breaker.observe(THROTTLED, started=1.0, now=1.1 + n / 1000) for n in range(50))


def test_progress_ends_the_row_of_429() -> None:
    assert not any(feed(*[*[THROTTLED] * 5, ACCEPTED] * 10))
