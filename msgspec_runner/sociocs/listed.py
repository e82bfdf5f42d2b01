"""Messages as the API's list calls show them, read leniently. Pure; raises nothing for whatever comes.

The API does not document the shape of these objects (facts, section 1). So each value is looked for under every name
that such APIs give it; what is not shown is None, and what cannot be read is not shown. An answer that is no list is
told from an empty one: nonsense is not "nothing found".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import NamedTuple, TypeVar

import orjson

from msgspec_runner.content.phone import canonical
from msgspec_runner.sociocs.classify import api_words, sound_id

T = TypeVar("T")

MEDIA = ("image_url", "video_url", "file_url")
"""Parameters of the API that show something."""

_IDS = ("message_id", "messageId", "id", "_id")
_NUMBERS = ("to", "to_number", "phone_number", "phone", "number", "recipient", "contact", "customer")
_TEXTS = ("text", "message", "body", "content", "message_text")
_TIMES = ("created_at", "createdAt", "created", "sent_at", "sentAt", "date", "message_date", "timestamp", "time")
_DUES = ("schedule", "scheduled_at", "scheduledAt", "scheduled_for", "schedule_date", "scheduleDate", "send_at")
_LISTS = ("data", "messages", "results", "items", "records")
_INBOUND = frozenset({"inbound", "incoming", "in", "received"})

_GROUPING = str.maketrans("", "", " ()-.")
_EARLIEST = 946_684_800.0
"""1 January 2000: a smaller number is no time of a message, in seconds or in milliseconds."""
_LATEST = 32_503_680_000.0
"""1 January 3000 in seconds; above it, a number counts milliseconds."""
_DEEPEST = 6
"""Levels of objects that are compared: template variables have two."""


class Content(NamedTuple):
    """What a message says; each None where it is not shown.

    Attributes:
        text: with ``\\n`` for line ends, and without white space around it.
        media: the URLs by parameter.
        template: the template's id.
        variables: the template's, as one JSON text.
        provider: whose channel it goes through.
        channel: ``channel_key``.
    """

    text: str | None = None
    media: tuple[tuple[str, str], ...] = ()
    template: str | None = None
    variables: str | None = None
    provider: str | None = None
    channel: str | None = None


class Listed(NamedTuple):
    """A message that the API lists.

    Attributes:
        message_id: its id.
        to: the recipient, E.164 with ``+``.
        content: what it says.
        at: when the API got or sent it, aware; a time without an offset is taken as UTC.
        due: what it was scheduled for, aware.
        days: the first and the last day that its list was asked for; None: it was asked for without days.
    """

    message_id: str
    to: str
    content: Content
    at: datetime | None = None
    due: datetime | None = None
    days: tuple[date, date] | None = None


class Listing(NamedTuple):
    """An answer to a list call.

    Attributes:
        messages: those that could be read, without those that came in.
        unread: how many objects show no id or no recipient.
    """

    messages: tuple[Listed, ...]
    unread: int = 0

    @property
    def size(self) -> int:
        """The number of objects, readable or not."""
        return len(self.messages) + self.unread


def read_listing(answer: bytes, secret: str = "") -> Listing | str:
    """Read an answer, or say in a few words why it is no list.

    Args:
        answer: the body of a 2xx.
        secret: the API key: nothing that holds it is read.
    """
    try:
        found = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return "the answer is not JSON"
    if isinstance(found, dict) and found.get("status") == "error":
        return api_words(found.get("errors"), secret) or "the API refused"
    objects = _objects(found)
    if objects is None:
        return "the answer is no list of messages"
    messages, unread = [], 0
    for each in objects:
        if isinstance(each, dict) and _is_inbound(each):
            continue
        message = _listed(each, secret) if isinstance(each, dict) else None
        if message is None:
            unread += 1
        else:
            messages.append(message)
    return Listing(tuple(messages), unread)


def content_of(fields: Mapping[str, object]) -> Content:
    """Return what an object says: a body that was posted, or a message that is listed."""
    template = fields.get("template")
    template_id = fields.get("template_id")
    variables = fields.get("variables", fields.get("template_variables"))
    if isinstance(template, dict):
        template_id = template.get("id", template.get("template_id"))
        variables = template.get("variables")
    elif isinstance(template, str):
        template_id = template_id or template
    media = ((name, _text(fields.get(name))) for name in MEDIA)
    return Content(
        text=_first_text(fields),
        media=tuple((name, url) for name, url in media if url is not None),
        template=_text(template_id),
        variables=_variables(variables),
        provider=_text(fields.get("provider")),
        channel=_text(fields.get("channel_key")),
    )


def read_time(value: object) -> datetime | None:
    """Return a time: ISO 8601, or seconds or milliseconds since 1970; None for what is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        if not text.isascii() or len(text) > 40:
            return None
        if not text.replace(".", "", 1).isdigit():
            return _iso(text)
        value = float(text)
    if isinstance(value, int | float):
        seconds = value / 1000 if value > _LATEST else value
        if _EARLIEST <= seconds < _LATEST:  # NaN is neither
            return datetime.fromtimestamp(seconds, UTC)
    return None


def _iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # no time; or one at the end of the calendar
        return None


def _objects(found: object) -> Sequence[object] | None:
    """Return the list in an answer: itself, or under one of the usual names, two levels deep."""
    for _ in range(3):
        if isinstance(found, list):
            return found
        if not isinstance(found, dict):
            return None
        found = next((found[name] for name in _LISTS if isinstance(found.get(name), list | dict)), None)
    return None


def _listed(found: Mapping[str, object], secret: str) -> Listed | None:
    message_id = _first(found, _IDS, partial(_id, secret=secret))
    to = _first(found, _NUMBERS, _number)
    if message_id is None or to is None:
        return None
    return Listed(message_id, to, content_of(found), _first(found, _TIMES, read_time), _first(found, _DUES, read_time))


def _first(found: Mapping[str, object], names: Iterable[str], read: Callable[[object], T | None]) -> T | None:
    """Return the first value under some names that can be read."""
    return next((known for name in names if (known := read(found.get(name))) is not None), None)


def _is_inbound(found: Mapping[str, object]) -> bool:
    direction = found.get("direction")
    return isinstance(direction, str) and direction.strip().lower() in _INBOUND


def _id(value: object, *, secret: str) -> str | None:
    if isinstance(value, dict):  # {"$oid": "…"}, as a document store writes it
        value = value.get("$oid")
    return sound_id(value, secret)


def _number(value: object) -> str | None:
    if isinstance(value, dict):
        return _first(value, _NUMBERS[:5], _number_text)
    return _number_text(value)


def _number_text(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if 0 < value < 10**16 else ""
    if not isinstance(value, str) or len(value) > 40:
        return None
    return canonical(value.strip().removeprefix("whatsapp:").translate(_GROUPING))


def _first_text(fields: Mapping[str, object]) -> str | None:
    for value in _texts(fields):
        text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
        if text:
            return text
    return None


def _texts(fields: Mapping[str, object]) -> Iterator[str]:
    for name in _TEXTS:
        value = fields.get(name)
        if isinstance(value, dict):  # {"message": {"text": "…"}}
            value = next((value[inner] for inner in _TEXTS if isinstance(value.get(inner), str)), None)
        if isinstance(value, str):
            yield value


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _variables(value: object) -> str | None:
    """Return template variables in one notation: ``1`` is ``"1"``, and the order of keys does not matter."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    if not isinstance(value, dict) or not value:
        return None
    try:
        return orjson.dumps(_plain(value, _DEEPEST), option=orjson.OPT_SORT_KEYS).decode()
    except ValueError:  # too deep to be template variables
        return None


def _plain(value: object, deep: int) -> object:
    if not deep:
        raise ValueError("too deep")
    if isinstance(value, dict):
        return {str(name): _plain(inner, deep - 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, deep - 1) for inner in value]
    return value if isinstance(value, str) else orjson.dumps(value).decode()
