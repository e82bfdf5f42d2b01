"""Which message in doubt is which message of the API's lists: nothing is ever claimed that could be somebody else's."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.dispatch.delivery import written
from msgspec_runner.dispatch.reconcile import (
    DUE_SLACK,
    EARLY,
    LATE,
    MAX_SPAN,
    TERM_LENGTH,
    Claim,
    claim_of,
    is_match,
    match,
    searches,
    spans,
    term,
)
from msgspec_runner.ledger.ledger import Stored
from msgspec_runner.model import Message, State
from msgspec_runner.sociocs.listed import Content, Listed
from msgspec_runner.timing import Rules, Window, parse_hold

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANN, BOB = "+16175551212", "+16175551213"
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86_400))


def claim(
    key: str = "k1", to: str = ANN, text: str = "Hi", at: datetime = NOON, due: datetime | None = None, *, doubt: bool = True
) -> Claim:  # fmt: skip
    return Claim(key, to, Content(text), at, due, doubt)


def listed(
    message_id: str = "m1", to: str = ANN, text: str = "Hi", at: datetime | None = NOON, due: datetime | None = None
) -> Listed:
    return Listed(message_id, to, Content(text), at, due)


def found(claims: list[Claim], messages: list[Listed], owned: frozenset[str] = frozenset()) -> dict[str, str]:
    return {key: message.message_id for key, message in match(claims, messages, owned).found.items()}


def test_one_message_for_one_doubt() -> None:
    assert found([claim()], [listed()]) == {"k1": "m1"}
    assert found([claim()], [listed(), listed(), listed("m2", BOB), listed("m3", text="Ho")]) == {"k1": "m1"}


@pytest.mark.parametrize("other", [listed(to=BOB), listed(text="Hi!"), listed(text="hi"), listed(at=NOON + 2 * DAY)])
def test_another_message_is_no_match(other: Listed) -> None:
    assert match([claim()], [other], ()) == ({}, {})


def test_an_id_that_is_owned_is_never_taken() -> None:
    assert found([claim()], [listed()], frozenset({"m1"})) == {}
    assert found([claim()], [listed(), listed("m2")], frozenset({"m1"})) == {"k1": "m2"}


@pytest.mark.parametrize(
    ("away", "fits"), [(-EARLY, True), (LATE, True), (-EARLY - SECOND, False), (LATE + SECOND, False)]
)
def test_the_time_of_the_attempt(away: timedelta, fits: bool) -> None:
    assert is_match(claim(), listed(at=NOON + away)) is fits


def test_a_message_without_a_time_is_no_match() -> None:
    assert not is_match(claim(), listed(at=None))


def undated(message_id: str = "m1", to: str = ANN, text: str = "Hi", days: tuple[int, int] = (22, 24)) -> Listed:
    """Return a message without a time, from a list that was asked for by days of November."""
    first, last = (date(2026, 11, day) for day in days)
    return Listed(message_id, to, Content(text), days=(first, last))


def test_a_message_without_a_time_is_known_by_the_days_that_were_asked_for() -> None:
    assert found([claim()], [undated()]) == {"k1": "m1"}
    assert found([claim()], [undated(to=BOB), undated("m2", text="Ho")]) == {}
    assert found([claim()], [undated(days=(1, 22))]) == {"k1": "m1"}
    assert found([claim()], [undated(days=(1, 21))]) == {}, "the list of another message's days"
    assert found([claim(due=NOON - 9 * DAY)], [undated(days=(13, 14))]) == {"k1": "m1"}, "when it went out"


def test_a_message_without_a_time_settles_nothing_that_it_may_not_be() -> None:
    twins = [claim("k1"), claim("k2", at=NOON + SECOND)]
    assert match(twins, [undated()], ()) == ({}, {"k1": 1, "k2": 1})
    assert found(twins, [undated("m2"), undated("m1")]) == {"k1": "m1", "k2": "m2"}
    assert match([claim()], [undated(), undated("m2")], ()) == ({}, {"k1": 2})
    assert match([claim()], [undated(), listed("m2")], ()) == ({}, {"k1": 2})
    assert match([claim()], [undated()], {"m1"}) == ({}, {})
    assert match([claim("k1"), claim("k2", doubt=False)], [undated()], ()) == ({}, {"k1": 1})


def test_what_several_lists_say_of_one_message_counts() -> None:
    """The list of a whole span, of one of its days, and the search that shows the time."""
    whole, early, late = undated(), undated(days=(22, 22)), undated(days=(1, 21))
    assert found([claim()], [whole, early]) == {"k1": "m1"}
    for others in ([whole, late], [late, whole], [early, late], [whole, listed(at=NOON + 2 * DAY)]):
        assert found([claim()], others) == {}
    assert found([claim()], [late, listed()]) == {"k1": "m1"}, "a time says more than a list"


def test_two_that_say_the_same_need_two_that_are_listed() -> None:
    twins = [claim("k1"), claim("k2", at=NOON + SECOND)]
    assert match(twins, [listed()], ()) == ({}, {"k1": 1, "k2": 1})
    assert found(twins, [listed("m2", at=NOON + 2 * SECOND), listed("m1")]) == {"k1": "m1", "k2": "m2"}
    assert match(twins, [listed("m1"), listed("m2"), listed("m3")], ()) == ({}, {"k1": 3, "k2": 3})
    assert match([claim()], [listed("m1"), listed("m2")], ()) == ({}, {"k1": 2})


def test_two_far_apart_in_time_are_told_apart() -> None:
    far = [claim("k1"), claim("k2", at=NOON + DAY)]
    assert found(far, [listed("m2", at=NOON + DAY)]) == {"k2": "m2"}
    chain = [claim("k1"), claim("k2", at=NOON + 10 * HOUR)]
    assert found(chain, [listed("m2", at=NOON + 10 * HOUR), listed("m1")]) == {"k1": "m1", "k2": "m2"}
    assert found(chain, [listed("m2", at=NOON + 14 * HOUR), listed("m3", at=NOON + 13 * HOUR)]) == {}


def test_what_is_being_sent_or_was_released_may_own_it() -> None:
    assert match([claim("k1"), claim("k2", doubt=False)], [listed()], ()) == ({}, {"k1": 1})
    assert match([claim("k1"), claim("k2", doubt=False)], [listed("m1"), listed("m2")], ()) == ({}, {"k1": 2})
    assert found([claim("k1"), claim("k2", BOB, doubt=False)], [listed()]) == {"k1": "m1"}


def test_an_id_that_stands_for_two_messages_is_nobody_s() -> None:
    assert found([claim("k1"), claim("k2", BOB)], [listed("m1"), listed("m1", BOB)]) == {}


def test_channel_and_provider_differ_only_where_both_are_shown() -> None:
    ours = Claim("k", ANN, Content("Hi", provider="twlo", channel="a"), NOON)
    assert is_match(ours, listed())
    for theirs in (Content("Hi", provider="twlowa"), Content("Hi", channel="b")):
        assert not is_match(ours, Listed("m", ANN, theirs, NOON))


def test_templates_are_known_by_id_and_variables() -> None:
    ours = Claim("k", ANN, Content(template="HX1", variables='{"1":"a"}'), NOON)
    shown = Content("Dear a", template="HX1", variables='{"1":"a"}')
    assert is_match(ours, Listed("m", ANN, shown, NOON))
    for theirs in (Content(template="HX1"), Content(template="HX1", variables='{"1":"b"}'), Content("Dear a")):
        assert not is_match(ours, Listed("m", ANN, theirs, NOON))
    assert not is_match(claim(text="Dear a"), Listed("m", ANN, shown, NOON))


def test_media() -> None:
    image, other = (("image_url", "https://x/1.png"),), (("image_url", "https://x/2.png"),)
    for ours, theirs, fits in (
        (Content(media=image), Content(media=image), True),
        (Content(media=image), Content(media=other), False),
        (Content(media=image), Content("Hi", media=image), False),
        (Content("Hi", media=image), Content("Hi"), True),
        (Content("Hi", media=image), Content("Hi", media=other), False),
        (Content("Hi"), Content("Hi", media=image), False),
        (Content(), Content(), False),
    ):
        assert is_match(Claim("k", ANN, ours, NOON), Listed("m", ANN, theirs, NOON)) is fits


def test_what_was_scheduled_is_known_by_its_time() -> None:
    later = NOON + 5 * HOUR
    scheduled = claim(due=later)
    assert is_match(scheduled, listed(due=later))
    assert is_match(scheduled, listed(at=None, due=later + DUE_SLACK))
    assert not is_match(scheduled, listed(due=later + DUE_SLACK + SECOND))
    assert not is_match(claim(), listed(due=later)), "ours was to go out at once"
    assert is_match(claim(due=NOON + 2 * DAY), listed(at=NOON + 2 * DAY)), "listed by when it went out"
    assert is_match(scheduled, listed()), "its schedule is not shown"
    assert is_match(claim(), listed(due=NOON)), "a schedule that has passed is none"


def stored(body: dict[str, object], *, delivery: str | None = None, scheduled_for: str | None = None) -> Stored:
    message = Message("k1", "", "hello", 1, 1, ANN, json.dumps(body).encode() if body else b"", "d", 1, delivery)
    return Stored(
        message, "run", State.IN_DOUBT, "2026-11-23T12:00:00.000Z", "2026-11-23T12:00:09.000Z", None, scheduled_for
    )


def test_a_stored_message_becomes_a_claim() -> None:
    assert claim_of(stored({"to": ANN, "text": "Hi\n", "provider": "twlo"})) == Claim(
        "k1", ANN, Content("Hi", provider="twlo"), NOON
    )
    assert claim_of(stored({})) is None
    assert claim_of(stored({"text": "Hi"})._replace(claimed_at=None)) is None


def test_what_a_run_that_died_asked_the_api_to_wait_for_is_worked_out() -> None:
    def due(made: Stored) -> datetime | None:
        made_claim = claim_of(made)
        assert made_claim is not None
        return made_claim.due

    text: dict[str, object] = {"text": "Hi"}
    assert due(stored(text, scheduled_for="2026-11-24T09:00:00+01:00")) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert due(stored({**text, "schedule": "2026-11-25T09:00:00Z"})) == datetime(2026, 11, 25, 9, tzinfo=UTC)
    assert due(stored(text, delivery=written(Rules(hold=parse_hold("5m"))))) == NOON + 5 * MINUTE
    opens, closes = NOON.time().replace(hour=15), NOON.time().replace(hour=16)
    assert due(stored(text, delivery=written(Rules(Window(opens, closes, "UTC"))))) == NOON + 3 * HOUR


def test_the_days_to_ask_for() -> None:
    assert spans([claim()], NOON) == [(date(2026, 11, 22), date(2026, 11, 24))]
    two = [claim(), claim("k2", at=NOON + 2 * DAY), claim("k3", at=NOON - 20 * DAY)]
    assert spans(two, NOON) == [(date(2026, 11, 2), date(2026, 11, 4)), (date(2026, 11, 22), date(2026, 11, 26))]
    assert spans([claim(due=NOON + 9 * DAY)], NOON) == [(date(2026, 11, 22), date(2026, 11, 24))]
    assert spans([claim(due=NOON + 9 * DAY)], NOON + 10 * DAY)[1] == (date(2026, 12, 1), date(2026, 12, 3))


@given(st.lists(st.integers(0, 400), max_size=30))
def test_every_day_is_asked_for_once_in_spans_that_are_short_enough(offsets: list[int]) -> None:
    claims = [claim(str(number), at=NOON + offset * DAY) for number, offset in enumerate(offsets)]
    asked = spans(claims, NOON + 500 * DAY)
    days = [first + timedelta(days=n) for first, last in asked for n in range((last - first).days + 1)]
    assert sorted(set(days)) == days
    assert set(days) == {(NOON + (offset + near) * DAY).date() for offset in offsets for near in (-1, 0, 1)}
    assert all((last - first).days < MAX_SPAN for first, last in asked)
    assert all(one[1] < other[0] for one, other in pairwise(asked))


def test_the_words_to_search_for() -> None:
    assert term("Hi Ann, see you on Monday at ten") == "Hi Ann, see you on"
    assert term("Hi\nAnn") == "Hi"
    assert len(term("x" * 500)) == TERM_LENGTH
    claims = [claim("k1"), claim("k2", BOB), Claim("k3", ANN, Content(template="HX1"), NOON)]
    assert searches(claims, NOON) == [("Hi", date(2026, 11, 22), date(2026, 11, 24))]


numbers = st.sampled_from([ANN, BOB])
texts = st.sampled_from(["Hi", "Ho"])
moments = st.integers(-3, 30).map(lambda hours: NOON + hours * HOUR)
claims_ = st.lists(
    st.builds(Claim, st.just(""), numbers, st.builds(Content, texts), moments, st.none() | moments, st.booleans()),
    max_size=8,
).map(lambda made: [each._replace(key=f"k{number}") for number, each in enumerate(made)])
ids = st.sampled_from([f"m{number}" for number in range(8)])
days_ = st.none() | moments.map(lambda moment: (moment.date(), moment.date() + DAY))
messages_ = st.lists(
    st.builds(Listed, ids, numbers, st.builds(Content, texts), st.none() | moments, st.none() | moments, days_),
    max_size=10,
)


@given(claims_, messages_, st.frozensets(ids, max_size=3))
def test_nothing_is_claimed_falsely(claims: list[Claim], messages: list[Listed], owned: frozenset[str]) -> None:
    matches = match(claims, messages, owned)
    by_key = {each.key: each for each in claims}
    taken = [message.message_id for message in matches.found.values()]
    assert len(taken) == len(set(taken)), "one id for two messages"
    assert not owned.intersection(taken), "an id that is owned"
    for key, message in matches.found.items():
        ours = by_key[key]
        assert ours.in_doubt
        assert message[:5] in [each[:5] for each in messages]
        assert ours.to == message.to, "a match across numbers"
        assert is_match(ours, message)
        # Whoever else may own what was taken was settled, too.
        for rival in claims:
            assert not is_match(rival, message) or rival.key in matches.found
        # Whatever else may be this one was taken, too, or other lists say other things of it.
        for other in messages:
            if is_match(ours, other) and other.message_id not in owned | set(taken):
                assert len({each for each in messages if each.message_id == other.message_id}) > 1
    assert not set(matches.found) & set(matches.alike)


@given(claims_, messages_)
def test_the_order_of_what_is_listed_does_not_matter(claims: list[Claim], messages: list[Listed]) -> None:
    once = {each.message_id: each for each in messages}
    assert match(claims, [*once.values()], ()) == match(claims, [*reversed(once.values())], ())
