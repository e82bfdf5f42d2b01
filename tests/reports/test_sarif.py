from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Callable
from functools import cache
from importlib.metadata import distribution
from typing import Any
from urllib.parse import unquote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from msgspec_runner.linting.linter import LintResult
from msgspec_runner.linting.rules import RULES
from msgspec_runner.reports.sarif import FINGERPRINT, sarif

ANY = st.text(st.characters())
FILE = st.binary(min_size=1).filter(lambda name: b"\0" not in name).map(os.fsdecode)
RELATIVE_URI = re.compile(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", re.ASCII)


@cache
def validator() -> Draft7Validator:
    """Return the official schema, out of the copy of SchemaStore's catalogue that the package ``schemastore`` is.

    The package itself would ask the network whether its copy is old. Its file is a database of pickled answers; the
    schema stands within one of them as it is, and is read from there without unpickling anything.
    """
    database = distribution("schemastore").locate_file("schemastore/cache.sqlite")
    connection = sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True)
    try:
        ((answer,),) = connection.execute(
            "SELECT value FROM responses WHERE instr(value, CAST(? AS BLOB))", ('(SARIF) Version 2.1.0 JSON Schema"',)
        )
    finally:
        connection.close()
    text = answer.decode("utf-8", "replace")
    schema, _ = json.JSONDecoder().raw_decode(text, text.index('{\r\n  "$schema"'))
    assert schema["$id"].endswith("/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json")
    return Draft7Validator(schema)


def run_of(report: str) -> dict[str, Any]:
    (run,) = json.loads(report)["runs"]
    return run


def test_the_report(result: LintResult, golden: Callable[[str, str], None]) -> None:
    report = json.loads(sarif(result))
    (run,) = report["runs"]
    del run["tool"]  # the rules have tests of their own
    for found in run["results"]:
        del found["ruleIndex"]
    golden("sarif.json", json.dumps(report, indent=2, ensure_ascii=False) + "\n")


def test_it_validates_against_the_official_schema(result: LintResult) -> None:
    report = json.loads(sarif(result))
    validator().validate(report)
    del report["runs"][0]["results"][0]["message"]
    assert not validator().is_valid(report)  # the schema is the real one


def test_an_empty_report_is_valid_and_has_results(result: LintResult) -> None:
    report = sarif(LintResult((), result.documents))
    validator().validate(json.loads(report))
    assert run_of(report)["results"] == []


def test_the_rules_that_found_something_are_there(result: LintResult) -> None:
    rules = run_of(sarif(result))["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted({item.code for item in result.diagnostics})


def test_a_rule_has_its_help_without_the_examples(odd_result: Callable[..., LintResult]) -> None:
    """What an example holds could be taken for people's data."""
    found = odd_result("m", "specs/s.yaml")
    every = [found.diagnostics[0]._replace(code=rule.code, name=rule.name) for rule in RULES]
    report = sarif(LintResult(tuple(every), found.documents))
    rules = run_of(report)["tool"]["driver"]["rules"]
    assert not re.search(r"\b\d{7,15}\b|\bAnn\b", json.dumps(rules))
    assert [rule["id"] for rule in rules] == [rule.code for rule in RULES]
    for rule in rules:
        assert rule["shortDescription"]["text"].endswith((".", "?"))
        assert len(rule["shortDescription"]["text"]) <= 1024  # what code scanning shows of it
        assert rule["help"]["text"].startswith(rule["shortDescription"]["text"])
        assert rule["fullDescription"]["text"] in rule["help"]["text"]
        for text in rule["help"].values():
            assert not re.search("Bad|Good|```", text)
        assert "::" not in rule["fullDescription"]["text"]
        for text in (rule["shortDescription"]["text"], rule["fullDescription"]["text"], rule["help"]["text"]):
            assert "``" not in text


def test_results_name_their_rule_by_its_index(result: LintResult) -> None:
    run = run_of(sarif(result))
    for found in run["results"]:
        assert run["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == found["ruleId"]


def test_columns_count_code_points_and_their_end_is_exclusive(result: LintResult) -> None:
    run = run_of(sarif(result))
    assert run["columnKind"] == "unicodeCodePoints"
    (when,) = (found for found in run["results"] if "`when`" in found["message"]["text"])
    region = when["locations"][0]["physicalLocation"]["region"]
    line = result.documents["specs/reminder.yaml"].line(region["startLine"])
    assert "😀" in line[: region["startColumn"]]
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "when"


def test_paths_are_percent_encoded_and_relative_to_the_root(result: LintResult) -> None:
    run = run_of(sarif(result))
    places = [found["locations"][0]["physicalLocation"]["artifactLocation"] for found in run["results"]]
    assert {"uri": "specs/a%C3%B1o%2C%20100%25.yaml", "uriBaseId": "%SRCROOT%"} in places
    assert run["originalUriBaseIds"].keys() == {"%SRCROOT%"}


def test_a_path_outside_of_the_root_is_a_file_uri(odd_result: Callable[..., LintResult]) -> None:
    (found,) = run_of(sarif(odd_result("m", "/tmp/a b.yaml")))["results"]
    assert found["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "file:///tmp/a%20b.yaml"}


def test_fingerprints_are_unique(result: LintResult) -> None:
    found = run_of(sarif(result))["results"]
    assert len({item["partialFingerprints"][FINGERPRINT] for item in found}) == len(found)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY, FILE)
def test_any_text_makes_a_valid_report(odd_result: Callable[..., LintResult], message: str, file: str) -> None:
    report = json.loads(sarif(odd_result(message, file)).encode("utf-8"))
    del report["runs"][0]["tool"]["driver"]["rules"]  # has tests of its own
    validator().validate(report)
    (found,) = report["runs"][0]["results"]
    uri = found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].removeprefix("file://")
    assert RELATIVE_URI.fullmatch(uri)
    assert unquote(uri, errors="surrogateescape") == file
    assert "](" not in found["message"]["text"]
