"""What is posted so that a message arrives when its rules allow, and how the ledger keeps them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.dispatch.delivery import NO_RULES, Posting, is_too_late, own_schedule, posting, read, written
from msgspec_runner.timing import Due, Rules, due
from tests.rails import NOW, moments, rules, window


def test_without_rules_a_message_arrives_when_it_is_posted() -> None:
    assert due(None, NO_RULES, NOW) == Due()
    assert posting(b'{"text":"Hi"}', None, NOW) == Posting(b'{"text":"Hi"}')


def test_a_schedule_of_its_own_stays_as_it_is_written() -> None:
    body = b'{"text":"Hi","schedule":"2031-01-05T09:00:00.5-05:00"}'
    assert posting(body, None, NOW) == Posting(body, "2031-01-05T09:00:00.500000-05:00")
    held = written(Rules(hold=timedelta(minutes=5)))
    assert posting(body, held, NOW) == Posting(body, "2031-01-05T09:00:00.500000-05:00"), "it is later anyhow"


def test_a_schedule_in_the_past_is_the_linters_business_but_a_window_holds_for_it() -> None:
    body = b'{"schedule":"2021-01-05T09:00:00-05:00"}'
    assert posting(body, None, NOW) == Posting(body, "2021-01-05T09:00:00-05:00")
    moved = posting(body, written(Rules(window("12:00", "13:00"))), NOW)
    assert moved is not None
    assert moved.scheduled_for == "2031-01-02T12:00:00-05:00"


def test_a_schedule_outside_of_the_window_moves_to_the_next_opening() -> None:
    body = b'{"text":"Hi","schedule":"2031-01-05T20:00:00-05:00","to":"+16175551212"}'
    moved = posting(body, written(Rules(window("09:00", "19:00", "America/Los_Angeles"))), NOW)
    assert moved == Posting(body, "2031-01-05T20:00:00-05:00"), "17:00 over there"
    moved = posting(body, written(Rules(window("09:00", "19:00"))), NOW)
    assert moved is not None
    assert json.loads(moved.body) == {
        "text": "Hi",
        "schedule": "2031-01-06T09:00:00-05:00",
        "to": "+16175551212",
    }


def test_what_is_no_moment_is_no_schedule() -> None:
    assert own_schedule(b'{"schedule":"soon"}') is None
    assert own_schedule(b'{"schedule":5}') is None
    assert own_schedule(b'{"text":"\\"schedule\\":"}') is None
    assert own_schedule(b'{"text":"the \\"schedule\\""}') is None


def test_a_hold_is_a_schedule_in_whole_seconds_that_is_never_too_short() -> None:
    held = posting(b"{}", written(Rules(hold=timedelta(minutes=5))), NOW + timedelta(microseconds=1))
    assert held == Posting(b'{"schedule":"2031-01-02T15:05:01+00:00"}', "2031-01-02T15:05:01+00:00")


@pytest.mark.parametrize(
    ("rules", "expires", "too_late"),
    [
        (Rules(), "2031-01-02T15:00:00+00:00", True),
        (Rules(), "2031-01-02T15:00:01+00:00", False),
        (Rules(hold=timedelta(minutes=5)), "2031-01-02T15:05:00+00:00", True),
        (Rules(hold=timedelta(minutes=5)), "2031-01-02T15:05:01+00:00", False),
        (Rules(window("11:00", "12:00")), "2031-01-02T11:00:00-05:00", True),
        (Rules(window("11:00", "12:00")), "2031-01-02T11:00:01-05:00", False),
    ],
)
def test_what_would_arrive_when_it_has_expired_is_too_late(rules: Rules, expires: str, too_late: bool) -> None:
    rules = rules._replace(expires=datetime.fromisoformat(expires))
    assert due(None, rules, NOW).too_late is too_late
    assert (posting(b"{}", written(rules), NOW) is None) is too_late
    assert is_too_late(b"{}", written(rules), NOW) is too_late


def test_the_end_of_the_calendar_is_no_trap() -> None:
    hours = written(Rules(window("09:00", "10:00", "Pacific/Apia"), timedelta(hours=1)))
    for schedule in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"):
        assert posting(json.dumps({"schedule": schedule}).encode(), hours, NOW) is not None


@given(st.none() | moments, rules, moments)
def test_to_apply_the_rules_to_what_they_gave_changes_nothing(
    own: datetime | None, rules: Rules, now: datetime
) -> None:
    body = b'{"text":"Hi"}' if own is None else json.dumps({"text": "Hi", "schedule": own.isoformat()}).encode()
    delivery = written(rules._replace(expires=None))
    first = posting(body, delivery, now)
    assert first is not None
    again = posting(first.body, delivery, now)
    assert again is not None
    assert again.body == first.body
    if first.body != body:
        assert json.loads(first.body)["text"] == "Hi"
        assert datetime.fromisoformat(json.loads(first.body)["schedule"]) == due(own, rules, now).at


# how rules are written


@given(rules)
def test_what_is_written_is_read(rules: Rules) -> None:
    assert read(written(rules)) == rules


def test_no_rules_are_nothing() -> None:
    assert written(NO_RULES) is None
    assert read(None) == NO_RULES


def test_rules_are_compact() -> None:
    expires = datetime.fromisoformat("2031-12-24T18:00:00-05:00")
    assert written(Rules(window("09:00", "19:00"), timedelta(minutes=5), expires)) == (
        '{"window":["09:00","19:00","America/New_York"],"hold":300,"expires":"2031-12-24T18:00:00-05:00"}'
    )
