"""The page of a run as text: what is in it, and that nothing in it is obeyed. ``tests/browser`` looks at it."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.ledger import Decided, RunStatus, Totals
from msgspec_runner.model import State
from msgspec_runner.reports.commands import Commands
from msgspec_runner.reports.run_report.figures import Figures
from msgspec_runner.reports.run_report.page import LISTED_ERRORS, html
from tests.reports.run_report.examples import ID, RUN, figures, message, mixed

GOLDEN = Path(__file__).parent / "golden"
COMMANDS = Commands(ID)
HOSTILE = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}{% raw %} &amp; \u202e\x1b[2J"


class Page(HTMLParser):
    """The elements of a page, their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words += data


def main_of(text: str) -> str:
    return text[text.index("<main") : text.index("</main>") + 8]


def test_the_page() -> None:
    text, path = main_of(html(mixed(), COMMANDS)), GOLDEN / "run.html"
    if os.environ.get("UPDATE_GOLDENS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "UPDATE_GOLDENS=1 pytest tests/reports"


def test_numbers_are_masked_unless_asked_for() -> None:
    masked, full = html(mixed(), COMMANDS), html(mixed(), COMMANDS, show_numbers=True)
    assert not re.search(r"\+?1617555", masked)
    assert "+1•••••••61" in masked
    for words in ("+16175550061", "The number +16175550061 is not", "+16175551212 called back"):
        assert words in Page(full).words


def test_every_doubt_has_the_command_that_settles_it() -> None:
    text = Page(html(mixed(), COMMANDS)).words
    assert text.count(f"msgspec-runner reconcile {ID}") == 2  # what is left to do, and the list
    assert 'msgspec-runner reconcile --release 00000001welc --reason "…"' in text
    assert 'msgspec-runner reconcile --release 00000002welc --reason "…"' in text


def status(found: RunStatus, **more: object) -> Figures:
    return figures(
        [message(1), message(2, State.SENDING), message(3, State.PLANNED, at=None)], replace(RUN, status=found, **more)
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (status(RunStatus.RUNNING, ended_at=None), ["running", "took 1 h so far", "1 under way", "1 not sent yet"]),
        (status(RunStatus.DIED, ended_at=None), ["died", "1 message under way when the run died"]),
        (status(RunStatus.DIED), ["died", "Found dead", "Run the same send again"]),
        (status(RunStatus.STOPPED, reason="HTTP 401: +16175551212"), ["Stopped early: HTTP 401: +1•••••••12"]),
        (figures([]), ["No messages: nothing was given to this run.", "Nothing was tried."]),
        (figures([], replace(RUN, totals=Totals(accepted=2))), ["or later runs took it over", "2 messages taken over"]),
        (figures([message(1, State.IN_DOUBT, at=3, error=None)]), ["1 in doubt", "no words", "Ask the API what it got"]),
        (figures([message(1, State.IN_DOUBT)], replace(RUN, origin="sandbox")), ["The sandbox that got it is gone."]),
        (figures([message(1, State.REJECTED, to="", error="x")]), ["number erased"]),
        (figures([message(1)], replace(RUN, started_at=None, ended_at=None, specs=(), host="")), ["no spec"]),
    ],
)  # fmt: skip
def test_every_kind_of_run_has_a_page(found: Figures, words: list[str]) -> None:
    text = " ".join(Page(main_of(html(found, COMMANDS))).words.split())
    # A total's words come before its number.
    text = re.sub(r"(under way|not sent yet|in doubt) ?([0-9,]+)", r"\2 \1", text)
    for expected in words:
        assert expected in text


def hostile(words: str) -> Figures:
    run = replace(RUN, specs=(words,), host=words, version=words, reason=words, origin=words)
    messages = [
        message(1, State.REJECTED, error=words, spec=words),
        message(2, State.IN_DOUBT, error=words, to=words or None),
        message(3, State.SKIPPED, at=None, error=words),
        message(4),
    ]
    return figures(messages, run, [Decided("k", "2031-11-23T11:45:02.120Z", words, words, words)])


def check(words: str) -> None:
    tame, page = Page(html(hostile("tame"), COMMANDS)), Page(html(hostile(words), COMMANDS, show_numbers=True))
    assert page.elements.count("script") == 0
    assert set(page.elements) <= {*tame.elements, "code"}
    assert {name for name, _ in page.attributes} <= {name for name, _ in tame.attributes}


def test_what_others_say_is_text() -> None:
    check(HOSTILE)
    text = Page(html(hostile(HOSTILE), COMMANDS)).words
    shown = HOSTILE.replace("\u202e", "<U+202E>").replace("\x1b", "<U+001B>")
    assert text.count(shown) >= 6
    assert "49" not in re.findall(r"\d+", main_of(html(hostile("{{ 7*7 }}"), COMMANDS)))


@settings(max_examples=25, deadline=None)
@given(st.text())
def test_whatever_they_say(words: str) -> None:
    check(words)


def test_long_lists_end() -> None:
    letters = ["".join("abcdefghij"[int(digit)] for digit in str(row)) for row in range(LISTED_ERRORS + 10)]
    page = html(
        figures([message(row, State.IN_DOUBT, error=f"no {word}") for row, word in enumerate(letters)]), COMMANDS
    )
    assert "10 messages with other errors." in page
    assert "<summary>50 more</summary>" in page
