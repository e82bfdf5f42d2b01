"""The inbox for tests in a browser: sandboxes, posts, and what to wait for."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from msgspec_runner.sandbox.server import RunningSandbox, SandboxOptions
from tests.browser.browser import Browser

SMS = {
    "provider": "twlo",
    "channel_key": "reminders",
    "to": "+16175551212",
    "name": "Ann Moe",
    "text": "See you Monday",
}
CARDS = "return document.querySelectorAll('.arrival').length === arguments[0]"
LIVE = "return document.querySelector('#link-words').textContent === 'live'"
EMPTY = "return document.querySelector('#nothing .inviting') !== null"


def post(sandbox: RunningSandbox, body: object = SMS, **fields: object) -> None:
    """Post a message as any client would; a fault may cut the line."""
    raw = body if isinstance(body, bytes) else json.dumps({**SMS, **fields} if body is SMS else body).encode()
    with closing(http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=20)) as connection:
        try:
            connection.request("POST", "/message", raw, {"apikey": "s3cret-key", "Content-Type": "application/json"})
            connection.getresponse().read()
        except (ConnectionError, http.client.HTTPException):
            pass


@contextmanager
def sandboxes() -> Iterator[Callable[..., RunningSandbox]]:
    """Start sandboxes that end with the test."""
    with ExitStack() as stack:

        def starting(port: int = 0, **options: Any) -> RunningSandbox:
            return stack.enter_context(RunningSandbox(SandboxOptions(**{"seed": 1, **options}), port=port))

        yield starting


def opened(browser: Browser, sandbox: RunningSandbox, cards: int = 0, query: str = "", **how: Any) -> None:
    browser.open(f"{sandbox.url}/{query}", **how)
    browser.wait(LIVE)
    browser.wait(CARDS, cards)
