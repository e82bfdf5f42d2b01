"""The ledger in a SQLite file: one connection, one writer at a time, each commit on the disk before it returns."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger import statements
from msgspec_runner.ledger.ledger import (
    RELEASED_FROM,
    Entry,
    Planned,
    Record,
    Run,
    RunStatus,
    Settlement,
    Skip,
    Totals,
    sources,
    timestamp,
)
from msgspec_runner.ledger.locks import RunLock, is_held
from msgspec_runner.ledger.place import Place
from msgspec_runner.ledger.schema import connect, ledger_errors, migrate, transaction
from msgspec_runner.model import Message, State

PAGE = 1000
"""Rows fetched at a time by :meth:`SqliteLedger.messages`: memory stays flat and writers are never kept waiting."""

_FIELDS = len(Record.__slots__)
_STATE = Record.__slots__.index("state")

_SOURCES = {state: json.dumps(sorted(sources(state))) for state in State}
"""From which states a message may come to each, as JSON."""

UNKNOWN_OUTCOME = "the run ended before the outcome was known"
"""The error of a message that was still ``sending`` when its run ended or died."""


def utc_now() -> datetime:
    """Return this moment; the ledger's clock unless a test gives another."""
    return datetime.now(UTC)


class _Unexpected(Exception):  # noqa: N818 - undoes a transaction, never seen outside
    """What was to be settled or claimed together was not all to be settled or claimed."""


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

    # -- planning ----------------------------------------------------------------------------------------

    def entries(self, keys: Sequence[str]) -> dict[str, Entry]:
        """Return what is known of ``keys``, by key."""
        with self._reading():
            rows = self._connection.execute(statements.ENTRIES, (json.dumps(keys),)).fetchall()
            alive = self._alive({run for _, _, _, run, _, _, _ in rows})
        return {
            key: Entry(State(state), digest, run, run in alive, message_id, error, updated_at)
            for key, state, digest, run, message_id, error, updated_at in rows
        }

    def begin(self, run: Run) -> None:
        """Take the run's lock, then enter the run: nobody may see it before it can be seen to live."""
        with self._mutex, ledger_errors(self.location):
            lock = RunLock(self._lock_path(run.id))
            started = timestamp(run.started_at or self._clock())
            values = (run.id, run.origin, json.dumps(run.specs), run.version, run.host, run.pid, started)
            try:
                with transaction(self._connection):
                    self._connection.execute(statements.BEGIN_RUN, values)
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
                    self._close_run(run_id, RunStatus.DIED, "its process ended without closing the run")
            for run_id in dead:
                self._lock_path(run_id).unlink(missing_ok=True)
            return in_doubt

    def plan(self, run_id: str, messages: Iterable[Message], chunk: int = 5000) -> int:
        """Give messages to a run, ``chunk`` a transaction; return how many it got."""
        held = self._begun(run_id)
        planned = 0
        remaining = iter(messages)
        while batch := list(islice(remaining, chunk)):
            with self._writing():
                now = timestamp(self._clock())
                rows = [
                    (
                        *(message.key, run_id, position, held.origin, message.spec, message.edition),
                        *(message.recipient_key, message.to, message.row, message.digest, message.body),
                        *(message.segments, now, now),
                    )
                    for position, message in enumerate(batch, held.position + 1)
                ]
                planned += self._connection.executemany(statements.PLAN, rows).rowcount
                held.position += len(batch)
        return planned

    def skip(self, run_id: str, skipped: Iterable[Skip]) -> None:
        """Record rows that the run leaves out, a page a transaction."""
        self._begun(run_id)
        remaining = iter(skipped)
        while batch := list(islice(remaining, PAGE)):
            with self._writing():
                now = timestamp(self._clock())
                rows = [
                    (run_id, s.spec, s.edition, s.row, s.reason, s.to, s.recipient_key, s.key, s.segments, now)
                    for s in batch
                ]
                self._connection.executemany(statements.SKIP, rows)

    # -- dispatching -------------------------------------------------------------------------------------

    def pending(self, run_id: str, after: int = 0, limit: int = 500) -> list[Planned]:
        """Return the next planned messages of a run, in the order of the plan."""
        with self._reading():
            rows = self._connection.execute(statements.PENDING, (run_id, after, limit)).fetchall()
        return [Planned(*row) for row in rows]

    def claim(self, run_id: str, keys: Sequence[str]) -> set[str]:
        """Move messages of this run to ``sending``, durably; return those that may be posted."""
        return self.commit(run_id, keys, ())

    def commit(self, run_id: str, claims: Sequence[str], settlements: Sequence[Settlement]) -> set[str]:
        """Settle and claim in one durable transaction; return what was claimed."""
        if claims:
            self._begun(run_id)
        try:
            return self._commit_at_once(run_id, claims, settlements)
        except _Unexpected:
            return self._commit_one_by_one(run_id, claims, settlements)

    def _commit_at_once(self, run_id: str, claims: Sequence[str], settlements: Sequence[Settlement]) -> set[str]:
        """Settle and claim with a statement each: SQLite works while Python goes on posting.

        For each statement and each row that it returns, this thread has to wait for Python's lock, and takes it from
        the event loop: one by one, that costs more than the work itself.

        Raises:
            _Unexpected: not every message is where it was thought to be, or an outcome cannot travel as JSON.
        """
        with self._writing():
            now = timestamp(self._clock())
            if settlements:
                rows = orjson.dumps([_outcome(settled, now) for settled in settlements]).decode()
                # SQLite ends a text of JSON at \u0000, and of two outcomes for one key it would take any.
                changed = self._connection.execute(statements.SETTLE_ALL, (rows, run_id)).rowcount
                if changed != len(settlements) or "\\u0000" in rows:
                    raise _Unexpected
            if claims:
                keys = json.dumps(claims)
                if self._connection.execute(statements.CLAIM_ALL, (now, keys, run_id)).rowcount != len(claims):
                    raise _Unexpected
        return set(claims)

    def _commit_one_by_one(self, run_id: str, claims: Sequence[str], settlements: Sequence[Settlement]) -> set[str]:
        """Settle and claim so that it is known which message was not where it was thought to be."""
        claimed: set[str] = set()
        with self._writing():
            now = timestamp(self._clock())
            refused = [settled for settled in settlements if not self._settle(run_id, settled, now)]
            if claims and not refused:
                rows = self._connection.execute(statements.CLAIM, (now, json.dumps(claims), run_id))
                claimed = {key for (key,) in rows}
            faults = [self._fault(run_id, settled) for settled in refused]
        if faults:
            raise LedgerError(f"the ledger {self.location} refused an outcome: {'; '.join(faults)}")
        return claimed

    def release(self, keys: Sequence[str], reason: str) -> int:
        """Allow rejected or in-doubt messages to be planned again; return how many were."""
        with self._writing():
            values = (reason, timestamp(self._clock()), json.dumps(keys), json.dumps(sorted(RELEASED_FROM)))
            return self._connection.execute(statements.RELEASE, values).rowcount

    def end(self, run_id: str, status: RunStatus, reason: str | None = None) -> Totals:
        """Close a run begun here and free its lock; return its totals."""
        held = self._begun(run_id)
        with self._writing():
            self._leave(run_id)
            totals = self._close_run(run_id, status, reason)
        del self._held[run_id]
        held.lock.release()
        return totals

    # -- reading -----------------------------------------------------------------------------------------

    def runs(self, limit: int | None = None) -> list[Run]:
        """Return runs, newest first."""
        with self._reading():
            rows = self._connection.execute(statements.RUNS, (-1 if limit is None else limit,)).fetchall()
            return [self._run(row) for row in rows]

    def run(self, run_id: str) -> Run | None:
        """Return one run, or None."""
        with self._reading():
            row = self._connection.execute(statements.RUN, (run_id,)).fetchone()
            return None if row is None else self._run(row)

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
            yield from self._pages(statements.RECORDS if run is None else statements.RECORDS_OF_RUN, chosen)
        if state in (None, State.SKIPPED):
            yield from self._pages(statements.SKIPS if run is None else statements.SKIPS_OF_RUN, chosen)

    def totals(self, run: str | None = None) -> Totals:
        """Count by state, for a run or for the whole ledger."""
        with self._reading():
            return self._count(run)

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
        return self._path.with_name(f"{self._path.name}.locks") / f"{run_id}.lock"

    def _begun(self, run_id: str) -> _Held:
        try:
            return self._held[run_id]
        except KeyError:
            raise LedgerError(f"run {run_id} was not begun here, or it has ended") from None

    def _alive(self, run_ids: Collection[str]) -> set[str]:
        """Return those of ``run_ids`` that are entered as running and whose lock is held."""
        running = {run_id for (run_id,) in self._connection.execute(statements.RUNNING)}
        return {run_id for run_id in running.intersection(run_ids) if self._is_alive(run_id)}

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

    def _settle(self, run_id: str, settled: Settlement, now: str) -> bool:
        """Store one outcome; return False where it is no legal move."""
        key, *result, allowed = _outcome(settled, now)
        changed = self._connection.execute(statements.SETTLE, (*result, key, run_id, allowed)).rowcount
        return changed == 1

    def _fault(self, run_id: str, settled: Settlement) -> str:
        """Return why an outcome was refused, with the API's id so that it is not lost."""
        row = self._connection.execute(statements.STATE_OF, (settled.key,)).fetchone()
        known = "is unknown" if row is None else f"is {row[0]} in run {row[1]}"
        accepted = f" (message_id {settled.message_id})" if settled.message_id else ""
        return f"message {settled.key} {known}, run {run_id} reports {settled.state}{accepted}"

    def _run(self, row: Sequence[Any]) -> Run:
        run_id, origin, status, specs, version, host, pid, started_at, ended_at, reason, totals = row
        if status == RunStatus.RUNNING and not self._is_alive(run_id):
            status = RunStatus.DIED
        return Run(
            id=run_id,
            origin=origin,
            specs=tuple(json.loads(specs)),
            version=version,
            host=host,
            pid=pid,
            started_at=datetime.fromisoformat(started_at),
            status=RunStatus(status),
            ended_at=None if ended_at is None else datetime.fromisoformat(ended_at),
            reason=reason,
            totals=None if totals is None else Totals(**json.loads(totals)),
        )

    def _count(self, run: str | None) -> Totals:
        statement = statements.TOTALS if run is None else statements.TOTALS_OF_RUN
        return Totals(**dict(self._connection.execute(statement, {"run": run}).fetchall()))

    def _pages(self, statement: str, chosen: dict[str, str | State | None]) -> Iterator[Record]:
        after = 0
        while True:
            with self._reading():
                values = {**chosen, "after": after, "limit": PAGE}
                rows = self._connection.execute(statement, values).fetchall()
            for row in rows:
                yield _record(row[1:])
            if len(rows) < PAGE:
                return
            after = rows[-1][0]


def _outcome(
    settled: Settlement, now: str
) -> tuple[str, str, int | None, str | None, str | None, int | None, str, str]:
    """Return what the statements that settle take: key, state, results, time, and the states it may come from."""
    state, at = settled.state, now if settled.at is None else timestamp(settled.at)
    return (
        *(settled.key, state, settled.http_status, settled.message_id, settled.error, settled.attempts, at),
        _SOURCES[state],
    )


def _record(values: Sequence[Any]) -> Record:
    fields = list(values[:_FIELDS])
    fields[_STATE] = State(fields[_STATE])
    return Record(*fields)
