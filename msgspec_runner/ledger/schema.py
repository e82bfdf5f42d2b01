"""A SQLite connection that is safe to trust, and its numbered migrations (``sql/sqlite/``).

The number of the last migration is the file's ``user_version``; ``application_id`` tells a ledger from
another program's database. SQLite's errors leave this package as :class:`LedgerError` only.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import timestamp

BUSY_SECONDS = 30
"""How long a writer waits for another process's transaction (each takes milliseconds) before it gives up."""

OLDEST_SQLITE = (3, 35, 0)
"""The first SQLite with ``RETURNING``, which a claim needs."""

CACHE_KIB = 16 * 1024
"""Memory for pages. Identities are random, so planning touches the whole index; SQLite's 2 MiB halve its speed."""

CHECKPOINT_PAGES = 4000
"""Pages (4 KiB) of WAL before they move into the file; at SQLite's 1000, planning spends its time on that."""

_APPLICATION_ID = 0x6D736772  # "msgr"


@contextmanager
def ledger_errors(location: str) -> Iterator[None]:
    """Turn errors of SQLite and the file system inside the block into a :class:`LedgerError` that tells what to do.

    Args:
        location: where the ledger is, for the message.
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise LedgerError(f"the ledger {location} {_explain(error)}") from error


def _explain(error: Exception) -> str:
    """Return the rest of a sentence that begins with "the ledger …"."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"is locked: another process has been writing to it for more than {BUSY_SECONDS} s. Try again"
    if name.startswith("SQLITE_FULL"):
        return "cannot grow: the disk is full. Free some space and send again"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return "cannot be written: check the permissions of the file and of its folder"
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return "is damaged or no SQLite file: restore it from a backup, and never delete it to start afresh"
    return f"cannot be used: {error}"


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing file for durable writing from several threads (the caller serialises them).

    WAL lets readers read while one writes; ``synchronous=FULL`` syncs each commit to the disk before it
    returns, which is what "recorded before the request leaves" means.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise LedgerError(
            f"this Python comes with SQLite {sqlite3.sqlite_version}; the ledger needs 3.35 or newer. "
            "Use a newer Python or operating system"
        )
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            _check_owner(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone does not reach the platter
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_owner(connection: sqlite3.Connection, path: Path) -> None:
    """Raise unless the file is a ledger or still empty: another program's database is not ours to change."""
    # In this order: another process may be making it a ledger just now, tables and mark in one transaction.
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
        raise LedgerError(f"{path} is another program's database, not a ledger. Choose another file with --ledger")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block as the only writer: all of it is stored, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@cache
def migrations() -> tuple[tuple[str, ...], ...]:
    """Return each migration as its statements; the first one makes schema version 1."""
    folder = files("msgspec_runner.ledger").joinpath("sql", "sqlite")
    scripts = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    return tuple(tuple(_statements(script.read_text(encoding="utf-8"))) for script in scripts)


def _statements(script: str) -> Iterator[str]:
    """Split a script, because ``executescript`` would end the transaction that a migration must run in."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file to this program's schema, in one transaction; a new file also gets its id.

    Raises:
        LedgerError: it is of a newer schema, or another program's.
    """
    newest = len(migrations())
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == newest:
        _check_owner(connection, path)
        return
    with transaction(connection):
        _check_owner(connection, path)
        version = connection.execute("PRAGMA user_version").fetchone()[0]  # another process may have been faster
        if version > newest:
            raise LedgerError(
                f"the ledger {path} was written by a newer msgspec-runner (its schema is {version}, this program "
                f"knows {newest}). Upgrade: pip install --upgrade msgspec-runner"
            )
        for statements in migrations()[version:]:
            for statement in statements:
                connection.execute(statement)
        if version == 0:
            connection.execute(
                "INSERT INTO ledger (id, created_at) VALUES (?, ?)", (str(uuid.uuid4()), timestamp(datetime.now(UTC)))
            )
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {newest}")
