"""The sandbox's front door: its page, and what is said to who knocks at a wrong one."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from msgspec_runner.sandbox.answers import error_body, respond
from msgspec_runner.sandbox.guard import BY_ADDRESS, is_foreign
from msgspec_runner.sandbox.live import state, stats
from msgspec_runner.sandbox.shown import show
from msgspec_runner.sandbox.state import Sandbox

PLAIN_LIST: Final = 100
"""Requests that are listed for browsers without JavaScript."""

METHODS: Final[dict[str, str]] = {
    "/message": "POST",
    "/messages": "GET",
    "/messages/search": "GET",
    "/messages/scheduled": "GET",
    "/channels": "GET",
    "/": "GET",
    "/_sandbox/requests": "GET, DELETE",
    "/_sandbox/events": "GET",
    "/_sandbox/stats": "GET",
    "/_sandbox/settings": "GET, PUT",
}
"""Every path, and the methods that it takes."""

METHODS_BELOW: Final[dict[str, str]] = {
    "/messages/scheduled/": "DELETE",
    "/_sandbox/scheduled/": "DELETE",
    "/_sandbox/requests/": "GET",
}
"""Every path that goes on with an id, and the methods that it takes."""

_SAFE: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",  # the rest stands in the page itself
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Front:
    """The handlers of ``/`` and of all paths that are nobody's.

    Args:
        sandbox: whose they are.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Say which call each handler answers; after all others."""
        router.add_get("/", self.front_page)
        router.add_route("*", "/{path:.*}", self.nothing_here)

    async def front_page(self, request: web.Request) -> web.Response:
        """Answer ``GET /``: the inbox to a browser, a few words to all others."""
        if "text/html" not in request.headers.get("Accept", ""):
            return _with(respond(200, self._words().encode(), content_type="text/plain"), _SAFE)
        if is_foreign(request.host):
            return _with(respond(403, BY_ADDRESS.encode(), content_type="text/plain"), _SAFE)
        return _with(respond(200, self._page().encode(), content_type="text/html"), _SAFE)

    def _words(self) -> str:
        counts = self._sandbox.store.stats()
        return (
            "This is the msgspec-runner sandbox. It speaks the Sociocs API and sends nothing to anybody.\n"
            "Open this address in a browser to see what arrives.\n"
            f"{counts.received} requests so far, {counts.kept} messages kept.\n\n"
            "POST   /message                     keep a message (header apikey: anything)\n"
            "GET    /messages                    what went out today; start_date, end_date\n"
            "GET    /messages/search?text=TERM   the same, searched\n"
            "GET    /messages/scheduled          what is still to go out\n"
            "DELETE /messages/scheduled/ID       cancel one of those\n"
            "GET    /channels?provider=twlo      channels\n\n"
            "GET    /_sandbox/requests?limit=10  the newest requests as they came; q, to, state, fault, wait\n"
            "GET    /_sandbox/events             the same, live\n"
            "GET    /_sandbox/stats              counts\n"
            "GET    /_sandbox/settings           faults and latency\n\n"
            "With the header X-Sandbox: 1:\n"
            "DELETE /_sandbox/requests           forget everything\n"
            "DELETE /_sandbox/scheduled/ID       cancel a scheduled message\n"
            "PUT    /_sandbox/settings           change faults and latency\n"
        )

    def _page(self) -> str:
        from msgspec_runner.sandbox.page import page  # few who post to a sandbox look at it

        now = self._sandbox.now()
        newest = reversed(self._sandbox.store.requests(PLAIN_LIST))
        entries = [show(received, state(self._sandbox, received, now)) for received in newest]
        return page(entries, stats(self._sandbox))

    async def nothing_here(self, request: web.Request) -> web.Response:
        """Answer 405 for a known path with another method, 404 for the rest, both as JSON."""
        path = request.path
        allowed = METHODS.get(path)
        for start, methods in METHODS_BELOW.items():
            if path.startswith(start) and path.count("/") == 3:
                allowed = methods
        if allowed is not None:
            return respond(405, error_body(f"{path} takes {allowed} only."), allow=allowed)
        return respond(404, error_body("Requested API endpoint not found."))


def _with(answer: web.Response, headers: dict[str, str]) -> web.Response:
    answer.headers.update(headers)
    return answer
