from __future__ import annotations

import json
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from msgspec_runner.linting.linter import LintResult
from msgspec_runner.reports.gitlab import gitlab

ANY = st.text(st.characters())

# The fields that GitLab documents, all of them required.
LINE = {"type": "integer", "minimum": 1}
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "pattern": r"^MSG\d{3}$"},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./)"},
                    "lines": {"required": ["begin"], "properties": {"begin": LINE, "end": LINE}},
                },
            },
        },
    },
}


def test_the_report(result: LintResult, golden: Callable[[str, str], None]) -> None:
    golden("gitlab.json", gitlab(result))


def test_it_has_the_documented_shape(result: LintResult) -> None:
    Draft7Validator(SCHEMA).validate(json.loads(gitlab(result)))


def test_nothing_found_is_an_empty_list(result: LintResult) -> None:
    assert json.loads(gitlab(LintResult((), result.documents))) == []


def test_fingerprints_are_unique(result: LintResult) -> None:
    issues = json.loads(gitlab(result))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == len(result.diagnostics)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY, ANY)
def test_any_text_makes_a_valid_report(odd_result: Callable[..., LintResult], message: str, file: str) -> None:
    text = gitlab(odd_result(message, file))
    (issue,) = json.loads(text.encode("utf-8"))
    assert issue["location"]["path"] == file.encode("utf-8", "replace").decode()
