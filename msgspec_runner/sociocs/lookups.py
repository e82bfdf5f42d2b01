"""The calls that send nobody anything: lists, searches, and deleting what is still scheduled.

They are made gently: one after the other, with a pause between two, and with longer and longer ones where the API is in
trouble or asks for a lower rate. Each may be made again without harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote

import orjson

from msgspec_runner.errors import RunStoppedError
from msgspec_runner.model import OutcomeKind
from msgspec_runner.sociocs.classify import api_words, one_line
from msgspec_runner.sociocs.client import Answer, Client
from msgspec_runner.sociocs.listed import Listing, read_listing

MAX_LISTING = 32 * 1024 * 1024
"""Bytes of a list that are read: 30,000 messages of 1 KiB. One that is longer is asked for in smaller spans of days."""

MAX_DELETION = 64 * 1024
"""Bytes of the answer to a deletion."""

PAUSE = 0.2
"""Seconds between two calls: the API documents no rate, so five a second."""

ATTEMPTS = 4
"""How often a call is made that the API, or the way to it, does not let through."""

FIRST_WAIT = 1.0
"""Seconds before the second attempt; each further wait is twice as long, unless the API asks for another."""

LONGEST_WAIT = 120.0
"""Seconds; when the API asks for more, we give up: a person is waiting."""

Sleep = Callable[[float], Awaitable[object]]

_NOT_FOUND = (404, 410)
"""Statuses of a deletion that say: there is no such message."""

_WAITS = (OutcomeKind.UNSENT, OutcomeKind.THROTTLED, OutcomeKind.IN_DOUBT)


class NotAnswered(Exception):  # noqa: N818 - says what happened to a call; not an error of the program
    """The API did not answer a call, or not with what it documents. The text says why, in a few words."""


class Deletion(StrEnum):
    """What became of a request to delete a scheduled message."""

    DELETED = "deleted"
    GONE = "gone"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Deleted(NamedTuple):
    """The answer to a deletion.

    Attributes:
        outcome: ``GONE`` where the API does not find it: it may have been deleted before, or sent. ``UNKNOWN`` where no
            sensible answer came: it may have been deleted, or not.
        words: what the API said, or what went wrong; empty where it was deleted.
    """

    outcome: Deletion
    words: str = ""


class Lookups:
    """Asks one API, through a client that was entered.

    Args:
        client: of the API.
        secret: the API key, to be cut out of what the API says.
        sleep: waits for so many seconds; tests set it.
    """

    def __init__(self, client: Client, secret: str, *, sleep: Sleep = asyncio.sleep) -> None:
        self._client = client
        self._secret = secret
        self._sleep = sleep
        self._asked = False

    async def scheduled(self) -> Listing:
        """Return what is still to go out: the API gives the newest 100 only.

        Raises:
            NotAnswered: no list came.
            RunStoppedError: the key is refused, the base URL is wrong.
        """
        return await self._list("/messages/scheduled", {})

    async def sent(self, first: date, last: date) -> Listing:
        """Return what went out, or came in, in a span of days.

        Args:
            first: the first day.
            last: the last day, included; 31 days at most.

        Raises:
            NotAnswered: no list came.
            RunStoppedError: as :meth:`scheduled`.
        """
        return await self._list("/messages", {"start_date": first.isoformat(), "end_date": last.isoformat()})

    async def search(self, text: str, first: date, last: date) -> Listing:
        """Return what went out in a span of days and has these words.

        Args:
            text: words of the message.
            first: the first day.
            last: the last day, included; 31 days at most.

        Raises:
            NotAnswered: no list came.
            RunStoppedError: as :meth:`scheduled`.
        """
        span = {"start_date": first.isoformat(), "end_date": last.isoformat()}
        return await self._list("/messages/search", {"text": text, "direction": "outbound", **span})

    async def delete(self, message_id: str) -> Deleted:
        """Delete a message that is still scheduled.

        Raises:
            RunStoppedError: the key is refused, the base URL redirects.
        """
        name = quote(message_id, safe="")
        if not name.strip("."):  # the path above
            return Deleted(Deletion.REFUSED, "its id cannot be written into an address")
        answer = await self._patiently("DELETE", f"/messages/scheduled/{name}", {}, MAX_DELETION, _about_one_message)
        if answer.problem is None:
            return _judged(answer.content, self._secret)
        if answer.status in _NOT_FOUND:
            # It is said of a wrong address, too.
            return Deleted(Deletion.GONE, self._quoted(answer) or f"HTTP {answer.status}; is the base URL right?")
        if answer.status is not None and _about_one_message(answer):
            return Deleted(Deletion.REFUSED, self._said(answer))
        return Deleted(Deletion.UNKNOWN, self._said(answer))

    async def _list(self, path: str, query: Mapping[str, str]) -> Listing:
        answer = await self._patiently("GET", path, query, MAX_LISTING, lambda _: False)
        if answer.problem is not None:
            raise NotAnswered(self._said(answer))
        listing = read_listing(answer.content, self._secret)
        if isinstance(listing, str):
            raise NotAnswered(one_line(listing))
        return listing

    async def _patiently(
        self, method: str, path: str, query: Mapping[str, str], limit: int, is_settled: Callable[[Answer], bool]
    ) -> Answer:
        """Make a call, again where it did not get through; return the last answer."""
        wait = PAUSE if self._asked else 0.0
        self._asked = True
        for attempt in range(1, ATTEMPTS + 1):
            if wait:
                await self._sleep(wait)
            answer = await self._client.ask(method, path, query, limit=limit)
            if answer.problem is None or is_settled(answer):
                return answer
            if answer.problem.kind is OutcomeKind.STOP:
                raise RunStoppedError(str(answer.problem.error))
            wait = answer.problem.retry_after or FIRST_WAIT * 2 ** (attempt - 1)
            if answer.problem.kind not in _WAITS or wait > LONGEST_WAIT or _is_readable(answer):
                return answer
        return answer

    def _said(self, answer: Answer) -> str:
        """Return what the API said of a problem, else what the problem is."""
        return self._quoted(answer) or (answer.problem.error if answer.problem is not None else None) or "no words"

    def _quoted(self, answer: Answer) -> str:
        """Return what the API said of a problem; empty where it said nothing that can be read."""
        try:
            found = orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            return ""
        return api_words(found.get("errors"), self._secret) if isinstance(found, dict) else ""


def _is_readable(answer: Answer) -> bool:
    """Whether an answer came whole, or would never: to ask again would bring the same."""
    return answer.status is not None and 200 <= answer.status < 300


def _about_one_message(answer: Answer) -> bool:
    """Whether a status speaks of the message that was to be deleted, and not of the key or the server."""
    return answer.status in (400, 409, 422, 423, *_NOT_FOUND)


def _judged(content: bytes, secret: str) -> Deleted:
    """Say what the body of a 2xx means for a deletion; one that says nothing is a yes, as its status is."""
    if not content.strip():
        return Deleted(Deletion.DELETED)
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return Deleted(Deletion.UNKNOWN, "the answer is not JSON")
    status = found.get("status") if isinstance(found, dict) else None
    if status == "success":
        return Deleted(Deletion.DELETED)
    if status == "error":
        return Deleted(Deletion.REFUSED, api_words(found.get("errors"), secret) or "the API refused")
    return Deleted(Deletion.UNKNOWN, "its status is neither success nor error")
