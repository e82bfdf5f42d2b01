"""The codes that are promised: each has its rule, its severity, fixtures of both kinds and a page.

The table is the contract's, copied by hand: a code once given out means the same for ever.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.config import load_config
from msgspec_runner.linting.linter import Linter
from msgspec_runner.linting.rules import RULES
from msgspec_runner.linting.selection import selected
from msgspec_runner.project import load
from msgspec_runner.reports.concise import concise

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "rules"
FIXTURES = ROOT / "tests" / "rules"

ERRORS = """
101 invalid-yaml, 102 duplicate-key, 103 unquoted-template, 107 unknown-field, 108 missing-field, 109 wrong-type,
110 oversized-document, 201 no-content, 203 invalid-phone-number, 204 invalid-url, 206 unknown-provider,
207 undefined-api-field, 209 duplicate-spec-id, 301 template-on-sms, 302 template-id-format,
303 template-variables-shape, 304 unknown-template-component, 305 template-not-in-catalog,
306 template-variable-missing, 307 template-variable-extra, 401 template-syntax, 402 undefined-variable,
403 unknown-filter, 404 filter-type-mismatch, 407 unsafe-expression, 410 missing-include, 501 missing-column,
502 invalid-cell, 503 invalid-phone-cell, 505 empty-cell, 506 unreadable-recipients, 601 renders-empty,
602 text-too-long, 605 bad-template-value, 609 invalid-rendered-field
"""
WARNINGS = """
104 implicit-type, 105 comment-cuts-text, 106 trailing-newline-in-text, 202 several-media, 205 invalid-schedule,
208 contact-fields-without-save, 308 template-media-mismatch, 309 template-not-approved, 310 marketing-to-us,
311 media-on-whatsapp, 312 text-with-template, 405 constant-condition, 406 optional-without-default,
408 sociocs-dynamic-field, 504 duplicate-recipient, 603 many-segments, 604 unicode-doubles-segments, 606 leftover-braces,
607 schedule-out-of-range, 608 unreachable-destination, 701 no-opt-out, 702 public-shortener, 703 quiet-hours,
901 unused-suppression, 902 unknown-suppression
"""
INFOS = "313 free-text-on-whatsapp, 409 unused-name, 411 branch-never-rendered"

PROMISED = [
    pytest.param(f"MSG{code}", name, severity, id=name)
    for severity, table in (("error", ERRORS), ("warning", WARNINGS), ("info", INFOS))
    for code, name in (entry.split() for entry in table.split(","))
]
BY_CODE = {rule.code: rule for rule in RULES}


def test_the_table_is_whole() -> None:
    codes = {int(param.values[0][3:]) for param in PROMISED}
    families = [range(101, 111), range(201, 210), range(301, 314), range(401, 412), range(501, 507), range(601, 610)]
    assert codes == {code for family in families for code in family} | {701, 702, 703, 901, 902}


@pytest.mark.parametrize(("code", "name", "severity"), PROMISED)
def test_a_promised_code_has_its_rule(code: str, name: str, severity: str) -> None:
    rule = BY_CODE[code]
    assert rule.name == name
    # The severity of 302 and 504 depends on the case: the fixtures' golden files show both.
    assert rule.severity.value == severity or code in {"MSG302", "MSG504"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_fixtures_and_a_page(rule) -> None:
    for kind in ("ok", "bad"):
        assert any((FIXTURES / rule.name / kind).glob("*.yaml")) or any((FIXTURES / rule.name / kind).iterdir())
    assert (PAGES / f"{rule.code}-{rule.name}.md").is_file(), "run `make docs`"


def test_codes_and_names_are_given_out_once() -> None:
    assert len(BY_CODE) == len(RULES) == len({rule.name for rule in RULES})
    assert [rule.code for rule in RULES] == sorted(BY_CODE)


def test_compliance_rules_wait_to_be_asked() -> None:
    running = {rule.code for rule in selected(load_config(ROOT))}
    assert running == BY_CODE.keys() - {"MSG701", "MSG702", "MSG703"}


def test_no_example_of_ours_is_loud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    project = load([Path("specs")], None)
    assert concise(Linter(project.config).lint(project.documents())) == ""
