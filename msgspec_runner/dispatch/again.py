"""What ``retry`` posts: the messages of a past run that were rejected or released, as the ledger keeps them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.dispatch.planner import Rails
from msgspec_runner.ledger.ledger import Skip, Stored
from msgspec_runner.model import Message, State

AGAIN = (State.REJECTED, State.RELEASED)
"""What was not sent, or was given up by a person."""


@dataclass(slots=True)
class Again:
    """What ``retry`` would do.

    Attributes:
        messages: to be posted, by spec and edition.
        segments: of them; None where nothing has any.
        scheduled: how many of them would not arrive at once.
        left_out: messages that must not be posted, by what keeps them.
        erased: messages without people's data: nothing can be sent from them.
    """

    messages: Counter[tuple[str, int]] = field(default_factory=Counter)
    segments: int | None = None
    scheduled: int = 0
    left_out: Counter[Decision] = field(default_factory=Counter)
    erased: int = 0

    @property
    def specs(self) -> tuple[str, ...]:
        """The ids of the specs that have something to post."""
        return tuple(dict.fromkeys(spec for spec, _ in self.messages))


def survey(messages: Iterable[Stored], rails: Rails) -> Again:
    """Count what would be done with the messages of a run that are in one of the states of :data:`AGAIN`."""
    again = Again()
    for stored in messages:
        if stored.erased:
            again.erased += 1
            continue
        message = stored.message
        decision = rails.decide(None, message)
        if decision is not Decision.NEW:
            again.left_out[decision] += 1
            continue
        again.messages[message.spec, message.edition] += 1
        again.scheduled += rails.waits_for(message) is not None
        if message.segments is not None:
            again.segments = (again.segments or 0) + message.segments
    return again


def to_post(messages: Iterable[Stored], rails: Rails) -> Iterator[Message]:
    """Yield what is to be posted."""
    for stored in messages:
        if not stored.erased and rails.decide(None, stored.message) is Decision.NEW:
            yield stored.message


def kept_back(messages: Iterable[Stored], rails: Rails) -> Iterator[Skip]:
    """Yield the rows that say who is left out, and why."""
    for stored in messages:
        if stored.erased:
            continue
        message = stored.message
        decision = rails.decide(None, message)
        if decision is not Decision.NEW:
            reason = "suppressed" if decision is Decision.SUPPRESSED else "expired"
            yield Skip(
                spec=message.spec,
                edition=message.edition,
                row=message.row,
                reason=reason,
                to=message.to,
                recipient_key=message.recipient_key,
                key=message.key,
                segments=message.segments,
            )
