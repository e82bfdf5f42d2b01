"""What a ledger has left to do, for monitoring: one cheap question, whatever the size of the runs."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec_runner.ledger.postgres_connection import Connection

_LOOK = """
WITH ongoing AS (
    SELECT shared_runs.run, shared_runs.wanted
    FROM shared_runs JOIN runs ON runs.id = shared_runs.run WHERE runs.status = 'running'
)
SELECT (SELECT count(*) FROM ongoing WHERE wanted = 'go'),
       (SELECT count(*) FROM ongoing WHERE wanted = 'pause'),
       (SELECT count(*) FROM ongoing WHERE wanted = 'stop'),
       (SELECT coalesce(sum(windows.last::numeric - windows.first + 1), 0)::float8
        FROM windows JOIN ongoing ON ongoing.run = windows.run WHERE NOT windows.done),
       (SELECT count(*) FROM procrastinate_workers
        WHERE last_heartbeat > clock_timestamp() - make_interval(secs => %s))
"""
"""Windows are counted, a few hundredths of the messages: those of a million are a thousandth of a second's work. A
number that somebody has damaged must not look like a database that is away, so none is too large here."""


class Overview(NamedTuple):
    """The shared runs of a ledger that have not ended, and who is there for them.

    Attributes:
        going: runs that go on.
        paused: runs that wait for ``cluster resume``.
        stopping: runs that end as soon as what is in flight is finished.
        left: messages of all of them in windows that are not done: no more than that are left.
        workers: that live, of any queue.
    """

    going: int
    paused: int
    stopping: int
    left: float
    workers: int


def look(connection: Connection, grace: float) -> Overview:
    """Return how a ledger's shared runs stand; ``grace`` is after how many seconds of silence no worker counts.

    Raises:
        psycopg.Error: the server cannot be asked.
    """
    row: Any = connection.execute(_LOOK, (grace,)).fetchone()
    return Overview(*row)
