"""When a run stops, as a table: what comes, and what is said after the last of it. Nothing is said before."""

from __future__ import annotations

from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.dispatch.breaker import (
    MAX_DOUBTS,
    MAX_FAILURES,
    MAX_REJECTIONS,
    WINDOW,
    Breaker,
)
from msgspec_runner.model import Outcome, OutcomeKind

ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 200, "id")
IN_DOUBT = Outcome(OutcomeKind.IN_DOUBT, 500, error="HTTP 500: trouble")
UNSENT = Outcome(OutcomeKind.UNSENT, error="refused")
THROTTLED = Outcome(OutcomeKind.THROTTLED, 429)


def rejected(words: str, status: int = 200) -> Outcome:
    return Outcome(OutcomeKind.REJECTED, status, error=words)


REJECTED = rejected("Invalid channel_key.")
OTHER = rejected("Invalid number.")
SAID = {
    "doubts": "5 messages in a row are in doubt, the last: HTTP 500: trouble",
    "alike": "20 messages in a row were rejected alike: ",
    "share": "51 of the last 100 messages were not accepted, the last: ",
}


def feed(outcomes: list[Outcome]) -> list[str | None]:
    """What the breaker says to each outcome."""
    breaker = Breaker()
    return [breaker.observe(outcome) for outcome in outcomes]


def turns(*outcomes: Outcome, count: int) -> list[Outcome]:
    return list(islice(cycle(outcomes), count))


def numbered(words: str, count: int) -> list[Outcome]:
    return [rejected(words.format(n=n, id=f"{n * 7919 + 2**60:x}")) for n in range(count)]


STOPS = {
    "five in doubt in a row": ([IN_DOUBT] * MAX_DOUBTS, "doubts"),
    "unsent and throttled do not end the row": ([*[IN_DOUBT] * 4, UNSENT, THROTTLED, IN_DOUBT], "doubts"),
    "twenty rejections alike": ([REJECTED] * MAX_REJECTIONS, "alike"),
    "what is in doubt between does not make them differ": (
        [*[REJECTED] * 10, IN_DOUBT, *[REJECTED] * 10],
        "alike",
    ),
    "alike but for the number": (numbered("+1617555{n:04} is no mobile number.", MAX_REJECTIONS), "alike"),
    "alike but for a short number": (numbered("Recipient {n} is unknown.", MAX_REJECTIONS), "alike"),
    "alike but for an id": (numbered("Request {id} failed", MAX_REJECTIONS), "alike"),
    "alike but for a UUID": (numbered("Request 0f8fad5b-d9cb-469f-a165-{n:012x} failed", MAX_REJECTIONS), "alike"),
    "alike but for a time": (numbered("At 2031-01-02T12:00:{n:02}Z: no", MAX_REJECTIONS), "alike"),
    "more than half in doubt": ([*turns(*[IN_DOUBT] * 3, ACCEPTED, count=WINDOW - 1), IN_DOUBT], None),
    "rejected for different reasons": (
        [rejected(f"Reason {'x' * (n % 7)}") for n in range(WINDOW)],
        None,
    ),
    "half of a window, then one more": ([*turns(ACCEPTED, OTHER, count=WINDOW), OTHER], "share"),
    "both kinds count together": (
        [*turns(ACCEPTED, REJECTED, ACCEPTED, IN_DOUBT, count=WINDOW), OTHER],
        "share",
    ),
}

GOES_ON = {
    "four in doubt": [IN_DOUBT] * 4,
    "four in doubt and an acceptance, for ever": turns(*[IN_DOUBT] * 4, *[ACCEPTED] * 5, count=2000),
    "a rejection ends the row of doubts": turns(*[IN_DOUBT] * 4, REJECTED, *[ACCEPTED] * 6, count=2000),
    "nineteen rejections and an acceptance": [*[REJECTED] * 19, ACCEPTED] * 2,
    "rejections of two kinds": turns(REJECTED, OTHER, count=WINDOW - 1),
    "rejections with two statuses": turns(REJECTED, rejected("Invalid channel_key.", 400), count=WINDOW - 1),
    "words are no ids": turns(rejected("dead beef"), rejected("cafe babe"), count=WINDOW - 1),
    "half of everything fails, for ever": turns(ACCEPTED, IN_DOUBT, ACCEPTED, REJECTED, count=2000),
    "five 429 and an acceptance, for ever": turns(*[THROTTLED] * 5, ACCEPTED, count=2000),
    "429 after 429: each message has its own six attempts": [THROTTLED] * 2000,
    "many unsent attempts are no failures": turns(*[UNSENT] * 50, ACCEPTED, count=2000),
    "a small run": [*[OTHER, REJECTED] * 49, OTHER],
}


@pytest.mark.parametrize(("outcomes", "said"), STOPS.values(), ids=STOPS)
def test_the_run_stops_at_the_last_of_them(outcomes: list[Outcome], said: str | None) -> None:
    *before, last = feed(outcomes)
    assert not any(before)
    assert last is not None
    if said is None:
        assert f"of the last {WINDOW} messages were not accepted, the last: {outcomes[-1].error}" in last
    else:
        assert last.startswith(SAID[said])
        assert last.endswith(outcomes[-1].error or "")


@pytest.mark.parametrize("outcomes", GOES_ON.values(), ids=GOES_ON)
def test_the_run_goes_on(outcomes: list[Outcome]) -> None:
    assert not any(feed(outcomes))


@given(st.lists(st.sampled_from([ACCEPTED, REJECTED, OTHER, IN_DOUBT, UNSENT, THROTTLED]), max_size=400))
def test_whatever_comes_not_many_fail_before_the_run_stops(outcomes: list[Outcome]) -> None:
    told = feed(outcomes)
    stop = next((n for n, words in enumerate(told) if words is not None), len(outcomes))
    settled = [o for o in outcomes[:stop] if o.kind not in (OutcomeKind.UNSENT, OutcomeKind.THROTTLED)]
    for end in range(WINDOW, len(settled) + 1):
        failed = sum(o.kind is not OutcomeKind.ACCEPTED for o in settled[end - WINDOW : end])
        assert failed <= MAX_FAILURES or settled[end - 1].kind is OutcomeKind.ACCEPTED
