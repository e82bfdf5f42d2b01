"""Taking back what is still scheduled: which messages, and what the API's answers mean for the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec_runner.dispatch.delivery import own_schedule
from msgspec_runner.errors import RunStoppedError
from msgspec_runner.ledger.ledger import Ledger, Settlement, Stored
from msgspec_runner.model import State
from msgspec_runner.sociocs.lookups import Deleted, Deletion, Lookups

AT_ONCE = 8
"""Deletions under way at once: who cancels is in a hurry, as a message that was held for five minutes will go out."""


class Failed(NamedTuple):
    """A message that could not be cancelled.

    Attributes:
        stored: the message.
        deleted: what the API said.
    """

    stored: Stored
    deleted: Deleted


@dataclass(slots=True)
class Cancelled:
    """What came of it.

    Attributes:
        keys: what was deleted, and recorded as cancelled.
        failed: the others, as far as they were tried.
        stop: why no more were tried: the key is refused, the base URL redirects; None: all were.
    """

    keys: list[str] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    stop: RunStoppedError | None = None

    def count(self, outcome: Deletion) -> int:
        """Return how many messages could not be cancelled in one way."""
        return sum(each.deleted.outcome is outcome for each in self.failed)


def due_at(stored: Stored) -> datetime | None:
    """Return the time for which the API keeps a message; None where it was sent at once."""
    if stored.scheduled_for is not None:
        return datetime.fromisoformat(stored.scheduled_for)
    return own_schedule(stored.message.body)


def still_scheduled(messages: Iterable[Stored], now: datetime) -> list[Stored]:
    """Return the accepted messages that are still to go out, the next one first.

    Args:
        messages: of the ledger.
        now: the present, aware.
    """
    waiting = [
        (due, stored)
        for stored in messages
        if stored.state is State.ACCEPTED and stored.message_id and (due := due_at(stored)) is not None and due > now
    ]
    return [stored for _, stored in sorted(waiting, key=lambda each: (each[0].astimezone(UTC), each[1].message.key))]


async def cancel(
    book: Ledger, lookups: Sequence[Lookups], messages: Sequence[Stored], by: str, reason: str
) -> Cancelled:
    """Delete scheduled messages at the API, and record each as cancelled as soon as that is known.

    Args:
        book: where they are.
        lookups: of the API; each is used for one call at a time.
        messages: in the order in which to delete them.
        by: who decided.
        reason: why.
    """
    done = Cancelled()
    remaining = iter(messages)

    async def work(asker: Lookups) -> None:
        while done.stop is None and (stored := next(remaining, None)) is not None:
            try:
                deleted = await asker.delete(str(stored.message_id))
            except RunStoppedError as stop:  # the other calls under way are waited for, and recorded
                done.stop = stop
                return
            if deleted.outcome is Deletion.DELETED:
                book.resolve([Settlement(stored.message.key, State.CANCELLED)], by, reason)
                done.keys.append(stored.message.key)
            else:
                done.failed.append(Failed(stored, deleted))

    await asyncio.gather(*(work(asker) for asker in lookups))
    return done
