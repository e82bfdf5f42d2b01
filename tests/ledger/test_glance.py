"""A look that changes nothing: what it sees, beside writers, and where there is nothing to see."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from msgspec_runner.ledger.glance import Glimpse, newest_runs
from msgspec_runner.ledger.ledger import Run, RunStatus
from msgspec_runner.ledger.stores import FileStore


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def test_the_newest_runs_come_first(file: Path) -> None:
    book = FileStore(file).create()
    for number in range(1, 5):
        book.begin(Run(f"r{number}", "sandbox", ("reminder", "welcome"), "1"))
        book.end(f"r{number}", RunStatus.FINISHED)
    book.close()
    assert newest_runs(file, 2) == tuple(Glimpse(f"r{n}", "finished", ("reminder", "welcome")) for n in (4, 3))


def test_what_a_writer_has_just_committed_is_seen(file: Path) -> None:
    book = FileStore(file).create()
    book.begin(Run("r1", "sandbox", ("reminder",), "1"))
    assert file.with_name("ledger.db-wal").stat().st_size
    assert [run.id for run in newest_runs(file, 9)] == ["r1"]
    book.begin(Run("r2", "sandbox", ("reminder",), "1"))
    assert [run.id for run in newest_runs(file, 9)] == ["r2", "r1"]
    book.close()


def test_a_writer_in_the_middle_keeps_nobody_waiting(file: Path) -> None:
    FileStore(file).create().close()
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert newest_runs(file, 9) == ()
    writer.close()


@pytest.mark.parametrize("specs", ["", "reminder", "7", "[7]", "null", '{"reminder": 1}', "[" * 9999])
def test_a_run_that_makes_no_sense_hides_no_other(file: Path, specs: str) -> None:
    book = FileStore(file).create()
    for name in ("r1", "r2", "r3"):
        book.begin(Run(name, "sandbox", ("reminder",), "1"))
    book.close()
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("UPDATE runs SET specs = ? WHERE id = 'r2'", (specs,))
    assert [(run.id, run.specs) for run in newest_runs(file, 9)] == [("r3", ("reminder",)), ("r1", ("reminder",))]


@pytest.mark.parametrize("content", [None, b"", b"no ledger", b"SQLite format 3\0" + bytes(2000)])
def test_where_there_is_no_ledger_there_is_nothing(file: Path, content: bytes | None) -> None:
    if content is not None:
        file.write_bytes(content)
    assert newest_runs(file, 9) == ()
    assert list(file.parent.iterdir()) == ([] if content is None else [file])
    assert newest_runs(file.parent, 9) == ()
