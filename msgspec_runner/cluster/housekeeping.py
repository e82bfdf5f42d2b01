"""What each worker does beside its work: it looks after what the dead have left, and after runs that end.

Each step is tried by itself: what somebody's lock or a damaged row makes impossible keeps nothing else from being done.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

import psycopg

from msgspec_runner.cluster.overview import Overview, look
from msgspec_runner.cluster.queue import requeue_left, requeue_lost, set_signs_right
from msgspec_runner.cluster.troubles import Faults, Reach
from msgspec_runner.ledger import postgres_shared_statements as shared
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import (
    NOT_IDLE,
    Connection,
    break_line,
    connect,
    connect_async,
    is_lost,
)
from msgspec_runner.ledger.postgres_shared import Silent, close_if_over, fence_if_dead, held, ongoing, silent
from msgspec_runner.ledger.rows import utc_now

FORGET = 3600.0
"""Seconds between two looks for fenced sessions that nobody asks for any more."""

_LOCKED = 1.0
"""Seconds: to look for the silent takes no time. Where it takes longer, somebody had locked the sessions, and those who
live could not show it either."""

_SHORTLY = 1.0
"""Seconds that who ends may wait for an answer."""

_LINE = "housekeeping"

T = TypeVar("T")


class Found(NamedTuple):
    """What a round found out.

    Attributes:
        ongoing: the shared runs that have not ended; None: that could not be read.
        held: the runs that are to wait, or to stop.
        overview: how the runs stand; None: nobody wanted to know, or it could not be seen.
        in_doubt: messages that are in doubt because their worker died, and that were not told of before.
    """

    ongoing: frozenset[str] | None
    held: frozenset[str]
    overview: Overview | None = None
    in_doubt: int = 0


class Housekeeper:
    """A worker's connection for what is nobody's window. Its methods block; one at a time, but for :meth:`close`.

    Args:
        address: of the ledger.
        terms: after which silence is death.
        reach: hears whether the ledger can be reached.
        say: is told what people may want to know.
        clock: returns an aware time.
    """

    def __init__(
        self,
        address: Address,
        terms: Terms,
        reach: Reach,
        say: Callable[[str], None],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._address = address
        self._terms = terms
        self._reach = reach
        self._say = say
        self._clock = clock
        self._faults = Faults(address, say)
        self._connection: Connection | None = None
        self._changing = threading.Lock()
        """Held by who makes the connection the keeper's, or lets go of it."""
        self._closed = False
        self._since = 0.0
        """Since when who lives could show it, as far as this keeper knows."""
        self._forgot = float("-inf")
        self._in_doubt = 0
        """Messages of the dead, until a round is through that tells of them."""

    def round(self, *, idle: bool, leave: Collection[str] = frozenset(), watched: bool = False) -> Found | None:
        """Do all of it once; return what there was, or None: the server could not be reached.

        Args:
            idle: this worker has nothing to do: it looks for windows that were forgotten.
            leave: runs that it cannot read: their windows are left to workers that can.
            watched: somebody wants to know how the runs stand.
        """
        try:
            connection = self._connection or self._connected()
            if connection is None:
                return None
            stopping = self._try("see which runs are to wait or to stop", lambda: frozenset(held(connection)))
            self._fence_silent(connection)
            going = self._end_and_requeue(connection, leave, idle=idle)
            overview = (
                self._try("see how the runs stand", lambda: look(connection, self._terms.grace)) if watched else None
            )
        except (psycopg.Error, OSError):
            self._let_go()
            if not self._closed:
                self._reach.lost(_LINE)
            return None
        self._faults.round_over()
        self._reach.found(_LINE)
        in_doubt, self._in_doubt = self._in_doubt, 0
        return Found(going, stopping or frozenset(), overview, in_doubt)

    def _try(self, what: str, step: Callable[[], T]) -> T | None:
        """Take a step; return None where it failed and the line holds."""
        try:
            return step()
        except psycopg.Error as error:
            if is_lost(error, self._connection):
                raise
            self._faults.note(what, error)
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
        # Whatever is in the way, the next round tries again: until then the other steps are to be done.
        patience = max(0.1, self._terms.grace)
        connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{patience * 1000:.0f}ms",))
        self._since = time.monotonic()
        return connection

    def _fence_silent(self, connection: Connection) -> None:
        """Fence the dead; but a server that was away heard nobody, and all may be about to come back."""
        if time.monotonic() - self._since < self._terms.grace:
            return
        now = timestamp(self._clock())

        def find() -> list[Silent]:
            connection.execute(shared.SET_SIGNS_RIGHT)
            return silent(connection, self._terms)

        self._try("set the queue's clock right", lambda: set_signs_right(connection))
        began = time.monotonic()
        dead = self._try("look for workers that died", find)
        if dead is None or time.monotonic() - began > _LOCKED:
            self._since = time.monotonic()
            dead = []
        for each in dead:
            in_doubt = self._try(
                f"look after session {each.session}, which fell silent",
                partial(fence_if_dead, connection, each, self._terms, now),
            )
            if in_doubt:
                self._say(f"a worker died or was cut off: {in_doubt} of its messages are in doubt")
                self._in_doubt += in_doubt
        self._try("give back the windows of the dead", lambda: requeue_left(connection))
        if time.monotonic() - self._forgot > FORGET:
            self._forgot = time.monotonic()
            self._try("forget the sessions of long ago", lambda: connection.execute(shared.FORGET_SESSIONS))

    def _end_and_requeue(self, connection: Connection, leave: Collection[str], *, idle: bool) -> frozenset[str] | None:
        now = timestamp(self._clock())
        found = self._try("see which runs go on", lambda: ongoing(connection))
        if found is None:
            return None
        going = set()
        for run_id in found:
            if self._try(f"end run {run_id}", partial(close_if_over, connection, run_id, now)):
                continue
            going.add(run_id)
            if idle and run_id not in leave:
                self._try(
                    f"look for lost windows of run {run_id}",
                    partial(requeue_lost, connection, run_id, only_when_drained=True),
                )
        return frozenset(going)

    def close(self) -> None:
        """Let go of the connection for good; a round that goes on in another thread fails, or makes none."""
        self._closed = True
        self._let_go()

    def _let_go(self) -> None:
        with self._changing:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


async def ongoing_now(address: Address) -> frozenset[str] | None:
    """Return the shared runs that have not ended, or None where the ledger does not say so shortly."""
    try:
        async with asyncio.timeout(_SHORTLY):
            link = await connect_async(address)
        # Not cancelled: psycopg would ask the server to give up the statement, and wait for its answer.
        alarm = asyncio.get_running_loop().call_later(_SHORTLY, break_line, link)
        try:
            rows = await (await link.execute(shared.ONGOING)).fetchall()
        finally:
            alarm.cancel()
            await link.close()
    except (psycopg.Error, OSError):  # a TimeoutError is one of these
        return None
    return frozenset(str(run_id) for (run_id,) in rows)
