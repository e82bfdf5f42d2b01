"""``full``: what a person reads at a terminal: the finding, the line, carets under the characters, the data.

::

    error[MSG503] invalid-phone-cell: `phone` has letters; write it like +16175551212
      ┌─ specs/reminder.yaml:6:11
      │
    6 │   to: "{{ phone }}"
      │           ^^^^^
      ├─ recipients/patients.csv:14:1  row 13, column `phone`
      └─ 37 of 12,480 rows; 1 shown
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec_runner.diagnostics import Diagnostic, Severity, Span
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.reports.notes import cells, place, rows
from msgspec_runner.reports.paint import COLORS, Paint, painter
from msgspec_runner.reports.text import count, printable, width
from msgspec_runner.source.document import Document

MAX_LINE = 110
"""Characters of a line that are shown; a longer one is cut around the finding."""


def full(result: LintResult, *, color: bool) -> str:
    """Return the findings with their lines."""
    paint = painter(color=color)
    return "".join(
        "\n".join(_lines(first, result.documents[first.file], paint, more)) + "\n\n"
        for first, *more in _told_together(result.diagnostics)
    )


def _told_together(diagnostics: Iterable[Diagnostic]) -> Iterator[list[Diagnostic]]:
    """Yield the findings, in their order: each alone, but infos of one rule that follow one another in one list.

    Six unused columns would fill a screen, and the error above them would be out of sight.
    """
    together: list[Diagnostic] = []
    for item in diagnostics:
        if together and not _follows(item, together[0]):
            yield together
            together = []
        together.append(item)
    if together:
        yield together


def _follows(item: Diagnostic, first: Diagnostic) -> bool:
    """Say whether a line under the first one tells all of a finding: it is mild, and brings no notes of its own."""
    same = (item.file, item.code) == (first.file, first.code)
    return same and item.severity is first.severity is Severity.INFO and not any(_notes(item))


def summary(result: LintResult, *, color: bool) -> str:
    """Return the last line: what was found in how many files; and where the first error is, if it is not alone."""
    paint = painter(color=color)
    parts = [
        paint(count(result.count(severity), severity.value), COLORS[severity])
        for severity in Severity
        if result.count(severity)
    ]
    files = count(len(result.documents), "spec")
    if not parts:
        return f"{paint('ok', 'green')}: no findings in {files}"
    words = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    error = next((item for item in result.diagnostics if item.severity is Severity.ERROR), None)
    first = f", the first error at {place(error)}" if error is not None and len(parts) > 1 else ""
    return f"{words} in {files}{first}; `msgspec-runner rule CODE` explains one"


def _lines(item: Diagnostic, document: Document, paint: Paint, more: Sequence[Diagnostic] = ()) -> Iterator[str]:
    start = item.span.start
    gutter = " " * len(str(start.line))
    head = f"{item.severity.value}[{item.code}]"
    yield f"{paint(head, COLORS[item.severity])} {paint(item.name, 'bold')}: {printable(item.message)}"
    shown, carets = snippet(document.line(start.line), item.span)
    notes = [*_notes(item), *(f"{place(other)}  {printable(other.message)}" for other in more)]
    corner = "┌─" if shown.strip() or notes else "└─"
    yield f"{gutter} {paint(corner, 'dim')} {printable(item.file)}:{start.line}:{start.col}"
    if shown.strip():
        yield f"{gutter} {paint('│', 'dim')}"
        yield f"{paint(str(start.line), 'dim')} {paint('│', 'dim')} {shown}".rstrip()
        yield f"{gutter} {paint('│' if notes else '└', 'dim')} {paint(carets, COLORS[item.severity])}"
    for number, note in enumerate(notes, 1):
        yield f"{gutter} {paint('└─' if number == len(notes) else '├─', 'dim')} {note}"


def _notes(item: Diagnostic) -> Iterator[str]:
    yield from cells(item)
    shared = rows(item)
    if item.rows is not None and shared:
        yield f"{shared}; {len(item.rows.sample)} shown"
    if item.fix is not None:
        safety = "" if item.fix.safety == "safe" else " (changes what is sent: check it)"
        edit = item.fix.edits[0]
        cure = f"write {printable(edit.text)}" if edit.text else "remove it"
        yield f"fix: {cure}{safety}"


def snippet(line: str, span: Span) -> tuple[str, str]:
    """Return a line as it may be shown, and the carets under the span's part of it."""
    first = span.start.col - 1
    last = span.end.col - 1 if span.end.line == span.start.line else len(line.rstrip())
    last = max(last, first + 1)
    cut = max(0, first - MAX_LINE // 2) if len(line) > MAX_LINE else 0
    end = cut + MAX_LINE
    prefix = "…" if cut else ""
    before = prefix + printable(line[cut:first])
    marked = printable(line[first : min(last, end)])
    after = printable(line[min(last, end) : end]) + ("…" if len(line) > end else "")
    carets = " " * width(before) + "^" * max(1, width(marked))
    return before + marked + after, carets
