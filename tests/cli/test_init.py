"""``init``: the project that it makes is sound as it stands, and what was there stays as it was."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from msgspec_runner import __version__
from msgspec_runner.cli import run
from msgspec_runner.cli.init import EXAMPLES, STARTER, SURROUNDINGS
from msgspec_runner.config import load_config
from msgspec_runner.linting.linter import Linter
from msgspec_runner.source.document import read_document

COMMAND = Path(sys.executable).with_name("msgspec-runner")
FILES = sorted([*EXAMPLES, *SURROUNDINGS])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("MSGSPEC_RUNNER_", "SOCIOCS_")):
            monkeypatch.delenv(name)
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_every_starter_file_is_written_and_none_is_forgotten(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "hello"]) == 0
    assert files(here / "hello") == FILES
    assert sorted(f".{name}" if f".{name}" in SURROUNDINGS else name for name in files(STARTER)) == FILES
    out, err = capsys.readouterr()
    assert [line.split()[1] for line in out.splitlines()] == [f"hello/{name}" for name in (*EXAMPLES, *SURROUNDINGS)]
    assert "cd hello" in err
    assert "msgspec-runner send specs --sandbox" in err


@pytest.mark.parametrize("level", ["error", "warning", "info"])
def test_the_project_lints_without_a_finding(level: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(["init"])
    assert run(["lint", "--select", "ALL", "--fail-level", level]) == 0


def test_the_project_sends_to_the_sandbox_as_it_stands(here: Path) -> None:
    run(["init", "hello"])
    send = [COMMAND, "send", "specs", "--sandbox", "--results", "results.jsonl"]
    sent = subprocess.run(
        send, cwd=here / "hello", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert sent.returncode == 0, sent.stderr
    results = [json.loads(line) for line in (here / "hello" / "results.jsonl").read_text().splitlines()]
    assert {result["state"] for result in results} == {"accepted"}
    assert {result["spec"] for result in results} == {"welcome", "appointment-reminder", "order-shipped"}


def test_it_still_lints_without_a_finding_years_later(here: Path) -> None:
    run(["init"])
    documents = [read_document(path.as_posix(), path.read_bytes()) for path in Path("specs").iterdir()]
    then = datetime.now(UTC) + timedelta(days=3650)
    assert Linter(load_config(here), now=then).lint(documents).diagnostics == ()


def test_the_appointments_lie_ahead(here: Path) -> None:
    run(["init"])
    now = datetime.now(UTC)
    with Path("recipients/appointments.csv").open(encoding="utf-8", newline="") as file:
        moments = [datetime.fromisoformat(row["starts_at"]).replace(tzinfo=UTC) for row in csv.DictReader(file)]
    assert len(moments) == 3
    assert all(now + timedelta(days=5) < moment < now + timedelta(days=9) for moment in moments)


def test_the_workflow_installs_this_version_and_holds_no_secret(here: Path) -> None:
    run(["init"])
    text = Path(".github/workflows/messages.yml").read_text(encoding="utf-8")
    assert f"pip install msgspec-runner=={__version__}\n" in text
    assert "secrets." not in text
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    # YAML 1.1 reads the key `on` as true.
    assert "pull_request_target" not in workflow[True]


def test_a_file_that_exists_is_left_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path(".gitignore").write_text("*.log\n", encoding="utf-8")
    Path(".pre-commit-config.yaml").symlink_to("nowhere")
    assert run(["init"]) == 0
    out = capsys.readouterr().out
    assert "left alone  .gitignore: add the line .msgspec-runner/ to it\n" in out
    assert "left alone  .pre-commit-config.yaml\n" in out
    assert Path(".gitignore").read_text(encoding="utf-8") == "*.log\n"
    assert not Path("nowhere").exists()


def test_a_second_time_changes_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["init"])
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in here.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert run(["init"]) == 0
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in here.rglob("*") if path.is_file()} == before
    assert "wrote" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("specs/mine.yml", "spec: welcome\n"),
        ("msgspec-runner.toml", 'locale = "de_DE"\n'),
        ("pyproject.toml", '[tool.msgspec-runner]\nlocale = "de_DE"\n'),
    ],
)
def test_a_project_that_is_one_already_gets_no_examples(
    name: str, text: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")
    assert run(["init"]) == 0
    assert files(here) == sorted([*SURROUNDINGS, name])
    assert "no examples" in capsys.readouterr().out


def test_inside_a_larger_repository_it_says_where_git_looks(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path(".git").mkdir()
    assert run(["init", "messages"]) == 0
    assert f"git looks in {here} only" in capsys.readouterr().err


def test_quiet_lists_the_files_only(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("blocked", "words"),
    [("hello", "is a file"), ("hello/specs", "hello/specs: is a file where a folder is needed")],
)
def test_a_file_in_the_way_is_exit_2(blocked: str, words: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path(blocked).parent.mkdir(exist_ok=True)
    Path(blocked).write_text("", encoding="utf-8")
    assert run(["init", "hello"]) == 2
    assert words in capsys.readouterr().err


def test_a_folder_below_a_file_is_exit_2(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("", encoding="utf-8")
    assert run(["init", "file/hello"]) == 2
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name",
    ["plan.json", "results.jsonl", "results.csv", "report.html", "preview.html", "people.html", "run.csv", "run.xml"],
)
def test_what_documented_commands_write_is_not_committed(here: Path, name: str) -> None:
    run(["init"])
    subprocess.run(["git", "init", "--quiet"], check=True)
    assert subprocess.run(["git", "check-ignore", "--quiet", name], check=False).returncode == 0
    for kept in FILES:
        assert subprocess.run(["git", "check-ignore", "--quiet", kept], check=False).returncode == 1, kept


def test_a_catalog_is_named_where_the_configuration_says(here: Path) -> None:
    run(["init"])
    file = here / "msgspec-runner.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("# catalogs", "catalogs"), encoding="utf-8")
    assert load_config(here).catalogs == ("catalogs/*.yaml",)
