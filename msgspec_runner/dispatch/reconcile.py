"""Which message in doubt is which message of the API's lists. Pure.

A match is a claim that somebody was texted, so nothing is claimed that could be somebody else's: the number, the words
and the time must fit, the id must be nobody's yet, and where several messages say the same to one number there must be
one for each that is in doubt. Where there are fewer, or more, none of them is settled: a guess could be wrong for
each. To find nothing proves nothing.

The API need not show a time. What shows none was at least in a list that was asked for by days, and it counts as of
each of them: so it hangs together with every message of these days that says the same to the same number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import NamedTuple, TypeVar

import orjson

from msgspec_runner.dispatch.delivery import own_schedule, read
from msgspec_runner.ledger.ledger import Stored
from msgspec_runner.sociocs.listed import Content, Listed, content_of
from msgspec_runner.timing import due

T = TypeVar("T")

EARLY = timedelta(minutes=2)
"""How far the API's clock may be behind ours. A claim is recorded just before the request leaves, never after it."""

LATE = timedelta(hours=12)
"""How long after the claim the API may say that it got or sent the message: an hour at most for the request (the
longest timeout), and a provider's queue (Twilio keeps an SMS for ten hours at most, its ``ValidityPeriod``)."""

DUE_SLACK = timedelta(minutes=2)
"""How far the time that a message was scheduled for may be from the one that is listed: after a crash, ours is worked
out from the time of the claim."""

MAX_SPAN = 31
"""Days of one list call (facts, section 1)."""

TERM_WORDS = 5
"""Words of a text that are searched for."""

TERM_LENGTH = 60
"""Characters of them."""


class Claim(NamedTuple):
    """A message of the ledger that may be among those of the API.

    Attributes:
        key: its identity.
        to: E.164 with ``+``.
        content: what it says.
        claimed_at: when its last attempt was about to begin, aware.
        due: what the API was asked to wait for, aware; None: nothing.
        in_doubt: whether it may be settled; else it may own what is listed, and takes part for that reason only.
    """

    key: str
    to: str
    content: Content
    claimed_at: datetime
    due: datetime | None = None
    in_doubt: bool = True


class Matches(NamedTuple):
    """What the lists prove.

    Attributes:
        found: the message of the API for each key that is settled by it.
        alike: for each key that is not settled although something looks like it: how many messages look like it.
    """

    found: dict[str, Listed]
    alike: dict[str, int]


def claim_of(stored: Stored, *, in_doubt: bool = True) -> Claim | None:
    """Return a message as it is compared; None where people's data was erased from it, or it was never tried.

    A run that died could not record what the API was asked to wait for: it is worked out again.
    """
    message = stored.message
    if stored.erased or stored.claimed_at is None:
        return None
    fields = orjson.loads(message.body)
    claimed_at = datetime.fromisoformat(stored.claimed_at)
    waits_for = (
        datetime.fromisoformat(stored.scheduled_for)
        if stored.scheduled_for
        else due(own_schedule(message.body), read(message.delivery), claimed_at).at
    )
    return Claim(message.key, message.to, content_of(fields), claimed_at, waits_for, in_doubt)


def match(claims: Sequence[Claim], listed: Iterable[Listed], owned: Collection[str]) -> Matches:
    """Find out which message of the API is whose.

    Args:
        claims: every message of the origin that is in doubt, and every other that may own what is listed without
            having its id: what is being sent, and what was released.
        listed: what the API lists; a message may be there several times.
        owned: ids that messages of the ledger have.
    """
    found: dict[str, Listed] = {}
    alike: dict[str, int] = {}
    by_number: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_number[claim.to].append(claim)
    candidates: defaultdict[str, list[Listed]] = defaultdict(list)
    for message in _consistent(listed):
        if message.message_id not in owned and message.to in by_number:
            candidates[message.to].append(message)
    for number, messages in candidates.items():
        for group, those in _groups(by_number[number], messages):
            pairs = _paired(group, those)
            for claim in group:
                if claim.in_doubt and claim.key in pairs:
                    found[claim.key] = pairs[claim.key]
                elif claim.in_doubt:
                    alike[claim.key] = len(those)
    return Matches(found, alike)


def is_match(claim: Claim, message: Listed) -> bool:
    """Say whether a message of the API may be this one."""
    return claim.to == message.to and _same_words(claim.content, message.content) and _same_time(claim, message)


def spans(claims: Iterable[Claim], now: datetime) -> list[tuple[date, date]]:
    """Return the spans of days in which the messages may be listed as sent, first and last day each.

    A day before and after the attempt, in UTC: the API's days may be those of another time zone.

    Args:
        claims: the messages.
        now: the present; what is scheduled for later is not among those that were sent.
    """
    days: set[date] = set()
    for claim in claims:
        days |= _days(claim, now)
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and day - found[-1][1] == timedelta(days=1) and (day - found[-1][0]).days < MAX_SPAN:
            found[-1] = found[-1][0], day
        else:
            found.append((day, day))
    return found


def searches(claims: Iterable[Claim], now: datetime) -> list[tuple[str, date, date]]:
    """Return what to search for, each term with its span of days once; what has no text cannot be searched for."""
    wanted: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.content.text is not None:
            wanted[term(claim.content.text)].append(claim)
    return [(words, first, last) for words, those in wanted.items() for first, last in spans(those, now)]


def term(text: str) -> str:
    """Return the first words of a text's first line, to search for."""
    return " ".join(text.splitlines()[0].split(" ")[:TERM_WORDS])[:TERM_LENGTH].strip()


def _days(claim: Claim, now: datetime | None = None) -> set[date]:
    """Return the days in which a message may be listed as sent; None: as of any present."""
    moments = [claim.claimed_at]
    if claim.due is not None and (now is None or claim.due <= now):
        moments.append(claim.due)
    return {moment.astimezone(UTC).date() + timedelta(days=off) for moment in moments for off in (-1, 0, 1)}


def _consistent(listed: Iterable[Listed]) -> Iterator[Listed]:
    """Yield each message once; an id that stands for two different messages is nobody's."""
    seen: dict[str, Listed | None] = {}
    for message in listed:
        known = seen.setdefault(message.message_id, message)
        if known is not None:
            seen[message.message_id] = _both(known, message) if known[:3] == message[:3] else None
    return (message for message in seen.values() if message is not None)


def _both(known: Listed, message: Listed) -> Listed | None:
    """Return a message that is listed twice: a time says more than days; days that exclude each other say nothing."""
    if not (_is_undated(known) and _is_undated(message)):
        return message if _is_undated(known) else known
    if known.days is None or message.days is None:
        return known._replace(days=known.days or message.days)
    days = max(known.days[0], message.days[0]), min(known.days[1], message.days[1])
    return known._replace(days=days) if days[0] <= days[1] else None


def _is_undated(message: Listed) -> bool:
    return message.at is None and message.due is None


def _same_words(ours: Content, theirs: Content) -> bool:
    if _differ(ours.provider, theirs.provider) or _differ(ours.channel, theirs.channel):
        return False
    if ours.template is not None:  # what is listed may show what the provider made of it, too
        return ours.template == theirs.template and ours.variables == theirs.variables
    if theirs.template is not None or ours.text != theirs.text:
        return False
    if ours.text is None:
        return bool(ours.media) and ours.media == theirs.media
    return not theirs.media or ours.media == theirs.media


def _differ(ours: str | None, theirs: str | None) -> bool:
    """Whether both are known and differ: what is not shown says nothing."""
    return ours is not None and theirs is not None and ours != theirs


def _same_time(claim: Claim, message: Listed) -> bool:
    if message.days is not None and _is_undated(message):
        first, last = message.days
        return any(first <= day <= last for day in _days(claim))
    scheduled = message.due is not None and (message.at is None or message.due - message.at > DUE_SLACK)
    if message.due is not None and scheduled and (claim.due is None or abs(message.due - claim.due) > DUE_SLACK):
        return False
    if message.at is None:
        return scheduled
    begins = [claim.claimed_at] if claim.due is None else [claim.claimed_at, claim.due]
    return any(begin - EARLY <= message.at <= begin + LATE for begin in begins)


def _groups(claims: Sequence[Claim], messages: Sequence[Listed]) -> Iterator[tuple[list[Claim], list[Listed]]]:
    """Yield the claims and messages of one number that hang together because each may be another's."""
    waiting, left = list(claims), list(messages)
    while waiting:
        newest, those = [waiting.pop()], list[Listed]()
        group = list(newest)
        while newest:
            more, left = _split(left, partial(_is_any_of, newest))
            newest, waiting = _split(waiting, partial(_owns_any_of, more))
            those += more
            group += newest
        if those:
            yield group, those


def _is_any_of(claims: Sequence[Claim], message: Listed) -> bool:
    return any(is_match(claim, message) for claim in claims)


def _owns_any_of(messages: Sequence[Listed], claim: Claim) -> bool:
    return any(is_match(claim, message) for message in messages)


def _split(items: Sequence[T], belongs: Callable[[T], bool]) -> tuple[list[T], list[T]]:
    """Return what belongs, and the rest."""
    inside: list[T] = []
    rest: list[T] = []
    for item in items:
        (inside if belongs(item) else rest).append(item)
    return inside, rest


def _paired(claims: Sequence[Claim], messages: Sequence[Listed]) -> Mapping[str, Listed]:
    """Return which message is whose: the first for who was first; nothing where that cannot be told.

    What says the same to the same number is the same to who got it, so it does not matter which of them has which id;
    it matters that there is one for each.
    """
    if len(claims) != len(messages) or not all(claim.in_doubt for claim in claims):
        return {}
    in_order = sorted(claims, key=lambda claim: (claim.claimed_at, claim.key))
    as_listed = sorted(messages, key=lambda message: (message.at or message.due or _NEVER, message.message_id))
    pairs = list(zip(in_order, as_listed, strict=True))
    return {claim.key: message for claim, message in pairs} if all(is_match(*pair) for pair in pairs) else {}


_NEVER = datetime.max.replace(tzinfo=UTC)
