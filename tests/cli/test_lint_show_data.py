"""``lint --show-data``: without it no report holds what is in a cell; with it, every one does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgspec_runner.cli import run
from msgspec_runner.cli.lint import FORMATS
from tests.recipients.conftest import write_workbook

COLUMNS = ("phone", "starts", "kind", "note", "photo")
MARKS = [[f"Zq{letter}{number}Zq" for letter in "abcde"] for number in range(4)]
"""What is in no spec, no name and no message: whoever shows it shows a cell."""

SPEC = """\
spec: NAME
message:
  provider: twlo
  channel_key: "{{ note }}"
  to: "{{ phone }}"
  name: "{{ note | upper }}"
  text: |
    Hi {{ note }}, {{ starts | date("EEEE") }} {% if kind == "x" %}{{ kind }}{% endif %} {{ photo + 1 }} {{ nam }}
  image_url: "{{ photo }}"
  schedule: "{{ starts }}"
  user_id: "{{ note | date }} {{ kind | int }}"
  contact_saving: {save: "{{ note }}", list_id: "{{ note }}", extra_fields: "{{ note }}"}
recipients:
  columns:
    phone: {type: phone}
    starts: {type: datetime}
    kind: {enum: [new, old]}
    photo: {type: url}
  key: "{{ note }}"
"""
ROWS = [dict(zip(COLUMNS, marks, strict=True)) for marks in MARKS]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project in which every kind of recipients holds marks in all of its cells."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "msgspec-runner.toml").write_text("")
    lines = [",".join(row) for row in [COLUMNS, *MARKS]]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    (tmp_path / "b.tsv").write_text("\n".join(lines).replace(",", "\t"))
    (tmp_path / "c.json").write_text(json.dumps([*ROWS, {**ROWS[0], "phone": [MARKS[0][0]]}]))
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    write_workbook(tmp_path / "e.xlsx", [list(COLUMNS), *MARKS])
    for number, broken in enumerate([f'"{lines[1]}', f"{lines[1]},{lines[1]}", f'"{lines[1]}"x', lines[1][:9], "\0"]):
        (tmp_path / f"f{number}.csv").write_text("\n".join([*lines, broken, lines[2]]))
    for number, broken in enumerate([f'{{"{MARKS[0][0]}": ', f'{{"phone": {MARKS[0][0]}}}', f'["{MARKS[0][0]}"]']):
        (tmp_path / f"g{number}.jsonl").write_text("\n".join([json.dumps(ROWS[0]), broken]))
    for file in tmp_path.glob("*.[cjtx]*"):
        name = file.name.replace(".", "-")
        text = SPEC.replace("NAME", name) + f"  file: ../{file.name}\n"
        (tmp_path / "specs" / f"{name}.yaml").write_text(text)
    rows = "".join(f"    - {json.dumps(row)}\n" for row in ROWS)
    (tmp_path / "specs" / "rows.yaml").write_text(SPEC.replace("NAME", "rows") + f"  rows:\n{rows}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    run(["lint", *options])
    return "".join(capsys.readouterr())


def marks_in(text: str) -> set[str]:
    return {mark for marks in MARKS for mark in marks if mark.lower() in text.lower()}


@pytest.mark.parametrize("name", FORMATS)
def test_without_it_no_format_holds_a_cell(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--output", name, "--select", "ALL")
    assert all(code in text for code in ("MSG502", "MSG503", "MSG506", "MSG609"))
    assert marks_in(text) == set()


@pytest.mark.parametrize("options", [["--statistics"], ["--diff", "--unsafe-fixes"], ["--write-baseline", "b.json"]])
def test_nor_does_what_else_is_written(options: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert marks_in(shown(capsys, *options)) == set()
    assert not any(marks_in(file.read_text()) for file in folder.glob("b.json"))


@pytest.mark.parametrize("name", FORMATS)
def test_with_it_every_format_shows_the_cells_that_it_blames(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "specs/a-csv.yaml", "--output", name, "--show-data", "--select", "MSG502,MSG503")
    assert marks_in(text) >= {MARKS[0][0], MARKS[0][1], MARKS[0][2]}
    assert MARKS[0][3] not in text  # of columns that no finding blames, nothing
    assert name == "concise" or MARKS[1][0] in text
    assert MARKS[3][0] not in text  # three rows are shown


@pytest.mark.parametrize("kind", ["a-csv", "b-tsv", "c-json", "d-jsonl", "e-xlsx", "rows"])
def test_every_kind_of_recipients_shows_its_cells(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, f"specs/{kind}.yaml", "--output", "json", "--show-data", "--select", "MSG503")
    related = json.loads(text)["diagnostics"][0]["related"]
    assert related[0]["message"] == f'row 1, column `phone`: "{MARKS[0][0]}"'


def test_at_a_terminal_the_cell_stands_behind_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "specs/a-csv.yaml", "--output", "full", "--show-data", "--select", "MSG503")
    assert f'a.csv:2:1  row 1, column `phone`: "{MARKS[0][0]}"\n' in text


def test_a_finding_is_the_same_with_it_and_without(capsys: pytest.CaptureFixture[str]) -> None:
    def findings(*options: str) -> list[dict[str, object]]:
        items = json.loads(shown(capsys, "--output", "json", "--quiet", *options))["diagnostics"]
        return [{key: value for key, value in item.items() if key != "related"} for item in items]

    assert findings("--show-data") == findings()
    assert findings("--show-data", "--jobs", "2") == findings()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_any_cell_is_shown_safely(capsys: pytest.CaptureFixture[str], cell: str) -> None:
    Path("x.jsonl").write_text(json.dumps({"phone": "x" + cell + "x"}), encoding="utf-8")
    text = (
        SPEC.split("  channel_key")[0]
        + '  channel_key: k\n  to: "{{ phone }}"\n  text: Hi\nrecipients:\n  file: x.jsonl\n'
    )
    Path("x.yaml").write_text(text)
    said = shown(capsys, "x.yaml", "--output", "full", "--show-data", "--select", "MSG503", "--quiet")
    assert "\x1b" not in said
    (line,) = [line for line in said.split("\n") if "x.jsonl:" in line]
    assert line.count('"') >= 2
    assert len(line) < 80 * 8 + 60  # 80 characters, the worst of them written as <U+202E>
