"""``concise``: one finding a line, ``path:line:col: CODE message``; for editors and grep."""

from __future__ import annotations

from msgspec_runner.diagnostics import Diagnostic
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.reports.notes import spot
from msgspec_runner.reports.paint import COLORS, Paint, painter
from msgspec_runner.reports.text import count, printable


def concise(result: LintResult, *, color: bool = False) -> str:
    """Return a line for every finding; in colour, its code has that of its severity."""
    paint = painter(color=color)
    return "".join(_line(item, paint) for item in result.diagnostics)


def _line(item: Diagnostic, paint: Paint) -> str:
    start = item.span.start
    place = f"{paint(printable(item.file), 'bold')}{paint(f':{start.line}:{start.col}:', 'dim')}"
    return f"{place} {paint(item.code, COLORS[item.severity])} {printable(item.message)}{_data(item)}\n"


def _data(item: Diagnostic) -> str:
    """Say which cell is the first of those that caused a finding, and of how many rows."""
    if item.rows is None or not item.related:
        return ""
    place = item.related[0]
    value = f' "{printable(place.value)}"' if place.value is not None else ""
    shared = f"; {item.rows.count:,} of {count(item.rows.total, 'row')}" if item.rows.count > 1 else ""
    return f" ({spot(place)}{value}{shared})"
