"""A session with PostgreSQL that is resumed when the line breaks: it holds a lock, and no write of it counts twice.

Each write bears a number, which is stored in the same transaction. Where the connection breaks before the answer, the
session connects again, takes its lock again, and sends the same write with the same number: the database carries it
out, or says that it did. So nothing is settled or claimed twice, and nothing is lost.
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
    text,
)
from msgspec_runner.ledger.postgres_deciding import keep_lost
from msgspec_runner.ledger.rows import fault, outcome_row
from msgspec_runner.ledger.states import sources
from msgspec_runner.ledger.values import Settlement
from msgspec_runner.model import State

SOURCES = {state: "|".join(["", *sorted(sources(state)), ""]) for state in State}
"""From which states an outcome may bring a message to each: ``|in_doubt|sending|``."""

_SETTLED = "keys states statuses ids errors tries times schedules sources"

T = TypeVar("T")


def lock_number(ledger_id: str, run_id: str) -> int:
    """Return the number of a run's advisory lock: those of all ledgers of a database share one space of 64 bits."""
    digest = hashlib.sha256(f"{ledger_id}:{run_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


class ResumableSession:
    """What a run's own session and a worker's have in common: a connection, its lock, and the number of its last write.

    Not safe for several threads at once, but for :meth:`remember` and :attr:`away`.

    Args:
        address: of the ledger.
        lock: number of the advisory lock that is held while the process lives.
        journal: where outcomes wait while the server is away.
        patience: how long they wait.
    """

    id = 0
    """Of a worker's session in the ledger, and 0 before it has one; 0 too of a run's own."""

    def __init__(self, address: Address, lock: int, journal: Journal, patience: Patience) -> None:
        self._address = address
        self._lock = lock
        self._journal = journal
        self._patience = patience
        self._last_write = 0
        self._heard = 0
        """The mark of the last write whose answer arrived."""
        self._uncertain = False
        """An earlier write may have got through although its caller was told that it failed."""
        self._who: tuple[object, ...] = ()
        """The session that held the lock last, as the server knows it."""
        self._connection: Connection | None = None
        self.away = False
        """Whether the server is out of reach just now, or somebody is in the way."""

    # -- the connection ----------------------------------------------------------------------------------

    def _connect(self) -> Connection:
        """Open a session and take the lock; who waits for a server tries again."""
        connection = connect(self._address)
        try:
            if not self._take_lock(connection):
                # Our own session before, which the server has not missed yet? It must not carry out anything more.
                if self._who:
                    connection.execute(statements.END_SESSION, self._who)
                if not self._who or not self._take_lock(connection):
                    raise psycopg.OperationalError(f"its lock {self._lock} is held by another session")
            self._who = connection.execute(statements.WHO_AM_I).fetchone() or ()
            self._introduce(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _take_lock(self, connection: Connection) -> bool:
        row = connection.execute(statements.LOCK, (self._lock,)).fetchone()
        return row is not None and row[0] is True

    def _introduce(self, connection: Connection) -> None:
        """Tell the ledger who has the lock now, if it does not know; for subclasses."""

    def lasting(self, act: Callable[[Connection], T], outcomes: Sequence[Settlement] = ()) -> T:
        """Do something in the session, however often the server goes away meanwhile.

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
        place = self._journal.path
        noted = (
            f". What was sent meanwhile is noted in {place}, for the next send on this machine"
            if self._journal.is_whole
            else f". What was sent meanwhile is in doubt: {place} cannot be written"
        )
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
        """Let go of the lock: whatever was not ended is dead from now on."""
        self._journal.close()
        if self._connection is not None:
            with suppress(psycopg.Error):  # by word: the server hears a connection close a moment later
                self._connection.execute(statements.UNLOCK)
            self._hang_up()

    # -- writing -----------------------------------------------------------------------------------------

    @property
    def _mark(self) -> int:
        """The number of the last write, as messages and journals have it: no other session has it too."""
        return (self.id << 32) + self._last_write

    def _settle_and_claim(
        self, statement: str, run_id: str, claims: Sequence[str], settlements: Sequence[Settlement], now: str
    ) -> tuple[str, set[str]]:
        """Settle and claim, each durably; return what the database says of the writer, and what was claimed.

        Who was taken for dead settles what it still may, and claims nothing. The API's ids of what it may not settle
        any more are kept among the decisions.

        Raises:
            LedgerError: the server stayed away too long; or an outcome is no legal move of one who lives, and then the
                others are stored all the same and nothing was claimed.
        """
        *earlier, last = _waves(settlements)
        faults: list[str] = []
        for wave in earlier:
            faults += self._write_wave(statement, run_id, (), wave, now)[2]
        verdict, claimed, more = self._write_wave(statement, run_id, () if faults else claims, last, now)
        if faults or more:
            raise LedgerError(f"the ledger {self._address.location} refused an outcome: {'; '.join(faults + more)}")
        return verdict, claimed

    def _write_wave(
        self, statement: str, run_id: str, claims: Sequence[str], settlements: Sequence[Settlement], now: str
    ) -> tuple[str, set[str], list[str]]:
        self._last_write += 1
        values = {
            "session": self.id,
            "run": run_id,
            "write": self._last_write,
            "again": self._uncertain,
            "now": now,
            **columns(_SETTLED, [_settled_row(settled, now) for settled in settlements]),
            "claims": [*claims],
        }
        row: Any = self.lasting(lambda connection: connection.execute(statement, values).fetchone(), settlements)
        verdict, keys, claimed = row
        self._heard = self._mark
        self._uncertain = False
        refused = [settled for settled in settlements if verdict == "unknown" or settled.key in (keys or ())]
        faults = self._faults(run_id, refused, now) if refused else []
        self._journal.forget(settlements)
        return verdict, set(claimed or ()), faults if verdict in ("done", "held") else []

    def _faults(self, run_id: str, refused: Sequence[Settlement], now: str) -> list[str]:
        """Keep the API's ids of outcomes that were refused; return why they were."""

        def keep(connection: Connection) -> list[Any]:
            keep_lost(connection, run_id, refused, now)
            return connection.execute(statements.STATES_OF, ([settled.key for settled in refused],)).fetchall()

        found = {key: (state, run) for key, state, run in self.lasting(keep, refused)}
        return [fault(run_id, settled, found.get(settled.key)) for settled in refused]


def _waves(settlements: Sequence[Settlement]) -> list[list[Settlement]]:
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


def columns(names: str, rows: Iterable[Sequence[object]]) -> dict[str, Any]:
    """Return rows as the arrays that a statement takes, by their names."""
    turned = [*zip(*rows, strict=True)]
    return {name: [*turned[place]] if turned else [] for place, name in enumerate(names.split())}


def _settled_row(settled: Settlement, now: str) -> tuple[object, ...]:
    key, state, http_status, message_id, error, *rest = outcome_row(settled, now)
    return key, str(state), http_status, text(message_id), text(error), *rest, SOURCES[settled.state]
