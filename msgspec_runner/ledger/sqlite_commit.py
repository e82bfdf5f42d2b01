"""Settling outcomes and claiming messages in a SQLite file: at once where all is as expected, else one by one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

import orjson

from msgspec_runner.ledger import statements
from msgspec_runner.ledger.rows import SOURCES, fault, outcome_row
from msgspec_runner.ledger.values import Settlement


class Unexpected(Exception):  # noqa: N818 - undoes a transaction, never seen outside
    """What was to be settled or claimed together was not all to be settled or claimed."""


def commit_at_once(
    connection: sqlite3.Connection, run_id: str, claims: Sequence[str], settlements: Sequence[Settlement], now: str
) -> None:
    """Settle and claim with a statement each: SQLite works while Python goes on posting.

    For each statement and each row that it returns, this thread has to wait for Python's lock, and takes it from
    the event loop: one by one, that costs more than the work itself.

    Args:
        connection: inside a transaction.
        run_id: the run that reports and claims.
        claims: keys.
        settlements: outcomes.
        now: this moment, as the ledger writes it.

    Raises:
        Unexpected: not every message is where it was thought to be, or an outcome cannot travel as JSON.
    """
    if settlements:
        rows = orjson.dumps([(*outcome_row(settled, now), SOURCES[settled.state]) for settled in settlements]).decode()
        # SQLite ends a text of JSON at \u0000, and of two outcomes for one key it would take any.
        changed = connection.execute(statements.SETTLE_ALL, (rows, run_id)).rowcount
        if changed != len(settlements) or "\\u0000" in rows:
            raise Unexpected
    if claims:
        values = {"now": now, "keys": json.dumps(claims), "run": run_id}
        if connection.execute(statements.CLAIM_ALL, values).rowcount != len(claims):
            raise Unexpected


def commit_one_by_one(
    connection: sqlite3.Connection, run_id: str, claims: Sequence[str], settlements: Sequence[Settlement], now: str
) -> tuple[set[str], list[str]]:
    """Settle and claim so that it is known which message was not where it was thought to be.

    Args:
        connection: inside a transaction.
        run_id: the run that reports and claims.
        claims: keys; none is claimed where an outcome was refused.
        settlements: outcomes.
        now: this moment, as the ledger writes it.

    Returns:
        The keys that were claimed, and why outcomes were refused.
    """
    refused = [settled for settled in settlements if not _settle(connection, run_id, settled, now)]
    claimed: set[str] = set()
    if claims and not refused:
        values = {"now": now, "keys": json.dumps(claims), "run": run_id}
        claimed = {key for (key,) in connection.execute(statements.CLAIM, values)}
    found = [connection.execute(statements.STATE_OF, (settled.key,)).fetchone() for settled in refused]
    return claimed, [fault(run_id, settled, row) for settled, row in zip(refused, found, strict=True)]


def _settle(connection: sqlite3.Connection, run_id: str, settled: Settlement, now: str) -> bool:
    """Store one outcome; return False where it is no legal move."""
    key, *result = outcome_row(settled, now)
    changed = connection.execute(statements.SETTLE, (*result, key, run_id, SOURCES[settled.state])).rowcount
    return changed == 1
