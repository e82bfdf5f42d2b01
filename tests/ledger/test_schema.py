"""Opening the file: migrations, files that are not ledgers, and files from the future."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.schema import migrations
from msgspec_runner.ledger.sqlite import SqliteLedger
from msgspec_runner.ledger.values import Stored
from msgspec_runner.model import Message, State


def make(path: Path) -> Path:
    path.touch(0o600)
    SqliteLedger(path).close()
    return path


def test_the_migrations_are_in_the_package_and_make_the_newest_schema(tmp_path: Path) -> None:
    assert all(migrations())
    connection = sqlite3.connect(make(tmp_path / "ledger.db"))
    assert connection.execute("PRAGMA user_version").fetchone() == (len(migrations()),)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_the_id_stays(tmp_path: Path) -> None:
    path = make(tmp_path / "ledger.db")
    ids = []
    for _ in range(2):
        ledger = SqliteLedger(path)
        ids.append(ledger.id)
        ledger.close()
    assert ids[0] == ids[1]


def test_many_may_make_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch()

    def open_it(_: int) -> str:
        ledger = SqliteLedger(path)
        try:
            return ledger.id
        finally:
            ledger.close()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(open_it, range(24)))) == 1


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = make(tmp_path / "ledger.db")
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(migrations()) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"newer msgspec-runner .* Upgrade: pip install --upgrade"):
        SqliteLedger(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mails (id)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="another program's database"):
        SqliteLedger(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_text("spec: reminder\n" * 200)
    with pytest.raises(LedgerError, match="damaged or no SQLite file"):
        SqliteLedger(path)


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA application_id = 1836279666")  # ours, but with a table in the way
    connection.execute("CREATE TABLE skips (id)")
    connection.close()
    with pytest.raises(LedgerError, match="already exists"):
        SqliteLedger(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("skips",)]
    assert connection.execute("PRAGMA user_version").fetchone() == (0,)
    connection.close()


def test_a_ledger_of_the_first_schema_is_brought_to_the_newest(tmp_path: Path) -> None:
    """Whatever an older version knew is known afterwards."""
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path)
    for statement in migrations()[0]:
        connection.execute(statement)
    connection.execute("INSERT INTO ledger VALUES ('the-id', '2026-01-01T00:00:00.000Z')")
    connection.execute(
        "INSERT INTO runs VALUES ('r', 'sandbox', 'finished', '[]', '', '', 1, ?, ?, NULL, NULL)", (T, T)
    )
    row = (1, "key", "r", 1, "sandbox", "s", 1, "", "+16175551212", 1, "accepted", None, "d", b"{}", 1, "id", 200, None)
    connection.execute(f"INSERT INTO messages VALUES ({', '.join('?' * 21)})", (*row, 1, T, T))
    connection.execute("PRAGMA application_id = 1836279666")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    ledger = SqliteLedger(path)
    assert (ledger.id, ledger.schema) == ("the-id", len(migrations()))
    [stored] = ledger.stored()
    assert stored == Stored(
        Message("key", "", "s", 1, 1, "+16175551212", b"{}", "d", 1), "r", State.ACCEPTED, None, T, "id", None
    )
    assert list(ledger.decisions()) == []
    ledger.close()


T = "2026-01-01T00:00:00.000Z"
