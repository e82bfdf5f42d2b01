"""What is decided about messages outside of a run, in PostgreSQL: released and resolved, and what is known too late."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from msgspec_runner.ledger import postgres_statements as statements
from msgspec_runner.ledger.journal import Noted
from msgspec_runner.ledger.postgres_connection import Connection
from msgspec_runner.ledger.postgres_run import text
from msgspec_runner.ledger.rows import outcome_row, releasable, resolvable
from msgspec_runner.ledger.states import Mover, sources
from msgspec_runner.ledger.values import Settlement
from msgspec_runner.model import State


def release(
    connection: Connection, keys: Sequence[str], reason: str, by: str, only: Collection[State] | None, now: str
) -> int:
    """Move rejected and in-doubt messages to ``released`` inside a transaction; return how many."""
    values = (text(reason), now, [*keys], releasable(only), _runs_to_change(connection, keys))
    released = connection.execute(statements.RELEASE, values).fetchall()
    rows = [(key, now, text(by), State.RELEASED, text(reason)) for (key,) in released]
    with connection.cursor() as cursor:
        cursor.executemany(statements.DECIDE, rows)
    return len(released)


def resolve(connection: Connection, settlements: Sequence[Settlement], by: str, reason: str, now: str) -> set[str]:
    """Settle messages outside of a run inside a transaction; return the keys that were settled."""
    connection.execute(statements.ONE_RESOLVER)
    ids = [text(settled.message_id) for settled in settlements if settled.message_id]
    taken: Any = connection.execute(statements.MESSAGE_IDS, (ids,)).fetchall() if ids else []
    keys = [settled.key for settled in settlements]
    origins: Any = connection.execute(statements.ORIGINS, (keys,)).fetchall()
    runs = _runs_to_change(connection, keys)
    resolved = set()
    for settled in resolvable(settlements, dict(origins), taken):
        key, state, http_status, message_id, error, *rest = outcome_row(settled, now)
        values = (str(state), http_status, text(message_id), text(error), *rest, key)
        allowed = sorted(sources(settled.state, Mover.PERSON))
        if connection.execute(statements.RESOLVE, (*values, allowed, runs)).fetchone():
            connection.execute(statements.DECIDE, (key, now, text(by), settled.state, text(reason)))
            resolved.add(key)
    return resolved


def settle_noted(connection: Connection, owner: str, noted: Sequence[Noted], now: str) -> None:
    """Bring the outcomes of a dead process's journal to the ledger inside a transaction.

    Args:
        connection: in a transaction.
        owner: the run; of a worker's journal the run, a dot, and its session.
        noted: its outcomes.
        now: as the ledger writes it.
    """
    run_id = owner.partition(".")[0]
    connection.execute(statements.CHANGES_ENDED_RUNS, ([run_id],))
    for turn, settled in ((each.turn, each.settlement) for each in noted):
        key, state, http_status, message_id, error, attempts, at, scheduled_for = outcome_row(settled, now)
        # Nobody is left who would wait for its next attempt.
        state = State.PLANNED if state == State.RETRY_WAIT else state
        values = {
            "run": run_id,
            "turn": turn,
            "key": key,
            "state": str(state),
            "http_status": http_status,
            "message_id": text(message_id),
            "error": text(error),
            "attempts": attempts,
            "at": at,
            "scheduled_for": scheduled_for,
            "sources": sorted(sources(State(state))),
        }
        done = connection.execute(statements.SETTLE_NOTED, values).rowcount
        if not done and message_id:
            found = connection.execute(statements.MESSAGE_IDS, ([message_id],)).fetchall()
            if not any(holder == key for _, _, holder in found):
                reason = f"run {run_id} sent it: accepted as {message_id}, known too late"
                connection.execute(statements.DECIDE, (key, now, "recover", "lost", reason))


def _runs_to_change(connection: Connection, keys: Sequence[str]) -> list[str]:
    """Return the runs of messages, after noting that these move: one that goes to another run meanwhile stays there."""
    found: Any = connection.execute(statements.RUNS_OF, ([*keys],)).fetchall()
    runs = sorted(run_id for (run_id,) in found)
    connection.execute(statements.CHANGES_ENDED_RUNS, (runs,))
    return runs
