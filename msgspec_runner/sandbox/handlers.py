"""What the sandbox answers to each call: the keys, the bodies, the lists, and the faults that were asked for."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from msgspec_runner.sandbox.answers import error_body, final, foreign, reset, respond, success, unauthorized
from msgspec_runner.sandbox.checks import PROVIDERS, Refused, check
from msgspec_runner.sandbox.faults import NO_LATENCY, Fate, Fault, Latency, decide
from msgspec_runner.sandbox.store import NEWEST, Message, Received, Store

MAX_BODY: Final = 1024 * 1024
"""Largest request body in bytes, decompressed: a megabyte, far above any real message. More is answered 413."""

MAX_DAYS: Final = 31
"""Longest span of days in one list call (facts about the API, section 1)."""

_JSON: Final = "application/json"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_METHODS: Final[dict[str, str]] = {
    "/message": "POST",
    "/messages": "GET",
    "/messages/search": "GET",
    "/messages/scheduled": "GET",
    "/channels": "GET",
    "/": "GET",
    "/_sandbox/messages": "GET",
    "/_sandbox/stats": "GET",
}
_CHANNELS: Final[dict[str, str]] = {
    "twlo": "Sandbox SMS",
    "twlowa": "Sandbox WhatsApp (Twilio)",
    "gswa": "Sandbox WhatsApp (Gupshup)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """How a sandbox behaves.

    Args:
        faults: the trouble it makes; their rates add up to at most 1.
        latency: how long every answer to ``POST /message`` takes at least.
        seed: decides which requests meet trouble and which ids messages get; None draws one.
        api_key: the only key that is accepted; None accepts any that is not empty.
        newest: how many requests and messages are held in full.
        clock: gives the time in seconds since the epoch; tests set it.
        sleep: waits for so many seconds; tests set it.
    """

    faults: tuple[Fault, ...] = ()
    latency: Latency = NO_LATENCY
    seed: int | None = None
    api_key: str | None = field(default=None, repr=False)
    newest: int = NEWEST
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


class Sandbox:
    """The handlers of one sandbox and what they share.

    Args:
        options: how it behaves.

    Attributes:
        seed: the seed in use, drawn if none was given; the same seed tells the same story again.
        store: what it got.
    """

    def __init__(self, options: SandboxOptions) -> None:
        self.options = options
        self.seed = secrets.randbelow(2**32) if options.seed is None else options.seed
        self.store = Store(options.newest)
        self._stopping = asyncio.Event()

    def application(self) -> web.Application:
        """Build the aiohttp application."""
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_post("/message", self.post_message)
        app.router.add_get("/messages", self.get_messages)
        app.router.add_get("/messages/search", self.search_messages)
        app.router.add_get("/messages/scheduled", self.get_scheduled)
        app.router.add_delete("/messages/scheduled/{message_id}", self.delete_scheduled)
        app.router.add_get("/channels", self.get_channels)
        app.router.add_get("/_sandbox/messages", self.sandbox_messages)
        app.router.add_get("/_sandbox/stats", self.sandbox_stats)
        app.router.add_get("/", self.front_page)
        app.router.add_route("*", "/{path:.*}", self.nothing_here)
        app.on_shutdown.append(self._stop)
        return app

    async def _stop(self, _: web.Application) -> None:
        """Let go of hanging requests when the server stops."""
        self._stopping.set()

    # The one call that sends.

    async def post_message(self, request: web.Request) -> web.StreamResponse:
        """Answer ``POST /message``: trouble first, then the key, then the body."""
        at = self.options.clock()
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(request, at, b"", 413, f"The request body is larger than {MAX_BODY} bytes.")
        except (HttpProcessingError, web.RequestPayloadError, ValueError):
            return await final(request, self._refuse(request, at, b"", 400, "The request body could not be read."))

        fate = decide(self.seed, body, self.store.arrive(body), self.options.faults, self.options.latency)
        if fate.delay:
            await self.options.sleep(fate.delay)
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
        message_id = fate.message_id
        self.store.keep(Message(message_id, at, at if schedule is None else max(at, schedule), body))
        if fate.fault is not None:
            return await self._strike(request, at, body, fate.fault, message_id)
        answer = b'{"status":"success","data":{"message_id":"%s"}}' % message_id.encode()
        self.store.record(at, request.raw_headers, body, 200, answer, message_id=message_id)
        return respond(200, answer)

    async def _strike(
        self, request: web.Request, at: float, body: bytes, fault: Fault, message_id: str | None
    ) -> web.StreamResponse:
        """Carry out a fault; the message, if any, is kept already."""

        def record(status: int | None, answer: bytes) -> None:
            self.store.record(at, request.raw_headers, body, status, answer, message_id=message_id, fault=fault.kind)

        if fault.kind == "slow":
            answer = b'{"status":"success","data":{"message_id":"%s"}}' % (message_id or "").encode()
            record(200, answer)
            await self.options.sleep(fault.seconds)
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
                await asyncio.wait_for(self._stopping.wait(), min(left, 1.0))
            except TimeoutError:
                continue
            return

    def _refuse(self, request: web.Request, at: float, body: bytes, status: int, *reasons: str) -> web.Response:
        """Record and answer a refusal of ``POST /message``."""
        answer = error_body(*reasons)
        self.store.record(at, request.raw_headers, body, status, answer)
        return respond(status, answer)

    def _key_is_right(self, request: web.Request) -> bool:
        """Whether the ``apikey`` header is there and right."""
        key = request.headers.get("apikey", "")
        wanted = self.options.api_key
        if wanted is None:
            return bool(key.strip())
        return hmac.compare_digest(key.encode("utf-8", "surrogateescape"), wanted.encode())

    def _denial(self, request: web.Request) -> web.Response | None:
        """The answer to somebody who may not list or delete: asked under a foreign name, or without the key."""
        if _is_foreign(request):
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
        now = self.options.clock()
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
        found = [] if direction == "incoming" else self.store.sent(now, first, last)
        return success([message.describe(now) for message in found if wanted(message)])

    async def get_scheduled(self, request: web.Request) -> web.Response:
        """Answer ``GET /messages/scheduled``: what is still to go out, the latest first, at most 100."""
        denial = self._denial(request)
        if denial is not None:
            return denial
        now = self.options.clock()
        return success([message.describe(now) for message in self.store.scheduled(now)])

    async def delete_scheduled(self, request: web.Request) -> web.Response:
        """Answer ``DELETE /messages/scheduled/{id}``: 404 for an unknown one, 400 once it is due."""
        denial = self._denial(request)
        if denial is not None:
            return denial
        message = self.store.find(request.match_info["message_id"])
        if message is None:
            return respond(404, error_body("There is no scheduled message with that ID."))
        if message.due <= self.options.clock():
            return respond(400, error_body("The message is being sent or was sent already."))
        self.store.cancel(message.message_id)
        return respond(200, b'{"status":"success"}')

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

    # The sandbox's own pages, for tests and for people.

    async def sandbox_messages(self, request: web.Request) -> web.Response:
        """Answer ``GET /_sandbox/messages?limit=N``: the newest requests as they came, oldest first."""
        if _is_foreign(request):
            return foreign()
        limit = request.query.get("limit", "100")
        if not (limit.isascii() and limit.isdigit() and len(limit) <= 9):
            return respond(400, error_body("limit must be a whole number."))
        return success([_show(received) for received in self.store.requests(int(limit))])

    async def sandbox_stats(self, _: web.Request) -> web.Response:
        """Answer ``GET /_sandbox/stats``: counts since the start, and the seed."""
        return respond(200, json.dumps({"seed": self.seed, **self.store.stats()._asdict()}).encode())

    async def front_page(self, _: web.Request) -> web.Response:
        """Answer ``GET /``: say what this is."""
        stats = self.store.stats()
        text = (
            "This is the msgspec-runner sandbox. It speaks the Sociocs API and sends nothing to anybody.\n"
            f"{stats.received} requests so far, {stats.kept} messages kept.\n\n"
            "POST   /message                     keep a message (header apikey: anything)\n"
            "GET    /messages                    what went out today; start_date, end_date\n"
            "GET    /messages/search?text=TERM   the same, searched\n"
            "GET    /messages/scheduled          what is still to go out\n"
            "DELETE /messages/scheduled/ID       cancel one of those\n"
            "GET    /channels?provider=twlo      channels\n"
            "GET    /_sandbox/messages?limit=10  the newest requests as they came\n"
            "GET    /_sandbox/stats              counts\n"
        )
        return respond(200, text.encode(), content_type="text/plain")

    async def nothing_here(self, request: web.Request) -> web.Response:
        """Answer 405 for a known path with another method, 404 for the rest, both as JSON."""
        path = request.path
        allowed = _METHODS.get(path)
        if allowed is None and path.startswith("/messages/scheduled/") and path.count("/") == 3:
            allowed = "DELETE"
        if allowed is not None:
            return respond(405, error_body(f"{path} takes {allowed} only."), allow=allowed)
        return respond(404, error_body("Requested API endpoint not found."))


def _show(received: Received) -> dict[str, Any]:
    """A request for the sandbox's own list; the body as text, whatever it was."""
    return {
        "number": received.number,
        "at": datetime.fromtimestamp(received.at, UTC).isoformat(timespec="milliseconds"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in received.headers],
        "body": received.body.decode("utf-8", "replace"),
        "status": received.status,
        "answer": received.answer.decode(),
        "message_id": received.message_id,
        "fault": received.fault,
    }


def _is_foreign(request: web.Request) -> bool:
    """Whether the page was asked for under a public name: a web site that points its name at this machine.

    Messages are people's data, so a browser must not hand them to another site (DNS rebinding). Addresses,
    ``localhost`` and names without a dot cannot be taken over like that.
    """
    try:
        host = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return True
    try:
        ip_address(host)
    except ValueError:
        return "." in host and not host.endswith(".localhost")
    return False


def _day(text: str | None, default: date) -> date:
    """Read a day like 2024-01-31; ValueError for anything else, the default for nothing."""
    if not text:
        return default
    if _DAY.fullmatch(text) is None:
        raise ValueError("not a day")
    return date.fromisoformat(text)
