"""What an experiment looks up in the ledger of a shared run while it goes on, and how it stops a plan half-way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from psycopg import sql

from msgspec_runner.ledger.postgres_address import parse_address
from msgspec_runner.ledger.postgres_connection import connect, postgres_errors

GATES = ("windows", "procrastinate_jobs")
"""Tables that a plan is written to, behind the messages: at each it is held, to be killed there."""

_AT_WORK = "SELECT worker FROM sessions WHERE run IS NOT NULL AND NOT fenced ORDER BY id"
_FENCED = "SELECT worker, count(*) FROM sessions WHERE fenced GROUP BY worker"
_GOES_ON = "SELECT EXISTS (SELECT FROM runs WHERE status = 'running')"
_WAITS = """
SELECT EXISTS (
    SELECT FROM pg_locks AS waiting JOIN pg_locks AS held USING (pid)
    WHERE NOT waiting.granted AND waiting.relation = to_regclass(%s)
      AND held.granted AND held.relation = to_regclass('messages') AND held.mode = 'RowExclusiveLock')
"""


class Standing:
    """A connection to the experiment's ledger.

    Args:
        ledger: its address.

    Raises:
        LedgerError: (any method) the server cannot be reached.
    """

    def __init__(self, ledger: str) -> None:
        self._address = parse_address(ledger)
        with postgres_errors(self._address):
            self._connection = connect(self._address)

    def close(self) -> None:
        """Let go of it."""
        self._connection.close()

    def at_work(self) -> list[int]:
        """Return the process ids of the workers that work on a window."""
        return [_pid(worker) for (worker,) in self._ask(_AT_WORK)]

    def fenced(self) -> dict[int, int]:
        """Return how many sessions were fenced, by the process ids of their workers."""
        return {_pid(worker): number for worker, number in self._ask(_FENCED)}

    def goes_on(self) -> bool:
        """Return whether a run is under way."""
        return bool(self._ask(_GOES_ON)[0][0])

    def waits_at(self, gate: str) -> bool:
        """Return whether somebody has written the messages of a plan and is held at a gate."""
        return bool(self._ask(_WAITS, gate)[0][0])

    @contextmanager
    def held_at(self, gate: str) -> Iterator[None]:
        """Let nobody write behind a gate, as long as the block lasts."""
        with postgres_errors(self._address), closing(connect(self._address)) as holding, holding.transaction():
            holding.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(gate)))
            yield

    def _ask(self, question: str, *values: object) -> list[Any]:
        with postgres_errors(self._address):
            return self._connection.execute(question.encode(), values).fetchall()


def _pid(worker: str) -> int:
    """Return the process id in a worker's name, which is ``host:pid:chance``."""
    return int(worker.rsplit(":", 2)[1])
