from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.reports.junit import junit

ANY = st.text(st.characters())


def parse(text: str) -> ET.Element:
    return ET.fromstring(text.encode("utf-8"))  # expat refuses whatever is not well-formed


def test_the_report(result: LintResult, golden: Callable[[str, str], None]) -> None:
    golden("junit.xml", junit(result))


def test_a_spec_without_findings_is_a_case_that_passed(result: LintResult) -> None:
    suite = parse(junit(result)).find("testsuite[@name='specs/clean.yaml']")
    assert suite is not None
    (case,) = suite
    assert list(case) == []
    assert suite.attrib == {"name": "specs/clean.yaml", "tests": "1", "failures": "0", "errors": "0", "skipped": "0"}


@pytest.mark.parametrize(("level", "failures"), [(Severity.ERROR, 5), (Severity.WARNING, 6), (Severity.INFO, 7)])
def test_a_failure_is_what_makes_the_exit_code_1(result: LintResult, level: Severity, failures: int) -> None:
    root = parse(junit(result, level))
    assert len(root.findall("testsuite/testcase/failure")) == failures == int(root.attrib["failures"])
    assert len(root.findall("testsuite/testcase/system-out")) == 7 - failures
    assert int(root.attrib["tests"]) == len(root.findall("testsuite/testcase")) == 8


def test_each_case_has_a_name_of_its_own_that_no_line_number_changes(result: LintResult) -> None:
    names = [case.attrib["name"] for case in parse(junit(result)).findall("testsuite/testcase")]
    assert "MSG402 undefined-variable message.text" in names
    assert "MSG402 undefined-variable message.text (2)" in names
    assert len(set(names)) == len(names)
    taken = [item._replace(path=f"message.text{end}") for item in result.diagnostics[:1] for end in ("", " (2)", "")]
    cases = parse(junit(LintResult(tuple(taken), result.documents))).findall("testsuite/testcase")
    assert len({case.attrib["name"] for case in cases if "MSG103" in case.attrib["name"]}) == 3


def test_characters_that_xml_cannot_hold_are_removed(odd_result: Callable[..., LintResult]) -> None:
    root = parse(junit(odd_result("a\0b\x1b[31mc\ufffe\ud800d <]]>&\"' \u0085é😀", "x\x07.yaml")))
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.attrib["message"] == "ab[31mcd <]]>&\"' \u0085é😀"
    assert root.findall("testsuite")[0].attrib["name"] == "x.yaml"


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY, ANY, st.sampled_from(Severity))
def test_any_text_makes_well_formed_xml(
    odd_result: Callable[..., LintResult], message: str, file: str, severity: Severity
) -> None:
    text = junit(odd_result(message, file, severity))
    (case,) = parse(text).findall("testsuite/testcase")
    assert [child.tag for child in case] == ["failure" if severity is Severity.ERROR else "system-out"]
