"""What the sandbox got: every request to ``POST /message`` and every message that it kept, in memory only.

Memory is bounded: the newest requests and messages are held in full, all are counted. The API key is
never stored, nor is any other header that carries a secret.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

Headers = tuple[tuple[bytes, bytes], ...]

NEWEST: Final = 100_000
"""Requests and messages that are held in full, about 1 kB each; older ones are counted only."""

REMEMBERED: Final = 1_000_000
"""Bodies whose digests are held to notice a message that comes again, about 150 bytes each."""

MAX_SCHEDULED: Final = 100
"""Scheduled messages in one list, as in the API (no paging)."""

SECRET_HEADERS: Final = frozenset({b"apikey", b"authorization", b"proxy-authorization", b"cookie"})
"""Request headers that are never stored (lower case): other places where the API takes its key, and cookies."""

_HEADER_SETS: Final = 1000
"""Different sets of headers shared between requests before the sharing starts anew."""


class Received(NamedTuple):
    """One request to ``POST /message`` and what became of it.

    Attributes:
        number: 1 for the first request.
        at: when it came, in seconds since the epoch.
        headers: its headers in order, without :data:`SECRET_HEADERS`.
        body: its body, decompressed.
        status: HTTP status of the answer; None where there was none (a reset, a hang).
        answer: body of the answer.
        message_id: the message it made, or None.
        fault: the kind of fault it met, or None.
    """

    number: int
    at: float
    headers: Headers
    body: bytes
    status: int | None
    answer: bytes
    message_id: str | None
    fault: str | None


class Message(NamedTuple):
    """One message that was kept: a real server would send it.

    Attributes:
        message_id: its id.
        at: when it was kept, in seconds since the epoch.
        due: when it goes out, in seconds since the epoch; ``at`` unless it was scheduled for later.
        body: the request body that made it.
    """

    message_id: str
    at: float
    due: float
    body: bytes

    def fields(self) -> dict[str, Any]:
        """The fields of the request body."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    def describe(self, now: float) -> dict[str, Any]:
        """Show the message as the list calls do; the API does not document the shape of these objects.

        Args:
            now: seconds since the epoch, to tell scheduled from sent.

        Returns:
            The body's fields and ``message_id``, ``id`` (the same), ``direction``, ``status``, ``created_at``.
        """
        return {
            **self.fields(),
            "id": self.message_id,
            "message_id": self.message_id,
            "direction": "outbound",
            "status": "scheduled" if self.due > now else "sent",
            "created_at": datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds"),
        }


class Stats(NamedTuple):
    """Counts since the start.

    Attributes:
        received: requests to ``POST /message``, whatever became of them.
        kept: messages kept, whether or not the client got to know.
        refused: requests that were answered with a refusal of the body or the key.
        cancelled: scheduled messages deleted before they were due.
        duplicates: kept messages whose body had been kept before: what a person would have got twice.
        faults: requests struck, by kind of fault.
    """

    received: int
    kept: int
    refused: int
    cancelled: int
    duplicates: int
    faults: dict[str, int]


class Store:
    """The sandbox's memory; belongs to one event loop and takes no locks.

    Args:
        newest: how many requests and messages to hold in full.
    """

    def __init__(self, newest: int = NEWEST) -> None:
        self._newest = newest
        self._requests: deque[Received] = deque(maxlen=newest)
        self._messages: OrderedDict[str, Message] = OrderedDict()
        self._arrivals: OrderedDict[bytes, int] = OrderedDict()
        self._kept_bodies: OrderedDict[bytes, None] = OrderedDict()
        self._header_sets: dict[Headers, Headers] = {}
        self._faults: Counter[str] = Counter()
        self._received = 0
        self._kept = 0
        self._refused = 0
        self._cancelled = 0
        self._duplicates = 0

    def arrive(self, body: bytes) -> int:
        """Count the arrival of a body.

        Args:
            body: the request's raw body.

        Returns:
            How often this very body came before.
        """
        digest = hashlib.blake2b(body, digest_size=16).digest()
        nth = self._arrivals.get(digest, 0)
        self._arrivals[digest] = nth + 1
        if len(self._arrivals) > REMEMBERED:
            self._arrivals.popitem(last=False)
        return nth

    def keep(self, message: Message) -> None:
        """Keep a message, as a real server would before it sends it."""
        self._kept += 1
        digest = hashlib.blake2b(message.body, digest_size=16).digest()
        if digest in self._kept_bodies:
            self._duplicates += 1
        else:
            self._kept_bodies[digest] = None
            if len(self._kept_bodies) > REMEMBERED:
                self._kept_bodies.popitem(last=False)
        self._messages[message.message_id] = message
        if len(self._messages) > self._newest:
            self._messages.popitem(last=False)

    def record(
        self,
        at: float,
        headers: Headers,
        body: bytes,
        status: int | None,
        answer: bytes,
        *,
        message_id: str | None = None,
        fault: str | None = None,
    ) -> None:
        """Remember a request and its answer; the arguments are those of :class:`Received`."""
        self._received += 1
        if fault is not None:
            self._faults[fault] += 1
        elif message_id is None:
            self._refused += 1
        kept_headers = self._without_secrets(headers)
        self._requests.append(Received(self._received, at, kept_headers, body, status, answer, message_id, fault))

    def requests(self, limit: int | None = None) -> list[Received]:
        """The newest requests, oldest first.

        Args:
            limit: at most so many; None for all that are held.
        """
        found = list(self._requests)
        return found if limit is None else found[max(0, len(found) - limit) :]

    def messages(self) -> list[Message]:
        """The messages that are held, oldest first, scheduled ones included, cancelled ones not."""
        return list(self._messages.values())

    def sent(self, now: float, first: date, last: date) -> list[Message]:
        """The messages that went out, newest first.

        Args:
            now: seconds since the epoch; what is due later has not gone out.
            first: the first day (UTC).
            last: the last day (UTC), included.
        """
        start = datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()
        end = datetime(last.year, last.month, last.day, tzinfo=UTC).timestamp() + 86_400
        found = [message for message in self._messages.values() if start <= message.due < end and message.due <= now]
        return sorted(found, key=lambda message: message.due, reverse=True)

    def scheduled(self, now: float) -> list[Message]:
        """The messages still to go out, the latest first, at most :data:`MAX_SCHEDULED`."""
        waiting = [message for message in self._messages.values() if message.due > now]
        return sorted(waiting, key=lambda message: message.due, reverse=True)[:MAX_SCHEDULED]

    def find(self, message_id: str) -> Message | None:
        """The message with that id, if it is held."""
        return self._messages.get(message_id)

    def cancel(self, message_id: str) -> None:
        """Forget a scheduled message; the caller has made sure that it is there and not yet due."""
        del self._messages[message_id]
        self._cancelled += 1

    def stats(self) -> Stats:
        """Counts since the start."""
        return Stats(
            received=self._received,
            kept=self._kept,
            refused=self._refused,
            cancelled=self._cancelled,
            duplicates=self._duplicates,
            faults=dict(self._faults),
        )

    def _without_secrets(self, headers: Sequence[tuple[bytes, bytes]]) -> Headers:
        """Drop secret headers; equal sets, as one client sends them all day, are held once."""
        clean = tuple(pair for pair in headers if pair[0].lower() not in SECRET_HEADERS)
        if len(self._header_sets) >= _HEADER_SETS:
            self._header_sets.clear()
        return self._header_sets.setdefault(clean, clean)
