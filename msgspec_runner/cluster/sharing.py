"""What the coordinator does: enter a run with its jobs, watch it, steer it. Its death means nothing to the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from msgspec_runner.cluster.carrying import RunSettings
from msgspec_runner.cluster.pace import Unreadable, first_state, read
from msgspec_runner.cluster.queue import check, deferring, migrate, requeue_left, requeue_lost, version, workers_there
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger import postgres_shared
from msgspec_runner.ledger.leases import terms
from msgspec_runner.ledger.ledger import Ledger, Run, Skip, timestamp
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import (
    Connection,
    Patience,
    connect,
    is_collision,
    is_locked,
    postgres_errors,
)
from msgspec_runner.ledger.postgres_shared import Sharing, Standing
from msgspec_runner.model import Message

Plan = Callable[[], tuple[Iterable[Message], Iterable[Skip]]]
"""Returns what a run is to get as the ledger is now: messages, in the order in which they shall be sent, and the rows
that it leaves out."""

WAITS = 600.0
"""Seconds that others may write to the same messages: two plans of a million take less."""


class Shared:
    """The shared runs of a ledger.

    Args:
        book: the ledger.

    Raises:
        LedgerError: it is a file, which no other machine sees.
    """

    def __init__(self, book: Ledger) -> None:
        if not isinstance(book, PostgresLedger):
            raise LedgerError(
                f"the ledger {book.location} is a file of this machine: workers need one in PostgreSQL. "
                "Give its address: --ledger postgresql://…, or MSGSPEC_RUNNER_LEDGER"
            )
        self._book = book

    @property
    def address(self) -> Address:
        """Where the ledger is."""
        return self._book.address

    @property
    def journals(self) -> Path:
        """This machine's folder for outcomes that wait while the database is away."""
        return self._book.journals

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with postgres_errors(self._book.address), closing(connect(self._book.address)) as connection:
            yield connection

    def migrate(self) -> bool:
        """Make the queue's tables, or bring them to the version that is installed; return whether there were none."""
        with self._connected() as connection:
            made = version(connection) is None
            migrate(connection)
            return made

    def has_queue(self) -> bool:
        """Return whether there is a queue, of whatever version."""
        with self._connected() as connection:
            return version(connection) is not None

    def make_queue(self) -> None:
        """Make a queue where there is none; one of an older version may be in use, and is left alone."""
        if not self.has_queue():
            self.migrate()

    def check(self) -> None:
        """Make sure that there is a queue.

        Raises:
            LedgerError: there is none, or another version's; says what to type.
        """
        with self._connected() as connection:
            check(connection, self._book.address)

    def enter(
        self,
        run: Run,
        queue: str,
        settings: RunSettings,
        plan: Plan,
        say: Callable[[str], object],
        patience: Patience | None = None,
    ) -> int:
        """Enter a run with everything that workers need, and its jobs: all of it or nothing.

        Who writes to the same messages at the same time is waited for, and then the plan is asked for anew: another
        run may have them.

        Args:
            run: the run.
            queue: of its jobs.
            settings: how its messages are posted.
            plan: is asked for each attempt; what other runs hold is left out.
            say: is told that somebody is waited for.
            patience: how long.

        Returns:
            How many messages it got; with 0 nothing was entered.

        Raises:
            LedgerError: the ledger cannot be written, or others wrote to the same messages all the time.
        """
        paces = {spec: first_state(rate) for spec, rate in {"": settings.rate, **settings.rates}.items()}
        sharing = Sharing(queue, settings.written(), paces, settings.limits)
        defer = deferring(run.id, queue)
        told = False
        with self._connected() as connection:
            for _ in (patience or Patience(WAITS)).attempts():
                try:
                    return postgres_shared.enqueue(
                        connection, self._book.id, run, sharing, *plan(), defer, datetime.now(UTC)
                    )
                except psycopg.Error as error:
                    if not (is_collision(error) or is_locked(error)):
                        raise
                    if not told:
                        say("another process is writing to the same messages: waits for it")
                    last, told = error, True
            raise last

    def standing(self, run_id: str) -> Standing | None:
        """Return how a run is doing; None: it is not shared."""
        with self._connected() as connection:
            return postgres_shared.standing(connection, run_id, terms())

    def recover(self) -> None:
        """Do for dead workers what living ones would do: put in doubt what they had in flight, end what is over."""
        with self._connected() as connection:
            _recover(connection)

    def there(self) -> int:
        """Return how many workers live, whatever they do."""
        with self._connected() as connection:
            return workers_there(connection, terms().grace)

    def held(self) -> dict[str, tuple[str, str | None]]:
        """Return what is wanted of the runs that shall not go on (``pause`` or ``stop``), and why, by run."""
        with self._connected() as connection:
            return postgres_shared.held(connection)

    def steer(self, run_id: str, wanted: str, reason: str | None) -> Standing | None:
        """Let a run go on (``go``), wait (``pause``) or end (``stop``); return how it stood before.

        None: it is not shared.
        """
        with self._connected() as connection:
            before = postgres_shared.steer(connection, run_id, wanted, reason)
            if before is not None:
                # There may be nobody left who would end the run, or say that those who worked on it are dead.
                _recover(connection)
                if wanted == "go":
                    requeue_lost(connection, run_id)
            return before


def _recover(connection: Connection) -> None:
    postgres_shared.recover(connection, terms(), timestamp(datetime.now(UTC)))
    requeue_left(connection)


def rate_of(standing: Standing) -> float | None:
    """Return the messages a second that a run is allowed at present.

    None: no limit, or somebody has damaged it; the workers tell that, and stop the run.
    """
    if standing.pace is None:
        return None
    try:
        return read(standing.pace).rate
    except Unreadable:
        return None
