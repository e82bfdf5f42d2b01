"""What each worker does beside its work: it shows that it lives, and looks after what the dead have left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any

import psycopg

from msgspec_runner.cluster.queue import mend, set_signs_right
from msgspec_runner.ledger import postgres_shared_statements as shared
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import NOT_IDLE, Connection, connect
from msgspec_runner.ledger.postgres_shared import bury, close_if_over, held, ongoing, silent
from msgspec_runner.ledger.postgres_worker import WorkerSession
from msgspec_runner.ledger.rows import utc_now

FORGET = 3600.0
"""Seconds between two looks for fenced sessions that nobody asks for any more."""


class Housekeeper:
    """A worker's connection for what is nobody's window. Its methods block; one at a time, but for :meth:`close`.

    Args:
        address: of the ledger.
        terms: after which silence is death.
        say: is told what people may want to know.
        clock: returns an aware time.
    """

    def __init__(
        self, address: Address, terms: Terms, say: Callable[[str], None], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._address = address
        self._terms = terms
        self._say = say
        self._clock = clock
        self._connection: Connection | None = None
        self._changing = threading.Lock()
        """Held by who makes the connection the keeper's, or lets go of it."""
        self._closed = False
        self._since = 0.0
        """When the connection was made."""
        self._forgot = float("-inf")
        self.ongoing: frozenset[str] = frozenset()
        """The shared runs that had not ended when the last round looked."""
        self.held: frozenset[str] = frozenset()
        """Those of them that are to wait, or to stop."""
        self._told: set[int] = set()
        """Fenced sessions of this worker that people were told of."""

    def round(self, sessions: Collection[WorkerSession], *, idle: bool, leave: Collection[str] = frozenset()) -> bool:
        """Do all of it once; return whether the server could be reached.

        Args:
            sessions: of this worker. One that was fenced is told so.
            idle: this worker has nothing to do: it looks for windows that were forgotten.
            leave: runs that it cannot read: their windows are left to workers that can.
        """
        try:
            connection = self._connection or self._connected()
            if connection is None:
                return False
            self._beat(connection, sessions)
            self._bury(connection)
            self._end_and_mend(connection, leave, idle=idle)
        except (psycopg.Error, OSError):
            self._let_go()
            return False
        return True

    def _connected(self) -> Connection | None:
        """Make the connection; None: it is not wanted any more."""
        connection = connect(self._address)
        with self._changing:
            if self._closed:
                connection.close()
                return None
            self._connection = connection
        connection.execute(NOT_IDLE)
        self._since = time.monotonic()
        return connection

    def _beat(self, connection: Connection, sessions: Iterable[WorkerSession]) -> None:
        mine = {session.id: session for session in sessions if session.id}
        alive: Any = connection.execute(shared.BEAT, ([*mine],)).fetchall()
        fenced = mine.keys() - {row[0] for row in alive}
        for session_id in fenced:
            mine[session_id].fenced = True
        if fenced - self._told:
            self._say("this worker was silent for too long and was taken for dead: it begins anew")
        self._told = fenced

    def _bury(self, connection: Connection) -> None:
        """Fence the dead; but a server that was away heard nobody, and all may be about to come back."""
        if time.monotonic() - self._since < self._terms.grace:
            return
        connection.execute(shared.SET_SIGNS_RIGHT)
        set_signs_right(connection)
        now = timestamp(self._clock())
        for each in silent(connection, self._terms):
            in_doubt = bury(connection, each, self._terms, now)
            if in_doubt:
                self._say(f"a worker died or was cut off: {in_doubt} of its messages are in doubt")
        if time.monotonic() - self._forgot > FORGET:
            self._forgot = time.monotonic()
            connection.execute(shared.FORGET_SESSIONS)

    def _end_and_mend(self, connection: Connection, leave: Collection[str], *, idle: bool) -> None:
        now = timestamp(self._clock())
        going = set()
        for run_id in ongoing(connection):
            if close_if_over(connection, run_id, now):
                continue
            going.add(run_id)
            if idle and run_id not in leave:
                mend(connection, run_id, only_when_drained=True)
        self.ongoing = frozenset(going)
        self.held = frozenset(held(connection))

    def close(self) -> None:
        """Let go of the connection for good; a round that goes on in another thread fails, or makes none."""
        self._closed = True
        self._let_go()

    def _let_go(self) -> None:
        with self._changing:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
