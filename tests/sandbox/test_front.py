"""What is at the sandbox's address: a page for browsers, words for all others."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from msgspec_runner.sandbox.front import PLAIN_LIST

Start = Callable[..., Any]

SMS = {"provider": "twlo", "channel_key": "k", "to": "+16175551212", "text": "Hi Ann"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def page(caller: Any) -> str:
    answer = caller.call("GET", "/", headers=BROWSER)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    found: str = answer.body.decode()
    return found


def test_a_browser_gets_the_inbox_and_curl_gets_words(start: Start) -> None:
    caller = start()
    assert "<title>Sandbox inbox</title>" in page(caller)
    for headers in ({}, {"Accept": "*/*"}):
        answer = caller.call("GET", "/", headers=headers)
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert b"/_sandbox/requests?limit=10" in answer.body


@pytest.mark.parametrize("headers", [{}, BROWSER])
def test_no_other_page_may_frame_it_or_keep_it(start: Start, headers: dict[str, str]) -> None:
    answer = start().call("GET", "/", headers=headers)
    assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_asks_its_own_server_and_nobody_else(start: Start) -> None:
    text = unescape(page(start()))
    assert "default-src 'none'" in text
    assert "connect-src 'self'" in text


def test_a_web_site_cannot_have_the_page_under_its_own_name(start: Start) -> None:
    caller = start()
    caller.post(SMS)
    answer = caller.call("GET", "/", headers={**BROWSER, "Host": "evil.example"})
    assert answer.status == 403
    assert b"Ann" not in answer.body


def test_without_javascript_there_is_a_plain_list(start: Start) -> None:
    caller = start()
    caller.post({**SMS, "text": "first"})
    caller.post({**SMS, "to": "nobody", "text": "second"})
    plain = page(caller).partition("<noscript>")[2].partition("</noscript>")[0]
    assert "2 received, 1 kept, 1 refused" in plain
    assert plain.index("to must be a phone number") < plain.index("<pre>second") < plain.index("<pre>first")


@pytest.mark.parametrize(
    "text", ["</noscript><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!--", '" onmouseover="alert(1)', "{0}", "\ud83d"],
)  # fmt: skip
def test_what_a_client_sends_is_text_in_the_plain_list(start: Start, text: str) -> None:
    caller = start()
    clean = page(caller)
    for body in ({**SMS, "text": text, "to": text, "name": text}, {text: text}, {"text": {text: [text]}, "to": [text]}):
        caller.post(json.dumps(body).encode())
    caller.post(text.encode("utf-8", "surrogatepass"))
    found = page(caller)
    for risky in ("<script", "</noscript", "<img", "<!--"):
        assert found.count(risky) == clean.count(risky)


def test_the_plain_list_is_short_whatever_came(start: Start) -> None:
    caller = start()
    before = len(page(caller))
    for number in range(PLAIN_LIST + 2):
        caller.post(b"x" * 20_000 + str(number).encode())
    assert len(page(caller)) - before < PLAIN_LIST * 2500
