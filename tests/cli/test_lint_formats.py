"""``lint --output``: several formats at once, for a forge that knows files by their place in the repository."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from msgspec_runner.cli import run

SECRET = "Zoltan-Quill"
SPEC = """\
spec: reminder
message:
  provider: twlo
  channel_key: reminders
  to: "{{ phone }}"
  text: Hi {{ nam }}
  schedule: "{{ starts }}"
recipients:
  columns:
    phone: {type: phone}
    starts: {type: datetime}
    kind: {enum: [new, old]}
"""
ROWS = f"""\
  rows:
    - {{phone: "{SECRET}", starts: "2031-01-02T09:00:00Z", kind: new}}
    - {{phone: {SECRET}, starts: {SECRET}, kind: {SECRET}}}
    - {{phone: 12:30, starts: No, kind: 0x{SECRET}}}
"""
CSV = f"phone,starts,kind\n{SECRET},{SECRET},{SECRET}\n+16175551212,,new\n"
FORMATS = ("sarif", "github", "gitlab", "junit")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project in a folder of a repository: one spec with rows, one with a file, one that is clean."""
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "messages"
    (folder / "specs").mkdir(parents=True)
    (folder / "msgspec-runner.toml").write_text("")
    (folder / "patients.csv").write_text(CSV)
    (folder / "specs" / "rows.yaml").write_text(SPEC + ROWS)
    (folder / "specs" / "file.yaml").write_text(SPEC.replace("reminder\n", "second\n", 1) + "  file: ../patients.csv\n")
    clean = 'spec: clean\nmessage: {provider: twlo, channel_key: k, to: "+16175551212", text: Hi}\n'
    (folder / "specs" / "clean.yaml").write_text(clean)
    monkeypatch.chdir(folder)
    return folder


def test_several_formats_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", *(f"--output={name}={name}.out" for name in FORMATS), "--output", "github"]) == 1
    out, err = capsys.readouterr()
    assert out == (folder / "github.out").read_text("utf-8")
    assert err == ""
    (sarif,) = json.loads((folder / "sarif.out").read_text("utf-8"))["runs"]
    issues = json.loads((folder / "gitlab.out").read_text("utf-8"))
    suites = ET.parse(folder / "junit.out").getroot()
    findings = [line for line in out.splitlines() if "file=" in line]
    assert len(sarif["results"]) == len(issues) == len(findings) == len(suites.findall("testsuite/testcase")) - 1
    assert {issue["location"]["path"] for issue in issues} == {"messages/specs/rows.yaml", "messages/specs/file.yaml"}


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_shows_what_a_cell_holds(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "--output", name]) == 1
    out, _ = capsys.readouterr()
    assert "MSG503" in out
    assert "patients.csv" in out
    assert SECRET not in out


def test_fingerprints_are_unique_and_stay_when_lines_are_added_above(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fingerprints() -> list[str]:
        run(["lint", "--output", "sarif"])
        (sarif,) = json.loads(capsys.readouterr().out)["runs"]
        return [fingerprint for item in sarif["results"] for fingerprint in item["partialFingerprints"].values()]

    before = fingerprints()
    assert len(set(before)) == len(before) > 3
    for spec in folder.glob("specs/*.yaml"):
        spec.write_text("# one\n\n# two\n" + spec.read_text())
    assert fingerprints() == before


def test_junit_fails_at_the_fail_level(capsys: pytest.CaptureFixture[str]) -> None:
    def failures(*options: str) -> int:
        run(["lint", "--select", "MSG503", "--output", "junit", *options])
        return int(ET.fromstring(capsys.readouterr().out).attrib["failures"])

    Path("msgspec-runner.toml").write_text('[severity]\nMSG503 = "warning"\n')
    assert failures() == 0
    assert failures("--fail-level", "warning") > 0


@pytest.mark.parametrize("name", ["json", "sarif", "gitlab"])
def test_statistics_leave_a_report_for_machines_whole(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["lint", "--output", name, "--statistics"])
    out, err = capsys.readouterr()
    assert json.loads(out)
    assert "MSG402 undefined-variable" in err


def test_an_unknown_format_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "--output", "sarfi"]) == 2
    assert "sarif, github, gitlab, junit" in capsys.readouterr().err


def test_the_folder_of_a_report_is_made(folder: Path) -> None:
    assert run(["lint", "specs/clean.yaml", "--output", "json=out/today/o.json"]) == 0
    assert json.loads((folder / "out" / "today" / "o.json").read_text("utf-8"))["summary"]["files"] == 1
