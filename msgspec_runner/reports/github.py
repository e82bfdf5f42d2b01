"""``github``: workflow commands, which GitHub Actions shows as annotations of the lines.

GitHub keeps ten annotations of each level for a step and drops the rest without a word; so errors come first, and
what is dropped is told. A newline within a command is ``%0A``, so that no text of a spec can begin a command of its
own. Source: docs.github.com, "Workflow commands for GitHub Actions"; the escapes are those of its toolkit.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Diagnostic, Severity
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.reports.notes import cells, last_line, place, rows
from msgspec_runner.reports.text import count, printable

SHOWN = 10
"""How many annotations of one level GitHub shows for a step."""

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def github(result: LintResult) -> str:
    """Return a workflow command for every finding, worst first."""
    return "".join(f"{line}\n" for line in _commands(result))


def _commands(result: LintResult) -> Iterator[str]:
    items = sorted(result.diagnostics, key=lambda item: item.severity.rank)
    for item in items:
        if item.severity is not Severity.INFO:
            yield _command(item)
    if len(items) > SHOWN:  # before the other notices, so that it is one of the ten that are shown
        yield f"::notice title=msgspec-runner::{_data(_summary(result))}"
    for item in items:
        if item.severity is Severity.INFO:
            yield _command(item)


def _summary(result: LintResult) -> str:
    found = ", ".join(count(number, level.value) for level in Severity if (number := result.count(level)))
    files = count(len(result.documents), "spec")
    return f"{found} in {files}. GitHub shows {SHOWN} annotations of each level for a step; all are in the step's log."


def _command(item: Diagnostic) -> str:
    start, end = item.span
    last = last_line(item)
    properties = {"file": item.file, "line": start.line, "endLine": last}
    if last == start.line:  # GitHub refuses columns of a range of several lines; its last column is inclusive
        properties |= {"col": start.col, "endColumn": max(start.col, end.col - 1 if end.line == start.line else 1)}
    properties |= {"title": f"{item.code} {item.name}"}
    words = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    lines = (f"{place(item)}: {item.code} {item.message}", *cells(item), rows(item))
    return f"::{_LEVELS[item.severity]} {words}::{_data(chr(10).join(filter(None, lines)))}"


def _data(text: str) -> str:
    # `%` first, or it would escape the escapes; other controls would reach the log's terminal.
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
