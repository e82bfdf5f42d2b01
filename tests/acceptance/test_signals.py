"""Ctrl-C, SIGTERM and a terminal that goes away, at moments that are easily forgotten: while Python loads modules, and
when the run is over and its files are being written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.project import Project
from tests.acceptance.server import PATIENCE, Server

StartServer = Callable[..., Server]


def at_import(project: Project, module: str, number: signal.Signals, *arguments: str) -> tuple[int, str, list[Path]]:
    """Run the command; return its exit code, its words, and what it left in the folder for temporary files."""
    folder = project.root.parent / "tmp"
    folder.mkdir()
    program = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # these tests may run under nohup
        "class Signaller:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        f"            os.kill(os.getpid(), {int(number)})\n"
        "sys.meta_path.insert(0, Signaller())\n"
        "from msgspec_runner.__main__ import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=project.root,
        env={**project.env, "TMPDIR": str(folder)},
        input=b"phone,name\n",
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stderr.decode(), list(folder.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_before_there_is_a_command_a_signal_ends_the_process_and_nothing_is_said(
    project: Project, number: signal.Signals
) -> None:
    assert at_import(project, "msgspec_runner.cli", number, "--help") == (-number, "", [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("msgspec_runner.cli.send", ["send", "specs", "--sandbox"]),
        ("msgspec_runner.dispatch.running", ["send", "specs", "--sandbox"]),
        ("msgspec_runner.linting.rules", ["lint", "--recipients", "-"]),
        ("msgspec_runner.cli.plan", ["send", "specs", "--dry-run"]),
    ],
    ids=["the command", "the client", "the rules", "another command"],
)
def test_while_a_command_loads_a_signal_is_an_interruption(
    project: Project, module: str, arguments: list[str], number: signal.Signals
) -> None:
    project.spec(2)
    code, said, left = at_import(project, module, number, *arguments)
    assert code == 130
    assert said.splitlines()[-1] == "error: interrupted"
    assert "Traceback" not in said
    assert left == []


def test_a_run_that_is_over_can_be_interrupted_while_its_files_wait_for_a_reader(
    project: Project, serve: StartServer
) -> None:
    folder = project.root.parent / "tmp"
    folder.mkdir()
    project.env["TMPDIR"] = str(folder)
    project.spec(1).towards(serve())
    pipe = project.root / "results"
    os.mkfifo(pipe)
    running = project.start("send", "specs", "--yes", "--results", "results")
    deadline = time.monotonic() + PATIENCE
    while "finished" not in project.run("status").out:
        assert time.monotonic() < deadline
    running.signal(signal.SIGTERM)
    result = running.wait()
    assert result.code == 130
    assert result.err.endswith("error: interrupted\n")
    assert list(folder.iterdir()) == []
