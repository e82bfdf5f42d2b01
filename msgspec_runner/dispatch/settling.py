"""Settling messages in doubt: ask the API, hold its lists against the ledger, and record what that proves."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from msgspec_runner.dispatch.reconcile import Claim, Matches, claim_of, is_match, match, searches, spans
from msgspec_runner.ledger.ledger import Ledger, Settlement, Stored
from msgspec_runner.model import State
from msgspec_runner.sociocs.listed import Listed, Listing
from msgspec_runner.sociocs.lookups import Lookups, NotAnswered

CUT = 100
"""Messages in one list from which on it may have been cut: as many as the API gives of what is scheduled. The paging
of its other lists is not documented, so such a span is asked for again day by day, and then by words."""

MOST_FAILURES = 3
"""Calls in a row without an answer, after which no more are made."""

ERASED = "its data was erased: there is nothing to look for"
NOT_FOUND = "not found"
TAKEN = "another message was settled with its id"

_RIVALS = (State.IN_DOUBT, State.SENDING, State.RELEASED)
"""States in which a message may have reached the API without an id in the ledger."""


class Remaining(NamedTuple):
    """A message that stays in doubt.

    Attributes:
        stored: the message.
        why: for people.
        is_listed: the API lists something that says the same to the same number: it may be this one.
    """

    stored: Stored
    why: str
    is_listed: bool = False


@dataclass(slots=True)
class Seen:
    """What the API said.

    Attributes:
        listed: messages; one may be there several times.
        unread: objects in its lists that show no id or no recipient.
        troubles: why calls were not answered.
    """

    listed: list[Listed] = field(default_factory=list)
    unread: int = 0
    troubles: list[str] = field(default_factory=list)
    _failures: int = 0

    @property
    def gave_up(self) -> bool:
        """Whether so many calls in a row failed that no more should be made."""
        return self._failures >= MOST_FAILURES

    async def take(self, asking: Awaitable[Listing], days: tuple[date, date] | None = None) -> int:
        """Wait for a list and keep it; return its size, 0 where none came.

        Args:
            asking: the call.
            days: that the list was asked for, first and last.
        """
        try:
            listing = await asking
        except NotAnswered as problem:
            self._failures += 1
            if str(problem) not in self.troubles:
                self.troubles.append(str(problem))
            return 0
        self._failures = 0
        self.listed += [message._replace(days=days) for message in listing.messages]
        self.unread += listing.unread
        return listing.size


class Settled(NamedTuple):
    """What became of the messages in doubt.

    Attributes:
        accepted: the API's id for each key that was settled.
        remaining: what stays in doubt, in the order of the plan.
        seen: what the API said.
    """

    accepted: dict[str, str]
    remaining: list[Remaining]
    seen: Seen


async def look(lookups: Lookups, claims: Iterable[Claim], now: datetime) -> Seen:
    """Ask the API for everything that may be one of some messages: lists first, then by words what is not in them.

    Args:
        lookups: of the API.
        claims: the messages.
        now: the present, aware.

    Raises:
        RunStoppedError: the key is refused, the base URL is wrong.
    """
    wanted = list(claims)
    seen = Seen()
    if any(claim.due is not None and claim.due > now for claim in wanted):
        await seen.take(lookups.scheduled())
    for first, last in spans(wanted, now):
        if seen.gave_up:
            return seen
        size = await seen.take(lookups.sent(first, last), (first, last))
        if size >= CUT:
            for day in _between(first, last):
                if not seen.gave_up:
                    await seen.take(lookups.sent(day, day), (day, day))
    found: dict[str, list[Listed]] = {}
    for message in seen.listed:
        found.setdefault(message.to, []).append(message)
    lost = [claim for claim in wanted if not any(is_match(claim, message) for message in found.get(claim.to, ()))]
    for words, first, last in searches(lost, now):
        if seen.gave_up:
            break
        await seen.take(lookups.search(words, first, last), (first, last))
    return seen


async def settle(book: Ledger, lookups: Lookups, origin: str, run: str | None, now: datetime) -> Settled:
    """Settle what the API lists; what it does not list stays in doubt.

    Args:
        book: dead runs were recovered.
        lookups: of the API.
        origin: of the messages.
        run: only the messages of this run.
        now: the present, aware.

    Raises:
        RunStoppedError: the key is refused, the base URL is wrong. Nothing was changed.
    """
    doubts = list(book.stored(run, {State.IN_DOUBT}, origin))
    claims = {claim.key: claim for stored in doubts if (claim := claim_of(stored)) is not None}
    seen = await look(lookups, claims.values(), now) if claims else Seen()
    # The ledger is read after the API: what was posted in between is in no list, and what was posted before is known.
    found = _match(book, origin, seen) if seen.listed else Matches({}, {})
    settlements = [
        Settlement(key, State.ACCEPTED, message_id=listed.message_id, scheduled_for=_due(claims[key], now))
        for key, listed in found.found.items()
        if key in claims
    ]
    accepted = book.resolve(settlements, "reconcile", "the API lists it") if settlements else set()
    left = {stored.message.key for stored in book.stored(run, {State.IN_DOUBT}, origin)}
    remaining = [
        Remaining(stored, _why(stored, claims, found), _is_listed(stored, found))
        for stored in doubts
        if stored.message.key in left - accepted
    ]
    return Settled({key: found.found[key].message_id for key in accepted}, remaining, seen)


def _match(book: Ledger, origin: str, seen: Seen) -> Matches:
    """Hold what is listed against every message of the ledger that may own it."""
    rivals = book.stored(None, _RIVALS, origin)
    claims = [claim_of(stored, in_doubt=stored.state is State.IN_DOUBT) for stored in rivals]
    ids = {message.message_id for message in seen.listed}
    owned = {record.message_id for record in book.messages(origin=origin) if record.message_id in ids}
    return match([claim for claim in claims if claim is not None], seen.listed, {each for each in owned if each})


def _is_listed(stored: Stored, found: Matches) -> bool:
    return stored.message.key in found.found or stored.message.key in found.alike


def _why(stored: Stored, claims: dict[str, Claim], found: Matches) -> str:
    key = stored.message.key
    if key not in claims:
        return ERASED
    if key in found.found:
        return TAKEN
    number = found.alike.get(key)
    if number is None:
        return NOT_FOUND
    return f"the API lists {number} like it, but not one for each message that says the same to this number"


def _due(claim: Claim, now: datetime) -> str | None:
    """Return the time for which a message was scheduled, for whoever wants to cancel it."""
    return claim.due.isoformat() if claim.due is not None and claim.due > now else None


def _between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=off) for off in range((last - first).days + 1)] if first < last else []
