"""A plan on its way to the ledger: on the disk, not in memory, with one place for each identity.

Every message of every spec is rendered before the first is sent, and two rows with one identity must be
seen before that. The spool is a private SQLite file that vanishes with the process. Which rows share an identity is
asked when all are there: to sort a million identities takes a fraction of the time of finding a place for each.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from msgspec_runner.ledger.schema import ledger_errors
from msgspec_runner.ledger.values import Skip
from msgspec_runner.model import Message

CACHE_KIB = 8 * 1024
"""Memory that the spool's pages may take, whatever the number of rows."""

_SCHEMA = (
    "PRAGMA journal_mode = OFF",  # nothing to recover: it is gone with the process
    "PRAGMA synchronous = OFF",
    "PRAGMA locking_mode = EXCLUSIVE",
    f"PRAGMA cache_size = -{CACHE_KIB}",
    """
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL, recipient_key TEXT NOT NULL, spec TEXT NOT NULL,
        edition INTEGER NOT NULL, row INTEGER NOT NULL, "to" TEXT NOT NULL, body BLOB NOT NULL,
        digest TEXT NOT NULL, segments INTEGER, delivery TEXT)
    """,
    """
    CREATE TABLE twins (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL, recipient_key TEXT NOT NULL, spec TEXT NOT NULL,
        edition INTEGER NOT NULL, row INTEGER NOT NULL, "to" TEXT NOT NULL, segments INTEGER,
        first_row INTEGER NOT NULL, same_body INTEGER NOT NULL)
    """,
    """
    CREATE TABLE left_out (
        id INTEGER PRIMARY KEY, spec TEXT NOT NULL, edition INTEGER NOT NULL, row INTEGER NOT NULL,
        reason TEXT NOT NULL, "to" TEXT NOT NULL, recipient_key TEXT NOT NULL, key TEXT NOT NULL, segments INTEGER)
    """,
    "CREATE TABLE withheld (id INTEGER PRIMARY KEY)",
    "CREATE TABLE known (digest INTEGER PRIMARY KEY)",
)
_ADD = "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SETTLE = (
    "CREATE INDEX IF NOT EXISTS by_key ON messages (key)",
    """
    INSERT INTO twins
    SELECT m.id, m.key, m.recipient_key, m.spec, m.edition, m.row, m."to", m.segments, first.row,
        first.digest = m.digest
    FROM (SELECT key, min(id) AS id FROM messages GROUP BY key HAVING count(*) > 1) AS shared
    CROSS JOIN messages AS first ON first.id = shared.id
    CROSS JOIN messages AS m ON m.key = shared.key AND m.id > shared.id
    """,
    "DELETE FROM messages WHERE id IN (SELECT id FROM twins)",
)
_COUNT = "SELECT count(*) FROM messages"
_COUNT_CONFLICTS = "SELECT count(*) FROM twins WHERE NOT same_body"
_PAGE = """
SELECT id, key, recipient_key, spec, edition, row, "to", body, digest, segments, delivery
FROM messages WHERE id > ? ORDER BY id LIMIT ?
"""
_PAGE_GIVEN = """
SELECT id, key, recipient_key, spec, edition, row, "to", body, digest, segments, delivery
FROM messages WHERE id > ? AND NOT EXISTS (SELECT 1 FROM withheld WHERE withheld.id = messages.id)
ORDER BY id LIMIT ?
"""
_PAGE_TWINS = """
SELECT id, key, recipient_key, spec, edition, row, "to", segments, first_row
FROM twins WHERE id > ? AND same_body = ? ORDER BY id LIMIT ?
"""
_PAGE_BY_KEY = """
SELECT id, key, recipient_key, spec, edition, row, "to", body, digest, segments, delivery
FROM messages WHERE key > ? ORDER BY key LIMIT ?
"""
_LEAVE_OUT = "INSERT INTO left_out VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_LEAVE_OUT_ROWS = (
    """
    INSERT INTO left_out
    SELECT id, spec, edition, row, :reason, "to", recipient_key, key, NULL FROM messages
    WHERE id > :after AND id <= :last AND row IN (SELECT value FROM json_each(:rows))
    """,
    """
    DELETE FROM messages WHERE id > :after AND id <= :last AND row IN (SELECT value FROM json_each(:rows))
    """,
)
_PAGE_LEFT_OUT = """
SELECT id, spec, edition, row, reason, "to", recipient_key, key, segments FROM left_out WHERE id > ? ORDER BY id LIMIT ?
"""
_WITHHOLD = """
INSERT OR IGNORE INTO withheld SELECT id FROM messages WHERE key IN (SELECT value FROM json_each(?))
"""
_WITHHOLD_PLACES = "INSERT OR IGNORE INTO withheld SELECT value FROM json_each(?)"
_DIGESTS_AT_ONCE = 50_000
"""Digests that are held in memory: 4 MB."""

_KNOW = "INSERT OR IGNORE INTO known VALUES (?)"
_ARE_KNOWN = "SELECT digest FROM known WHERE digest IN (SELECT value FROM json_each(?))"


class Twin(NamedTuple):
    """A row whose identity an earlier row of the plan has already; both are rows of one spec.

    Attributes:
        row: the later row's number.
        first_row: the number of the row that keeps the identity.
    """

    key: str
    recipient_key: str
    spec: str
    edition: int
    row: int
    to: str
    segments: int | None
    first_row: int


class PlanSpool:
    """Messages in the order in which they were added, each identity once. A context manager.

    Args:
        directory: where the file lies (mode 0600) until it is closed; None: the system's place for such files.
        batch: rows that are written at a time.

    Raises:
        LedgerError: (any method) the disk is full, or the folder cannot be written.
    """

    def __init__(self, directory: Path | None = None, *, batch: int = 1000) -> None:
        with ledger_errors("spool"):
            descriptor, name = tempfile.mkstemp(prefix="msgspec-runner-plan-", suffix=".db", dir=directory)
            os.close(descriptor)
            self._path = Path(name)
            self._connection = sqlite3.connect(name, isolation_level=None)
            try:
                for statement in _SCHEMA:
                    self._connection.execute(statement)
            except BaseException:
                self.close()
                raise
            with suppress(PermissionError):  # Windows removes it on close instead
                self._path.unlink()
        self._batch = batch
        self._rows = 0
        self._settled = 0
        self._messages: list[tuple[object, ...]] = []
        self._left_out: list[tuple[object, ...]] = []

    @property
    def rows(self) -> int:
        """How many rows were added: messages, and rows that are left out."""
        return self._rows

    def add(self, messages: Iterable[Message]) -> None:
        """Append messages in the order in which they shall be sent; see :meth:`put`."""
        for message in messages:
            self.put(message)

    def put(self, message: Message) -> None:
        """Append a message; one whose identity is taken becomes a duplicate or a conflict instead."""
        self._rows += 1
        self._messages.append((self._rows, *message))
        if len(self._messages) >= self._batch:
            self._write()

    def leave_out(self, skip: Skip) -> None:
        """Keep a row that is to be recorded as skipped; it takes no identity."""
        self._rows += 1
        self._left_out.append((self._rows, *skip))
        if len(self._left_out) >= self._batch:
            self._write()

    def leave_out_rows(self, after: int, last: int, rows: Collection[int], reason: str) -> None:
        """Leave out messages that were added before.

        Args:
            after: how many :attr:`rows` there were when the first of them could be added.
            last: how many there were when the last of them had been.
            rows: numbers of recipients.
            reason: as :class:`~msgspec_runner.ledger.values.Skip` has it.
        """
        self._write()
        numbers = {"after": after, "last": last, "rows": json.dumps([*rows]), "reason": reason}
        with ledger_errors("spool"):
            self._connection.execute("BEGIN")
            for statement in _LEAVE_OUT_ROWS:
                self._connection.execute(statement, numbers)
            self._connection.execute("COMMIT")

    def cut(self, after: int) -> None:
        """Forget all but the first rows that were added."""
        self._write()
        with ledger_errors("spool"):
            for table in ("messages", "left_out", "twins", "withheld"):
                self._connection.execute(f"DELETE FROM {table} WHERE id > ?", (after,))  # noqa: S608 - our own names
        self._rows = after
        self._settled = min(self._settled, after)

    def _write(self) -> None:
        """Write what was added and is still in memory."""
        if not self._messages and not self._left_out:
            return
        with ledger_errors("spool"):
            self._connection.execute("BEGIN")
            self._connection.executemany(_ADD, self._messages)
            self._connection.executemany(_LEAVE_OUT, self._left_out)
            self._connection.execute("COMMIT")
        self._messages.clear()
        self._left_out.clear()

    def _settle(self) -> None:
        """Move what shares an identity with an earlier message out of the messages; before anything is read."""
        if self._settled == self._rows:
            return
        self._write()
        with ledger_errors("spool"):
            self._connection.execute("BEGIN")
            for statement in _SETTLE:
                self._connection.execute(statement)
            self._connection.execute("COMMIT")
        self._settled = self._rows

    def __len__(self) -> int:
        self._settle()
        with ledger_errors("spool"):
            count: int = self._connection.execute(_COUNT).fetchone()[0]
        return count

    def __iter__(self) -> Iterator[Message]:
        for chunk in self.chunks():
            yield from chunk

    def chunks(self, size: int = 500) -> Iterator[list[Message]]:
        """Yield the messages in order, ``size`` at a time: a size that :meth:`Ledger.entries` likes."""
        for page in self._pages(_PAGE, size):
            yield [Message._make(row[1:]) for row in page]

    def places(self, size: int = 500) -> Iterator[tuple[list[int], list[Message]]]:
        """Yield what :meth:`chunks` yields, with each message's place, for :meth:`withhold_places`."""
        for page in self._pages(_PAGE, size):
            yield [row[0] for row in page], [Message._make(row[1:]) for row in page]

    def given(self, size: int = 500) -> Iterator[list[Message]]:
        """Yield what :meth:`chunks` yields, without what is withheld."""
        for page in self._pages(_PAGE_GIVEN, size):
            yield [Message._make(row[1:]) for row in page]

    def _pages(self, statement: str, size: int) -> Iterator[list[tuple[Any, ...]]]:
        self._settle()
        after = 0
        while True:
            with ledger_errors("spool"):
                rows = self._connection.execute(statement, (after, size)).fetchall()
            if not rows:
                return
            yield rows
            after = rows[-1][0]

    def chunks_by_key(self, size: int = 500) -> Iterator[list[Message]]:
        """Yield the messages in the order of their keys, which no order of files and rows changes."""
        self._settle()
        after = ""
        while True:
            with ledger_errors("spool"):
                rows = self._connection.execute(_PAGE_BY_KEY, (after, size)).fetchall()
            if not rows:
                return
            chunk = [Message._make(row[1:]) for row in rows]
            yield chunk
            after = chunk[-1].key

    def left_out(self, size: int = 500) -> Iterator[Skip]:
        """Yield the rows that were left out, in order."""
        self._write()
        after = 0
        while True:
            with ledger_errors("spool"):
                rows = self._connection.execute(_PAGE_LEFT_OUT, (after, size)).fetchall()
            if not rows:
                return
            for _, *values in rows:
                yield Skip(*values)
            after = rows[-1][0]

    def withhold(self, keys: Iterable[str]) -> None:
        """Mark messages that must not be sent, whatever the ledger comes to say of them. A few hundred keys a call."""
        self._settle()
        with ledger_errors("spool"):
            self._connection.execute(_WITHHOLD, (json.dumps([*keys]),))

    def withhold_places(self, places: Collection[int]) -> None:
        """Do what :meth:`withhold` does, for places of :meth:`places`: of a million messages it takes no time."""
        if places:
            with ledger_errors("spool"):
                self._connection.execute(_WITHHOLD_PLACES, (json.dumps([*places]),))

    def know(self, digests: Iterable[int]) -> None:
        """Keep digests, for :meth:`known`, in place of those before: on the disk, as there may be millions.

        Args:
            digests: whole numbers of 64 bits, with a sign.
        """
        remaining = iter(digests)
        with ledger_errors("spool"):
            self._connection.execute("BEGIN")
            self._connection.execute("DELETE FROM known")
            while batch := sorted(islice(remaining, _DIGESTS_AT_ONCE)):  # in order, each page is written once a batch
                self._connection.executemany(_KNOW, zip(batch))
            self._connection.execute("COMMIT")

    def known(self, digests: Collection[int]) -> set[int]:
        """Return which of these digests are kept. A few hundred a call."""
        with ledger_errors("spool"):
            found = self._connection.execute(_ARE_KNOWN, (json.dumps([*digests]),)).fetchall()
        return {digest for (digest,) in found}

    def duplicates(self) -> Iterator[Twin]:
        """Yield the rows that say the same to the same recipient again: to be ``skipped(duplicate)``."""
        return self._twins(same_body=True)

    def conflicts(self) -> Iterator[Twin]:
        """Yield the rows that say something else under an identity that is taken: finding 504."""
        return self._twins(same_body=False)

    @property
    def conflict_count(self) -> int:
        """The number of :meth:`conflicts`."""
        self._settle()
        with ledger_errors("spool"):
            count: int = self._connection.execute(_COUNT_CONFLICTS).fetchone()[0]
        return count

    def _twins(self, *, same_body: bool, size: int = 500) -> Iterator[Twin]:
        self._settle()
        after = 0
        while True:
            with ledger_errors("spool"):
                rows = self._connection.execute(_PAGE_TWINS, (after, same_body, size)).fetchall()
            if not rows:
                return
            for _, *values in rows:
                yield Twin(*values)
            after = rows[-1][0]

    def close(self) -> None:
        """Drop everything."""
        self._connection.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
