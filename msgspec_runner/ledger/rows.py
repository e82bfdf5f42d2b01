"""From the rows of a store to the values of a ledger, and back: the same for every store."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.states import AT_REST, RESOLUTIONS, Mover, sources
from msgspec_runner.ledger.values import Record, Run, RunStatus, Settlement, Stored, Totals
from msgspec_runner.model import Message, State

PAGE = 1000
"""Rows fetched at a time: memory stays flat and writers are never kept waiting."""

UNKNOWN_OUTCOME = "the run ended before the outcome was known"
"""The error of a message that was still ``sending`` when its run ended or died."""

DIED = "its process ended without closing the run"
"""The reason of a run that was found dead."""

_A_TIME = "2026-11-23T11:45:01.250Z"
_FIELDS = len(Record.__slots__)
_MESSAGE_FIELDS = len(Message.__annotations__)
_STATE = Record.__slots__.index("state")

SOURCES = {state: json.dumps(sorted(sources(state))) for state in State}
"""From which states an outcome may bring a message to each, as JSON."""

T = TypeVar("T")


def utc_now() -> datetime:
    """Return this moment; the ledger's clock unless a test gives another."""
    return datetime.now(UTC)


def outcome_row(
    settled: Settlement, now: str
) -> tuple[str, str, int | None, str | None, str | None, int | None, str, str | None]:
    """Return what the statements that settle take: key, state, results, time, and what the API waits for."""
    at = now if settled.at is None else timestamp(settled.at)
    return (
        *(settled.key, settled.state, settled.http_status, settled.message_id, settled.error, settled.attempts),
        *(at, settled.scheduled_for),
    )


def fault(run_id: str, settled: Settlement, found: tuple[str, str] | None) -> str:
    """Return why an outcome was refused, with the API's id so that it is not lost.

    Args:
        run_id: the run that reports it.
        settled: the outcome.
        found: the message's state and run; None where the ledger does not know it.
    """
    known = "is unknown" if found is None else f"is {found[0]} in run {found[1]}"
    accepted = f" (message_id {settled.message_id})" if settled.message_id else ""
    return f"message {settled.key} {known}, run {run_id} reports {settled.state}{accepted}"


def record(values: Sequence[Any]) -> Record:
    """Return the message object of a row that begins with its fields."""
    fields = list(values[:_FIELDS])
    fields[_STATE] = State(fields[_STATE])
    return Record(*fields)


def stored(values: Sequence[Any]) -> Stored:
    """Return the whole message of a row: the fields of a message, then those of ``Stored``."""
    fields = values[:_MESSAGE_FIELDS]
    run, state, claimed_at, updated_at, message_id, scheduled_for = values[_MESSAGE_FIELDS : _MESSAGE_FIELDS + 6]
    return Stored(Message(*fields), run, State(state), claimed_at, updated_at, message_id, scheduled_for)


def totals_by_spec(counted: Iterable[Sequence[Any]]) -> dict[str, Totals]:
    """Return what was counted (spec, state, number) by spec, in the order of the specs' ids."""
    found: dict[str, dict[str, int]] = {}
    for spec, state, number in counted:
        found.setdefault(spec, {})[state] = number
    return {spec: Totals(**found[spec]) for spec in sorted(found)}


def run_row(run: Run, now: datetime) -> tuple[str, str, str, str, str, int, str]:
    """Return what a run is entered with."""
    started = timestamp(run.started_at or now)
    return run.id, run.origin, json.dumps(run.specs), run.version, run.host, run.pid, started


def run(values: Sequence[Any], is_alive: Callable[[str], bool]) -> Run:
    """Return the run of a row; one that is entered as running and does not live has died.

    Args:
        values: the row.
        is_alive: whether the run with an id lives.

    Raises:
        LedgerError: no version of this program writes such a row.
    """
    run_id, origin, status, specs, version, host, pid, started_at, ended_at, reason, totals = values
    if status == RunStatus.RUNNING and not is_alive(run_id):
        status = RunStatus.DIED
    return Run(
        id=run_id,
        origin=origin,
        specs=_read(run_id, "specs", specs, spec_ids, "[]"),
        version=version,
        host=host,
        pid=pid,
        started_at=_read(run_id, "started_at", started_at, _moment, _A_TIME),
        status=_read(run_id, "status", status, RunStatus, RunStatus.DIED),
        ended_at=None if ended_at is None else _read(run_id, "ended_at", ended_at, _moment, _A_TIME),
        reason=reason,
        totals=None if totals is None else _read(run_id, "totals", totals, _totals, "{}"),
    )


def _read(run_id: str, column: str, value: Any, parse: Callable[[Any], T], example: str) -> T:
    """Return what a run's row says in a column, or raise LedgerError; ``example`` would be right there."""
    try:
        return parse(value)
    except (ValueError, TypeError, RecursionError):
        raise LedgerError(
            f"run {run_id}: {column} of its row in the ledger makes no sense: something else has written there. "
            f"Restore the ledger from a backup, or correct that row of the table runs ({column} may be {example}), "
            "and run the same command again"
        ) from None


def spec_ids(written: str) -> tuple[str, ...]:
    """Return a run's specs from what its row says; ValueError or TypeError: that is none of ours."""
    ids = json.loads(written)
    if not (isinstance(ids, list) and all(isinstance(each, str) for each in ids)):
        raise TypeError(written)
    return tuple(ids)


def _moment(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError(written)
    return moment


def _totals(written: str) -> Totals:
    totals = Totals(**json.loads(written))
    if not all(type(count) is int for count in totals.as_dict().values()):
        raise TypeError(written)
    return totals


def pages(fetch: Callable[[int], Sequence[Sequence[Any]]]) -> Iterator[Sequence[Any]]:
    """Yield the rows of all pages, without their cursor.

    Args:
        fetch: returns the next :data:`PAGE` rows behind a cursor; each row begins with its own.
    """
    after = 0
    while True:
        rows = fetch(after)
        for _, *values in rows:
            yield values
        if len(rows) < PAGE:
            return
        after = rows[-1][0]


def resolvable(
    settlements: Sequence[Settlement], origins: Mapping[str, str], taken: Iterable[tuple[str, str, str]]
) -> Iterator[Settlement]:
    """Yield the settlements that a person may bring, and whose ``message_id`` proves nothing else yet.

    Args:
        settlements: what was found out, or cancelled.
        origins: the origin of each key.
        taken: origin, ``message_id`` and key of the messages that have one of the ids.
    """
    owners = {(origin, message_id): key for origin, message_id, key in taken}
    for settled in settlements:
        if settled.state not in RESOLUTIONS:
            continue
        if settled.message_id:
            place = origins.get(settled.key, ""), settled.message_id
            if owners.setdefault(place, settled.key) != settled.key:
                continue
        yield settled


def releasable(only: Collection[State] | None) -> list[State]:
    """Return the states that a person may release, or those of them that are meant."""
    allowed = sources(State.RELEASED, Mover.PERSON)
    return sorted(allowed if only is None else allowed.intersection(only))


def sendable(messages: Iterable[Message]) -> Iterator[Message]:
    """Yield the messages that can be sent: from one whose data was erased, nothing can."""
    return (message for message in messages if message.body)


def erasable(number: str | None) -> frozenset[State]:
    """Return the states that are erased: of one person also what is in doubt, or planned by a run that is over."""
    return AT_REST if number is None else AT_REST | {State.IN_DOUBT, State.PLANNED, State.RETRY_WAIT}


def erasure_words(before: datetime | None, number: str | None, count: int) -> str:
    """Return what the ledger says of an erasure, without the number."""
    what = "one number" if number is not None else "everybody"
    when = f", not moved since {timestamp(before)}" if before is not None else ""
    return f"{what}{when}: {count} emptied"
