"""What is decided about messages outside of a run, in PostgreSQL: released and resolved, and what is known too late."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from msgspec_runner.ledger import postgres_statements as statements
from msgspec_runner.ledger.journal_lines import Noted
from msgspec_runner.ledger.postgres_connection import Connection, text
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
    run_id = text(owner.partition(".")[0]) or ""
    connection.execute(statements.CHANGES_ENDED_RUNS, ([run_id],))
    for write, settled in ((each.write, each.settlement) for each in noted):
        key, state, http_status, message_id, error, attempts, at, scheduled_for = outcome_row(settled, now)
        # Nobody is left who would wait for its next attempt.
        state = State.PLANNED if state == State.RETRY_WAIT else state
        values = {
            "run": run_id,
            "write": write,
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
        if not connection.execute(statements.SETTLE_NOTED, values).rowcount:
            keep_lost(connection, run_id, [settled], now)


def keep_lost(connection: Connection, run_id: str, refused: Iterable[Settlement], now: str) -> None:
    """Keep the API's ids of outcomes that their messages cannot take any more, as decisions; each of them once.

    A person let such a message be sent again, for example, before anybody knew that it had been. Who died while it said
    so may still be heard when the next one says it from the journal: one waits for the other.
    """
    for settled in refused:
        if settled.message_id:
            message_id = text(settled.message_id)
            reason = f"run {run_id} sent it: accepted as {message_id}, known too late"
            values = {"key": settled.key, "message_id": message_id, "reason": reason, "at": now}
            with connection.transaction():
                connection.execute(statements.LOCK_LOST, values)
                connection.execute(statements.KEEP_LOST, values)


def _runs_to_change(connection: Connection, keys: Sequence[str]) -> list[str]:
    """Return the runs of messages, after noting that these move: one that goes to another run meanwhile stays there."""
    found: Any = connection.execute(statements.RUNS_OF, ([*keys],)).fetchall()
    runs = sorted(run_id for (run_id,) in found)
    connection.execute(statements.CHANGES_ENDED_RUNS, (runs,))
    return runs
