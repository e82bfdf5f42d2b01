"""What is missing is told, with what to type."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.acceptance.project import Project
from tests.acceptance.server import Server

StartServer = Callable[..., Server]


def test_what_is_missing_is_told(project: Project, serve: StartServer, url: str, tmp_path: Path) -> None:
    project.spec(3).towards(serve())
    for flags, words in (
        ((), "workers need one in PostgreSQL"),
        (("--sandbox",), "--base-url"),
        (("--ledger", url), "ledger migrate"),
        (("--ledger", url, "--queue", "A B"), "a queue's name"),
    ):
        refusal = project.send("--cluster", *flags)
        assert refusal.code == 2, refusal.err
        assert words in refusal.err
    assert "--queue is for --cluster" in project.send("--queue", "x").err
    refusal = project.send("--cluster", "--ledger", url, "--concurrency", "5")
    assert (refusal.code, "msgspec-runner worker --concurrency N" in refusal.err) == (2, True)
    assert "which ledger?" in project.run("worker").err
    assert "workers need one in PostgreSQL" in project.run("worker", "--ledger", ".msgspec-runner/ledger.db").err
    no_queue = project.run("worker", "--ledger", url)
    assert (no_queue.code, "ledger migrate" in no_queue.err) == (2, True)


def test_without_the_extra(team: Project, serve: StartServer) -> None:
    team.spec(1).towards(serve())
    team.write("stubs/procrastinate.py", "raise ImportError('not installed')\n")
    team.env["PYTHONPATH"] = str(team.root / "stubs")
    for words in (
        ("send", "specs", "--yes", "--cluster", "--queue", "eu"),
        ("worker",),
        ("cluster", "pause", "latest"),
    ):
        refusal = team.run(*words)
        assert refusal.code == 2, refusal.err
        assert "pip install 'msgspec-runner[cluster]'" in refusal.err
    assert "queue" not in team.run("ledger", "migrate").out
    assert team.send().code == 0
    assert "1 accepted" in team.run("status", "latest", "--watch").out


def test_migrate_makes_the_queue(project: Project, url: str) -> None:
    project.spec(1).env["MSGSPEC_RUNNER_LEDGER"] = url
    assert project.run("ledger", "init").code == 0
    for _ in range(2):
        said = project.run("ledger", "migrate").out
        assert said.endswith("\nits queue for workers is up to date\n")
        verbose = project.run("ledger", "migrate", "--verbose").out
        assert re.search(r"up to date: it has Procrastinate's tables of version [0-9.]+, which is installed", verbose)
        assert ".sql" not in verbose
