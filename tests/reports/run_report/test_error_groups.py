from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.model import State
from msgspec_runner.reports.run_report.error_groups import MOST_GROUPS, ErrorGroups, folded
from tests.reports.run_report.examples import message


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("The number +16175551212 is wrong.", "The number … is wrong."),
        ("The number 16175551212 is wrong.", "The number … is wrong."),
        ("request 0f8fad5b-d9cb-469f-a165-70867728950e failed", "request … failed"),
        ("message SM1a2b3c4d5e6f7a8b9c failed", "message … failed"),
        ("at 2031-11-23T11:45:02.120Z", "at …"),
        ("waited 10.5 s, 3 times", "waited … s, … times"),
        ("HTTP 503: try again in 30 s", "HTTP 503: try again in … s"),
        ("error 21610: opted out", "error 21610: opted out"),
        ("opted out (21610), row (12) of (1234567)", "opted out (21610), row (…) of (…)"),
        ("Error code: 21614, row 12", "Error code: 21614, row …"),
        ("[Errno 104] Connection reset by peer", "[Errno 104] Connection reset by peer"),
        ("ann.lee@example.com is no contact", "… is no contact"),
        ("no such channel: reminders_de", "no such channel: reminders_de"),
        ("E.164 wanted", "E.… wanted"),
        ("", "no words"),
        ("\x1b[2J\u202e", "<U+001B>[…J<U+202E>"),
    ],
)
def test_what_names_one_message_is_folded(error: str, words: str) -> None:
    assert folded(error) == words


@given(st.text())
def test_whatever_an_api_says_no_number_is_left_and_nothing_a_terminal_obeys(error: str) -> None:
    words = folded(error)
    assert words
    assert not re.search(r"[0-9]{7}", re.sub(r"<U\+[0-9A-F]+>", "", words))
    assert words.isprintable() or not error.isprintable()


def test_the_same_in_other_words_is_counted_together_largest_first() -> None:
    groups = ErrorGroups()
    for row in range(1, 4):
        groups.add(message(row, State.REJECTED, error=f"row {row} is bad")[0])
    groups.add(message(4, State.REJECTED, error="row 4 is bad", http_status=400)[0])
    groups.add(message(5, State.IN_DOUBT, error="row 5 is bad")[0])
    found = [(group.state, group.http_status, group.words, group.count, group.example.row) for group in groups.build()]
    assert found == [
        (State.REJECTED, None, "row … is bad", 3, 1),
        (State.REJECTED, 400, "row … is bad", 1, 4),
        (State.IN_DOUBT, None, "row … is bad", 1, 5),
    ]


def test_an_api_that_always_says_something_else_does_not_fill_the_memory() -> None:
    groups = ErrorGroups()
    for row in range(MOST_GROUPS + 500):
        word = "".join("abcdefghij"[int(digit)] for digit in str(row))
        groups.add(message(row, State.REJECTED, error=f"no {word}")[0])
    assert (len(groups.build()), groups.others) == (MOST_GROUPS, 500)


def test_a_long_error_is_folded_in_no_time() -> None:
    for part in ("a", "1", "a1-", "@", "a@", "+1", "•"):
        assert len(folded(part * 1_000_000)) <= 3_000
