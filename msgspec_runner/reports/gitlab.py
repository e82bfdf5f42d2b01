"""``gitlab``: a Code Quality report, which GitLab shows in merge requests.

A finding that the target branch has too is known by its fingerprint; GitLab drops one without a severity from the
merge request's widget. Source: docs.gitlab.com, "Code Quality report format".
"""

from __future__ import annotations

import json

from msgspec_runner.diagnostics import Diagnostic, Severity
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.reports.notes import cells, last_line, rows
from msgspec_runner.reports.text import printable

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.INFO: "info"}
"""``blocker`` and ``major`` are left to what looks at more than one file's lines."""


def gitlab(result: LintResult) -> str:
    """Return the report as a JSON array; an empty one says that all is well."""
    report = json.dumps([_issue(item) for item in result.diagnostics], ensure_ascii=False, indent=2)
    return report.encode("utf-8", "replace").decode() + "\n"


def _issue(item: Diagnostic) -> dict[str, object]:
    notes = "; ".join(filter(None, (*cells(item), rows(item))))
    message = f"{item.code} {item.name}: {printable(item.message)}"
    return {
        "description": f"{message} ({notes})" if notes else message,
        "check_name": item.code,
        "fingerprint": item.fingerprint,
        "severity": _SEVERITIES[item.severity],
        "location": {"path": item.file, "lines": {"begin": item.span.start.line, "end": last_line(item)}},
    }
