"""What the sandbox got: every request to ``POST /message`` and every message that it kept, in memory only.

Memory is bounded: the newest requests and messages are held in full, all are counted. The API key is
never stored, nor is the value of any other header that may carry a secret.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from msgspec_runner.sandbox.journal import Journal

Headers = tuple[tuple[bytes, bytes], ...]

NEWEST: Final = 100_000
"""Requests and messages that are held in full, about 1 kB each; older ones are counted only."""

HELD_BYTES: Final = 256 * 1024 * 1024
"""Bytes of requests, and as many of messages, that are held in full: far above 100,000 real ones, and a bound for
a client that posts a megabyte each time."""

REMEMBERED: Final = 1_000_000
"""Bodies whose digests are held to notice a message that comes again, about 150 bytes each."""

MAX_SCHEDULED: Final = 100
"""Scheduled messages in one list, as in the API (no paging)."""

NOT_KEPT: Final = b"(not kept)"
"""What stands in place of a secret header's value."""

_SECRET_HEADER = re.compile(rb"auth|cookie|credential|key|passw|secret|session|signature|token", re.IGNORECASE)
"""Names of headers whose values are never stored: ``apikey``, the other places where the API takes its key, cookies,
and what clients of other APIs send."""

_OVERHEAD: Final = 400
"""Bytes that a request takes beside its body, answer and headers, about."""

_HEADER_SETS: Final = 1000
"""Different sets of headers shared between requests before the sharing starts anew."""

_SHARED_HEADERS: Final = 4096
"""Bytes of the largest set of headers that is shared; a client's own are a few hundred."""


class Received(NamedTuple):
    """One request to ``POST /message`` and what became of it.

    Attributes:
        number: 1 for the first request.
        at: when it came, in seconds since the epoch.
        headers: its headers in order, the values of secret ones replaced by :data:`NOT_KEPT`.
        body: its body, decompressed.
        status: HTTP status of the answer; None where there was none (a reset, a hang).
        answer: body of the answer.
        message_id: the message it made, or None.
        due: when that message goes out, in seconds since the epoch; None without a message.
        duplicate: whether that message's body had been kept before.
        fault: the kind of fault it met, or None.
        size: about how many bytes it takes.
    """

    number: int
    at: float
    headers: Headers
    body: bytes
    status: int | None
    answer: bytes
    message_id: str | None
    due: float | None
    duplicate: bool
    fault: str | None
    size: int


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
    """Counts since the start, or since :meth:`Store.clear`.

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
        held_bytes: how many bytes of requests, and of messages, to hold in full; the newest is held in any case.

    Attributes:
        journal: what changed, for readers.
    """

    def __init__(self, newest: int = NEWEST, held_bytes: int = HELD_BYTES) -> None:
        self.journal = Journal()
        self._newest = newest
        self._held_bytes = held_bytes
        self._number = 0
        self._header_sets: dict[Headers, tuple[Headers, int]] = {}
        self._forget()

    def _forget(self) -> None:
        """Begin with nothing."""
        self._requests: deque[Received] = deque()
        self._request_bytes = 0
        self._messages: OrderedDict[str, Message] = OrderedDict()
        self._message_bytes = 0
        self._cancelled_ids: OrderedDict[str, None] = OrderedDict()
        self._arrivals: OrderedDict[bytes, int] = OrderedDict()
        self._kept_bodies: OrderedDict[bytes, None] = OrderedDict()
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

    def keep(self, message: Message) -> bool:
        """Keep a message, as a real server would before it sends it.

        Returns:
            Whether a message with this very body was kept before.
        """
        self._kept += 1
        digest = hashlib.blake2b(message.body, digest_size=16).digest()
        duplicate = digest in self._kept_bodies
        if duplicate:
            self._duplicates += 1
        else:
            self._kept_bodies[digest] = None
            if len(self._kept_bodies) > REMEMBERED:
                self._kept_bodies.popitem(last=False)
        self._messages[message.message_id] = message
        self._message_bytes += len(message.body)
        while len(self._messages) > self._newest or (
            self._message_bytes > self._held_bytes and len(self._messages) > 1
        ):
            self._message_bytes -= len(self._messages.popitem(last=False)[1].body)
        return duplicate

    def record(
        self,
        at: float,
        headers: Headers,
        body: bytes,
        status: int | None,
        answer: bytes,
        *,
        message: Message | None = None,
        duplicate: bool = False,
        fault: str | None = None,
    ) -> None:
        """Remember a request and its answer; the arguments are those of :class:`Received`."""
        self._received += 1
        self._number += 1
        if fault is not None:
            self._faults[fault] += 1
        elif message is None:
            self._refused += 1
        headers, size = self._without_secrets(headers)
        size += len(body) + len(answer) + _OVERHEAD
        message_id, due = (None, None) if message is None else (message.message_id, message.due)
        self._requests.append(
            Received(self._number, at, headers, body, status, answer, message_id, due, duplicate, fault, size)
        )
        self._request_bytes += size
        while len(self._requests) > self._newest or (
            self._request_bytes > self._held_bytes and len(self._requests) > 1
        ):
            self._request_bytes -= self._requests.popleft().size
        self.journal.add("request", self._number)

    def request(self, number: int) -> Received | None:
        """The request with that number, if it is held."""
        if not self._requests:
            return None
        index = number - self._requests[0].number  # numbers are given in order and without a gap
        return self._requests[index] if 0 <= index < len(self._requests) else None

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
        self._message_bytes -= len(self._messages.pop(message_id).body)
        self._cancelled += 1
        self._cancelled_ids[message_id] = None
        if len(self._cancelled_ids) > self._newest:
            self._cancelled_ids.popitem(last=False)
        number = next((found.number for found in reversed(self._requests) if found.message_id == message_id), None)
        self.journal.add("cancelled", number)

    def is_cancelled(self, message_id: str) -> bool:
        """Whether a message was scheduled and then cancelled."""
        return message_id in self._cancelled_ids

    def clear(self) -> int:
        """Forget everything, as if the sandbox had just started; only the numbers of requests go on.

        Returns:
            How many requests were held.
        """
        held = len(self._requests)
        self._forget()
        self.journal.add("cleared")
        return held

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

    def _without_secrets(self, headers: Sequence[tuple[bytes, bytes]]) -> tuple[Headers, int]:
        """Replace the values of secret headers, and count bytes; equal sets, as one client sends, are held once."""
        clean = tuple([(pair[0], NOT_KEPT) if _is_secret(pair[0]) else pair for pair in headers])
        known = self._header_sets.get(clean)
        if known is None:
            known = clean, sum(len(name) + len(value) for name, value in clean)
            if known[1] <= _SHARED_HEADERS:
                if len(self._header_sets) >= _HEADER_SETS:
                    self._header_sets.clear()
                self._header_sets[clean] = known
        return known


@lru_cache(maxsize=256)
def _is_secret(name: bytes) -> bool:
    """Whether a header may carry a secret, by its name."""
    return _SECRET_HEADER.search(name) is not None
