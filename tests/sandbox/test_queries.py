"""What the sandbox's own calls can be asked for."""

from __future__ import annotations

import pytest

from msgspec_runner.errors import UsageError
from msgspec_runner.sandbox.queries import Following, Query, parse_following, parse_query
from msgspec_runner.sandbox.shown import Wanted


def test_all_of_a_list() -> None:
    asked = {
        "q": "a",
        "to": "+1",
        "state": "sent",
        "fault": "any",
        "limit": "5",
        "before": "9",
        "after": "3",
        "wait": "1.5",
        "at_least": "2",
    }
    assert parse_query(asked) == Query(Wanted("a", "+1", "sent", "any"), 5, 9, 3, 1.5, 2)
    assert parse_query({}) == Query(Wanted())


def test_all_of_a_stream() -> None:
    assert parse_following({"q": "a", "to": "1", "fault": "500", "last_event_id": "x-1"}) == Following(
        Wanted("a", "1", "", "500"), "x-1"
    )
    assert parse_following({}) == Following(Wanted())
    with pytest.raises(UsageError, match="Unknown parameter 'state'; there are q, to, fault, last_event_id"):
        parse_following({"state": "sent"})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "stat",
            "sent",
            "Unknown parameter 'stat'; there are q, to, state, fault, limit, before, after, wait, at_least.",
        ),
        ("state", "lost", "state must be one of sent, scheduled, cancelled, refused, failed."),
        ("fault", "600", "fault must be any, or one of 429, 500, "),
        ("limit", "1001", "limit must be a whole number, at most 1000."),
        ("limit", "-1", "limit must be a whole number, at most 1000."),
        ("limit", "٣", "limit must be a whole number, at most 1000."),
        ("before", "x", "before must be a whole number."),
        ("after", "9" * 30, "after must be a whole number."),
        ("wait", "61", "wait must be a number of seconds, at most 60."),
        ("wait", "1e1", "wait must be a number of seconds, at most 60."),
        ("wait", "", "wait must be a number of seconds, at most 60."),
        ("at_least", "", "at_least must be a whole number, at most 1000."),
    ],
)
def test_what_is_wrong_says_what_to_write(name: str, value: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_query({name: value})
    assert str(caught.value).startswith(message)
