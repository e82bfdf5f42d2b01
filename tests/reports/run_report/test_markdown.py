"""The Markdown of a run, and what a renderer of Markdown makes of it."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from msgspec_runner.ledger import Decided, RunStatus
from msgspec_runner.model import State
from msgspec_runner.reports.commands import Commands
from msgspec_runner.reports.run_report.figures import Figures
from msgspec_runner.reports.run_report.markdown import LISTED, markdown, span
from tests.reports.run_report.examples import ID, RUN, figures, message, mixed

GOLDEN = Path(__file__).parent / "golden"
COMMANDS = Commands(ID)
HOSTILE = [
    "a | b | <img src=x onerror=alert(1)> [a](javascript:alert(1)) @everyone #1 **b** _c_ :tada:",
    "`` ` ``` ` ",
    "``` \n# heading\n\n- item",
    "<!-- --> &lt; \\` \\| ~~~ $x$",
    "https://evil.example/ www.evil.example mailto:a@evil.example",
]


def text_of(found: Figures) -> str:
    return "\n".join(markdown(found, COMMANDS)) + "\n"


def inline(text: str) -> list[Token]:
    parsed = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    return [child for token in parsed for child in token.children or ()]


def test_the_report() -> None:
    text, path = text_of(mixed()), GOLDEN / "run.md"
    if os.environ.get("UPDATE_GOLDENS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "UPDATE_GOLDENS=1 pytest tests/reports"


def test_it_holds_no_number() -> None:
    assert "•••" in text_of(mixed())  # of a decision's reason
    assert not re.search(r"\+?1617555", text_of(mixed()))


def test_an_empty_run_is_a_report_too() -> None:
    text = text_of(figures([]))
    assert "**no messages**" in text
    assert "###" not in text


def test_a_run_under_way_and_one_that_was_stopped() -> None:
    running = replace(RUN, status=RunStatus.RUNNING, ended_at=None)
    assert "still running at 2031-11-23 12:45:01 UTC" in text_of(figures([message(1)], running))
    stopped = replace(RUN, status=RunStatus.STOPPED, reason="HTTP 401: the API refused the key of +16175551212")
    assert "Stopped: `HTTP 401: the API refused the key of …`" in text_of(figures([message(1)], stopped))


def test_long_lists_end() -> None:
    words = ["".join("abcdefghij"[int(digit)] for digit in str(row)) for row in range(LISTED + 10)]
    text = text_of(
        figures(
            [message(row, State.IN_DOUBT, error=f"no {word}") for row, word in enumerate(words)],
            decisions=[Decided("k", "2031-11-23T11:45:02.120Z", word, "released", "why") for word in words],
        )
    )
    assert "- 10 messages with other errors" in text
    assert text.count("- and 10 more") == 2


def hostile(words: str) -> Figures:
    run = replace(RUN, specs=(words,), host=words, version=words, reason=words, origin=words, status=RunStatus.STOPPED)
    messages = [
        message(1, State.REJECTED, error=words, spec=words),
        message(2, State.IN_DOUBT, error=words),
        message(3, State.SKIPPED, at=None, error=words),
    ]
    return figures(messages, run, [Decided("k", "2031-11-23T11:45:02.120Z", words, words, words)])


def check(words: str) -> None:
    tokens = inline(text_of(hostile(words)))
    kinds = {token.type for token in tokens}
    assert kinds <= {"text", "strong_open", "strong_close", "code_inline", "html_inline"}
    assert {token.content for token in tokens if token.type == "html_inline"} <= {"<code>", "</code>"}
    assert not [
        token.content for token in tokens if token.type == "text" and "evil" in token.content and "<" in token.content
    ]


def test_what_others_say_is_shown_and_is_never_markup() -> None:
    for words in HOSTILE:
        check(words)
        shown = {token.content for token in inline(text_of(hostile(words))) if token.type == "code_inline"}
        assert " ".join(words.replace("\n", "⏎").split()) in {" ".join(text.split()) for text in shown}


@given(st.text(st.characters(codec="utf-8")))
def test_whatever_they_say(words: str) -> None:
    check(words)
    check(words[::-1] + "`")


@given(st.text("` \\|<a@\n#", max_size=20))
def test_code_holds_its_text(text: str) -> None:
    tokens = inline(f"x {span(text)} y")
    if text.strip():
        [token] = [token for token in tokens if token.type == "code_inline"]
        assert token.content == text.replace("\n", "⏎")
