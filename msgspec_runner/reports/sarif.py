"""``sarif``: SARIF 2.1.0, which code scanning of many kinds reads.

No snippets: a spec's inline rows are people's data. No examples in the rules' help either: who looks for data in a
report could take what they hold for some. Source: OASIS, "Static Analysis Results Interchange Format
(SARIF) Version 2.1.0", named by its sections below.
"""

from __future__ import annotations

import json
from urllib.parse import quote

from msgspec_runner._version import __version__
from msgspec_runner.diagnostics import Diagnostic, Fix, Related, Severity, Span
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.linting.rule import Rule
from msgspec_runner.linting.rules import RULES
from msgspec_runner.reports.notes import rows, words
from msgspec_runner.reports.rule_help import markdown, plain, reason, summary, without_examples
from msgspec_runner.reports.text import printable

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
"""The name that code scanning gives to the top of the repository."""

FINGERPRINT = "msgspecRunner/v1"
"""The kind of our fingerprints; another version when they are computed otherwise (section 3.27.17)."""

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_GITHUB_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}
_SAFETY = {
    "safe": "Safe: what is sent stays the same.",
    "unsafe": "Unsafe: may change what is sent; check it.",
}


def sarif(result: LintResult) -> str:
    """Return the report as one JSON object, with the rules that found something and their help."""
    found = {item.code for item in result.diagnostics}
    rules = [rule for rule in RULES if rule.code in found]
    index = {rule.code: number for number, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "msgspec-runner",
                "semanticVersion": __version__,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "newlineSequences": ["\r\n", "\n", "\r"],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The top of the repository."}}},
        "results": [_result(item, index) for item in result.diagnostics],
    }
    report = json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2)
    return report.encode("utf-8", "replace").decode() + "\n"


def _rule(rule: Rule) -> dict[str, object]:
    rule = without_examples(rule)
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": summary(rule)},
        "fullDescription": {"text": reason(rule) or summary(rule)},
        "help": {"text": plain(rule), "markdown": markdown(rule.doc)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"problem.severity": _GITHUB_LEVELS[rule.severity], "precision": "very-high"},
    }


def _result(item: Diagnostic, index: dict[str, int]) -> dict[str, object]:
    shared = rows(item)
    location: dict[str, object] = {"physicalLocation": _physical(item.file, _region(item.span))}
    if item.path:
        location["logicalLocations"] = [{"fullyQualifiedName": item.path, "kind": "property"}]
    result: dict[str, object] = {
        "ruleId": item.code,
        "level": _LEVELS[item.severity],
        "message": {"text": _text(f"{item.message} ({shared})" if shared else item.message)},
        "locations": [location],
        "partialFingerprints": {FINGERPRINT: item.fingerprint},
    }
    if item.code in index:
        result["ruleIndex"] = index[item.code]
    if item.related:
        result["relatedLocations"] = [_related(number, place) for number, place in enumerate(item.related, 1)]
    if item.rows is not None:
        numbers = {"count": item.rows.count, "sample": list(item.rows.sample)}
        result["properties"] = {"rows": numbers}
    if item.fix is not None:
        result["fixes"] = [_fix(item.file, item.fix)]
    return result


def _related(number: int, place: Related) -> dict[str, object]:
    region = {"startLine": place.row}
    if place.at is not None:
        region = {"startLine": place.at.line, "startColumn": place.at.col}
    return {
        "id": number,
        "physicalLocation": _physical(place.file, region),
        "message": {"text": _text(f"{words(place)} ({place.row}:{place.column})")},
    }


def _fix(file: str, fix: Fix) -> dict[str, object]:
    replacements = [{"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}} for edit in fix.edits]
    change = {"artifactLocation": _artifact(file), "replacements": replacements}
    return {"description": {"text": _SAFETY[fix.safety]}, "artifactChanges": [change]}


def _physical(file: str, region: dict[str, int]) -> dict[str, object]:
    return {"artifactLocation": _artifact(file), "region": region}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.start.line,
        "startColumn": span.start.col,
        "endLine": span.end.line,
        "endColumn": span.end.col,
    }


def _artifact(file: str) -> dict[str, object]:
    """Return a file's place: below the root, or as a URI of its own where the path is absolute (section 3.4)."""
    # A file's name is bytes; those that are no UTF-8 came as surrogates.
    uri = quote(file, safe="/", errors="surrogateescape")
    return {"uri": f"file://{uri}"} if file.startswith("/") else {"uri": uri, "uriBaseId": ROOT}


def _text(message: str) -> str:
    """Return a message that no reader takes for more than text.

    ``[words](target)`` would be a link (section 3.11.6), and a spec's names are hostile until proven otherwise. Braces
    stay single, although section 3.11.5 wants them doubled: readers show a message without arguments as it stands, and
    ``{{{{ name }}}}`` is not what the author has to write.
    """
    return printable(message).replace("](", "] (")
