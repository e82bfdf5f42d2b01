"""A run's own session with PostgreSQL (:mod:`.postgres_session`): it plans the run, claims its messages and ends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger import postgres_statements as statements
from msgspec_runner.ledger.journal import Journal
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import Connection, Patience, postgres_errors, text
from msgspec_runner.ledger.postgres_session import ResumableSession, columns
from msgspec_runner.ledger.values import Planned, RunStatus, Settlement, Skip, Totals
from msgspec_runner.model import Message

_PLANNED = "positions keys recipient_keys specs editions rows numbers bodies digests segments deliveries"
_SKIPPED = "specs editions rows reasons numbers recipient_keys keys segments"


def planned_row(position: int, message: Message) -> tuple[object, ...]:
    """Return what a message is entered with."""
    key, recipient_key, spec, edition, row, to, body, digest, segments, delivery = message
    return position, key, text(recipient_key), spec, edition, row, to, body, digest, segments, delivery


def skipped_row(skip: Skip) -> tuple[object, ...]:
    """Return what a skipped row is entered with."""
    said = text(skip.reason), text(skip.to), text(skip.recipient_key)
    return skip.spec, skip.edition, skip.row, *said, skip.key, skip.segments


class RunSession(ResumableSession):
    """The session of one run that was begun here; the run lives as long as the session holds its lock.

    Args:
        address: of the ledger.
        run_id: the run.
        origin: of its messages.
        lock: see :func:`~msgspec_runner.ledger.postgres_session.lock_number`.
        journal: where outcomes wait while the server is away.
        patience: how long they wait.
    """

    def __init__(
        self, address: Address, run_id: str, origin: str, lock: int, journal: Journal, patience: Patience
    ) -> None:
        super().__init__(address, lock, journal, patience)
        self._run_id = run_id
        self._origin = origin
        self._position = 0

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
        given: dict[str, tuple[object, ...]] = {}
        for position, message in enumerate(batch, first):
            given.setdefault(message.key, planned_row(position, message))
        about = {"run": self._run_id, "origin": self._origin, "now": now}
        taken = self._write(statements.PLAN, about | columns(_PLANNED, given.values()))
        self._position = last
        if taken is None:  # it got through, and its answer did not
            row: Any = self.lasting(
                lambda session: session.execute(statements.COUNT_PLANNED, (self._run_id, first, last)).fetchone()
            )
            taken = row[0]
        return taken

    def skip(self, batch: Sequence[Skip], now: str) -> None:
        """Record rows that the run leaves out, in one transaction."""
        about = {"run": self._run_id, "now": now}
        self._write(statements.SKIP, about | columns(_SKIPPED, map(skipped_row, batch)))

    def _write(self, statement: str, values: dict[str, Any]) -> int | None:
        """Carry out a numbered write; return the number of its rows, or None where it got through before."""
        self._last_write += 1

        def write(session: Connection) -> tuple[int, int, str | None]:
            with session.transaction():
                row: Any = session.execute(statement, {**values, "write": self._last_write}).fetchone()
                return row[0], row[1], self._status(session)

        numbered, rows, status = self.lasting(write)
        self._heard = self._mark
        if status != RunStatus.RUNNING:
            raise self._over()
        return rows if numbered else None

    def _status(self, session: Connection) -> str | None:
        """Return the run's status, which stays so until the end of the transaction; None: somebody deleted the run."""
        row: Any = session.execute(statements.RUN_STATE, (self._run_id,)).fetchone()
        return None if row is None else str(row[0])

    # -- dispatching -------------------------------------------------------------------------------------

    def pending(self, after: int, limit: int) -> list[Planned]:
        """Return the next planned messages, in the order of the plan."""
        values = (self._run_id, after, limit)
        found: Any = self.lasting(lambda session: session.execute(statements.PENDING, values).fetchall())
        return [Planned(*row) for row in found]

    def commit(self, claims: Sequence[str], settlements: Sequence[Settlement], now: str) -> set[str]:
        """Settle and claim, each durably; return what was claimed."""
        verdict, claimed = self._settle_and_claim(statements.SETTLE_AND_CLAIM, self._run_id, claims, settlements, now)
        if verdict != "done":
            raise self._over()
        return claimed

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
                return close(session) if self._status(session) in (RunStatus.RUNNING, status) else None

        totals = self.lasting(end)
        self.close()
        if totals is None:
            raise self._over()
        return totals
