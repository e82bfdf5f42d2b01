"""``concise``: one finding a line, ``path:line:col: CODE message``; for editors and grep."""

from __future__ import annotations

from msgspec_runner.linting.linter import LintResult
from msgspec_runner.reports.text import printable


def concise(result: LintResult) -> str:
    """Return a line for every finding."""
    return "".join(
        f"{printable(item.file)}:{item.span.start.line}:{item.span.start.col}: {item.code} {printable(item.message)}\n"
        for item in result.diagnostics
    )
