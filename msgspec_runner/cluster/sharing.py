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
    is_lost,
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

        Who writes to the same messages at the same time is waited for, and so is a server that goes away meanwhile;
        then the plan is asked for anew: another run may have them.

        Args:
            run: the run.
            queue: of its jobs.
            settings: how its messages are posted.
            plan: is asked for each attempt; what other runs hold is left out.
            say: is told what is waited for.
            patience: how long.

        Returns:
            How many messages it got; with 0 nothing was entered.

        Raises:
            LedgerError: the ledger cannot be written, others wrote to the same messages all the time, or the server
                did not come back.
        """
        paces = {spec: first_state(rate) for spec, rate in {"": settings.rate, **settings.rates}.items()}
        sharing = Sharing(queue, settings.written(), paces, settings.limits)
        trouble = _Trouble(say)
        with postgres_errors(self._book.address):
            for _ in (patience or Patience(WAITS)).attempts():
                connection = None
                try:
                    connection = connect(self._book.address)
                    return self._enter(connection, run, sharing, plan, unheard=trouble.lost)
                except psycopg.Error as error:
                    trouble.meet(error, connection)
                finally:
                    if connection is not None:
                        connection.close()
            raise trouble.without_end(run.id, self._book.location)

    def _enter(self, connection: Connection, run: Run, sharing: Sharing, plan: Plan, *, unheard: bool) -> int:
        """Enter a run; it may be there already where the answer to an earlier attempt was not heard."""
        now = datetime.now(UTC)
        taken = postgres_shared.entered(connection, self._book.id, run, now) if unheard else None
        if taken is not None:
            return taken
        defer = deferring(run.id, sharing.queue)
        return postgres_shared.enqueue(connection, self._book.id, run, sharing, *plan(), defer, now)

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


class _Trouble:
    """What keeps a run from being entered, and whether that is waited for.

    Args:
        say: is told each thing once.

    Attributes:
        lost: the line broke in an attempt: nobody has heard whether it got through.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._told: set[str] = set()
        self._last: psycopg.Error | None = None
        self.lost = False

    def meet(self, error: psycopg.Error, connection: Connection | None) -> None:
        """Hear why an attempt failed; raise that where waiting does not help.

        Args:
            error: why.
            connection: on which; None: it could not be made. That is waited for only if there was one before.
        """
        if is_collision(error) or is_locked(error):
            words = "another process is writing to the same messages: waits for it"
        elif (connection is not None or self.lost) and is_lost(error, connection):
            words, self.lost = "the ledger is out of reach: waits for it", True
        else:
            raise error
        if words not in self._told:
            self._say(words)
        self._told.add(words)
        self._last = error

    def without_end(self, run_id: str, location: str) -> Exception:
        """Return what to raise when all patience was in vain."""
        if not self.lost and self._last is not None:
            return self._last
        return LedgerError(
            f"the ledger {location} did not come back, and whether run {run_id} is in it is not known. Once it is "
            f"there: `msgspec-runner status {run_id}`; to run the same command again sends nothing twice"
        )


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
