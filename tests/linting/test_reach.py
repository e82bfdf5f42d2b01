"""Branches that no row takes: when there is something to say of them, and when it would be a guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.config import Config
from msgspec_runner.diagnostics import Related
from msgspec_runner.linting.linter import LintResult

from .conftest import Lint, spec

TEXT = "  text: \"Hi{% if vip == 'yes' %} VIP{% else %}!{% endif %}\"\n"
FILE = "recipients: {file: ../r.csv}\n"


def told(result: LintResult) -> list[tuple[str, int]]:
    return [(item.message, item.span.start.col) for item in result.diagnostics if item.code == "MSG411"]


def rows(project: Path, *lines: str) -> None:
    (project / "r.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_thousands_of_rows_are_one_finding_that_names_them(lint: Lint, project: Path) -> None:
    rows(project, "phone,name,vip", *(f"+1617555{1000 + number},Ann,no" for number in range(2500)))
    (item,) = lint(spec(TEXT + FILE)).diagnostics
    assert item.message == (
        "no recipient gets this: `vip == 'yes'` was false in all 2,500 rows; check the spelling, or add a sample for it"
    )
    assert item.related == (Related("r.csv", 1, 3, "column `vip` of 2,500 rows"),)
    assert item.rows is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (["phone,vip", "+16175551212,yes", "+16175551213,no"], TEXT),  # both
        (["phone,vip"], TEXT),  # nobody
        (["phone", "+16175551212"], TEXT),  # MSG402 says that there is no such column
        (["phone,vip", "+16175551212,", "+16175551213,no"], TEXT),  # the first row cannot be rendered
        (["phone,vip", "+16175551212,no", "+16175551213"], TEXT),  # the second cannot be read
        (["phone,vip", "+16175551212,no"], TEXT.replace("{% if", "{{ vip | nofilter }}{% if")),
        (["phone,vip", "+16175551212,no"], TEXT.replace("{% if", "{% include 'none' %}{% if")),
        (["phone,vip", "+16175551212,no"], TEXT.replace("VIP", "{# msgspec: ignore[MSG411] #}")),
    ],
)
def test_where_it_would_be_a_guess_there_is_silence(data: list[str], text: str, lint: Lint, project: Path) -> None:
    rows(project, *data)
    assert not [words for words, _ in told(lint(spec(text + FILE))) if "'yes'` was false" in words]


def test_a_field_that_fails_says_nothing_another_does(lint: Lint, project: Path) -> None:
    rows(project, "phone,vip,nick", "+16175551212,no,", "+16175551213,no,Al")
    name = "  name: \"{{ 'A' if vip == 'yes' else 'B' }}\"\n"
    text = "  text: \"{{ nick }}{% if vip == 'yes' %}x{% endif %}\"\n"
    result = lint(spec(name + text + FILE))
    assert [item.path for item in result.diagnostics if item.code == "MSG411"] == ["message.name"]


def test_a_cell_that_cannot_be_read_leaves_conditions_on_it_open(lint: Lint, project: Path) -> None:
    rows(project, "phone,visits,vip", "+16175551212,three,no", "+16175551213,0,no")
    columns = "recipients: {columns: {phone: {type: phone}, visits: {type: integer}, vip: {}}, file: ../r.csv}\n"
    text = "  text: \"Hi{% if visits %} again{% endif %}{% if vip == 'yes' %}!{% endif %}\"\n"
    assert [col for _, col in told(lint(spec(text + columns)))] == [text.index("vip ==") + 1]


def test_what_one_profile_takes_is_taken(lint: Lint, project: Path) -> None:
    rows(project, "phone,city", "+16175551212,Elm")
    text = "  text: \"{% if city == home %}Hi{% else %}Hello{% endif %}{% if city == 'elm' %}!{% endif %}\"\n"
    profiles = {"one": {"vars": {"home": "Elm"}}, "two": {"vars": {"home": "Oak"}}}
    ((words, col),) = told(lint(spec(text + FILE), profiles=profiles))
    assert words.endswith("in the only row; check the spelling, or add a sample for it")
    assert col == text.index("city == 'elm'") + 1
    config = Config(root=project, profiles=profiles).with_profile("two")
    found = told(lint(spec(text + FILE), profiles=profiles, profile="two", vars=config.vars))
    assert [col for _, col in found] == [text.index("city == home") + 1, col]


def test_recipients_of_the_command_line_stand_in_for_samples_too(lint: Lint, project: Path) -> None:
    rows(project, "phone,vip", "+16175551212,no", "+16175551213,no")
    text = spec(TEXT + 'recipients: {samples: [{phone: "+16175551212", vip: "yes"}]}\n')
    (said,) = told(lint(text, linter={"recipients": project / "r.csv"}))
    assert "was false in both rows" in said[0]
    (said,) = told(lint(text))
    assert "was true in the only sample" in said[0]


def test_it_is_not_looked_for_where_nobody_asks(lint: Lint, project: Path) -> None:
    rows(project, "phone,vip", "+16175551212,no")
    assert told(lint(spec(TEXT + FILE), ignore=("MSG411",))) == []
    assert told(lint(spec(TEXT + FILE), linter={"rows": False})) == []


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("{% if visits == '3' %}3{% else %}!{% endif %}", "visits: {type: integer}"),
        ("{% if visits != '3' %}3{% else %}!{% endif %}", "visits: {type: integer}"),
        ("{{ 'again' if visits != '3' else '!' }}", "visits: {type: integer}"),
        ("{% if phone == 'x' %}x{% elif visits != '3' %}3{% else %}!{% endif %}", "visits: {type: integer}"),
        ("{% if visits %}3{% else %}!{% endif %}", "visits: {}"),  # the rows tell: “no” is a text, and true
    ],
)
def test_a_constant_condition_is_told_by_its_own_rule(text: str, columns: str, lint: Lint, project: Path) -> None:
    rows(project, "phone,visits", "x,0" if "type" in columns else "x,no", "+16175551212,1")
    recipients = f"recipients: {{columns: {{phone: {{}}, {columns}}}, file: ../r.csv}}\n"
    codes = [item.code for item in lint(spec(f'  text: "{text}"\n{recipients}')).diagnostics]
    assert "MSG405" in codes
    assert "MSG411" not in codes


def test_a_hostile_template_is_not_told_for_ever(lint: Lint) -> None:
    text = "  text: |-\n    Hi{% if a == 'x' %}x" + "{% elif a == 'y' %}y" * 1200 + "{% endif %}\n"
    result = lint(spec(text + 'recipients: {samples: [{phone: "+16175551212", a: b}]}\n'))
    assert len(told(result)) == 64
