"""Erasing people's data in PostgreSQL: of one number wherever it is, of a time gone by run by run."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from msgspec_runner.ledger import postgres_shared_statements as shared
from msgspec_runner.ledger import postgres_statements as statements
from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.postgres_connection import Connection, text
from msgspec_runner.ledger.rows import erasable, erasure_words

CHUNK = 5000
"""Rows looked at in one transaction of an erasure: others may write in between."""

PARTS = 4
"""Transactions in which a page of a run is erased. In the table, a quarter of each page is free: so many rows find a
place in their own page for what is left of them, and when that is committed, they leave theirs to the next ones."""

RUNS = 100
"""Runs that are looked up at a time."""

NOTHING = "nothing"
"""Since when a run has something to erase if it has nothing; sorts behind every time."""


def erase(connection: Connection, before: datetime | None, number: str | None, by: str, now: str) -> int:
    """Empty people's data of what is at rest, a page a transaction; return how many messages and rows were.

    By time alone, it also drops what only served shared runs that ended before then.

    Args:
        connection: outside of a transaction.
        before: an aware time, or None.
        number: E.164 with ``+``, or None.
        by: who decided.
        now: this moment, as the ledger writes it.
    """
    if before is None and number is None:
        raise ValueError("erase() needs a time or a number")
    moment = None if before is None else timestamp(before)
    if number is not None:
        erased = _erase_number(connection, number, moment)
    else:
        assert moment is not None
        erased = erase_before(connection, moment)
        _drop_leftovers(connection, moment)
    with connection.transaction():
        if number is not None:
            for statement in statements.REDACT:
                connection.execute(statement, {"digits": number.lstrip("+")})
        connection.execute(statements.DECIDE, ("", now, text(by), "erased", erasure_words(before, number, erased)))
    # Until then, the versions before are still in the tables' files.
    for statement in statements.VACUUM:
        connection.execute(statement)
    return erased


def _erase_number(connection: Connection, number: str, before: str | None) -> int:
    chosen = {"before": before, "number": number, "states": sorted(erasable(number)), "limit": CHUNK}
    erased = 0
    after: str | None = ""
    while after is not None:
        row: Any = connection.execute(statements.ERASE, {**chosen, "after": after}).fetchone()
        erased += row[0]
        after = row[1]
    return erased + connection.execute(statements.ERASE_SKIPS, chosen).rowcount


# -- by time -----------------------------------------------------------------------------------------------


class _Read(NamedTuple):
    """What came of reading a run to its end.

    Attributes:
        looked: rows.
        erased: of them.
        since: the earliest last move of what is left to erase, or :data:`NOTHING`.
    """

    looked: int
    erased: int
    since: str


def erase_before(connection: Connection, before: str) -> int:
    """Empty what is at rest since before a time; return how many messages and rows were.

    It reads the runs that may have something to give, in the order of their plans, and notes since when each of them
    has something left. A run that has nothing, or nothing so old, is not read again until one of its messages moves.

    Args:
        connection: see :func:`erase`.
        before: as the ledger writes it.
    """
    reader = secrets.token_hex(8)
    erased = looked = 0
    noted: dict[str, str] = {}

    def note() -> None:
        values = {"reader": reader, "runs": [*noted], "sinces": [*noted.values()]}
        connection.execute(statements.NOTE_RUNS, values)
        noted.clear()

    for page in _pages(connection, statements.ERASABLE_RUNS, before):
        connection.execute(statements.READ_RUNS, {"reader": reader, "runs": page})
        for run_id in page:
            read = _erase_of_run(connection, run_id, before)
            noted[run_id] = read.since
            erased += read.erased
            looked += read.looked
            if looked >= CHUNK:  # what was read so far need not be read again, should this end early
                looked = 0
                note()
        note()
    return erased


def _pages(connection: Connection, statement: str, before: str) -> Iterator[list[str]]:
    """Yield runs in the order of their ids, some at a time."""
    after = ""
    while True:
        found: Any = connection.execute(statement, {"after": after, "before": before, "limit": RUNS}).fetchall()
        runs = [run_id for (run_id,) in found]
        if not runs:
            return
        yield runs
        after = runs[-1]


def _erase_of_run(connection: Connection, run_id: str, before: str) -> _Read:
    looked = erased = 0
    since = NOTHING
    values = {"run": run_id, "before": before, "states": sorted(erasable(None)), "limit": CHUNK, "parts": PARTS}
    for page, erase_part in (
        (statements.PAGE_OF_RUN, statements.ERASE_OF_RUN),
        (statements.SKIPS_OF_RUN, statements.ERASE_SKIPS_OF_RUN),
    ):
        after, seen = -1, CHUNK
        while seen >= CHUNK:
            seen, last, due, later = _by_index(connection, page, {**values, "after": after}).fetchone()
            for part in range(PARTS if due else 0):
                among = {**values, "after": after, "last": last, "part": part}
                erased += _by_index(connection, erase_part, among).rowcount
            looked += seen
            since = min(since, later or NOTHING)
            after = last
    return _Read(looked, erased, since)


def _by_index(connection: Connection, statement: str, values: dict[str, Any]) -> Any:
    with connection.transaction():
        connection.execute(statements.BY_INDEX)
        return connection.execute(statement, values)


# -- what only served a run --------------------------------------------------------------------------------


def _drop_leftovers(connection: Connection, before: str) -> None:
    """Drop windows, paces, settings and sessions of shared runs that ended before a time; how they ended stays."""
    for page in _pages(connection, shared.LEFTOVERS, before):
        for run_id in page:
            while connection.execute(shared.DROP_WINDOWS, {"run": run_id, "limit": CHUNK}).rowcount == CHUNK:
                pass
            with connection.transaction():
                connection.execute(shared.DROP_PACES, (run_id,))
                connection.execute(shared.DROP_SETTINGS, (run_id,))
    connection.execute(shared.DROP_SESSIONS, (before,))
