"""Runs to report on: their records, and the same messages as the ledger stores them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from msgspec_runner.ledger import Decided, Record, Run, RunStatus, Stored, Totals, timestamp
from msgspec_runner.model import Message, State
from msgspec_runner.reports.run_report.figures import Figures
from msgspec_runner.reports.run_report.gathering import gather

START = datetime(2031, 11, 23, 11, 45, 1, tzinfo=UTC)
AS_OF = START + timedelta(hours=1)
ID = "20311123-114501-x7k2"
RUN = Run(
    ID,
    "https://api.sociocs.com",
    ("reminder", "welcome"),
    version="0.5.0",
    host="ci-7",
    pid=4711,
    started_at=START,
    status=RunStatus.FINISHED,
    ended_at=START + timedelta(minutes=10),
)


def message(
    row: int,
    state: State = State.ACCEPTED,
    *,
    at: float | None = 1.0,
    took: float = 0.2,
    spec: str = "reminder",
    error: str | None = None,
    http_status: int | None = None,
    attempts: int = 1,
    scheduled_for: str | None = None,
    to: str | None = None,
) -> tuple[Record, Stored | None]:
    """Return a message, tried ``at`` seconds after the run began and answered ``took`` seconds later."""
    key = f"{row:08x}{spec}"
    number = f"+1617555{row:04d}" if to is None else to
    claimed = START + timedelta(seconds=at) if at is not None else None
    updated = timestamp((claimed or START) + timedelta(seconds=took))
    record = Record(
        key=key,
        recipient_key="",
        run=ID,
        spec=spec,
        edition=1,
        row=row,
        to=number,
        state=state,
        message_id=None,
        http_status=http_status,
        error=error,
        attempts=attempts if at is not None else 0,
        segments=2,
        created_at=timestamp(START),
        updated_at=updated,
    )
    if state is State.SKIPPED:
        return record, None
    body = Message(key, "", spec, 1, row, number, b"{}", "digest", 2)
    claimed_at = timestamp(claimed) if claimed is not None else None
    return record, Stored(body, ID, state, claimed_at, updated, None, scheduled_for)


def figures(
    messages: Iterable[tuple[Record, Stored | None]],
    run: Run = RUN,
    decisions: Sequence[Decided] = (),
    as_of: datetime = AS_OF,
) -> Figures:
    """Return the figures of a run with these messages."""
    pairs = list(messages)
    stored = [stored for _, stored in pairs if stored is not None]
    return gather(run, [record for record, _ in pairs], stored, decisions, as_of)


def mixed() -> Figures:
    """Return a run with something of everything."""
    messages = [message(row, at=row / 2, took=0.05 + row % 7 / 20) for row in range(1, 61)]
    messages += [
        message(61, State.REJECTED, at=12, error="The number +16175550061 is not reachable (id 7f3d9a51c0de)."),
        message(62, State.REJECTED, at=12, error="The number +16175550062 is not reachable (id 9b21ffee0123)."),
        message(63, State.REJECTED, at=20, http_status=400, error="Unknown channel."),
        message(1, State.IN_DOUBT, spec="welcome", at=21, took=30, error="no answer within the timeout", attempts=2),
        message(2, State.IN_DOUBT, spec="welcome", at=22, took=30, error="HTTP 500: +16175550002", http_status=500),
        message(3, State.CANCELLED, spec="welcome", at=23, took=1200),
        message(4, spec="welcome", at=24, attempts=3, scheduled_for="2031-11-24T09:00:00-05:00"),
        message(5, State.PLANNED, spec="welcome", at=25, http_status=429, error="HTTP 429"),
        message(6, State.SKIPPED, spec="welcome", at=None, error="duplicate"),
        message(7, State.SKIPPED, spec="welcome", at=None, error="suppressed"),
        message(8, State.SKIPPED, spec="welcome", at=None, error="duplicate"),
    ]
    decisions = [
        Decided(f"{3:08x}welcome", timestamp(START + timedelta(minutes=20)), "ann@desk", "cancelled", "cancel"),
        Decided("k", timestamp(START + timedelta(minutes=21)), "bob@desk", "accepted", "+16175551212 called back"),
        Decided("l", timestamp(START + timedelta(minutes=22)), "bob@desk", "accepted", "+16175551212 called back"),
    ]
    left = Totals(accepted=61, rejected=5, in_doubt=2, planned=1, skipped=3)
    return figures(messages, replace(RUN, totals=left), decisions)
