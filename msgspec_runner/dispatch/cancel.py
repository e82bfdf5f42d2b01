"""Taking back what is still scheduled: which messages, and what the API's answers mean for the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec_runner.dispatch.delivery import own_schedule
from msgspec_runner.errors import LedgerError, RunStoppedError
from msgspec_runner.ledger.ledger import Ledger, Settlement, Stored
from msgspec_runner.model import State
from msgspec_runner.sociocs.lookups import Deleted, Deletion, Lookups

AT_ONCE = 8
"""Deletions under way at once: who cancels is in a hurry, as a message that was held for five minutes will go out."""


RECORDED_WITHIN = 1.0
"""Seconds in which another `cancel` has recorded what it deleted, before we believe that ours failed for another
reason. It does so at once; its ledger may be on a server."""

_CHUNK = 500
"""Keys that are looked up in one go."""

Sleep = Callable[[float], Awaitable[object]]


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
        already: what somebody else has cancelled meanwhile.
        failed: the others, as far as they were tried.
        stop: why no more were tried: the key is refused, the base URL redirects, the ledger fails; None: all were.
    """

    keys: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
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
    book: Ledger,
    lookups: Sequence[Lookups],
    messages: Sequence[Stored],
    by: str,
    reason: str,
    *,
    is_stopping: Callable[[], bool] = lambda: False,
    sleep: Sleep = asyncio.sleep,
) -> Cancelled:
    """Delete scheduled messages at the API, and record each as cancelled as soon as that is known.

    Somebody else may be cancelling the same run: the API does not find what it has deleted already, so the ledger is
    asked before and after, and what it has as cancelled did not fail. What only the API has lost sight of stays
    accepted: a `cancel` that was killed may have deleted it before, or it was sent.

    Args:
        book: where they are.
        lookups: of the API; each is used for one call at a time.
        messages: in the order in which to delete them.
        by: who decided.
        reason: why.
        is_stopping: asked before each call: whether to begin no more. What is deleted is recorded all the same.
        sleep: waits for so many seconds; tests set it.
    """
    done = Cancelled()
    remaining = iter(messages)

    async def work(asker: Lookups) -> None:
        while done.stop is None and not is_stopping() and (stored := next(remaining, None)) is not None:
            key = stored.message.key
            try:
                if _cancelled(book, [key]):
                    done.already.append(key)
                    continue
                deleted = await asker.delete(str(stored.message_id))
                if deleted.outcome is not Deletion.DELETED:
                    done.failed.append(Failed(stored, deleted))
                elif book.resolve([Settlement(key, State.CANCELLED)], by, reason):
                    done.keys.append(key)
                else:
                    done.already.append(key)
            except RunStoppedError as stop:  # the other calls under way are waited for, and recorded
                done.stop = stop
            except LedgerError as error:
                done.stop = RunStoppedError(
                    f"{error}. What was deleted and could not be recorded is accepted in the ledger, and never goes out"
                )

    await asyncio.gather(*(work(asker) for asker in lookups))
    with suppress(LedgerError):  # what failed stays what it is
        _forgive(done, book)
        if done.failed and not is_stopping():
            await sleep(RECORDED_WITHIN)
            _forgive(done, book)
    return done


def _forgive(done: Cancelled, book: Ledger) -> None:
    """Take what the ledger has as cancelled by now out of what failed."""
    keys = [each.stored.message.key for each in done.failed]
    found = {key for first in range(0, len(keys), _CHUNK) for key in _cancelled(book, keys[first : first + _CHUNK])}
    done.already += [key for key in keys if key in found]
    done.failed = [each for each in done.failed if each.stored.message.key not in found]


def _cancelled(book: Ledger, keys: Sequence[str]) -> set[str]:
    return {key for key, entry in book.entries(keys).items() if entry.state is State.CANCELLED}
