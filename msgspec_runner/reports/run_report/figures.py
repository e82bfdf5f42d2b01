"""What a report says of a run. Frozen values, of bounded size whatever the run's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec_runner.ledger.ledger import Record, Run, Totals
from msgspec_runner.model import State
from msgspec_runner.reports.run_report.error_groups import ErrorGroup
from msgspec_runner.reports.run_report.latency import Latencies
from msgspec_runner.reports.run_report.timeline import Timeline


@dataclass(frozen=True, slots=True)
class SpecFigures:
    """One spec's part of a run.

    Attributes:
        spec: its id.
        edition: of the spec.
        states: messages by state, skipped rows included.
        segments: of what was accepted, as far as it has any.
    """

    spec: str
    edition: int
    states: Mapping[State, int]
    segments: int


@dataclass(frozen=True, slots=True)
class SkipGroup:
    """Rows that were left out for one reason.

    Attributes:
        reason: ``duplicate``, ``suppressed``, …
        count: rows.
        rows: some of them, as ``spec:row``.
    """

    reason: str
    count: int
    rows: Sequence[str]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A message that may or may not have been sent.

    Attributes:
        record: the message.
        tried_at: when its last attempt was about to begin, ISO 8601; None where that is not known.
    """

    record: Record
    tried_at: str | None


@dataclass(frozen=True, slots=True)
class DecisionGroup:
    """What one person decided for one reason, about one message or many.

    Attributes:
        what: the state that the messages went to, or ``erased``.
        by: who.
        reason: why, in that person's words.
        count: messages.
        first: when the first was decided, ISO 8601 in UTC.
        last: when the last was.
    """

    what: str
    by: str
    reason: str
    count: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that a report says of a run.

    Attributes:
        run: who, where, when.
        as_of: when this was read, aware: a run may still go on, and what is decided afterwards counts.
        totals: messages by state, now.
        moved: messages that later runs took over, by ``retry`` or by ``send`` after a correction.
        scheduled: accepted messages that the API keeps until later than ``as_of``.
        specs: in the order of the run.
        timeline: what was sent when; begins with the run.
        latencies: of accepted and rejected messages, their last attempt.
        seconds: from the first claim to the last answer, or to the last claim where that was later; 0 for no message.
        attempts: messages by attempts, those without an attempt left out.
        throttled: messages whose last answer was HTTP 429.
        errors: largest first.
        other_errors: messages whose errors are in none of these.
        skips: most frequent first.
        doubts: in the order of the run, as many as are listed; ``totals.in_doubt`` has the number.
        decisions: in the order of their first.
    """

    run: Run
    as_of: datetime
    totals: Totals
    moved: int
    scheduled: int
    specs: Sequence[SpecFigures]
    timeline: Timeline
    latencies: Latencies
    seconds: float
    attempts: Mapping[int, int]
    throttled: int
    errors: Sequence[ErrorGroup]
    other_errors: int
    skips: Sequence[SkipGroup]
    doubts: Sequence[Doubt]
    decisions: Sequence[DecisionGroup]

    @property
    def tried(self) -> int:
        """Messages that were tried at least once."""
        return sum(self.attempts.values())

    @property
    def retries(self) -> int:
        """Attempts beyond the first."""
        return sum((attempts - 1) * messages for attempts, messages in self.attempts.items())

    @property
    def retried(self) -> int:
        """Messages that were tried more than once."""
        return sum(messages for attempts, messages in self.attempts.items() if attempts > 1)
