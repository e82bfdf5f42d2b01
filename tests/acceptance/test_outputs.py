"""Where the shell lets standard output go: never into what the command reads."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.project import COMMAND, Project
from tests.acceptance.server import PATIENCE, Server

StartServer = Callable[..., Server]

LEDGER = ".msgspec-runner/ledger.db"


def into(path: Path, project: Project, *arguments: str) -> tuple[int, str]:
    """Run the command with ``>> path``."""
    with path.open("ab") as file:
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=project.root,
            env=project.env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    return done.returncode, done.stderr


@pytest.fixture
def sent(project: Project, serve: StartServer) -> Project:
    project.spec(2).towards(serve())
    assert project.send().code == 0
    return project


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["status", "--output", "csv"],
        ["reconcile"],
        ["cancel", "2", "--yes"],
        ["retry", "2", "--yes"],
        ["send", "specs", "--yes"],
        ["plan"],
    ],
    ids=" ".join,
)
def test_what_is_appended_to_the_ledger_is_refused(sent: Project, arguments: list[str]) -> None:
    ledger = sent.root / LEDGER
    before = ledger.read_bytes()
    code, err = into(ledger, sent, *arguments)
    assert code == 2
    assert f"standard output goes into {ledger}, which is in use by this command: name another file." in err
    assert ledger.read_bytes() == before


@pytest.mark.parametrize("name", ["specs/hello.csv", "specs/hello.yaml"])
@pytest.mark.parametrize("command", ["plan", "render"])
def test_what_is_appended_to_specs_and_recipients_is_refused(sent: Project, name: str, command: str) -> None:
    path = sent.root / name
    before = path.read_bytes()
    code, err = into(path, sent, command)
    assert code == 2
    assert f"standard output goes into {path}" in err
    assert path.read_bytes() == before


def test_another_file_is_nobody_s_business(sent: Project) -> None:
    assert into(sent.root / "status.txt", sent, "status") == (0, "")
    assert "2 accepted" in (sent.root / "status.txt").read_text(encoding="utf-8")


def test_what_the_shell_has_emptied_is_said(sent: Project) -> None:
    path = sent.root / "specs/hello.yaml"
    path.write_bytes(b"")
    code, err = into(path, sent, "render", "specs/hello.yaml")
    assert code == 2
    assert "It is empty now: restore it." in err
