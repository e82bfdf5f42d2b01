"""A ledger in which something else has written: no version of the program left a run's row like that."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Ledger
from tests.acceptance.project import Project
from tests.acceptance.server import Server
from tests.ledger.postgres import address


def damage(location: str, column: str, value: str) -> None:
    """Write into the rows of all runs, past everybody."""
    if "://" in location:
        with closing(psycopg.connect(address(location).conninfo, autocommit=True)) as connection:
            runs = f"{address(location).schema}.runs"
            connection.execute(f"UPDATE {runs} SET {column} = %s".encode(), (value,))
    else:
        with closing(sqlite3.connect(location, isolation_level=None)) as file:
            file.execute(f"UPDATE runs SET {column} = ?", (value,))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(
            ("specs", value)
            for value in ("", "reminder", "null", "7", "[7]", '"reminder"', '{"reminder": 1}', "[" * 9999)
        ),
        *(("started_at", value) for value in ("", "noon", "2026-11-23T12:00:00", "1764000000")),
        *(("ended_at", value) for value in ("", "2026-11-23T12:00:00")),
        *(("totals", value) for value in ("", "7", "[]", '"accepted"', '{"sent": 1}', '{"accepted": "1"}')),
    ],
)
def test_a_run_that_makes_no_sense_is_named(ledger: Ledger, location: str, column: str, value: str) -> None:
    damage(location, column, value)
    for read in (ledger.runs, lambda: ledger.run("run-1")):
        with pytest.raises(LedgerError, match=f"^run run-1: {column} of its row .* Restore the ledger"):
            read()


@pytest.fixture
def sent(location: str, tmp_path: Path) -> Iterator[Project]:
    """A project with this ledger, in which a run has ended."""
    (tmp_path / "project").mkdir()
    with ExitStack() as stack:
        project = Project(tmp_path / "project", tmp_path, stack)
        project.env["MSGSPEC_RUNNER_LEDGER"] = location
        project.spec(2).towards(stack.enter_context(Server()))
        assert project.run("ledger", "init").code == 0
        assert project.send().code == 0
        yield project


@pytest.mark.parametrize("words", [("status",), ("report", "latest"), ("retry", "latest", "--yes")])
def test_commands_end_with_it(sent: Project, location: str, words: tuple[str, ...]) -> None:
    damage(location, "specs", "[7]")
    result = sent.run(*words)
    assert result.code == 2
    assert "specs of its row in the ledger makes no sense" in result.err
    assert result.out == ""


@pytest.mark.parametrize("words", [("plan", "specs"), ("send", "specs", "--yes")])
def test_who_needs_no_run_goes_on(sent: Project, location: str, words: tuple[str, ...]) -> None:
    """Nobody is texted twice: that does not hang on the row."""
    damage(location, "specs", "[7]")
    result = sent.run(*words)
    assert result.code == 0
    assert "2 already sent" in result.out + result.err
