"""Every rule against its fixtures: ``<rule-name>/ok`` holds specs without any finding, ``<rule-name>/bad`` those with it.

Beside each bad spec lies what the linter says of it (``.out``): one line a finding, then the findings with their
carets. A folder among the specs is linted as a whole: rules about several files need that. Recipients, partials and a
configuration lie beside ``ok`` and ``bad``, which is each rule's project.

``UPDATE_GOLDENS=1 pytest tests/rules`` writes the ``.out`` files; read the difference before you commit it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from msgspec_runner.config import load_config
from msgspec_runner.linting.linter import Linter, LintResult
from msgspec_runner.linting.rule import Rule
from msgspec_runner.linting.rules import RULES
from msgspec_runner.reports.concise import concise
from msgspec_runner.reports.full import full
from msgspec_runner.source.document import read_document

FOLDER = Path(__file__).parent
BY_NAME = {rule.name: rule for rule in RULES}
NOW = datetime(2030, 12, 15, 12, tzinfo=UTC)
"""When the fixtures are linted: schedules in the first days of 2031 are near."""
UPDATE = "UPDATE_GOLDENS=1 pytest tests/rules"


def cases(kind: str) -> list[pytest.param]:
    return [
        pytest.param(path, id=path.relative_to(FOLDER).as_posix())
        for path in sorted(FOLDER.glob(f"*/{kind}/*"))
        if path.suffix != ".out"
    ]


def lint(case: Path, monkeypatch: pytest.MonkeyPatch) -> LintResult:
    project = case.parent.parent
    monkeypatch.chdir(project)
    files = sorted(case.rglob("*.yaml")) if case.is_dir() else [case]
    return Linter(load_config(project), now=NOW).lint(
        read_document(file.relative_to(project).as_posix(), file.read_bytes()) for file in files
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.code}-{rule.name}")
def test_a_rule_has_fixtures_of_both_kinds(rule: Rule) -> None:
    for kind in ("ok", "bad"):
        assert any((FOLDER / rule.name / kind).glob("*")), f"write tests/rules/{rule.name}/{kind}/….yaml"


def test_every_fixture_belongs_to_a_rule_and_every_golden_to_a_fixture() -> None:
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= BY_NAME.keys()
    goldens = {path.with_suffix("") for path in FOLDER.glob("*/bad/*.out")}
    assert goldens == {case.values[0].with_suffix("") for case in cases("bad")}, f"run {UPDATE}; remove what is left"


@pytest.mark.parametrize("case", cases("ok"))
def test_nothing_is_found_in_what_is_right(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert concise(lint(case, monkeypatch)) == ""


@pytest.mark.parametrize("case", cases("bad"))
def test_what_is_wrong_is_found_and_shown(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = lint(case, monkeypatch)
    rule = BY_NAME[case.parent.parent.name]
    assert rule.code in {item.code for item in result.diagnostics}
    said = f"{concise(result)}\n{full(result, color=False)}".rstrip() + "\n"
    golden = case.with_suffix(".out")
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8"), f"if this is better than before, run {UPDATE}"


@pytest.mark.parametrize("case", cases("bad"))
def test_ranges_lie_in_the_file(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = lint(case, monkeypatch)
    for item in result.diagnostics:
        document = result.documents[item.file]
        start, end = item.span
        assert start <= end
        for place in item.span:
            assert 1 <= place.col <= len(document.line(place.line)) + 1
            assert document.position(document.offset(place)) == place
