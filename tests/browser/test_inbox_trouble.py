"""The sandbox's inbox where things go wrong: hostile messages and pages, storms, and a server that goes away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from msgspec_runner.sandbox import live
from msgspec_runner.sandbox.server import RunningSandbox
from tests.browser.browser import Browser
from tests.browser.inbox import CARDS, LIVE, SMS, opened, post, sandboxes

HOSTILE = [
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    '"><svg onload="window.hacked = 1">',
    "javascript:window.hacked=1 https://evil.example/\u202egnp.exe",
    "</noscript></main>",
    "\u202e\u2066right to left\u0000",
    "<!--",
    "\ud83d half",
    "${window.hacked = 1}",
]


@pytest.fixture
def start() -> Iterator[Callable[..., RunningSandbox]]:
    with sandboxes() as starting:
        yield starting


@pytest.fixture
def sandbox(start: Callable[..., RunningSandbox]) -> RunningSandbox:
    return start()


def test_what_clients_send_stays_text(browser: Browser, sandbox: RunningSandbox) -> None:
    post(sandbox, text="x" * 900_000)
    for text in HOSTILE:
        template = {"id": text, "variables": {text: text, "Body": {text: text}}}
        for fields in ({"text": text, "name": text}, {"to": text, "name": text}, {"provider": text}, {"image_url": text},
                       {"text": "", "provider": "gswa", "template": template}, {"schedule": text}, {text: text}):  # fmt: skip
            post(sandbox, SMS, **fields)
        post(sandbox, text.encode("utf-8", "surrogatepass"))
    post(sandbox, b'{"text": ' + b"[" * 5000 + b"]" * 5000 + b"}")
    post(sandbox, {"text": {"a": [1]}, "to": [1], "name": {"b": 2}, "provider": ["twlo"], "template": 5})
    post(sandbox, [])
    cards = len(HOSTILE) * 8 + 4
    opened(browser, sandbox, cards)
    assert browser.run("return window.hacked") is None
    for number in range(1, cards + 1):
        browser.run("document.querySelector(`.arrival[data-number='${arguments[0]}'] [data-inspect]`).click()", number)
    assert browser.run("return window.hacked") is None
    assert (
        browser.run(
            "return document.querySelectorAll('.arrival script, .arrival img, #inspector script, #inspector img').length"
        )
        == 0
    )
    allowed = "return [...document.querySelectorAll('.arrival a')].every((it) => /^https?:/.test(it.href) && it.rel.includes('noopener'))"
    assert browser.run(allowed)
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth + 1")
    asked = browser.requests()
    assert [address for address in asked if not address.startswith((sandbox.url, "data:"))] == []


ATTACK = """
const [url, done] = arguments;
const tries = [
  fetch(url + "/_sandbox/requests"),
  fetch(url + "/_sandbox/requests", {mode: "no-cors"}).then((answer) => answer.text()).then((text) => { if (!text) throw 0; }),
  fetch(url + "/_sandbox/requests", {method: "DELETE", headers: {"X-Sandbox": "1"}}),
  fetch(url + "/_sandbox/requests", {method: "DELETE"}),
  fetch(url + "/_sandbox/settings", {method: "PUT", headers: {"X-Sandbox": "1"}, body: '{"faults": ["500=1"]}'}),
  fetch(url + "/message", {method: "POST", headers: {apikey: "x", "Content-Type": "application/json"}, body: "{}"}),
  new Promise((won, lost) => { const source = new EventSource(url + "/_sandbox/events"); source.onopen = won; source.onerror = lost; }),
];
const frame = document.createElement("iframe");
const framed = new Promise((ready) => { frame.onload = ready; });
frame.src = url + "/";
document.body.append(frame);
Promise.all([Promise.allSettled(tries), framed]).then(([all]) => done(all.map((one) => one.status)));
"""


def test_another_page_of_the_same_browser_can_do_nothing(
    browser: Browser, start: Callable[..., RunningSandbox], tmp_path: Path
) -> None:
    """The attacker's page is a file: an origin that is nobody's."""
    sandbox = start()
    post(sandbox)
    page = tmp_path / "evil.html"
    page.write_text("<!doctype html><title>Win a phone</title><body>", encoding="utf-8")
    browser.open(page)
    assert browser.driver.execute_async_script(ATTACK, sandbox.url) == ["rejected"] * 7
    assert sandbox.stats.received == 1
    assert sandbox._read(lambda inner: inner.settings.faults) == ()
    browser.driver.switch_to.frame(0)
    assert browser.run("return document.querySelector('#app')") is None
    browser.driver.switch_to.default_content()
    assert len(browser.complaints()) >= 7


def test_a_storm_does_not_freeze_the_page(browser: Browser, sandbox: RunningSandbox) -> None:
    opened(browser, sandbox)
    body = json.dumps(SMS).encode()

    def storm(inner: Any) -> None:
        for _ in range(300):
            inner.store.record(0.0, (), body, 400, b'{"errors":[]}')

    newest = "return document.querySelector('.arrival')?.dataset.number === arguments[0]"
    for number in (300, 600, 900):
        sandbox._read(storm)
        browser.wait(newest, str(number))
    browser.wait(CARDS, 500)
    browser.click("#older")
    browser.wait(CARDS, 600)
    for _ in range(10):
        sandbox._read(storm)
    browser.wait("return document.querySelector('#counts').textContent.startsWith('3,900 received')")
    browser.wait(newest, "3900")
    assert browser.run("return document.querySelectorAll('.arrival').length") <= 600
    browser.wait("return !document.querySelector('#older').hidden")


def test_it_finds_its_way_back_to_a_server_that_was_away(
    browser: Browser, start: Callable[..., RunningSandbox]
) -> None:
    first = start()
    post(first, text="before")
    opened(browser, first, 1)
    first.stop()
    browser.wait("return document.querySelector('#link-words').textContent === 'connecting'")
    assert len(browser.texts(".arrival")) == 1  # what was seen stays to be read
    second = start(port=int(first.url.rpartition(":")[2]))
    post(second, text="after")
    browser.wait("return document.querySelector('.bubble-text')?.textContent === 'after'")
    browser.wait(LIVE)
    browser.wait(CARDS, 1)
    post(second, text="live again")
    browser.wait(CARDS, 2)
    browser.complaints()  # that the server was away


def test_it_tries_again_where_there_is_no_room(
    browser: Browser, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_READERS", 0)
    browser.open(sandbox.url + "/")
    browser.until(lambda: any("503" in complaint for complaint in browser.complaints()), "a refusal")
    monkeypatch.setattr(live, "MAX_READERS", 1)
    browser.wait(LIVE)
    browser.complaints()
