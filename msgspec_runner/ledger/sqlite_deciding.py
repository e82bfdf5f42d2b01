"""What is decided about messages outside of a run, in a SQLite file: released, resolved, erased."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger import statements
from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.rows import erasable, erasure_words, outcome_row, releasable, resolvable
from msgspec_runner.ledger.schema import transaction
from msgspec_runner.ledger.states import Mover, sources
from msgspec_runner.ledger.values import Settlement
from msgspec_runner.model import State

CHUNK = 5000
"""Rows looked at in one transaction of an erasure: others may write in between."""


def release(
    connection: sqlite3.Connection,
    keys: Sequence[str],
    reason: str,
    by: str,
    only: Collection[State] | None,
    now: str,
) -> int:
    """Move rejected and in-doubt messages to ``released`` inside a transaction; return how many."""
    values = (reason, now, json.dumps(keys), json.dumps(releasable(only)))
    released = [key for (key,) in connection.execute(statements.RELEASE, values)]
    rows = [(key, now, by, State.RELEASED, reason) for key in released]
    connection.executemany(statements.DECIDE, rows)
    return len(released)


def resolve(
    connection: sqlite3.Connection, settlements: Sequence[Settlement], by: str, reason: str, now: str
) -> set[str]:
    """Settle messages outside of a run inside a transaction; return the keys that were settled."""
    ids = json.dumps([settled.message_id for settled in settlements if settled.message_id])
    taken = connection.execute(statements.MESSAGE_IDS, (ids,)).fetchall() if ids != "[]" else []
    keys = json.dumps([settled.key for settled in settlements])
    origins = dict(connection.execute(statements.ORIGINS, (keys,)).fetchall())
    resolved = set()
    for settled in resolvable(settlements, origins, taken):
        key, *result = outcome_row(settled, now)
        allowed = json.dumps(sorted(sources(settled.state, Mover.PERSON)))
        if connection.execute(statements.RESOLVE, (*result, key, allowed)).rowcount:
            connection.execute(statements.DECIDE, (key, now, by, settled.state, reason))
            resolved.add(key)
    return resolved


class Eraser:
    """Empties people's data in chunks, then takes it out of the file's bytes.

    Args:
        connection: no transaction is open.
        path: of the ledger, for messages.
        before: an aware time, or None.
        number: E.164 with ``+``, or None.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, before: datetime | None, number: str | None) -> None:
        if before is None and number is None:
            raise ValueError("erase() needs a time or a number")
        self._connection = connection
        self._path = path
        self._before = before
        self._number = number

    def erase(self, alive: Callable[[], Collection[str]], by: str, now: str) -> int:
        """Empty what may be emptied; return how many messages and skipped rows were.

        Args:
            alive: returns the runs that live; asked in every transaction.
            by: who decided.
            now: this moment, as the ledger writes it.
        """
        chosen: dict[str, str | None] = {
            "before": None if self._before is None else timestamp(self._before),
            "number": self._number,
        }
        erased = 0
        for last, statement, states in (
            (statements.LAST_ID, statements.ERASE, erasable(self._number)),
            (statements.LAST_SKIP, statements.ERASE_SKIPS, ()),
        ):
            chosen["states"] = json.dumps(sorted(states))
            (end,) = self._connection.execute(last).fetchone()
            for first in range(1, end + 1, CHUNK):
                with transaction(self._connection):
                    values = {**chosen, "first": first, "last": first + CHUNK - 1, "alive": json.dumps([*alive()])}
                    erased += self._connection.execute(statement, values).rowcount
        with transaction(self._connection):
            if self._number is not None:
                for statement in statements.REDACT:
                    self._connection.execute(statement, {"digits": self._number.lstrip("+")})
            words = erasure_words(self._before, self._number, erased)
            self._connection.execute(statements.DECIDE, ("", now, by, "erased", words))
        return erased

    def scrub(self) -> None:
        """Write the file anew and empty the log beside it: until then, what was erased is still in their bytes.

        Raises:
            LedgerError: another process reads or writes the ledger. What was erased stays erased.
        """
        try:
            self._connection.execute("VACUUM")
            busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.OperationalError as error:
            if not getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise
            busy = True
        if busy:
            raise LedgerError(
                f"people's data was erased from the ledger {self._path}, but not yet from the file's bytes: another "
                "process uses it. Once that has ended, run the same command again"
            )
