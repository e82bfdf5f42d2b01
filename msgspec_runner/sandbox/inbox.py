"""The sandbox's own calls, below ``/_sandbox/``: what its page and people's integration tests use (docs/sandbox.md)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from msgspec_runner.errors import UsageError
from msgspec_runner.sandbox.answers import error_body, respond
from msgspec_runner.sandbox.faults import parse_faults, parse_latency
from msgspec_runner.sandbox.guard import objection_to_changing, objection_to_reading
from msgspec_runner.sandbox.live import PAUSE_SECONDS, Live, crowded, settings_shown, state, stats
from msgspec_runner.sandbox.queries import MAX_DIGITS, Query, parse_query
from msgspec_runner.sandbox.shown import search, show, written
from msgspec_runner.sandbox.state import Sandbox, Settings
from msgspec_runner.sandbox.store import Received

PIECE_BYTES: Final = 4 * 1024 * 1024
"""Size from which a list is cut; it goes on in the next."""

_GLANCE: Final = 200
"""Requests that a search looks at before others get their turn; about 2 ms."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Inbox:
    """The handlers of the calls below ``/_sandbox/``.

    Args:
        sandbox: whose they are.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._store = sandbox.store
        self._live = Live(sandbox)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Say which call each handler answers."""
        router.add_get("/_sandbox/requests", _reading(self.list_requests))
        router.add_get("/_sandbox/requests/{number}", _reading(self.get_request))
        router.add_delete("/_sandbox/requests", _changing(self.clear))
        router.add_get("/_sandbox/events", _reading(self._live.follow), allow_head=False)
        router.add_get("/_sandbox/stats", _reading(self.get_stats))
        router.add_get("/_sandbox/settings", _reading(self.get_settings))
        router.add_put("/_sandbox/settings", _changing(self.put_settings))
        router.add_delete("/_sandbox/scheduled/{message_id}", _changing(self.cancel))

    # What it got.

    async def list_requests(self, request: web.Request) -> web.Response:
        """Answer ``GET /_sandbox/requests``: the newest first, those that are looked for; may wait for them."""
        try:
            query = parse_query(request.query)
        except UsageError as error:
            return respond(400, error_body(str(error)))
        if not query.wait:
            return await self._listing(query, await self._find(query))
        async with self._live.room(request) as there_is_room:
            return await self._listing(query, await self._await(query)) if there_is_room else crowded()

    async def _await(self, query: Query) -> list[Received]:
        """Find requests; where there are too few, wait for more."""
        loop = asyncio.get_running_loop()
        end = loop.time() + query.wait
        while True:
            place = self._store.journal.place
            found = await self._find(query)
            left = end - loop.time()
            if len(found) >= query.at_least or left <= 0 or self._sandbox.stopping.is_set():
                return found
            # What is scheduled goes out without a change of the journal: look again at times.
            await self._store.journal.news(place, min(left, 1.0))
            await asyncio.sleep(min(left, PAUSE_SECONDS))

    async def _find(self, query: Query) -> list[Received]:
        """The requests that are looked for, newest first: as many as asked for and one more."""
        wanted, now = search(query.wanted), self._sandbox.now()
        found: list[Received] = []
        enough = max(query.limit + 1, query.at_least)
        for looked, received in enumerate(reversed(self._store.requests()), 1):
            if received.number <= query.after or len(found) >= enough:
                break
            if looked % _GLANCE == 0:
                await asyncio.sleep(0)
            if query.before is not None and received.number >= query.before:
                continue
            if query.wanted.state and state(self._sandbox, received, now) != query.wanted.state:
                continue
            if wanted(received):
                found.append(received)
        return found

    async def _listing(self, query: Query, found: list[Received]) -> web.Response:
        """Answer a list, cut at its limit or where it gets too long."""
        place, now = self._store.journal.place, self._sandbox.now()
        entries: list[str] = []
        size = 0
        for received in found[: query.limit]:
            if size > PIECE_BYTES:
                break
            entries.append(written(show(received, state(self._sandbox, received, now))))
            size += len(entries[-1])
        more = json.dumps(found[len(entries) - 1].number if 0 < len(entries) < len(found) else None)
        text = f'{{"requests": [{", ".join(entries)}], "next": {more}, "place": "{self._sandbox.place_id(place)}"}}'
        return respond(200, text.encode())

    async def get_request(self, request: web.Request) -> web.Response:
        """Answer ``GET /_sandbox/requests/NUMBER``."""
        digits = request.match_info["number"]
        is_number = digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS
        received = self._store.request(int(digits)) if is_number else None
        if received is None:
            return respond(404, error_body("There is no request with that number, or it is no longer held."))
        return respond(200, written(show(received, state(self._sandbox, received, self._sandbox.now()))).encode())

    async def get_stats(self, _: web.Request) -> web.Response:
        """Answer ``GET /_sandbox/stats``: counts since the start or since all was cleared, and the seed."""
        return respond(200, json.dumps(stats(self._sandbox)).encode())

    # What changes it.

    async def clear(self, _: web.Request) -> web.Response:
        """Answer ``DELETE /_sandbox/requests``: forget everything."""
        return respond(200, json.dumps({"cleared": self._store.clear()}).encode())

    async def cancel(self, request: web.Request) -> web.Response:
        """Answer ``DELETE /_sandbox/scheduled/ID``: as the API's own call does, without a key."""
        refusal = self._sandbox.cancel(request.match_info["message_id"])
        return respond(200, b'{"status":"success"}') if refusal is None else respond(refusal[0], error_body(refusal[1]))

    async def get_settings(self, _: web.Request) -> web.Response:
        """Answer ``GET /_sandbox/settings``: faults and latency, and which faults there are."""
        return respond(200, json.dumps(settings_shown(self._sandbox.settings)).encode())

    async def put_settings(self, request: web.Request) -> web.Response:
        """Answer ``PUT /_sandbox/settings``: change faults, latency or both from the next request on."""
        try:
            settings = _parse_settings(await request.read(), self._sandbox.settings)
        except web.HTTPRequestEntityTooLarge:
            return respond(413, error_body("The settings are too long."))
        except UsageError as error:
            return respond(400, error_body(str(error)))
        self._sandbox.change(settings)
        return respond(200, json.dumps(settings_shown(self._sandbox.settings)).encode())


def _parse_settings(body: bytes, now: Settings) -> Settings:
    """Read new settings; what they leave out stays.

    Raises:
        UsageError: they are wrong; says what to write.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not found.keys() <= {"faults", "latency"}:
        raise UsageError('Write {"faults": ["500=5%"], "latency": "20ms..80ms"}, or one of the two.')
    faults, latency = found.get("faults", []), found.get("latency", "")
    if not isinstance(faults, list) or not all(isinstance(fault, str) for fault in faults):
        raise UsageError('faults is a list of texts, such as ["500=5%", "reset-after=0.01"].')
    if not isinstance(latency, str):
        raise UsageError('latency is a text, such as "20ms" or "20ms..80ms".')
    return Settings(
        parse_faults(faults, "faults") if "faults" in found else now.faults,
        parse_latency(latency, "latency") if "latency" in found else now.latency,
    )


def _reading(handler: Handler) -> Handler:
    """Answer only who may read."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        reason = objection_to_reading(request.headers)
        return await handler(request) if reason is None else respond(403, error_body(reason))

    return guarded


def _changing(handler: Handler) -> Handler:
    """Answer only who may change something."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        reason = objection_to_changing(request.headers)
        return await handler(request) if reason is None else respond(403, error_body(reason))

    return guarded
