"""What each worker does beside its work: it looks after what the dead have left, and closes runs that are over.

It may wait for the locks of others; that the worker lives is shown elsewhere (:mod:`.signs`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

import psycopg

from msgspec_runner.cluster.queue import mend, set_signs_right
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger import postgres_shared_statements as shared
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import (
    NOT_IDLE,
    Connection,
    break_line,
    connect,
    is_collision,
    is_hindered,
    is_lost,
    postgres_errors,
)
from msgspec_runner.ledger.postgres_shared import bury, close_if_over, held, ongoing, silent
from msgspec_runner.ledger.rows import utc_now

T = TypeVar("T")

FORGET = 3600.0
"""Seconds between two looks for fenced sessions that nobody asks for any more."""


class Looked(NamedTuple):
    """How the shared runs were found.

    Attributes:
        going: had not ended.
        held: of those, are to wait or to stop.
    """

    going: frozenset[str]
    held: frozenset[str]


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
        self._forgot = float("-inf")
        self._complaints: set[type[BaseException]] = set()
        """What people were told of that is in the way."""

    def round(self, *, unbroken: float, idle: bool, leave: Collection[str] = frozenset()) -> Looked | None:
        """Do all of it once; return how the shared runs were found, or None where the server could not be asked.

        What somebody's lock keeps it from is done in the next round.

        Args:
            unbroken: seconds for which this worker's own signs of life have come through. A server that was away, or
                whose tables were locked, heard nobody, and all may be about to show that they live.
            idle: this worker has nothing to do: it looks for windows that were forgotten.
            leave: runs that it cannot read: their windows are left to workers that can.

        Raises:
            LedgerError: the server is none for a ledger any more.
        """
        connection = self._connection or self._attempt(self._connected)
        if connection is None:
            return None
        if unbroken >= self._terms.grace:
            self._attempt(lambda: self._bury(connection))
        runs = self._attempt(lambda: ongoing(connection))
        if runs is None:
            return None
        going = [run_id for run_id in runs if not self._attempt(partial(self._close_if_over, connection, run_id))]
        for run_id in going if idle else ():
            if run_id not in leave:
                self._attempt(partial(mend, connection, run_id, only_when_drained=True))
        return Looked(frozenset(going), frozenset(self._attempt(lambda: held(connection)) or ()))

    def _attempt(self, act: Callable[[], T]) -> T | None:
        """Do one thing; return None where the ledger does not let it, and tell of what will not pass by itself."""
        try:
            with postgres_errors(self._address):
                return act()
        except OSError:
            self._let_go()
        except LedgerError as error:
            cause = error.__cause__
            if not isinstance(cause, psycopg.Error):
                raise
            if is_lost(cause, self._connection):  # who shows that this worker lives says so
                self._let_go()
            elif not (is_collision(cause) or is_hindered(cause)) and type(cause) not in self._complaints:
                self._complaints.add(type(cause))
                self._say(f"what others left behind cannot be looked after: {error}")
        return None

    def _connected(self) -> Connection | None:
        """Make the connection; None: it is not wanted any more."""
        connection = connect(self._address)
        with self._changing:
            if self._closed:
                connection.close()
                return None
            self._connection = connection
        connection.execute(NOT_IDLE)
        return connection

    def _bury(self, connection: Connection) -> None:
        """Fence the dead."""
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

    def _close_if_over(self, connection: Connection, run_id: str) -> bool:
        return close_if_over(connection, run_id, timestamp(self._clock()))

    def close(self) -> None:
        """Let go of the connection for good; a round that goes on in another thread fails, or makes none."""
        self._closed = True
        self._let_go()

    def _let_go(self) -> None:
        with self._changing:
            if self._connection is not None:
                break_line(self._connection)  # or a round in another thread would wait on for somebody's lock
                self._connection.close()
                self._connection = None
