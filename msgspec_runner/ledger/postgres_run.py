"""A run's own session with PostgreSQL: it holds the run's lock, and outlives a restart of the server.

Each write of a run bears a number, which is stored in the same transaction. Where the connection breaks before the
answer, the session connects again, takes its lock again, and sends the same write with the same number: the database
carries it out, or says that it did. So nothing is settled or claimed twice, and nothing is lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import psycopg

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger import postgres_statements as statements
from msgspec_runner.ledger.journal import Journal
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import (
    Connection,
    Patience,
    connect,
    is_collision,
    is_hindered,
    is_lost,
    postgres_errors,
)
from msgspec_runner.ledger.rows import fault, outcome_row
from msgspec_runner.ledger.states import sources
from msgspec_runner.ledger.values import Planned, RunStatus, Settlement, Skip, Totals
from msgspec_runner.model import Message, State

SOURCES = {state: "|".join(["", *sorted(sources(state)), ""]) for state in State}
"""From which states an outcome may bring a message to each: ``|in_doubt|sending|``."""

T = TypeVar("T")


def lock_number(ledger_id: str, run_id: str) -> int:
    """Return the number of a run's advisory lock: those of all ledgers of a database share one space of 64 bits."""
    digest = hashlib.sha256(f"{ledger_id}:{run_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def text(value: str | None) -> str | None:
    """Return what PostgreSQL can hold of a text: it has no NUL, and no half of a surrogate pair."""
    return value if value is None else value.replace("\0", "␀").encode("utf-8", "replace").decode()


def settlement_columns(settlements: Sequence[Settlement], now: str) -> dict[str, list[Any]]:
    """Return outcomes as the arrays that the functions of the database take.

    Args:
        settlements: outcomes.
        now: this moment, as the ledger writes it.
    """
    rows = [outcome_row(settled, now) for settled in settlements]
    return {
        "keys": [row[0] for row in rows],
        "states": [str(row[1]) for row in rows],
        "statuses": [row[2] for row in rows],
        "ids": [text(row[3]) for row in rows],
        "errors": [text(row[4]) for row in rows],
        "tries": [row[5] for row in rows],
        "times": [row[6] for row in rows],
        "schedules": [row[7] for row in rows],
        "sources": [SOURCES[settled.state] for settled in settlements],
    }


class RunSession:
    """The connection of one run that was begun here, its lock, and the number of its last write.

    Not safe for several threads at once, but for ``journal`` and :attr:`away`.

    Args:
        address: of the ledger.
        run_id: the run.
        origin: of its messages.
        lock: see :func:`lock_number`.
        journal: where outcomes wait while the server is away.
        patience: how long they wait.
    """

    def __init__(
        self, address: Address, run_id: str, origin: str, lock: int, journal: Journal, patience: Patience
    ) -> None:
        self._address = address
        self._run_id = run_id
        self._origin = origin
        self._lock = lock
        self._journal = journal
        self._patience = patience
        self._position = 0
        self._turn = 0
        self._heard = 0
        """The last write whose answer arrived."""
        self._uncertain = False
        """An earlier write may have got through although its caller was told that it failed."""
        self._who: tuple[object, ...] | None = None
        """The session that held the lock last, as the server knows it."""
        self._connection: Connection | None = None
        self.away = False
        """Whether the server is out of reach just now, or somebody is in the way."""

    # -- the connection ----------------------------------------------------------------------------------

    def _connect(self) -> Connection:
        """Open a session and take the run's lock; who waits for a server tries again."""
        connection = connect(self._address)
        try:
            if not self._take_lock(connection):
                # Our own session before, which the server has not missed yet? It must not carry out anything more.
                if self._who is not None:
                    connection.execute(statements.END_SESSION, self._who)
                if self._who is None or not self._take_lock(connection):
                    raise psycopg.OperationalError(f"the lock of run {self._run_id} is held by another session")
            self._who = connection.execute(statements.WHO_AM_I).fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _take_lock(self, connection: Connection) -> bool:
        row = connection.execute(statements.LOCK, (self._lock,)).fetchone()
        return row is not None and row[0] is True

    def lasting(self, act: Callable[[Connection], T], outcomes: Sequence[Settlement] = ()) -> T:
        """Do something in the run's session, however often the server goes away meanwhile.

        Args:
            act: does it in one transaction; may be called again after a call whose answer was lost.
            outcomes: kept in the journal until they are recorded.

        Raises:
            LedgerError: the server stayed away too long, or says no.
        """
        with postgres_errors(self._address):
            for _ in self._patience.attempts() if not self._uncertain else [None]:
                try:
                    if self._connection is None:
                        self._connection = self._connect()
                    result = act(self._connection)
                except psycopg.Error as error:
                    self._journal.note(self._heard, outcomes)
                    if is_lost(error, self._connection):
                        self._hang_up()
                    elif not (is_collision(error) or is_hindered(error)):
                        self._uncertain |= self.away
                        raise
                    self.away = True
                else:
                    self.away = False
                    return result
        self._uncertain = True
        noted = f". What was sent meanwhile is noted in {self._journal.path}, for the next send on this machine"
        raise LedgerError(
            f"the ledger {self._address.location} was {'locked' if self._connection is not None else 'out of reach'}"
            f"{'' if self._patience.is_over() else f' for {self._patience.seconds:.0f} s'}"
            f"{noted if outcomes else ''}. Once it is there again, run the same command again"
        )

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def remember(self, settlement: Settlement) -> None:
        """Keep an outcome in the journal if the server is away."""
        if self.away:
            self._journal.note(self._heard, [settlement])

    def close(self) -> None:
        """Let go of the lock; a run that was not ended is dead from now on."""
        self._journal.close()
        if self._connection is not None:
            with suppress(psycopg.Error):  # by word: the server hears a connection close a moment later
                self._connection.execute(statements.UNLOCK)
            self._connection.close()
            self._connection = None

    # -- planning ----------------------------------------------------------------------------------------

    def begin(self, values: Sequence[object]) -> None:
        """Take the run's lock, then enter the run, which can be seen to live by then.

        Raises:
            LedgerError: the server cannot be reached, or somebody holds the run's lock.
        """
        with postgres_errors(self._address):
            self._connection = self._connect()
            self._connection.execute(statements.BEGIN_RUN, (*values, self._lock))

    def plan(self, batch: Sequence[Message], now: str) -> int:
        """Give messages to the run in one transaction; return how many it got."""
        first, last = self._position + 1, self._position + len(batch)
        numbered: dict[str, tuple[int, Message]] = {}
        for position, message in enumerate(batch, first):
            numbered.setdefault(message.key, (position, message))
        messages = [message for _, message in numbered.values()]
        values = {
            "run": self._run_id,
            "origin": self._origin,
            "now": now,
            "keys": [*numbered],
            "positions": [position for position, _ in numbered.values()],
            "specs": [message.spec for message in messages],
            "editions": [message.edition for message in messages],
            "recipient_keys": [text(message.recipient_key) for message in messages],
            "numbers": [message.to for message in messages],
            "rows": [message.row for message in messages],
            "digests": [message.digest for message in messages],
            "bodies": [message.body for message in messages],
            "segments": [message.segments for message in messages],
            "deliveries": [message.delivery for message in messages],
        }
        taken = self._write(statements.PLAN, values)
        self._position = last
        if taken is None:  # it got through, and its answer did not
            row = self.lasting(
                lambda session: session.execute(statements.COUNT_PLANNED, (self._run_id, first, last)).fetchone()
            )
            assert row is not None
            return int(str(row[0]))
        return taken

    def skip(self, batch: Sequence[Skip], now: str) -> None:
        """Record rows that the run leaves out, in one transaction."""
        values = {
            "run": self._run_id,
            "now": now,
            "specs": [skip.spec for skip in batch],
            "editions": [skip.edition for skip in batch],
            "rows": [skip.row for skip in batch],
            "reasons": [text(skip.reason) for skip in batch],
            "numbers": [text(skip.to) for skip in batch],
            "recipient_keys": [text(skip.recipient_key) for skip in batch],
            "keys": [skip.key for skip in batch],
            "segments": [skip.segments for skip in batch],
        }
        self._write(statements.SKIP, values)

    def _write(self, statement: str, values: dict[str, Any]) -> int | None:
        """Carry out a numbered write; return the number of its rows, or None where it got through before."""
        self._turn += 1

        def write(session: Connection) -> tuple[int, int, str, int]:
            with session.transaction():
                row: Any = session.execute(statement, {**values, "turn": self._turn}).fetchone()
                state: Any = session.execute(statements.RUN_STATE, (self._run_id,)).fetchone()
                return row[0], row[1], state[0], state[1]

        numbered, rows, status, _ = self.lasting(write)
        self._heard = self._turn
        if status != RunStatus.RUNNING:
            raise self._over()
        return rows if numbered else None

    # -- dispatching -------------------------------------------------------------------------------------

    def pending(self, after: int, limit: int) -> list[Planned]:
        """Return the next planned messages, in the order of the plan."""
        values = (self._run_id, after, limit)
        found: Any = self.lasting(lambda session: session.execute(statements.PENDING, values).fetchall())
        return [Planned(*row) for row in found]

    def commit(self, claims: Sequence[str], settlements: Sequence[Settlement], now: str) -> set[str]:
        """Settle and claim, each durably; return what was claimed."""
        *earlier, last = waves(settlements)
        faults: list[str] = []
        for wave in earlier:
            faults += self._commit((), wave, now)[1]
        claimed, more = self._commit(() if faults else claims, last, now)
        faults += more
        if faults:
            raise LedgerError(f"the ledger {self._address.location} refused an outcome: {'; '.join(faults)}")
        return claimed

    def _commit(self, claims: Sequence[str], settlements: Sequence[Settlement], now: str) -> tuple[set[str], list[str]]:
        self._turn += 1
        values = {
            "run": self._run_id,
            "turn": self._turn,
            "again": self._uncertain,
            "now": now,
            **settlement_columns(settlements, now),
            "claims": [*claims],
        }
        row: Any = self.lasting(
            lambda session: session.execute(statements.SETTLE_AND_CLAIM, values).fetchone(), settlements
        )
        verdict, refused, claimed = row
        self._heard = self._turn
        self._uncertain = False
        self._journal.forget(settlements)
        if verdict != "done":
            raise self._over()
        return set(claimed or ()), self._faults(refused or (), settlements)

    def _faults(self, refused: Iterable[str], settlements: Sequence[Settlement]) -> list[str]:
        keys = set(refused)
        if not keys:
            return []
        rows: Any = self.lasting(lambda session: session.execute(statements.STATES_OF, ([*keys],)).fetchall())
        found = {key: (state, run) for key, state, run in rows}
        return [fault(self._run_id, settled, found.get(settled.key)) for settled in settlements if settled.key in keys]

    def _over(self) -> LedgerError:
        return LedgerError(
            f"run {self._run_id} was taken for dead while the ledger {self._address.location} was out of reach: "
            "what it sent is recorded, and the rest may belong to another run. Run the same command again"
        )

    def end(self, status: RunStatus, close: Callable[[Connection], Totals]) -> Totals:
        """Close the run in one transaction and let go of its lock; return its totals.

        Args:
            status: how it ended.
            close: leaves and closes the run in the ledger.

        Raises:
            LedgerError: another process took the run for dead; its totals are those of then.
        """

        def end(session: Connection) -> Totals | None:
            with session.transaction():
                found: Any = session.execute(statements.RUN_STATE, (self._run_id,)).fetchone()
                if found[0] == RunStatus.RUNNING:
                    return close(session)
                return None if found[0] != status else close(session)

        totals = self.lasting(end)
        self.close()
        if totals is None:
            raise self._over()
        return totals


def waves(settlements: Sequence[Settlement]) -> list[list[Settlement]]:
    """Return outcomes in their order, each message at most once in a wave; the last one may be empty."""
    waves: list[list[Settlement]] = [[]]
    seen: set[str] = set()
    for settled in settlements:
        if settled.key in seen:
            waves.append([])
            seen = set()
        seen.add(settled.key)
        waves[-1].append(settled)
    return waves
