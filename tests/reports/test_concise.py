"""``concise``: one line a finding."""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgspec_runner.linting.linter import LintResult
from msgspec_runner.reports.concise import concise


def test_the_report(result: LintResult, golden: Callable[[str, str], None]) -> None:
    golden("concise.txt", concise(result))


def test_nothing_found_is_nothing_said(result: LintResult) -> None:
    assert concise(LintResult((), result.documents)) == ""


def test_every_line_is_path_line_column_code_message(result: LintResult) -> None:
    lines = concise(result).splitlines()
    assert len(lines) == len(result.diagnostics)
    assert all(re.fullmatch(r"specs/[^:]+:\d+:\d+: MSG\d{3} .+", line) for line in lines)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(), st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_message_is_one_line(odd_result: Callable[..., LintResult], message: str, file: str) -> None:
    report = concise(odd_result(message, file))
    assert len(report.splitlines()) == 1
    assert report.endswith("\n")
