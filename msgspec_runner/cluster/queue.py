"""The queue: Procrastinate, with its tables in the ledger's own schema.

A job is a window of a run, and says no more than which: whatever else a worker needs is in the ledger. It may come
twice, or not at all (its worker died with it, somebody emptied the queue): windows that are not done and have no job
get one again (:func:`mend`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from procrastinate import App, SyncPsycopgConnector
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from psycopg import errors

from msgspec_runner.errors import LedgerError, UsageError
from msgspec_runner.ledger import postgres_shared_statements as shared
from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import Connection
from msgspec_runner.ledger.postgres_shared import Defer, Window, adopt
from msgspec_runner.ledger.rows import utc_now

TASK = "msgspec_runner.window"
"""The name of the one task."""

DEFAULT_QUEUE = "default"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
_CHUNK = 1000
"""Jobs that are deferred in one statement."""

_WITHOUT_JOB = """
SELECT windows.first, windows.last FROM windows
WHERE windows.run = %(run)s AND NOT windows.done
  AND NOT EXISTS (SELECT FROM procrastinate_jobs
                  WHERE status IN ('todo', 'doing') AND task_name = %(task)s
                    AND args ->> 'run' = windows.run AND args ->> 'first' = windows.first::text)
  AND NOT EXISTS (SELECT FROM sessions
                  WHERE NOT fenced AND sessions.run = windows.run AND sessions.first = windows.first)
ORDER BY windows.first
"""

_ANY_LEFT = "SELECT 1 FROM procrastinate_jobs WHERE queue_name = %s AND status = 'todo' LIMIT 1"

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

    What it returns raises what its connection raises: ``psycopg.Error``.
    """

    def defer(connection: Connection, windows: Sequence[Window]) -> None:
        jobs = [
            Job(
                queue=queue,
                lock=None,
                queueing_lock=None,
                task_name=TASK,
                task_kwargs={"run": run_id, "first": first, "last": last},
            )
            for first, last in windows
        ]
        try:
            for start in range(0, len(jobs), _CHUNK):
                _sync_app().job_manager.batch_defer_jobs(jobs[start : start + _CHUNK], connection)
        except ConnectorException as error:
            # It stands for an error of the connection, which is ours: who made it knows what to do about one.
            raise (error.__cause__ or error) from None

    return defer


def mend(connection: Connection, run_id: str, *, only_when_drained: bool = False) -> int:
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
        if only_when_drained and connection.execute(_ANY_LEFT, (found[3],)).fetchone():
            return 0
        rows: Any = connection.execute(_WITHOUT_JOB, {"run": run_id, "task": TASK}).fetchall()
        windows = [Window(*row) for row in rows]
        if windows:
            adopt(connection, run_id, windows, timestamp(utc_now()))
            deferring(run_id, found[3])(connection, windows)
    return len(rows)


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
