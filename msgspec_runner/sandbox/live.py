"""What happens in the sandbox, live: a stream of server-sent events, and room for those who wait.

A stream is written from the journal at the pace of its reader, piece by piece; nothing is queued for anybody.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from msgspec_runner.errors import UsageError
from msgspec_runner.sandbox.answers import error_body, respond
from msgspec_runner.sandbox.faults import FAULT_KINDS
from msgspec_runner.sandbox.journal import Change
from msgspec_runner.sandbox.queries import MAX_DIGITS, parse_following
from msgspec_runner.sandbox.shown import State, moment, search, show, state_of, written
from msgspec_runner.sandbox.state import Sandbox, Settings
from msgspec_runner.sandbox.store import Received

MAX_READERS: Final = 64
"""Requests that may wait at once, for events or for a message; each costs a connection."""

PAUSE_SECONDS: Final = 0.1
"""Between two pieces of a stream: what comes in that time goes out as one, so that a storm costs little."""

SILENCE_SECONDS: Final = 15.0
"""After so long without an event a comment is sent, so that nobody in between takes the connection for dead."""

PATIENCE_SECONDS: Final = 30.0
"""How long a reader may take for one piece before it is let go; it may come back and read on from its place."""

PIECE_BYTES: Final = 1024 * 1024
"""Size from which a stream goes on with the next piece; one request in it may be larger."""

RETRY_MS: Final = 500
"""How long a browser waits before it connects again."""


def crowded() -> web.Response:
    """The answer to who wants to wait where there is no room."""
    return respond(503, error_body(f"{MAX_READERS} readers wait already. Close a page, or end a test that waits."))


def state(sandbox: Sandbox, received: Received, now: float) -> State:
    """Say what became of a request.

    Args:
        sandbox: where it came.
        received: the request.
        now: seconds since the epoch.
    """
    cancelled = received.message_id is not None and sandbox.store.is_cancelled(received.message_id)
    return state_of(received, now, cancelled=cancelled)


def stats(sandbox: Sandbox) -> dict[str, Any]:
    """The counts and the seed, as ``/_sandbox/stats`` shows them."""
    return {"seed": sandbox.seed, **sandbox.store.stats()._asdict()}


def settings_shown(settings: Settings) -> dict[str, Any]:
    """The faults and the latency, as ``/_sandbox/settings`` shows them, and which faults there are."""
    return {
        "faults": [fault.text for fault in settings.faults],
        "latency": settings.latency.text,
        "kinds": [{"kind": kind, **about._asdict()} for kind, about in FAULT_KINDS.items()],
    }


class Live:
    """The handler of ``/_sandbox/events``, and the readers that there are.

    Args:
        sandbox: whose they are.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._readers: set[asyncio.Transport] = set()

    @asynccontextmanager
    async def room(self, request: web.Request) -> AsyncIterator[bool]:
        """Let a request wait, if there is room; those who have left make some."""
        if len(self._readers) >= MAX_READERS:
            self._readers = {one for one in self._readers if not one.is_closing()}
        connection = request.transport
        if connection is None or len(self._readers) >= MAX_READERS:
            yield False
            return
        self._readers.add(connection)
        try:
            yield True
        finally:
            self._readers.discard(connection)

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """Answer ``GET /_sandbox/events``: a stream of server-sent events."""
        try:
            following = parse_following(request.query)
        except UsageError as error:
            return respond(400, error_body(str(error)))
        asked = request.headers.get("Last-Event-ID", following.last_event_id)
        stream = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"}
        )
        async with self.room(request) as there_is_room:
            if not there_is_room:
                return crowded()
            try:
                await stream.prepare(request)
                async for piece in self._pieces(search(following.wanted), asked):
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        await stream.write(piece)
            except (TimeoutError, ConnectionError):  # it does not read, or is gone
                if request.transport is not None:
                    request.transport.abort()
        return stream

    async def _pieces(self, wanted: Callable[[Received], bool], asked: str) -> AsyncIterator[bytes]:
        """Yield a stream's pieces until the server stops; each is taken from the journal when it is to be written."""
        journal = self._sandbox.store.journal
        place = self._place(asked)
        resumed = place is not None
        if place is None:
            place = journal.place
        hello = {"resumed": resumed, "now": moment(self._sandbox.now()), "stats": stats(self._sandbox)}
        yield b"retry: %d\n\n" % RETRY_MS
        yield self._event("hello", place, {**hello, "settings": settings_shown(self._sandbox.settings)})
        while not self._sandbox.stopping.is_set():
            changes = journal.since(place)
            if changes == []:
                await journal.news(place, SILENCE_SECONDS)
                if journal.place == place:
                    yield b": still here\n\n"
                continue
            piece = b""
            if changes is None:
                place = journal.place
                piece = self._event("missed", place, {})
            for change in changes or ():
                place = change.place
                piece += self._told(change, wanted)
                if len(piece) > PIECE_BYTES:
                    break
            yield piece + self._event("stats", place, stats(self._sandbox))
            await asyncio.sleep(PAUSE_SECONDS)

    def _told(self, change: Change, wanted: Callable[[Received], bool]) -> bytes:
        """Tell a change; nothing where it concerns a request that the reader does not look for, or that has gone."""
        if change.kind == "cleared":
            return self._event("cleared", change.place, {})
        if change.kind == "settings":
            return self._event("settings", change.place, settings_shown(self._sandbox.settings))
        received = None if change.number is None else self._sandbox.store.request(change.number)
        if received is None or not wanted(received):
            return b""
        entry = show(received, state(self._sandbox, received, self._sandbox.now()))
        return self._event("request", change.place, written(entry))

    def _place(self, asked: str) -> int | None:
        """The place that a reader asks to go on from; None where it is none of this sandbox's, or no longer held."""
        life, _, digits = asked.partition("-")
        if life != self._sandbox.life or not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
            return None
        place = int(digits)
        return None if self._sandbox.store.journal.since(place) is None else place

    def _event(self, kind: str, place: int, data: dict[str, Any] | str) -> bytes:
        """Write one event."""
        text = data if isinstance(data, str) else json.dumps(data)
        return f"id: {self._sandbox.place_id(place)}\nevent: {kind}\ndata: {text}\n\n".encode()
