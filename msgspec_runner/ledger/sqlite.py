"""The ledger in a SQLite file: one connection, one writer at a time, each commit on the disk before it returns."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger import rows, sqlite_deciding, statements
from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.locks import RunLock, is_held
from msgspec_runner.ledger.place import Place
from msgspec_runner.ledger.rows import DIED, PAGE, UNKNOWN_OUTCOME, utc_now
from msgspec_runner.ledger.schema import connect, ledger_errors, migrate, migrations, transaction
from msgspec_runner.ledger.sqlite_commit import Unexpected, commit_at_once, commit_one_by_one
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


class _Held:
    """A run that this object began: its lock, its origin, and the last position given out in its plan."""

    __slots__ = ("lock", "origin", "position")

    def __init__(self, lock: RunLock, origin: str) -> None:
        self.lock = lock
        self.origin = origin
        self.position = 0


class SqliteLedger:
    """A :class:`~msgspec_runner.ledger.ledger.Ledger` in a file; see there for what the methods promise.

    The locks of its runs lie in the folder ``<file>.locks`` beside it. The file must be on a local disk: WAL
    does not work over a network file system.

    Args:
        path: an existing file, empty or a ledger; an older schema is migrated.
        clock: returns an aware time.

    Raises:
        LedgerError: no ledger, a newer one, or one that cannot be opened.
    """

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._path = path
        self._locks = path.resolve().with_name(f"{path.resolve().name}.locks")  # one folder, whatever links lead to it
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._mutex = threading.RLock()
        with ledger_errors(self.location):
            self._connection = connect(path)
            self._place = Place(path)
            try:
                migrate(self._connection, path)
                self._id: str = self._connection.execute(statements.LEDGER_ID).fetchone()[0]
            except BaseException:
                self._connection.close()
                raise

    @property
    def id(self) -> str:
        """The name that the project's committed id file holds."""
        return self._id

    @property
    def location(self) -> str:
        """The file's path."""
        return str(self._path)

    @property
    def schema(self) -> int:
        """The number of the last migration."""
        return len(migrations())

    # -- planning ----------------------------------------------------------------------------------------

    def entries(self, keys: Sequence[str]) -> dict[str, Entry]:
        """Return what is known of ``keys``, by key."""
        with self._reading():
            found = self._connection.execute(statements.ENTRIES, (json.dumps(keys),)).fetchall()
            alive = self._alive({run for _, _, _, run in found})
        return {key: Entry(State(state), digest, run, run in alive) for key, state, digest, run in found}

    def unsent(self, digests: Mapping[str, str]) -> dict[str, Entry | None]:
        """Return what is known of messages that were not accepted as they are, by key; None: nothing is known."""
        with self._reading():
            found = self._connection.execute(statements.UNSENT, (json.dumps(digests),)).fetchall()
            alive = self._alive({run for _, state, _, run in found if state is not None})
        return {
            key: None if state is None else Entry(State(state), digest, run, run in alive)
            for key, state, digest, run in found
        }

    def begin(self, run: Run) -> None:
        """Take the run's lock, then enter the run: nobody may see it before it can be seen to live."""
        with self._mutex, ledger_errors(self.location):
            lock = RunLock(self._lock_path(run.id))
            try:
                with transaction(self._connection):
                    self._connection.execute(statements.BEGIN_RUN, rows.run_row(run, self._clock()))
            except BaseException:
                lock.release(remove=False)
                raise
            self._held[run.id] = _Held(lock, run.origin)

    def recover(self) -> int:
        """Settle what dead runs left behind; return how many messages are in doubt by it."""
        with self._mutex, ledger_errors(self.location):
            if not self._dead():
                return 0
            in_doubt = 0
            with transaction(self._connection):
                dead = self._dead()  # asked again, now that nobody else can be recovering
                for run_id in dead:
                    in_doubt += self._leave(run_id)
                    self._close_run(run_id, RunStatus.DIED, DIED)
            for run_id in dead:
                self._lock_path(run_id).unlink(missing_ok=True)
            return in_doubt

    def plan(self, run_id: str, messages: Iterable[Message], chunk: int = 5000) -> int:
        """Give messages to a run, ``chunk`` a transaction; return how many it got."""
        held = self._begun(run_id)
        planned = 0
        remaining = rows.sendable(messages)
        while batch := list(islice(remaining, chunk)):
            with self._writing():
                now = timestamp(self._clock())
                values = [
                    (
                        *(message.key, run_id, position, held.origin, message.spec, message.edition),
                        *(message.recipient_key, message.to, message.row, message.digest, message.body),
                        *(message.segments, message.delivery, now, now),
                    )
                    for position, message in enumerate(batch, held.position + 1)
                ]
                planned += self._connection.executemany(statements.PLAN, values).rowcount
                held.position += len(batch)
        return planned

    def skip(self, run_id: str, skipped: Iterable[Skip]) -> None:
        """Record rows that the run leaves out, a page a transaction."""
        self._begun(run_id)
        remaining = iter(skipped)
        while batch := list(islice(remaining, PAGE)):
            with self._writing():
                now = timestamp(self._clock())
                values = [
                    (run_id, s.spec, s.edition, s.row, s.reason, s.to, s.recipient_key, s.key, s.segments, now)
                    for s in batch
                ]
                self._connection.executemany(statements.SKIP, values)

    # -- dispatching -------------------------------------------------------------------------------------

    def pending(self, run_id: str, after: int = 0, limit: int = 500) -> list[Planned]:
        """Return the next planned messages of a run, in the order of the plan."""
        with self._reading():
            found = self._connection.execute(statements.PENDING, (run_id, after, limit)).fetchall()
        return [Planned(*row) for row in found]

    def claim(self, run_id: str, keys: Sequence[str]) -> set[str]:
        """Move messages of this run to ``sending``, durably; return those that may be posted."""
        return self.commit(run_id, keys, ())

    def commit(self, run_id: str, claims: Sequence[str], settlements: Sequence[Settlement]) -> set[str]:
        """Settle and claim in one durable transaction; return what was claimed."""
        if claims:
            self._begun(run_id)
        try:
            with self._writing():
                commit_at_once(self._connection, run_id, claims, settlements, timestamp(self._clock()))
            return set(claims)
        except Unexpected:
            with self._writing():
                now = timestamp(self._clock())
                claimed, faults = commit_one_by_one(self._connection, run_id, claims, settlements, now)
        if faults:
            raise LedgerError(f"the ledger {self.location} refused an outcome: {'; '.join(faults)}")
        return claimed

    def remember(self, run_id: str, settlement: Settlement) -> None:
        """Do nothing: a file is never out of reach for a while."""

    def end(self, run_id: str, status: RunStatus, reason: str | None = None) -> Totals:
        """Close a run begun here and free its lock; return its totals."""
        held = self._begun(run_id)
        with self._writing():
            self._leave(run_id)
            totals = self._close_run(run_id, status, reason)
        del self._held[run_id]
        held.lock.release()
        return totals

    # -- deciding ----------------------------------------------------------------------------------------

    def release(
        self, keys: Sequence[str], reason: str, by: str = "person", only: Collection[State] | None = None
    ) -> int:
        """Allow rejected or in-doubt messages to be planned again; return how many were."""
        with self._writing():
            return sqlite_deciding.release(self._connection, keys, reason, by, only, timestamp(self._clock()))

    def resolve(self, settlements: Sequence[Settlement], by: str, reason: str) -> set[str]:
        """Settle messages outside of a run; return the keys that were settled."""
        with self._writing():
            return sqlite_deciding.resolve(self._connection, settlements, by, reason, timestamp(self._clock()))

    def erase(self, before: datetime | None = None, number: str | None = None, by: str = "person") -> int:
        """Erase people's data from what is at rest, and from the file's bytes; return how many were emptied."""
        with self._mutex, ledger_errors(self.location):
            self._place.check()
            eraser = sqlite_deciding.Eraser(self._connection, self._path, before, number)
            erased = eraser.erase(lambda: self._alive(None), by, timestamp(self._clock()))
            eraser.scrub()
            return erased

    # -- reading -----------------------------------------------------------------------------------------

    def runs(self, limit: int | None = None) -> list[Run]:
        """Return runs, newest first."""
        with self._reading():
            found = self._connection.execute(statements.RUNS, (-1 if limit is None else limit,)).fetchall()
            return [rows.run(row, self._is_alive) for row in found]

    def run(self, run_id: str) -> Run | None:
        """Return one run, or None."""
        with self._reading():
            row = self._connection.execute(statements.RUN, (run_id,)).fetchone()
            return None if row is None else rows.run(row, self._is_alive)

    def messages(
        self,
        *,
        run: str | None = None,
        state: State | None = None,
        spec: str | None = None,
        origin: str | None = None,
    ) -> Iterator[Record]:
        """Yield the messages that match, in the order of the plan, then skipped rows."""
        chosen = {"run": run, "state": state, "spec": spec, "origin": origin}
        if state is not State.SKIPPED:
            statement = statements.RECORDS if run is None else statements.RECORDS_OF_RUN
            yield from map(rows.record, self._pages(statement, chosen))
        if state in (None, State.SKIPPED):
            statement = statements.SKIPS if run is None else statements.SKIPS_OF_RUN
            yield from map(rows.record, self._pages(statement, chosen))

    def stored(
        self, run: str | None = None, states: Collection[State] | None = None, origin: str | None = None
    ) -> Iterator[Stored]:
        """Yield whole messages that match, in the order of the plan."""
        chosen = {"run": run, "origin": origin, "states": None if states is None else json.dumps(sorted(states))}
        statement = statements.STORED if run is None else statements.STORED_OF_RUN
        yield from map(rows.stored, self._pages(statement, chosen))

    def decisions(self, key: str | None = None) -> Iterator[Decided]:
        """Yield what was decided outside of runs, oldest first."""
        for values in self._pages(statements.DECISIONS, {"key": key}):
            yield Decided(*values)

    def totals(self, run: str | None = None) -> Totals:
        """Count by state, for a run or for the whole ledger."""
        with self._reading():
            return self._count(run)

    def totals_by_spec(self, run: str) -> dict[str, Totals]:
        """Count a run's messages by state, for each spec."""
        with self._reading():
            return rows.totals_by_spec(self._connection.execute(statements.TOTALS_BY_SPEC, {"run": run}).fetchall())

    def close(self) -> None:
        """Close the file; a run that was not ended is dead from now on."""
        with self._mutex:
            for held in self._held.values():
                held.lock.release(remove=False)
            self._held.clear()
            self._connection.close()

    # -- inside ------------------------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._mutex, ledger_errors(self.location):
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._mutex, ledger_errors(self.location):
            self._place.check()
            with transaction(self._connection):
                yield

    def _lock_path(self, run_id: str) -> Path:
        return self._locks / f"{run_id}.lock"

    def _begun(self, run_id: str) -> _Held:
        try:
            return self._held[run_id]
        except KeyError:
            raise LedgerError(f"run {run_id} was not begun here, or it has ended") from None

    def _alive(self, run_ids: Collection[str] | None) -> set[str]:
        """Return those of ``run_ids`` (None: of all) that are entered as running and whose lock is held."""
        running = {run_id for (run_id,) in self._connection.execute(statements.RUNNING)}
        chosen = running if run_ids is None else running.intersection(run_ids)
        return {run_id for run_id in chosen if self._is_alive(run_id)}

    def _is_alive(self, run_id: str) -> bool:
        return run_id in self._held or is_held(self._lock_path(run_id))

    def _dead(self) -> list[str]:
        return [run_id for (run_id,) in self._connection.execute(statements.RUNNING) if not self._is_alive(run_id)]

    def _leave(self, run_id: str) -> int:
        """Move what a run holds to where it belongs without it; return how many messages are in doubt by it."""
        now = timestamp(self._clock())
        self._connection.execute(statements.REPLAN_WAITING, (now, run_id))
        return self._connection.execute(statements.DOUBT_SENDING, (UNKNOWN_OUTCOME, now, run_id)).rowcount

    def _close_run(self, run_id: str, status: RunStatus, reason: str | None) -> Totals:
        totals = self._count(run_id)
        ended = timestamp(self._clock())
        values = (status, ended, reason, json.dumps(totals.as_dict()), run_id)
        self._connection.execute(statements.END_RUN, values)
        return totals

    def _count(self, run: str | None) -> Totals:
        statement = statements.TOTALS if run is None else statements.TOTALS_OF_RUN
        return Totals(**dict(self._connection.execute(statement, {"run": run}).fetchall()))

    def _pages(self, statement: str, chosen: dict[str, str | None]) -> Iterator[Sequence[Any]]:
        def fetch(after: int) -> Sequence[Sequence[Any]]:
            with self._reading():
                return self._connection.execute(statement, {**chosen, "after": after, "limit": PAGE}).fetchall()

        return rows.pages(fetch)
