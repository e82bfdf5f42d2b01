"""A representative result, a way to change it, and golden files.

``UPDATE_GOLDENS=1 pytest tests/reports`` writes the files in ``golden/``; read the difference before you commit it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from msgspec_runner.diagnostics import START, Diagnostic, Edit, Fix, Position, Related, Rows, Severity, Span
from msgspec_runner.linting.fingerprints import with_fingerprints
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.source.document import parse_document

GOLDEN = Path(__file__).parent / "golden"

REMINDER = """\
spec: reminder
message:
  provider: twlo
  channel_key: reminders
  to: {{ phone }}
  text: |
    Hi {{ nam }} 😀, {{ when }}
  schedule: tomorrow
recipients:
  file: ../recipients/patients.csv
"""


@pytest.fixture
def result() -> LintResult:
    """Return what a linter may find in three specs: every severity, cells, rows, fixes, several lines, odd names."""
    files = {"specs/reminder.yaml": REMINDER, "specs/año, 100%.yaml": "spec: a\n", "specs/clean.yaml": "spec: clean\n"}
    documents = {file: parse_document(file, text) for file, text in files.items()}
    to, nam, when = span(5, 7, 5, 18), span(7, 11, 7, 14), span(7, 24, 7, 28)
    cells = (
        Related("recipients/patients.csv", 14, 1, "row 13, column `phone`"),
        Related("recipients/patients.csv", 15, 1, "row 14, column `phone`"),
    )
    found = [
        finding("MSG103", "unquoted-template", "quote it: `{{` opens a mapping", to, "message.to")._replace(
            fix=Fix("safe", (Edit(to, '"{{ phone }}"'),))
        ),
        finding(
            "MSG503", "invalid-phone-cell", "`phone` has letters; write it like +16175551212", to, "message.to"
        )._replace(related=cells, rows=Rows(1237, (13, 14), 12480)),
        finding("MSG106", "trailing-newline-in-text", "write `|-`", span(6, 9, 8, 1), "message.text")._replace(
            severity=Severity.WARNING, fix=Fix("unsafe", (Edit(span(6, 9, 6, 10), "|-"),))
        ),
        finding("MSG402", "undefined-variable", "no column or var `nam`;\ndid you mean `name`?", nam, "message.text"),
        finding("MSG402", "undefined-variable", "no column or var `when`: 100% sure, [see](1)", when, "message.text"),
        finding("MSG205", "invalid-schedule", "not a date", span(8, 13, 8, 21), "message.schedule")._replace(
            severity=Severity.INFO
        ),
        finding("MSG108", "missing-field", "`message` is missing", START)._replace(file="specs/año, 100%.yaml"),
    ]
    return LintResult(tuple(with_fingerprints(found, documents)), documents)


def span(line: int, col: int, end_line: int, end_col: int) -> Span:
    return Span(Position(line, col), Position(end_line, end_col))


def finding(code: str, name: str, message: str, place: Span, path: str = "") -> Diagnostic:
    return Diagnostic("specs/reminder.yaml", code, name, Severity.ERROR, message, place, path)


@pytest.fixture
def odd_result() -> Callable[..., LintResult]:
    """Return a function that makes a result of one finding from a message and a file's name, whatever is in them."""

    def make(message: str, file: str, severity: Severity = Severity.ERROR) -> LintResult:
        cell = Related(file, 2, 1, message)
        item = finding("MSG107", "unknown-field", message, span(1, 1, 1, 2), message)
        item = item._replace(file=file, related=(cell,), severity=severity, fix=Fix("safe", (Edit(START, message),)))
        documents = {file: parse_document(file, "spec: s\n")}
        return LintResult(tuple(with_fingerprints([item], documents)), documents)

    return make


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Return a function that compares a text with a golden file, or writes it."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDENS"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), "UPDATE_GOLDENS=1 pytest tests/reports"

    return compare
