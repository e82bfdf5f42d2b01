"""``json``: the findings with everything that is known of them; its shape is contract, section 3."""

from __future__ import annotations

import json

from msgspec_runner.diagnostics import Diagnostic, Fix, Position, Rows, Severity, Span
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.reports.notes import words

VERSION = 1
"""Raised when a key changes its meaning; new keys do not raise it."""


def json_report(result: LintResult) -> str:
    """Return the report as one JSON object."""
    document = {
        "version": VERSION,
        "diagnostics": [_diagnostic(item) for item in result.diagnostics],
        "summary": {
            "files": len(result.documents),
            "errors": result.count(Severity.ERROR),
            "warnings": result.count(Severity.WARNING),
            "infos": result.count(Severity.INFO),
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode("utf-8", "replace").decode() + "\n"


def rule_url(code: str, name: str) -> str:
    """Return where the rule is documented, relative to the project's repository."""
    return f"docs/rules/{code}-{name}.md"


def _diagnostic(item: Diagnostic) -> dict[str, object]:
    return {
        "file": item.file,
        "code": item.code,
        "name": item.name,
        "severity": item.severity.value,
        "message": item.message,
        "range": _range(item.span),
        "path": item.path,
        "related": [
            {"file": place.file, "row": place.row, "column": place.column, "message": words(place)}
            for place in item.related
        ],
        "rows": _rows(item.rows),
        "fix": _fix(item.fix) if item.fix is not None else None,
        "url": rule_url(item.code, item.name),
        "fingerprint": item.fingerprint,
    }


def _rows(rows: Rows | None) -> dict[str, object]:
    """Return which recipients share a finding; of one that no recipient is to blame for, none."""
    return {"count": rows.count, "sample": list(rows.sample)} if rows is not None else {"count": 0, "sample": []}


def _fix(fix: Fix) -> dict[str, object]:
    return {"safety": fix.safety, "edits": [{"range": _range(edit.span), "text": edit.text} for edit in fix.edits]}


def _range(span: Span) -> dict[str, object]:
    return {"start": _position(span.start), "end": _position(span.end)}


def _position(position: Position) -> dict[str, int]:
    return {"line": position.line, "col": position.col}
