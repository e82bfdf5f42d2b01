"""The queue: Procrastinate, with its tables in the ledger's own schema.

A job is a window of a run, and says no more than which, and how slow it is: whatever else a worker needs is in the
ledger. It may come twice, or not at all (its worker died with it, somebody emptied the queue): a window that is not
done and has no job gets one again (:func:`requeue_left`, :func:`requeue_lost`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from procrastinate import App, SyncPsycopgConnector
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from psycopg import errors

from msgspec_runner.cluster.pace import Unreadable, read
from msgspec_runner.errors import LedgerError, UsageError
from msgspec_runner.ledger import postgres_shared_statements as shared
from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import Connection
from msgspec_runner.ledger.postgres_shared import Defer, left_behind, settle_unclaimed
from msgspec_runner.ledger.rows import utc_now
from msgspec_runner.ledger.windows import Window, starts

TASK = "msgspec_runner.window"
"""The name of the one task."""

DEFAULT_QUEUE = "default"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
_CHUNK = 1000
"""Jobs that are deferred in one statement."""

LEAD = 6.0
"""Seconds before its turn that a window's job may be taken: idle workers look for due jobs every five."""

_FASTEST = 1e9
"""Messages a second: nothing is, whatever a job says."""

_LONGEST = 10 * 365 * 86400.0
"""Seconds: as far ahead as a job is scheduled; a rate can be so low that no calendar reaches."""

_WINDOWS = """
SELECT windows.first, windows.last, own.spec, own.state, whole.state
FROM windows
LEFT JOIN messages ON messages.run = windows.run AND messages.position = windows.first
LEFT JOIN paces AS own ON own.run = windows.run AND own.spec = messages.spec
LEFT JOIN paces AS whole ON whole.run = windows.run AND whole.spec = ''
WHERE windows.run = %(run)s AND NOT windows.done
"""

_THIS = "  AND windows.first = %(first)s"

_WITHOUT_JOB = """
  AND NOT EXISTS (SELECT FROM procrastinate_jobs
                  WHERE status IN ('todo', 'doing') AND task_name = %(task)s
                    AND args ->> 'run' = windows.run AND args ->> 'first' = windows.first::text)
  AND NOT EXISTS (SELECT FROM sessions
                  WHERE NOT fenced AND sessions.run = windows.run AND sessions.first = windows.first)
ORDER BY windows.first
"""

_ANY_LEFT = """
SELECT 1 FROM procrastinate_jobs WHERE queue_name = %s AND status = 'todo' AND args ->> 'run' = %s LIMIT 1
"""

_QUEUE_OF = """
SELECT queue FROM shared_runs JOIN runs ON runs.id = shared_runs.run
WHERE runs.id = %s AND runs.status = 'running' AND shared_runs.wanted = 'go'
"""

_NOW = "SELECT clock_timestamp()"

_THERE = """
SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > clock_timestamp() - make_interval(secs => %s)
"""

_SET_SIGNS_RIGHT = (
    "UPDATE procrastinate_workers SET last_heartbeat = clock_timestamp() WHERE last_heartbeat > clock_timestamp()"
)

_ONE_MENDER = "SELECT pg_advisory_xact_lock(hashtext('msgspec-runner mend'), hashtext(current_schema()))"
"""Two that look for windows without a job at once would both give them one."""


def queue_of(name: str, origin: str) -> str:
    """Return the queue of an API's messages: a worker has one API's key, and must not be given another's messages.

    Args:
        name: as people have it.
        origin: of the messages.

    Raises:
        UsageError: the name is none.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"--queue {name}: a queue's name is made of a-z, 0-9 and -, at most 24 of them")
    # Procrastinate makes the name of a channel of it, and PostgreSQL allows 63 bytes for that.
    return f"{name}@{hashlib.sha256(origin.encode()).hexdigest()[:12]}"


@cache
def _sync_app() -> App:
    """An application that only defers, on connections that it is given; it never opens one."""
    return App(connector=SyncPsycopgConnector())


def app_of(connector: BaseConnector) -> App:
    """Return an application without tasks for a worker."""
    return App(connector=connector)


def deferring(run_id: str, queue: str) -> Defer:
    """Return what puts windows of a run into its queue, in the transaction of the connection that it is given.

    The job of a window whose messages have a rate can be taken when those before it will be through: until then, it
    would only keep a place at a worker.

    What it returns raises what its connection raises: ``psycopg.Error``.
    """

    def defer(connection: Connection, windows: Sequence[Window]) -> None:
        now: Any = connection.execute(_NOW).fetchone()
        jobs = [
            Job(
                queue=queue,
                lock=None,
                queueing_lock=None,
                task_name=TASK,
                task_kwargs=arguments(run_id, window),
                scheduled_at=now[0] + timedelta(seconds=min(start, _LONGEST) - LEAD) if start > LEAD else None,
            )
            for window, start in zip(windows, starts(windows), strict=True)
        ]
        try:
            for start in range(0, len(jobs), _CHUNK):
                _sync_app().job_manager.batch_defer_jobs(jobs[start : start + _CHUNK], connection)
        except ConnectorException as error:
            # It stands for an error of the connection, which is ours: who made it knows what to do about one.
            raise (error.__cause__ or error) from None

    return defer


def arguments(run_id: str, window: Window) -> dict[str, Any]:
    """Return what a job says; :func:`window_of` reads it."""
    paced = {} if window.rate is None else {"rate": window.rate}
    return {"run": run_id, "first": window.first, "last": window.last, **paced}


def window_of(given: Mapping[str, object]) -> tuple[str, Window] | None:
    """Return the run and the window of a job; None: it is none of ours, whoever put it there."""
    match {"rate": None, **given}:
        case {"run": str(run), "first": int(first), "last": int(last), "rate": None | int() | float() as rate, **more}:
            is_sound = 0 < first <= last < 2**63 and "\0" not in run and (rate is None or 0 < rate <= _FASTEST)
            if is_sound and not more:
                return run, Window(first, last, rate=rate)
    return None


def requeue_lost(connection: Connection, run_id: str, *, only_when_drained: bool = False) -> int:
    """Give a job to each window of a run that is not done and has none; return how many there were.

    What nobody answers for in them is settled first, or there would be no end of jobs for it.

    Args:
        connection: to the ledger.
        run_id: the run.
        only_when_drained: do nothing while its queue has jobs to give: to look for what is missing among many is work.
    """
    with connection.transaction():
        connection.execute(_ONE_MENDER)
        found: Any = connection.execute(shared.LOCK_SHARED, (run_id,)).fetchone()
        if found is None or found[0] != "running" or found[1] != "go":
            return 0
        if only_when_drained and connection.execute(_ANY_LEFT, (found[3], run_id)).fetchone():
            return 0
        rows: Any = connection.execute(_WINDOWS + _WITHOUT_JOB, {"run": run_id, "task": TASK}).fetchall()
        windows = [_paced(*row) for row in rows]
        if windows:
            settle_unclaimed(connection, run_id, windows, timestamp(utc_now()))
            deferring(run_id, found[3])(connection, windows)
    return len(windows)


def requeue_left(connection: Connection) -> int:
    """Give a job to each window that a fenced session worked on and that is not done; return how many there were.

    The job that the dead had is there still, for a while, and may come too: then there is nothing left to do for it. A
    run that is to wait gets none; when it goes on, it is mended.
    """
    given = 0
    with connection.transaction():
        for run_id, first in left_behind(connection):
            queue: Any = connection.execute(_QUEUE_OF, (run_id,)).fetchone()
            if queue is not None:
                rows: Any = connection.execute(_WINDOWS + _THIS, {"run": run_id, "first": first}).fetchall()
                deferring(run_id, queue[0])(connection, [_paced(*row) for row in rows])
                given += len(rows)
    return given


def _paced(first: int, last: int, spec: str | None, *states: str | None) -> Window:
    """Return a window with the rate that its messages have, of their spec and of the run."""
    rates = []
    for state in states:
        with suppress(Unreadable):  # who works on it will say so
            rates += [rate for rate in [read(state).state.full if state else None] if rate]
    return Window(first, last, spec or "", min(rates, default=None))


def workers_there(connection: Connection, seconds: float) -> int:
    """Return how many workers gave a sign of life within so many seconds, with work or without, of any queue."""
    row: Any = connection.execute(_THERE, (seconds,)).fetchone()
    return int(row[0])


def set_signs_right(connection: Connection) -> None:
    """Let no dead worker of the queue seem to live because the server's clock was set back since its last sign."""
    connection.execute(_SET_SIGNS_RIGHT)


# -- its tables --------------------------------------------------------------------------------------------


@cache
def _migrations() -> tuple[str, ...]:
    """Return the names of Procrastinate's migrations in their order; the last one names a version of its tables."""
    folder = files("procrastinate.sql").joinpath("migrations")
    return tuple(sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql")))


def version(connection: Connection) -> str | None:
    """Return the last migration of the queue's tables that the ledger has had; None: it has no queue."""
    row = connection.execute(shared.MIGRATION).fetchone()
    return None if row is None else str(row[0])


def migrate(connection: Connection) -> str:
    """Make the queue's tables, or bring them to the version that is installed; return which.

    Raises:
        LedgerError: they are of a newer version.
    """
    with connection.transaction():
        connection.execute("LOCK TABLE queue_schema")
        present = version(connection)
        if present is None:
            connection.execute(files("procrastinate.sql").joinpath("schema.sql").read_bytes())
            connection.execute("INSERT INTO queue_schema (migration) VALUES (%s)", (_migrations()[-1],))
            return _migrations()[-1]
    _refuse_newer(present)
    for name in _migrations():
        # Each by itself: what one adds to an enumeration can be used in the next transaction only.
        with connection.transaction():
            connection.execute("LOCK TABLE queue_schema")
            if name > (version(connection) or ""):
                connection.execute(files("procrastinate.sql").joinpath("migrations", name).read_bytes())
                connection.execute("UPDATE queue_schema SET migration = %s", (name,))
    return _migrations()[-1]


def check(connection: Connection, address: Address) -> None:
    """Make sure that the ledger has the queue that this program speaks to.

    Raises:
        LedgerError: it has none, an older or a newer one; says what to type.
    """
    try:
        present = version(connection)
    except errors.UndefinedTable:  # a ledger that was not opened by this version yet
        present = None
    if present is None:
        raise LedgerError(
            f"the ledger {address.location} has no queue for workers yet. Run once: msgspec-runner ledger migrate"
        )
    _refuse_newer(present)
    if present < _migrations()[-1]:
        raise LedgerError(
            f"the queue in the ledger {address.location} is older than the Procrastinate that is installed. "
            "Run: msgspec-runner ledger migrate"
        )


def _refuse_newer(present: str) -> None:
    if present > _migrations()[-1]:
        raise LedgerError(
            "the queue in the ledger was made by a newer Procrastinate than the one that is installed. "
            "Run: pip install --upgrade 'msgspec-runner[cluster]'"
        )
