"""What the sandbox answers to each call of the API: keys, bodies, lists, and the faults that were asked for."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from msgspec_runner.sandbox.answers import (
    accepted_body,
    error_body,
    final,
    foreign,
    reset,
    respond,
    success,
    unauthorized,
)
from msgspec_runner.sandbox.checks import PROVIDERS, Refused, check
from msgspec_runner.sandbox.faults import Fate, Fault, decide
from msgspec_runner.sandbox.guard import is_foreign
from msgspec_runner.sandbox.state import Sandbox
from msgspec_runner.sandbox.store import Message

MAX_BODY: Final = 1024 * 1024
"""Largest request body in bytes, decompressed: a megabyte, far above any real message. More is answered 413."""

MAX_DAYS: Final = 31
"""Longest span of days in one list call (facts about the API, section 1)."""

_JSON: Final = "application/json"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_CHANNELS: Final[dict[str, str]] = {
    "twlo": "Sandbox SMS",
    "twlowa": "Sandbox WhatsApp (Twilio)",
    "gswa": "Sandbox WhatsApp (Gupshup)",
}


class Api:
    """The handlers of the API's calls.

    Args:
        sandbox: whose they are.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._options = sandbox.options
        self._store = sandbox.store

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Say which call each handler answers."""
        router.add_post("/message", self.post_message)
        router.add_get("/messages", self.get_messages)
        router.add_get("/messages/search", self.search_messages)
        router.add_get("/messages/scheduled", self.get_scheduled)
        router.add_delete("/messages/scheduled/{message_id}", self.delete_scheduled)
        router.add_get("/channels", self.get_channels)

    # The one call that sends.

    async def post_message(self, request: web.Request) -> web.StreamResponse:
        """Answer ``POST /message``: trouble first, then the key, then the body."""
        at = self._options.clock()
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(request, at, b"", 413, f"The request body is larger than {MAX_BODY} bytes.")
        except (HttpProcessingError, web.RequestPayloadError, ValueError):
            return await final(request, self._refuse(request, at, b"", 400, "The request body could not be read."))

        settings = self._sandbox.settings
        fate = decide(self._sandbox.seed, body, self._store.arrive(body), settings.faults, settings.latency)
        if fate.delay:
            await self._options.sleep(fate.delay)
        if not self._key_is_right(request):
            return self._refuse(request, at, body, 401, "Authentication failed. Check the apikey header.")
        if fate.fault is not None and not fate.fault.keeps:
            return await self._strike(request, at, body, fate.fault, None)
        if request.content_type != _JSON:
            return self._refuse(request, at, body, 400, f"Content-Type must be {_JSON}.")
        verdict = check(body)
        if isinstance(verdict, Refused):
            return self._refuse(request, at, body, verdict.status, *verdict.reasons)
        return await self._accept(request, at, body, verdict.schedule, fate)

    async def _accept(
        self, request: web.Request, at: float, body: bytes, schedule: float | None, fate: Fate
    ) -> web.StreamResponse:
        """Keep a message; answer, or strike with the message kept."""
        message = Message(fate.message_id, at, at if schedule is None else max(at, schedule), body)
        duplicate = self._store.keep(message)
        if fate.fault is not None:
            return await self._strike(request, at, body, fate.fault, message, duplicate=duplicate)
        answer = accepted_body(fate.message_id)
        self._store.record(at, request.raw_headers, body, 200, answer, message=message, duplicate=duplicate)
        return respond(200, answer)

    async def _strike(
        self,
        request: web.Request,
        at: float,
        body: bytes,
        fault: Fault,
        message: Message | None,
        *,
        duplicate: bool = False,
    ) -> web.StreamResponse:
        """Carry out a fault; the message, if any, is kept already."""

        def record(status: int | None, answer: bytes) -> None:
            self._store.record(
                at, request.raw_headers, body, status, answer, message=message, duplicate=duplicate, fault=fault.kind
            )

        if fault.kind == "slow":
            answer = accepted_body(message.message_id if message else "")
            record(200, answer)
            await self._options.sleep(fault.seconds)
            return respond(200, answer)
        if fault.kind == "garbage":
            answer = b"<html><body>It works!</body></html>"
            record(200, answer)
            return respond(200, answer, content_type="text/html")
        if fault.kind in ("hang", "hang-after"):
            record(None, b"")
            await self._hang(request, fault.seconds)
            return reset(request)
        if fault.kind in ("reset-before", "reset-after"):
            record(None, b"")
            return reset(request)
        status = int(fault.kind.removesuffix("-after"))
        if status == 429:
            answer = error_body("The rate limit has been reached.")
            record(status, answer)
            return respond(status, answer, retry_after=fault.seconds)
        answer = error_body("There was a problem processing the request on our server. Try again later.")
        record(status, answer)
        return respond(status, answer)

    async def _hang(self, request: web.Request, seconds: float) -> None:
        """Say nothing until the client is gone, the time is up or the server stops."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0 and request.transport is not None:
            try:
                await asyncio.wait_for(self._sandbox.stopping.wait(), min(left, 1.0))
            except TimeoutError:
                continue
            return

    def _refuse(self, request: web.Request, at: float, body: bytes, status: int, *reasons: str) -> web.Response:
        """Record and answer a refusal of ``POST /message``."""
        answer = error_body(*reasons)
        self._store.record(at, request.raw_headers, body, status, answer)
        return respond(status, answer)

    def _key_is_right(self, request: web.Request) -> bool:
        """Whether the ``apikey`` header is there and right."""
        key = request.headers.get("apikey", "")
        wanted = self._options.api_key
        if wanted is None:
            return bool(key.strip())
        return hmac.compare_digest(key.encode("utf-8", "surrogateescape"), wanted.encode())

    def _denial(self, request: web.Request) -> web.Response | None:
        """The answer to somebody who may not list or delete: asked under a foreign name, or without the key."""
        if is_foreign(request.host):
            return foreign()
        return None if self._key_is_right(request) else unauthorized()

    # The calls that list and delete.

    async def get_messages(self, request: web.Request) -> web.Response:
        """Answer ``GET /messages``: what went out in a span of days, newest first."""
        return self._listing(request, lambda _: True)

    async def search_messages(self, request: web.Request) -> web.Response:
        """Answer ``GET /messages/search``: as above, those whose text, name or number holds a term."""
        term = request.query.get("text", "").strip().casefold()
        if not term and self._denial(request) is None:
            return respond(400, error_body("text is required."))

        def matches(message: Message) -> bool:
            fields = message.fields()
            return any(term in str(fields.get(name, "")).casefold() for name in ("text", "name", "to"))

        return self._listing(request, matches)

    def _listing(self, request: web.Request, wanted: Callable[[Message], bool]) -> web.Response:
        """Answer a list call over ``start_date``, ``end_date`` and ``direction``."""
        denial = self._denial(request)
        if denial is not None:
            return denial
        now = self._options.clock()
        today = datetime.fromtimestamp(now, UTC).date()
        try:
            last = _day(request.query.get("end_date"), today)
            first = _day(request.query.get("start_date"), min(today, last))
        except ValueError:
            return respond(400, error_body("start_date and end_date must be days like 2024-01-31."))
        if first > last:
            return respond(400, error_body("start_date must not be after end_date."))
        if last - first >= timedelta(days=MAX_DAYS):
            return respond(400, error_body(f"start_date and end_date must span at most {MAX_DAYS} days."))
        direction = request.query.get("direction", "both")
        if direction not in ("incoming", "outbound", "both"):
            return respond(400, error_body("direction must be incoming, outbound or both."))
        found = [] if direction == "incoming" else self._store.sent(now, first, last)
        return success([message.describe(now) for message in found if wanted(message)])

    async def get_scheduled(self, request: web.Request) -> web.Response:
        """Answer ``GET /messages/scheduled``: what is still to go out, the latest first, at most 100."""
        denial = self._denial(request)
        if denial is not None:
            return denial
        now = self._options.clock()
        return success([message.describe(now) for message in self._store.scheduled(now)])

    async def delete_scheduled(self, request: web.Request) -> web.Response:
        """Answer ``DELETE /messages/scheduled/{id}``: 404 for an unknown one, 400 once it is due."""
        denial = self._denial(request)
        if denial is not None:
            return denial
        refusal = self._sandbox.cancel(request.match_info["message_id"])
        return respond(200, b'{"status":"success"}') if refusal is None else respond(refusal[0], error_body(refusal[1]))

    async def get_channels(self, request: web.Request) -> web.Response:
        """Answer ``GET /channels``: a bare array, one channel for each provider."""
        denial = self._denial(request)
        if denial is not None:
            return denial
        provider = request.query.get("provider")
        if provider is not None and provider not in PROVIDERS:
            return respond(400, error_body("provider must be one of twlo, twlowa, gswa."))
        channels = [
            {"id": f"sandbox-{name}", "channel_key": f"sandbox-{name}", "name": title}
            for name, title in _CHANNELS.items()
            if provider in (None, name)
        ]
        return respond(200, json.dumps(channels).encode())


def _day(text: str | None, default: date) -> date:
    """Read a day like 2024-01-31; ValueError for anything else, the default for nothing."""
    if not text:
        return default
    if _DAY.fullmatch(text) is None:
        raise ValueError("not a day")
    return date.fromisoformat(text)
