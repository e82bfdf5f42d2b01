"""What is peculiar to the ledger in a SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Ledger, Run, RunStatus, Settlement, Skip, Totals
from msgspec_runner.ledger.sqlite import SqliteLedger
from msgspec_runner.model import Message, State

MakeMessage = Callable[..., Message]
OpenLedger = Callable[[], SqliteLedger]


@pytest.fixture
def location(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.db")


def test_fulfils_the_protocol(ledger: SqliteLedger) -> None:
    stored: Ledger = ledger
    assert len(stored.id) == 36
    assert stored.location.endswith("ledger.db")


def test_claims_are_on_the_disk_before_they_are_returned(tmp_path: Path, ledger: SqliteLedger) -> None:
    pragma = ledger._connection.execute
    assert pragma("PRAGMA synchronous").fetchone()[0] == 2  # FULL
    assert pragma("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_an_outcome_that_was_believed_lost_still_counts(
    opened: OpenLedger, ledger: SqliteLedger, message: MakeMessage, tmp_path: Path
) -> None:
    """Somebody removed the lock files of a run at work: its messages are in doubt until it says how they went."""
    ledger.plan("run-1", [message()])
    ledger.claim("run-1", [message().key])
    for lock in (tmp_path / "ledger.db.locks").iterdir():
        lock.unlink()
    assert opened().recover() == 1
    ledger.commit("run-1", [], [Settlement(message().key, State.ACCEPTED, 200, "id-1")])
    assert ledger.entries([message().key])[message().key].state is State.ACCEPTED


def test_a_full_disk_is_a_ledger_error_and_stores_nothing(ledger: SqliteLedger, message: MakeMessage) -> None:
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
    ledger._connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(LedgerError, match="the disk is full"):
        ledger.plan("run-1", [message(row, text="x" * 4000) for row in range(1, 50)])
    assert ledger.totals() == Totals()
    ledger._connection.execute("PRAGMA max_page_count = 1000000")
    assert ledger.plan("run-1", [message()]) == 1


def test_a_ledger_that_another_process_keeps_locked_is_a_ledger_error(
    opened: OpenLedger, ledger: SqliteLedger, message: MakeMessage, tmp_path: Path
) -> None:
    blocker = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    ledger._connection.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(LedgerError, match="is locked"):
        ledger.plan("run-1", [message()])
    blocker.close()


def test_the_lock_files_of_runs_that_are_over_are_gone(opened: OpenLedger, tmp_path: Path) -> None:
    locks = tmp_path / "ledger.db.locks"
    ledger = opened()
    ledger.begin(Run("run-1", "sandbox"))
    assert [file.name for file in locks.iterdir()] == ["run-1.lock"]
    ledger.end("run-1", RunStatus.FINISHED)
    assert not list(locks.iterdir())
    ledger.begin(Run("run-2", "sandbox"))
    ledger.close()
    assert opened().recover() == 0
    assert not list(locks.iterdir())


def test_what_is_forgotten_is_in_no_byte_of_the_files(opened: OpenLedger, tmp_path: Path) -> None:
    """Rows that were written over, pages that were split, and the log beside the file included."""
    ledger = opened()
    ledger.begin(Run("run-1", "sandbox"))
    number = "+16175551212"
    rows = [
        Message(f"key-{n}", f"Ann-{n}", "s", 1, n, number if n % 10 == 0 else f"+1617444{n:04d}", b"Dear Ann" * 30, "d")
        for n in range(1, 801)
    ]
    ledger.plan("run-1", rows)
    keys = [row.key for row in rows]
    ledger.claim("run-1", keys)
    ledger.commit("run-1", [], [Settlement(key, State.REJECTED, 400, None, f"{number} is none") for key in keys[9::10]])
    ledger.skip("run-1", [Skip("s", 1, 900, "duplicate", number)])
    ledger.end("run-1", RunStatus.FINISHED, f"{number} again and again")
    assert holds(tmp_path, number.encode())
    assert ledger.erase(number=number) == 81
    assert not holds(tmp_path, b"6175551212")
    assert holds(tmp_path, b"1617444")
    later = datetime(9999, 1, 1, tzinfo=UTC)
    ledger.resolve([Settlement(key, State.REJECTED) for key in keys], "ann", "a test")
    assert ledger.erase(before=later) == 720
    for secret in (b"1617444", b"Dear Ann", b"Ann-"):
        assert not holds(tmp_path, secret), secret
    assert ledger.totals().rejected == 800


def holds(folder: Path, secret: bytes) -> bool:
    return any(secret in file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_erasing_says_so_when_the_file_cannot_be_rewritten(
    opened: OpenLedger, ledger: SqliteLedger, message: MakeMessage, tmp_path: Path
) -> None:
    ledger.plan("run-1", [message()])
    ledger.end("run-1", RunStatus.FINISHED)
    reader = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM messages").fetchall()
    ledger._connection.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(LedgerError, match="not yet from the file's bytes: another process uses it"):
        ledger.erase(number=message().to)
    reader.close()
    assert ledger.erase(number=message().to) == 0
    assert not holds(tmp_path, message().to.encode())
