"""Reads a run's messages once and keeps what a report says of them: counts, and a few examples.

Memory does not grow with the run. A run that goes on meanwhile is read as it is in each moment, so its numbers may
differ by what happened while they were read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from msgspec_runner.ledger.ledger import Decided, Record, Run, Stored, Totals
from msgspec_runner.model import State
from msgspec_runner.reports.run_report.error_groups import ErrorGroups
from msgspec_runner.reports.run_report.figures import DecisionGroup, Doubt, Figures, SkipGroup, SpecFigures
from msgspec_runner.reports.run_report.latency import LatencyBuilder
from msgspec_runner.reports.run_report.timeline import FATES, TimelineBuilder

LISTED_DOUBTS = 100
"""Messages in doubt that are listed one by one; ``status --state in_doubt`` has all."""

LISTED_ROWS = 10
"""Rows that are named for each reason to leave rows out."""

MOST_KINDS = 200
"""Kinds of skips, specs or decisions that are told apart: few in any real run, but a ledger may hold anything."""

_TIMED = (State.ACCEPTED, State.REJECTED)
"""Whose ``updated_at`` is the moment of an answer, unless somebody decided about them later."""

_429 = 429
"""HTTP status "Too Many Requests" (RFC 6585)."""


def gather(
    run: Run, records: Iterable[Record], stored: Iterable[Stored], decisions: Iterable[Decided], as_of: datetime
) -> Figures:
    """Return the figures of a run.

    Args:
        run: as the ledger has it.
        records: its messages and skipped rows.
        stored: its messages again, for the times of their attempts.
        decisions: those about its messages.
        as_of: this moment, aware.
    """
    messages = Messages()
    for record in records:
        messages.add(record)
    times = _Times(run, as_of, messages.doubts)
    for each in stored:
        times.add(each)
    totals = messages.totals()
    left = run.totals.total if run.totals is not None else totals.total
    return Figures(
        run=run,
        as_of=as_of,
        totals=totals,
        moved=max(0, left - totals.total),
        scheduled=times.scheduled,
        specs=messages.specs(run.specs),
        timeline=times.timeline.build(),
        latencies=times.latencies.build(),
        seconds=times.seconds(),
        attempts=dict(sorted(messages.attempts.items())),
        throttled=messages.throttled,
        errors=messages.errors.build(),
        other_errors=messages.errors.others,
        skips=messages.skips(),
        doubts=tuple(Doubt(record, times.tried.get(key)) for key, record in messages.doubts.items()),
        decisions=_decided(decisions),
    )


class Messages:
    """Counts the messages and skipped rows of a run."""

    def __init__(self) -> None:
        self.attempts: Counter[int] = Counter()
        self.throttled = 0
        self.errors = ErrorGroups()
        self.doubts: dict[str, Record] = {}
        self._states: defaultdict[tuple[str, int], Counter[State]] = defaultdict(Counter)
        self._segments: Counter[tuple[str, int]] = Counter()
        self._skips: Counter[str] = Counter()
        self._skipped_rows: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, record: Record) -> None:
        """Count one."""
        state, spec = record.state, (record.spec, record.edition)
        self._states[spec][state] += 1
        if state is State.SKIPPED:
            self._add_skip(record)
            return
        if record.attempts:
            self.attempts[record.attempts] += 1
        if state is State.ACCEPTED:
            self._segments[spec] += record.segments or 0
            return
        self.throttled += record.http_status == _429
        if record.error is not None or state in (State.REJECTED, State.IN_DOUBT):
            self.errors.add(record)
        if state is State.IN_DOUBT and len(self.doubts) < LISTED_DOUBTS:
            self.doubts[record.key] = record

    def totals(self) -> Totals:
        """Return the messages by state."""
        states = sum(self._states.values(), Counter[State]())
        return Totals(**{state.value: number for state, number in states.items()})

    def specs(self, order: Iterable[str] = ()) -> tuple[SpecFigures, ...]:
        """Return the specs' parts, in the order of their ids in the run."""
        places = {spec: place for place, spec in enumerate(order)}
        found = sorted(self._states, key=lambda spec: (places.get(spec[0], len(places)), spec))
        return tuple(SpecFigures(*spec, dict(self._states[spec]), self._segments[spec]) for spec in found)

    def skips(self) -> tuple[SkipGroup, ...]:
        """Return the skipped rows by reason, most frequent first."""
        return tuple(
            SkipGroup(reason, number, tuple(self._skipped_rows[reason])) for reason, number in self._skips.most_common()
        )

    def _add_skip(self, record: Record) -> None:
        reason = record.error or "no reason"
        if reason not in self._skips and len(self._skips) >= MOST_KINDS:
            reason = "other reasons"
        self._skips[reason] += 1
        rows = self._skipped_rows[reason]
        if len(rows) < LISTED_ROWS:
            rows.append(f"{record.spec}:{record.row}")


class _Times:
    """Counts when messages were sent, and how long their answers took."""

    def __init__(self, run: Run, as_of: datetime, doubts: Iterable[str]) -> None:
        self.timeline = TimelineBuilder()
        self.latencies = LatencyBuilder()
        self.scheduled = 0
        self.tried: dict[str, str] = {}
        """When each of the listed doubts was tried."""
        self._doubts = frozenset(doubts)
        self._as_of = as_of
        self._start = run.started_at.timestamp() if run.started_at is not None else None
        self._end = run.ended_at.timestamp() if run.ended_at is not None else None
        self._first: float | None = None
        self._last: float | None = None

    def add(self, stored: Stored) -> None:
        """Count one message; one that was never tried has no time."""
        fate = FATES.get(stored.state)
        if stored.claimed_at is None or fate is None:
            return
        claimed = datetime.fromisoformat(stored.claimed_at).timestamp()
        if self._start is None:
            self._start = claimed
        if self._first is None or claimed < self._first:
            self._first = claimed
        self._reach(claimed)
        self.timeline.add(round((claimed - self._start) * 1000), fate)
        if stored.state in _TIMED:
            updated = datetime.fromisoformat(stored.updated_at).timestamp()
            if self._end is None or updated <= self._end:  # else somebody settled it later
                self.latencies.add(round((updated - claimed) * 1000))
                self._reach(updated)
        if stored.scheduled_for is not None and stored.state is State.ACCEPTED:
            self.scheduled += _moment(stored.scheduled_for, self._as_of) > self._as_of
        if stored.message.key in self._doubts:
            self.tried[stored.message.key] = stored.claimed_at

    def _reach(self, moment: float) -> None:
        """Take note of something that was done for a message."""
        if self._last is None or moment > self._last:
            self._last = moment

    def seconds(self) -> float:
        """Return the time from the first claim to the last answer, as who waits for it would measure it."""
        return self._last - self._first if self._first is not None and self._last is not None else 0.0


def _moment(text: str, otherwise: datetime) -> datetime:
    """Read a time that a body asked for; one that cannot be read, or has no offset, waits for nothing."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return otherwise
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _decided(decisions: Iterable[Decided]) -> tuple[DecisionGroup, ...]:
    groups: dict[tuple[str, str, str], DecisionGroup] = {}
    for decided in decisions:
        kind = decided.what, decided.by, decided.reason
        if kind not in groups and len(groups) >= MOST_KINDS:
            kind = decided.what, "others", "for other reasons"
        group = groups.get(kind)
        if group is None:
            groups[kind] = DecisionGroup(*kind, 1, decided.at, decided.at)
        else:
            groups[kind] = replace(group, count=group.count + 1, last=decided.at)
    return tuple(groups.values())
