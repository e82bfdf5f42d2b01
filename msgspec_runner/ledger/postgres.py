"""The ledger in PostgreSQL, for teams and CI: many machines, one memory of what was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger import postgres_deciding, postgres_erasing, postgres_shared, rows
from msgspec_runner.ledger import postgres_statements as statements
from msgspec_runner.ledger.journal import Alarm, Journal, Say, abandoned, nobody
from msgspec_runner.ledger.leases import terms
from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import (
    Connection,
    Patience,
    connect,
    is_collision,
    is_lost,
    postgres_errors,
)
from msgspec_runner.ledger.postgres_run import RunSession
from msgspec_runner.ledger.postgres_schema import migrate, migrations
from msgspec_runner.ledger.postgres_session import lock_number
from msgspec_runner.ledger.rows import DIED, PAGE, UNKNOWN_OUTCOME, utc_now
from msgspec_runner.ledger.values import (
    Decided,
    Entry,
    Planned,
    Record,
    Run,
    RunStatus,
    Settlement,
    Skip,
    Stored,
    Totals,
)
from msgspec_runner.model import Message, State

T = TypeVar("T")


class PostgresLedger:
    """A :class:`~msgspec_runner.ledger.ledger.Ledger` in a schema of a PostgreSQL database; see there for what the
    methods promise.

    One connection serves everything that is not a run's own; each run that is begun here has another, which holds its
    advisory lock. Both must reach the server itself: a pooler that gives a session's transactions to several
    connections (PgBouncer's transaction mode) would lose the locks.

    Args:
        address: where it is; an older schema is migrated.
        journals: folder of this machine for outcomes that wait while the server is away.
        create: make a ledger where there is none.
        clock: returns an aware time.
        patience: how long to wait for a server that is away, in mid-run and for reading.
        say: is told what people should know of the journals.

    Raises:
        LedgerError: no ledger, a newer one, or one that cannot be reached.
    """

    def __init__(
        self,
        address: Address,
        journals: Path,
        *,
        create: bool = False,
        clock: Callable[[], datetime] = utc_now,
        patience: Patience | None = None,
        say: Say = nobody,
    ) -> None:
        self._address = address
        self._journals = journals
        self._say = say
        self._clock = clock
        self._patience = patience or Patience()
        self._held: dict[str, RunSession] = {}
        self._mutex = threading.RLock()
        self._connection: Connection | None = None
        with postgres_errors(address):
            connection = connect(address)
            try:
                self._id = migrate(connection, address, create=create)
            except BaseException:
                connection.close()
                raise
            self._connection = connection

    @property
    def id(self) -> str:
        """The name that the project's committed id file holds."""
        return self._id

    @property
    def address(self) -> Address:
        """Where it is, for those that open sessions of their own."""
        return self._address

    @property
    def journals(self) -> Path:
        """The folder for what waits while the server is away."""
        return self._journals

    @property
    def location(self) -> str:
        """The address, without a password."""
        return self._address.location

    @property
    def schema(self) -> int:
        """The number of the last migration."""
        return len(migrations())

    # -- planning ----------------------------------------------------------------------------------------

    def entries(self, keys: Sequence[str]) -> dict[str, Entry]:
        """Return what is known of ``keys``, by key."""
        found = self._read(statements.ENTRIES, ([*keys],))
        return {
            key: Entry(State(state), digest, run, alive or run in self._held)
            for key, state, digest, run, alive in found
        }

    def unsent(self, digests: Mapping[str, str]) -> dict[str, Entry | None]:
        """Return what is known of messages that were not accepted as they are, by key; None: nothing is known."""
        found = self._read(statements.UNSENT, ([*digests], [*digests.values()]))
        return {
            key: None if state is None else Entry(State(state), digest, run, alive or run in self._held)
            for key, state, digest, run, alive in found
        }

    def begin(self, run: Run) -> None:
        """Take the run's lock, then enter the run: nobody may see it before it can be seen to live."""
        with self._mutex:
            if run.id in self._held:
                raise LedgerError(f"run {run.id} has begun already")
            journal = Journal(self._journals, self._id, run.id, Alarm(self._say))
            lock = lock_number(self._id, run.id)
            session = RunSession(self._address, run.id, run.origin, lock, journal, self._patience)
            try:
                session.begin(rows.run_row(run, self._clock()))
            except BaseException:
                session.close()
                raise
            self._held[run.id] = session

    def recover(self) -> int:
        """Settle what dead runs left behind; return how many messages are in doubt by it."""
        for run_id, noted in abandoned(self._journals, self._id, self._say):
            now = timestamp(self._clock())
            self._write(lambda session, *about: postgres_deciding.settle_noted(session, *about), run_id, noted, now)
        in_doubt: int = self._write(self._recover)
        with self._mutex, postgres_errors(self._address):
            now = timestamp(self._clock())
            in_doubt += postgres_shared.recover(self._reached(), terms(), now)
        return in_doubt

    def _recover(self, session: Connection) -> int:
        in_doubt = 0
        running: Any = session.execute(statements.RUNNING).fetchall()
        for run_id, lock in running:
            row = session.execute(statements.LOCK_DEAD, (lock,)).fetchone()
            if run_id not in self._held and row is not None and row[0]:
                # Ours until the end of the transaction: nobody else recovers it, and it cannot come back meanwhile.
                state: Any = session.execute(statements.RUN_STATE, (run_id,)).fetchone()
                if state[0] == RunStatus.RUNNING:
                    in_doubt += self._leave(session, run_id)
                    self._close_run(session, run_id, RunStatus.DIED, DIED)
        return in_doubt

    def plan(self, run_id: str, messages: Iterable[Message], chunk: int = 5000) -> int:
        """Give messages to a run, ``chunk`` a transaction; return how many it got."""
        session = self._begun(run_id)
        planned = 0
        remaining = rows.sendable(messages)
        while batch := list(islice(remaining, chunk)):
            with self._mutex:
                planned += session.plan(batch, timestamp(self._clock()))
        return planned

    def skip(self, run_id: str, skipped: Iterable[Skip]) -> None:
        """Record rows that the run leaves out, a page a transaction."""
        session = self._begun(run_id)
        remaining = iter(skipped)
        while batch := list(islice(remaining, PAGE)):
            with self._mutex:
                session.skip(batch, timestamp(self._clock()))

    # -- dispatching -------------------------------------------------------------------------------------

    def pending(self, run_id: str, after: int = 0, limit: int = 500) -> list[Planned]:
        """Return the next planned messages of a run, in the order of the plan."""
        if (held := self._held.get(run_id)) is not None:
            with self._mutex:
                return held.pending(after, limit)
        return [Planned(*row) for row in self._read(statements.PENDING, (run_id, after, limit))]

    def claim(self, run_id: str, keys: Sequence[str]) -> set[str]:
        """Move messages of this run to ``sending``, durably; return those that may be posted."""
        return self.commit(run_id, keys, ())

    def commit(self, run_id: str, claims: Sequence[str], settlements: Sequence[Settlement]) -> set[str]:
        """Settle and claim in one durable transaction; return what was claimed."""
        session = self._begun(run_id)
        with self._mutex:
            return session.commit(claims, settlements, timestamp(self._clock()))

    def remember(self, run_id: str, settlement: Settlement) -> None:
        """Keep an outcome in this machine's journal while the server is away."""
        if (held := self._held.get(run_id)) is not None:
            held.remember(settlement)

    def end(self, run_id: str, status: RunStatus, reason: str | None = None) -> Totals:
        """Close a run begun here and free its lock; return its totals."""
        held = self._begun(run_id)

        def close(session: Connection) -> Totals:
            self._leave(session, run_id)
            return self._close_run(session, run_id, status, reason)

        with self._mutex:
            totals = held.end(status, close)
            del self._held[run_id]
            return totals

    # -- deciding ----------------------------------------------------------------------------------------

    def release(
        self, keys: Sequence[str], reason: str, by: str = "person", only: Collection[State] | None = None
    ) -> int:
        """Allow rejected or in-doubt messages to be planned again; return how many were."""
        now = timestamp(self._clock())
        return self._write(lambda session: postgres_deciding.release(session, keys, reason, by, only, now))

    def resolve(self, settlements: Sequence[Settlement], by: str, reason: str) -> set[str]:
        """Settle messages outside of a run; return the keys that were settled."""
        now = timestamp(self._clock())
        return self._write(lambda session: postgres_deciding.resolve(session, settlements, by, reason, now))

    def erase(self, before: datetime | None = None, number: str | None = None, by: str = "person") -> int:
        """Erase people's data from what is at rest; return how many were emptied."""
        now = timestamp(self._clock())
        with self._mutex, postgres_errors(self._address):
            return postgres_erasing.erase(self._reached(), before, number, by, now)

    # -- reading -----------------------------------------------------------------------------------------

    def runs(self, limit: int | None = None) -> list[Run]:
        """Return runs, newest first."""
        living = self._living()
        return [rows.run(row, living.__contains__) for row in self._read(statements.RUNS, (limit,))]

    def run(self, run_id: str) -> Run | None:
        """Return one run, or None."""
        living = self._living()
        found = self._read(statements.RUN, (run_id,))
        return rows.run(found[0], living.__contains__) if found else None

    def messages(
        self,
        *,
        run: str | None = None,
        state: State | None = None,
        spec: str | None = None,
        origin: str | None = None,
    ) -> Iterator[Record]:
        """Yield the messages that match, in the order of the plan, then skipped rows."""
        chosen = {"run": run, "state": None if state is None else str(state), "spec": spec, "origin": origin}
        if state is not State.SKIPPED:
            statement = statements.RECORDS if run is None else statements.RECORDS_OF_RUN
            yield from map(rows.record, self._pages(statement, chosen))
        if state in (None, State.SKIPPED):
            yield from map(rows.record, self._pages(statements.SKIPS, {**chosen, "state": None}))

    def stored(
        self, run: str | None = None, states: Collection[State] | None = None, origin: str | None = None
    ) -> Iterator[Stored]:
        """Yield whole messages that match, in the order of the plan."""
        chosen = {"run": run, "origin": origin, "states": None if states is None else sorted(map(str, states))}
        statement = statements.STORED if run is None else statements.STORED_OF_RUN
        yield from map(rows.stored, self._pages(statement, chosen))

    def decisions(self, key: str | None = None) -> Iterator[Decided]:
        """Yield what was decided outside of runs, oldest first."""

        def fetch(after: int) -> list[Any]:
            return self._read(statements.DECISIONS, {"key": key, "after": after, "limit": PAGE})

        for values in rows.pages(fetch):
            yield Decided(*values)

    def totals(self, run: str | None = None) -> Totals:
        """Count by state, for a run or for the whole ledger."""
        return Totals(**dict(self._read(statements.TOTALS, {"run": run})))

    def totals_by_spec(self, run: str) -> dict[str, Totals]:
        """Count a run's messages by state, for each spec."""
        return rows.totals_by_spec(self._read(statements.TOTALS_BY_SPEC, {"run": run}))

    def close(self) -> None:
        """Close the connections; a run that was not ended is dead from now on."""
        with self._mutex:
            for held in self._held.values():
                held.close()
            self._held.clear()
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    # -- inside ------------------------------------------------------------------------------------------

    def _ask(self, question: str, values: Sequence[object] | dict[str, Any] = ()) -> tuple[Connection, Any]:
        """Ask until the server can be reached; return the connection, and its answer."""
        for _ in self._patience.attempts():
            try:
                if self._connection is None:
                    self._connection = connect(self._address)
                return self._connection, self._connection.execute(question, values)
            except psycopg.Error as error:
                if not is_lost(error, self._connection):
                    raise
                self._connection = None
                last = error
        raise last

    def _reached(self) -> Connection:
        """Return a connection that is there; it may have been cut while nothing was asked."""
        return self._ask("SELECT")[0]

    def _read(self, statement: str, values: Sequence[object] | dict[str, Any]) -> list[Any]:
        with self._mutex, postgres_errors(self._address):
            return list(self._ask(statement, values)[1])

    def _write(self, act: Callable[..., T], *about: object) -> T:
        """Write in one transaction outside of a run. An answer that is lost is said to be lost."""

        def write() -> T:
            session = self._reached()
            with session.transaction():
                return act(session, *about)

        with self._mutex, postgres_errors(self._address):
            for _ in self._patience.attempts():
                try:
                    return write()
                except psycopg.Error as error:
                    if not is_collision(error):
                        raise
            return write()

    def _begun(self, run_id: str) -> RunSession:
        try:
            return self._held[run_id]
        except KeyError:
            raise LedgerError(f"run {run_id} was not begun here, or it has ended") from None

    def _living(self) -> set[str]:
        return {run_id for (run_id,) in self._read(statements.LIVING, ())} | self._held.keys()

    def _leave(self, session: Connection, run_id: str) -> int:
        """Move what a run holds to where it belongs without it; return how many messages are in doubt by it."""
        now = timestamp(self._clock())
        session.execute(statements.REPLAN_WAITING, (now, run_id))
        return session.execute(statements.DOUBT_SENDING, (UNKNOWN_OUTCOME, now, run_id)).rowcount

    def _close_run(self, session: Connection, run_id: str, status: RunStatus, reason: str | None) -> Totals:
        found: Any = session.execute(statements.TOTALS, {"run": run_id}).fetchall()
        totals = Totals(**dict(found))
        values = (str(status), timestamp(self._clock()), reason, json.dumps(totals.as_dict()), run_id)
        session.execute(statements.END_RUN, values)
        return totals

    def _pages(self, statement: str, chosen: dict[str, Any]) -> Iterator[Sequence[Any]]:
        """Yield rows; the cursor of each is its run and its position there."""
        behind = ("", 0)
        while True:
            values = {**chosen, "after_run": behind[0], "after": behind[1], "limit": PAGE}
            found = self._read(statement, values)
            for _, _, *row in found:
                yield row
            if len(found) < PAGE:
                return
            behind = found[-1][0], found[-1][1]
