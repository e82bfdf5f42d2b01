"""``json``: exactly the shape of the contract, section 3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.reports.json_report import json_report


def closed(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object with exactly these keys."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


COUNT = {"type": "integer", "minimum": 0}
NUMBER = {"type": "integer", "minimum": 1}
STRING = {"type": "string"}
POSITION = closed(line=NUMBER, col=NUMBER)
RANGE = closed(start=POSITION, end=POSITION)
EDIT = closed(range=RANGE, text=STRING)
DIAGNOSTIC = closed(
    file=STRING,
    code={"type": "string", "pattern": "^MSG[0-9]{3}$"},
    name={"type": "string", "pattern": "^[a-z0-9-]+$"},
    severity={"enum": ["error", "warning", "info"]},
    message=STRING,
    range=RANGE,
    path=STRING,
    related={"type": "array", "items": closed(file=STRING, row=NUMBER, column=NUMBER, message=STRING)},
    rows=closed(count={"type": "integer", "minimum": 0}, sample={"type": "array", "items": NUMBER}),
    fix={
        "anyOf": [{"type": "null"}, closed(safety={"enum": ["safe", "unsafe"]}, edits={"type": "array", "items": EDIT})]
    },
    url=STRING,
    fingerprint={"type": "string", "minLength": 1},
)
REPORT = Draft202012Validator(
    closed(
        version={"const": 1},
        diagnostics={"type": "array", "items": DIAGNOSTIC},
        summary=closed(files=COUNT, errors=COUNT, warnings=COUNT, infos=COUNT),
    )
)


def parsed(result: LintResult) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(json_report(result))
    REPORT.validate(report)
    return report


def test_the_report(result: LintResult, golden: Callable[[str, str], None]) -> None:
    golden("report.json", json_report(result))


def test_the_shape_is_the_contracts(result: LintResult) -> None:
    report = parsed(result)
    assert list(report) == ["version", "diagnostics", "summary"]
    assert list(report["diagnostics"][0]) == list(DIAGNOSTIC["properties"])
    assert len(report["diagnostics"]) == len(result.diagnostics)


def test_nothing_found_is_an_empty_list(result: LintResult) -> None:
    assert parsed(LintResult((), result.documents)) == {
        "version": 1,
        "diagnostics": [],
        "summary": {"files": 3, "errors": 0, "warnings": 0, "infos": 0},
    }


def test_the_summary_counts_files_and_severities(result: LintResult) -> None:
    counted = {f"{severity.value}s": result.count(severity) for severity in Severity}
    assert parsed(result)["summary"] == {"files": 3} | counted


def test_a_rules_page_is_named(result: LintResult) -> None:
    for item in parsed(result)["diagnostics"]:
        assert item["url"].endswith(f"{item['code']}-{item['name']}.md")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(), st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_text_makes_a_valid_report(odd_result: Callable[..., LintResult], message: str, file: str) -> None:
    (item,) = parsed(odd_result(message, file))["diagnostics"]
    assert item["message"] == message.encode("utf-8", "replace").decode()
    assert item["file"] == file
