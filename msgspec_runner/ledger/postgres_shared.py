"""Runs that several workers carry out: how one enters the ledger, is steered, goes on without its dead, and ends.

Functions on a connection, each in one transaction. Locks are taken in one order: a session's row, the shared run's row,
messages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import errors

from msgspec_runner.ledger import postgres_shared_statements as shared
from msgspec_runner.ledger import postgres_statements as statements
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.postgres_connection import Connection, text
from msgspec_runner.ledger.postgres_run import planned_row, skipped_row
from msgspec_runner.ledger.postgres_session import lock_number
from msgspec_runner.ledger.rows import UNKNOWN_OUTCOME, run_row, sendable
from msgspec_runner.ledger.values import Run, RunStatus, Skip, Totals
from msgspec_runner.ledger.windows import Stretch, Window, cuts
from msgspec_runner.model import Message

DIED_AT_WORK = "its worker died or was cut off before the outcome was known"
"""The error of a message that was ``sending`` when its worker was taken for dead."""


_BEHIND_ALL = 2**62
"""A position behind those of any plan."""

Defer = Callable[[Connection, Sequence[Window]], None]
"""Puts windows into the queue, on the connection and in the transaction that it is given."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """How a run is shared.

    Attributes:
        queue: of its jobs.
        settings: how its messages are posted, JSON.
        paces: how fast, by spec; the run's own is under the empty name. The state of a ``Pace`` as JSON.
        rates: messages a second, by spec; the run's own is under the empty name. Only those that have one.
    """

    queue: str
    settings: str
    paces: Mapping[str, str]
    rates: Mapping[str, float] = field(default_factory=dict)


class Standing(NamedTuple):
    """How a shared run is doing.

    Attributes:
        status: of the run.
        reason: why it stopped, or will, for people.
        wanted: ``go``, ``pause`` or ``stop``.
        queue: of its jobs.
        workers: that work on it now.
        pace: the state of its ``Pace`` as JSON.
        free_at: when the windows are given to others that a worker left which fell silent, about, in seconds since
            1970 on the server's clock; None: there are none, or that is over.
        origin: where its messages go.
    """

    status: RunStatus
    reason: str | None
    wanted: str
    queue: str
    workers: int
    pace: str | None
    free_at: float | None = None
    origin: str = ""


# -- planning ----------------------------------------------------------------------------------------------


def enqueue(
    connection: Connection,
    ledger_id: str,
    run: Run,
    sharing: Sharing,
    messages: Iterable[Message],
    skips: Iterable[Skip],
    defer: Defer,
    now: datetime,
) -> int:
    """Enter a run, its messages, its skipped rows, its windows and their jobs in one transaction: all of it or nothing.

    Args:
        connection: nobody else's until this returns.
        ledger_id: of the ledger.
        run: the run.
        sharing: how it is shared.
        messages: in the order in which they shall be sent; what other runs hold is left out.
        skips: rows that it leaves out; read after the messages.
        defer: puts the windows into the queue.
        now: aware.

    Returns:
        How many messages the run got; with 0 nothing was entered.
    """
    moment = timestamp(now)
    with connection.transaction() as transaction:
        connection.execute("SET LOCAL enable_sort = on")
        connection.execute("SET LOCAL work_mem = '32MB'")
        connection.execute(statements.BEGIN_RUN, (*run_row(run, now), lock_number(ledger_id, run.id)))
        connection.execute(shared.SHARE, (run.id, sharing.queue, sharing.settings))
        connection.execute(shared.GIVEN)
        with connection.cursor() as cursor:
            with cursor.copy(shared.COPY_GIVEN) as copy:
                for position, message in enumerate(sendable(messages), 1):
                    copy.write_row(planned_row(position, message))
            taken = cursor.execute(shared.TAKE_GIVEN, {"run": run.id, "origin": run.origin, "now": moment}).rowcount
            if not taken:
                transaction.force_rollback = True
                return 0
            with cursor.copy(shared.COPY_SKIPS) as copy:
                for skip in skips:
                    copy.write_row((run.id, *skipped_row(skip), moment))
            for spec, state in sharing.paces.items():
                cursor.execute(shared.SET_PACE, (run.id, spec, state))
        defer(connection, _cut(connection, run.id, taken, sharing.rates))
    return taken


def entered(connection: Connection, ledger_id: str, run: Run, now: datetime) -> int | None:
    """Return how many messages a run got by an :func:`enqueue` whose answer was lost; None: it was not entered.

    The server may still be at it on the other connection: that is waited for, as two runs cannot have one id.
    """
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statements.BEGIN_RUN, (*run_row(run, now), lock_number(ledger_id, run.id)))
    except errors.UniqueViolation:
        row: Any = connection.execute(shared.PLANNED_BY, (run.id,)).fetchone()
        return int(row[0])
    return None


def _cut(connection: Connection, run_id: str, taken: int, rates: Mapping[str, float]) -> list[Window]:
    """Cut a run's plan into windows; return them in its order."""
    windows: list[Window] = []
    stretches = [Stretch("", 0, _BEHIND_ALL, taken)]
    if rates.keys() - {""}:  # else to look for the specs is a walk through a million messages for nothing
        found: Any = connection.execute(shared.STRETCHES, (run_id,)).fetchall()
        stretches = [Stretch(*row) for row in found]
    for cut in cuts(stretches, rates):
        made: Any = connection.execute(shared.CUT_WINDOWS, {"run": run_id, **cut._asdict()}).fetchall()
        windows += [Window(first, last, cut.spec, cut.rate) for first, last in sorted(made)]
    return windows


# -- steering ----------------------------------------------------------------------------------------------


def steer(connection: Connection, run_id: str, wanted: str, reason: str | None) -> Standing | None:
    """Let a run go, wait or stop; return how it stood before, or None where it is not shared.

    What was stopped, or has ended, stays as it is. The first reason to stop is the one that is told.
    """
    with connection.transaction():
        found: Any = connection.execute(shared.LOCK_SHARED, (run_id,)).fetchone()
        if found is None:
            return None
        status, before, old_reason, queue = found
        if status == RunStatus.RUNNING and before != "stop":
            connection.execute(shared.STEER, (wanted, text(reason), run_id))
    return Standing(RunStatus(status), old_reason, before, queue, 0, None)


def ongoing(connection: Connection) -> list[str]:
    """Return the shared runs that have not ended."""
    found: Any = connection.execute(shared.ONGOING).fetchall()
    return [run_id for (run_id,) in found]


def standing(connection: Connection, run_id: str, terms: Terms) -> Standing | None:
    """Return how a run is doing, or None where it is not shared."""
    row: Any = connection.execute(shared.STANDING, {"run": run_id, **terms._asdict()}).fetchone()
    if row is None:
        return None
    status, reason, wanted, why, queue, workers, pace, free_at, origin = row
    return Standing(RunStatus(status), reason or why, wanted, queue, workers, pace, free_at, origin)


def held(connection: Connection) -> dict[str, tuple[str, str | None]]:
    """Return what is wanted of the shared runs that shall not go on (``pause`` or ``stop``), and why, by run."""
    found: Any = connection.execute(shared.HELD).fetchall()
    return {run_id: (wanted, reason) for run_id, wanted, reason in found}


# -- the end -----------------------------------------------------------------------------------------------


def close_if_over(connection: Connection, run_id: str, now: str) -> bool:
    """Close a run whose windows are all done, or that is to stop and nobody works on; return whether it is over."""
    with connection.transaction():
        found: Any = connection.execute(shared.LOCK_SHARED, (run_id,)).fetchone()
        if found is None or found[0] != RunStatus.RUNNING:
            return True
        _, wanted, reason, _ = found
        if _says(connection, shared.IS_UNDONE, run_id):
            if wanted != "stop" or _says(connection, shared.IS_WORKED_ON, run_id):
                return False
            status = RunStatus.STOPPED
        else:  # all of it was sent before anybody heard that it should stop
            status, reason = RunStatus.FINISHED, None
        connection.execute(statements.REPLAN_WAITING, (now, run_id))
        connection.execute(statements.DOUBT_SENDING, (UNKNOWN_OUTCOME, now, run_id))
        counted: Any = connection.execute(statements.TOTALS, {"run": run_id}).fetchall()
        totals = json.dumps(Totals(**dict(counted)).as_dict())
        connection.execute(statements.END_RUN, (str(status), now, reason, totals, run_id))
    return True


def _says(connection: Connection, question: str, run_id: str) -> bool:
    row = connection.execute(question, (run_id,)).fetchone()
    return row is not None and row[0] is True


# -- the dead ----------------------------------------------------------------------------------------------


class Silent(NamedTuple):
    """A session that gives no sign of life.

    Attributes:
        session: its id.
        lock: its advisory lock.
        unheard: seconds in which the server was there to hear a sign of life.
    """

    session: int
    lock: int
    unheard: float


def silent(connection: Connection, terms: Terms) -> list[Silent]:
    """Return the sessions that have been silent for the time of grace."""
    found: Any = connection.execute(shared.SILENT, (terms.grace,)).fetchall()
    return [Silent(*row) for row in found]


def fence_if_dead(connection: Connection, dead: Silent, terms: Terms, now: str) -> int | None:
    """Fence a silent session if it is dead, or silent for too long; return how many messages are in doubt by it.

    None: it lives. From the end of the transaction on it claims nothing, whatever its process may think.
    """
    with connection.transaction():
        is_dead: Any = connection.execute(statements.LOCK_DEAD, (dead.lock,)).fetchone()
        patience = terms.grace if is_dead[0] else terms.fence
        row: Any = connection.execute(shared.FENCE, (dead.session, patience)).fetchone()
        if row is None:
            return None
        run_id, first, last, pid, began = row
        if not is_dead[0]:
            connection.execute(statements.END_SESSION, (pid, began))
        if run_id is None:
            return 0
        window = (run_id, first, last, dead.session)
        connection.execute(shared.REPLAN_CLAIMED, (now, *window))
        return connection.execute(shared.DOUBT_CLAIMED, (DIED_AT_WORK, now, *window)).rowcount


def left_behind(connection: Connection) -> list[tuple[str, int]]:
    """Take from fenced sessions the windows that they worked on; return the run and the first position of each."""
    found: Any = connection.execute(shared.TAKE_BACK).fetchall()
    return [(run_id, first) for run_id, first in found]


def settle_unclaimed(connection: Connection, run_id: str, windows: Sequence[Window], now: str) -> None:
    """Settle what nobody answers for in windows that nobody works on, inside a transaction.

    Who buries a session leaves nothing of the kind. This is for what must not happen: a session's row that was deleted
    over its claims, by hand or by a program with a bug.
    """
    for window in windows:  # each by itself: a planner that is not told how few these are reads the whole table
        values = {"run": run_id, "first": window.first, "last": window.last, "error": DIED_AT_WORK, "now": now}
        connection.execute(shared.ADOPT, values)


def recover(connection: Connection, terms: Terms, now: str) -> int:
    """Bury the dead of all shared runs and close what is over; return how many messages are in doubt by it.

    For who comes and goes: silence counts from the start of the server, because one that was away heard nobody.
    """
    in_doubt = 0
    for each in silent(connection, terms):
        if each.unheard >= terms.grace:
            in_doubt += fence_if_dead(connection, each, terms, now) or 0
    for run_id in ongoing(connection):
        close_if_over(connection, run_id, now)
    return in_doubt
