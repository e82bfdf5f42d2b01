"""What to do with a message, given what the ledger knows of it. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec_runner.ledger.ledger import Entry
from msgspec_runner.model import State
from msgspec_runner.timing import Reason


class Decision(StrEnum):
    """What ``send`` does with a row; the values are the words that people read."""

    NEW = "new"
    SENT = "already sent"
    CHANGED = "changed since sent"
    IN_DOUBT = "in doubt"
    REJECTED = "rejected before"
    CANCELLED = "cancelled before"
    BUSY = "in another run"
    DUPLICATE = "skipped (duplicate)"
    EXPIRED = "skipped (expired)"
    SUPPRESSED = "skipped (suppressed)"
    INVALID = "skipped (invalid)"


def decide(entry: Entry | None, digest: str) -> Decision:
    """Say what to do with a message (contract, section 4, "Identity").

    Args:
        entry: what the ledger knows of its identity; None for nothing.
        digest: of the body that it has now.

    Returns:
        ``NEW`` where it is to be sent: never tried, proven unsent, given free by a person, or rejected with
        another body. Whatever may have reached somebody is never sent again by itself.
    """
    if entry is None:
        return Decision.NEW
    changed = entry.digest != digest
    match entry.state:
        case State.ACCEPTED:  # first: so are most, where a long list is sent again
            return Decision.CHANGED if changed else Decision.SENT
        case State.PLANNED | State.RETRY_WAIT:
            return Decision.BUSY if entry.run_alive else Decision.NEW
        case State.SENDING if entry.run_alive:
            return Decision.BUSY
        case State.SENDING | State.IN_DOUBT:
            return Decision.CHANGED if changed else Decision.IN_DOUBT
        case State.REJECTED:
            return Decision.NEW if changed else Decision.REJECTED
        case State.CANCELLED:
            return Decision.CANCELLED
        case State.RELEASED | State.SKIPPED:
            return Decision.NEW


def is_in_doubt(entry: Entry | None) -> bool:
    """Say whether nobody knows if a message was sent, whatever its body is now: that is what exit code 3 is about.

    Args:
        entry: what the ledger knows of its identity; None for nothing.
    """
    if entry is None:
        return False
    return entry.state is State.IN_DOUBT or (entry.state is State.SENDING and not entry.run_alive)


@dataclass(slots=True)
class SpecPlan:
    """What would happen to the recipients of one spec.

    Attributes:
        spec: the spec's id.
        edition: its edition.
        file: where it stands.
        decisions: rows by decision.
        segments: SMS segments of what is new; None where the provider has none.
        scheduled: what is new and would not arrive at once if it was sent now, by what makes it wait.
        opens: when the window opens, local time; empty where there is none.
        hold: for how long messages are held, as written; empty where they are not.
        changed_in_doubt: how many of what changed are in doubt: nobody knows whether they were sent before.
    """

    spec: str
    edition: int
    file: str
    decisions: Counter[Decision] = field(default_factory=Counter)
    segments: int | None = None
    scheduled: Counter[Reason] = field(default_factory=Counter)
    opens: str = ""
    hold: str = ""
    changed_in_doubt: int = 0

    def add(
        self, decision: Decision, segments: int | None, waits_for: Reason | None = None, *, in_doubt: bool = False
    ) -> None:
        """Count a row."""
        self.decisions[decision] += 1
        if decision is Decision.CHANGED and in_doubt:
            self.changed_in_doubt += 1
        if decision is Decision.NEW and waits_for is not None:
            self.scheduled[waits_for] += 1
        if decision is Decision.NEW and segments is not None:
            self.segments = (self.segments or 0) + segments

    def as_dict(self) -> dict[str, object]:
        """Return the plan of the spec as the JSON report has it; decisions with ``_`` for spaces."""
        counts = {decision.name.lower(): self.decisions[decision] for decision in Decision}
        return {
            "spec": self.spec,
            "edition": self.edition,
            "file": self.file,
            "recipients": sum(self.decisions.values()),
            **counts,
            "changed_in_doubt": self.changed_in_doubt,
            "scheduled": {reason.value: self.scheduled[reason] for reason in Reason},
            "segments": self.segments if self.decisions[Decision.NEW] else 0,
        }
