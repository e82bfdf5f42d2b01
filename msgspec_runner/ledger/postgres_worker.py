"""A worker's session with the ledger: it claims messages of shared runs, a window at a time, until it is fenced.

It is resumed like a run's own (:mod:`.postgres_session`). Unlike that, it may be taken for dead while it lives: its
machine was suspended, or its network was cut. Then its row says so, and it claims nothing any more. What it still finds
out about messages that are in doubt by then is recorded.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import psycopg

from msgspec_runner.ledger import postgres_shared_statements as shared
from msgspec_runner.ledger.journal import Alarm, Journal
from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import NOT_IDLE, Connection, Patience, break_line
from msgspec_runner.ledger.postgres_session import ResumableSession
from msgspec_runner.ledger.postgres_shared import close_if_over
from msgspec_runner.ledger.rows import utc_now
from msgspec_runner.ledger.values import Planned, Settlement
from msgspec_runner.ledger.windows import Window

T = TypeVar("T")


class Granted(NamedTuple):
    """What a write of a session came to.

    Attributes:
        claimed: keys that may be posted.
        go: whether more may be claimed: the run is not to wait or to stop, and the session was not fenced.
    """

    claimed: set[str]
    go: bool


class WorkerSession(ResumableSession):
    """One of a worker's connections that claim; works on one window at a time.

    Connects with the first question. Not safe for several threads at once, but for :meth:`remember` and
    :meth:`hang_up`.

    Args:
        address: of the ledger.
        ledger_id: of the ledger.
        worker: names the worker, for people and for counting.
        journals: folder of this machine for outcomes that wait while the server is away.
        patience: how long they wait.
        clock: returns an aware time.
        alarm: is set off where outcomes cannot be kept in that folder.
    """

    def __init__(
        self,
        address: Address,
        ledger_id: str,
        worker: str,
        journals: Path,
        patience: Patience,
        clock: Callable[[], datetime] = utc_now,
        alarm: Alarm | None = None,
    ) -> None:
        super().__init__(address, secrets.randbits(63), Journal(journals, ledger_id, ""), patience)
        self.fenced = False
        self._run_id = ""
        """The run of the window that was opened last."""
        self._asked_at: float | None = None
        """When the question was asked that the server has not answered yet, in seconds of time.monotonic."""
        self._gave_up = False
        self._ledger_id = ledger_id
        self._worker = worker
        self._journals = journals
        self._alarm = alarm
        self._clock = clock

    def _connect(self) -> Connection:
        if self._gave_up:
            raise psycopg.OperationalError("the server does not answer")
        return super()._connect()

    def _introduce(self, connection: Connection) -> None:
        connection.execute(NOT_IDLE)
        if not self.id:
            row: Any = connection.execute(shared.REGISTER, (self._worker, self._lock, *self._who)).fetchone()
            self.id = row[0]
            self._heard = self._mark
        elif not connection.execute(shared.COME_BACK, (*self._who, self.id)).rowcount:
            self.fenced = True

    def lasting(self, act: Callable[[Connection], T], outcomes: Sequence[Settlement] = ()) -> T:
        """See :meth:`ResumableSession.lasting`."""
        self._asked_at = time.monotonic()
        try:
            return super().lasting(act, outcomes)
        finally:
            self._asked_at = None

    def hang_up(self, seconds: float) -> None:
        """Break the line for good if the server has not answered for so long: the question fails, and all others.

        For another thread.
        """
        asked_at, connection = self._asked_at, self._connection
        if asked_at is not None and connection is not None and time.monotonic() - asked_at >= seconds:
            self._gave_up = True
            break_line(connection)

    @property
    def has_noted(self) -> bool:
        """Whether the journal holds outcomes that the ledger has not heard of."""
        return self._journal.path.exists()

    def go_by(self, clock: Callable[[], datetime]) -> None:
        """Take the time of day from another clock, which returns an aware time."""
        self._clock = clock

    # -- a window ----------------------------------------------------------------------------------------

    def open_window(self, run_id: str, origin: str, window: Window) -> str | None:
        """Begin to work on a window; return how its messages are posted, as JSON.

        None: there is nothing to be done: the run is to wait or to stop, has ended, or goes to another origin. Or this
        session can do nothing any more, and then it is :attr:`fenced` from now on.
        """
        self._run_id = run_id
        self.lasting(lambda _: None)  # without a connection it has no id yet
        self._journal = Journal(self._journals, self._ledger_id, f"{run_id}.{self.id}", self._alarm)
        values = {"session": self.id, "run": run_id, "origin": origin, "first": window.first, "last": window.last}
        row = self.lasting(lambda session: session.execute(shared.OPEN_WINDOW, values).fetchone())
        if row is not None:
            return str(row[0])
        if not self.lasting(lambda session: session.execute(shared.ALIVE, ([self.id],)).fetchall()):
            self.fenced = True
        return None

    def pending_in(self, window: Window, after: int, limit: int) -> list[Planned]:
        """Return the next planned messages of a window behind a position."""
        values = (self._run_id, max(after, window.first - 1), window.last, limit)
        found: Any = self.lasting(lambda session: session.execute(shared.WINDOW_PENDING, values).fetchall())
        return [Planned(*row) for row in found]

    def exchange(self, claims: Sequence[str], settlements: Sequence[Settlement]) -> Granted:
        """Settle and claim, each durably.

        Raises:
            LedgerError: the server stayed away too long; or an outcome is no legal move, and then the others are stored
                all the same and nothing was claimed.
        """
        now = timestamp(self._clock())
        verdict, claimed = self._settle_and_claim(shared.SETTLE_AND_CLAIM, self._run_id, claims, settlements, now)
        if verdict == "fenced":  # what it may not say any more was decided without it
            self.fenced = True
        return Granted(claimed, go=verdict == "done")

    def close_window(self, window: Window, expired: int) -> bool:
        """End the work on a window; return whether it is done.

        Done means that nothing of it is planned any more, but for what expired, and that nobody works on the rest. The
        run is closed with its last window.

        Args:
            window: that was opened.
            expired: messages of it that became too late meanwhile, and stay planned.
        """
        run_id = self._run_id

        def close(session: Connection) -> bool:
            with session.transaction():
                values = self.id, run_id, window.first, window.last
                row: Any = session.execute(shared.LEFT_IN_WINDOW, values).fetchone()
                planned, under_way, mine = row
                if not mine:  # else it stays open: who buries this session finds there what it left
                    session.execute(shared.CLOSE_WINDOW, (self.id,))
                is_done: bool = planned <= expired and not under_way
                if is_done:
                    session.execute(shared.WINDOW_DONE, (run_id, window.first))
            close_if_over(session, run_id, timestamp(self._clock()))
            return is_done

        done = self.lasting(close)
        self._journal.close()
        return done

    def leave(self) -> None:
        """Say good-bye: nobody has to wait for this session any more, unless it has a window open."""
        self.lasting(lambda session: session.execute(shared.LEAVE, (self.id,)))
        self.close()
