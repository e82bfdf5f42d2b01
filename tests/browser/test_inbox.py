"""The sandbox's inbox, in a real browser: what arrives is seen at once, and what people click happens."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from selenium.webdriver.common.keys import Keys

from msgspec_runner.sandbox.server import RunningSandbox
from tests.browser.browser import Browser
from tests.browser.inbox import CARDS, EMPTY, LIVE, SMS, opened, post, sandboxes


@pytest.fixture
def start() -> Iterator[Callable[..., RunningSandbox]]:
    with sandboxes() as starting:
        yield starting


@pytest.fixture
def sandbox(start: Callable[..., RunningSandbox]) -> RunningSandbox:
    return start()


def test_what_arrives_is_seen_at_once_newest_first(browser: Browser, sandbox: RunningSandbox) -> None:
    opened(browser, sandbox)
    browser.wait(EMPTY)
    assert f"curl {sandbox.url}/message" in browser.text("#nothing")
    assert browser.barriers() == []
    post(sandbox)
    post(sandbox, provider="twlowa", to="+4915112345678", text="*Bold* words")
    browser.wait(CARDS, 2)
    assert browser.texts(".arrival-number") == ["+4915112345678", "+16175551212"]
    assert browser.texts(".bubble strong") == ["Bold"]
    assert "whatsapp" in browser.run("return document.querySelector('.arrival-screen').className")
    browser.wait("return document.querySelector('#counts').textContent === '2 received · 2 kept'")
    browser.wait("return document.querySelector('[role=status]')?.textContent === '2 requests arrived'")
    post(sandbox)
    browser.wait(CARDS, 3)
    assert browser.texts(".arrival")[0].count("came before") == 1
    browser.wait("return document.querySelector('#counts').textContent.endsWith('1 came before')")


def test_request_and_answer_without_the_key(browser: Browser, sandbox: RunningSandbox) -> None:
    post(sandbox)
    post(sandbox, to="nobody")
    post(sandbox, b'{"provider": oops')
    opened(browser, sandbox, 3)
    assert browser.texts(".arrival-why") == [
        "The request body is not valid JSON.",
        "to must be a phone number with its country code, like +16175551212 or 16175551212.",
    ]
    assert browser.text(".arrival-raw") == '{"provider": oops'
    browser.click(".arrival[data-number='1'] [data-inspect]")
    browser.run("document.querySelector('#inspector details').open = true")
    shown = browser.text("#inspector")
    assert '"text": "See you Monday"\n' in shown
    assert '"message_id":' in shown
    assert "HTTP 200" in shown
    assert "(not kept)" in shown
    browser.run(
        "[...document.querySelectorAll('#inspector .chip')].find((it) => it.textContent === 'As it came').click()"
    )
    assert json.dumps(SMS) in browser.text("#inspector")
    assert "s3cret-key" not in browser.run("return document.documentElement.outerHTML")
    assert browser.barriers() == []
    browser.click(".arrival[data-number='3']")
    assert "HTTP 400" in browser.text("#inspector")


def test_search_by_number_and_text_also_of_what_arrives(browser: Browser, sandbox: RunningSandbox) -> None:
    for name, to in (("Ann", "+16175551212"), ("Bob", "+16175551213")):
        post(sandbox, name=name, to=to, text=f"Dear {name}")
    opened(browser, sandbox, 2)
    browser.fill("#search", "dear BOB")
    browser.wait(CARDS, 1)
    assert browser.texts(".arrival-name") == ["Bob"]
    browser.wait(LIVE)
    post(sandbox, name="Cid", text="Dear Cid")
    post(sandbox, name="Bob", text="Dear Bob, again", to="+16175551214")
    browser.wait(CARDS, 2)
    assert browser.texts(".arrival-number") == ["+16175551214", "+16175551213"]
    browser.fill("#search", "617 555-1212")
    browser.wait(
        "return [...document.querySelectorAll('.arrival-number')].every((it) => it.textContent === '+16175551212')"
    )
    assert browser.run("return location.search") == "?q=617+555-1212"
    browser.press(Keys.ESCAPE)
    browser.wait(CARDS, 4)
    browser.fill("#search", "nobody at all")
    browser.wait("return document.querySelector('#nothing:not([hidden])') !== null")
    assert browser.text("#nothing").startswith("Nothing matches “nobody at all” here.")
    opened(browser, sandbox, 1, "?q=cid&show=sent")
    assert browser.run("return document.querySelector('#search').value") == "cid"


def test_states_are_filtered_and_a_scheduled_message_is_cancelled(
    browser: Browser, start: Callable[..., RunningSandbox]
) -> None:
    now = [1_800_014_400.0]  # 2027-01-15T12:00:00Z: the server's clock, not the browser's
    sandbox = start(clock=lambda: now[0])
    post(sandbox)
    post(sandbox, to="nobody")
    for text, at in (("late", "2027-01-16T13:01:30Z"), ("soon", "2027-01-15T12:00:59Z")):
        post(sandbox, text=text, schedule=at)
    opened(browser, sandbox, 4)
    soon, late = browser.texts(".countdown")
    assert late.startswith("1 d 1:01:")
    assert soon.startswith("0:00:5")
    for show, numbers in (
        ("refused", [2]),
        ("scheduled", [4, 3]),
        ("sent", [1]),
        ("cancelled", []),
        ("fault", []),
        ("", [4, 3, 2, 1]),
    ):
        browser.click(f"[data-show='{show}']")
        browser.wait("return [...document.querySelectorAll('.arrival')].map((it) => it.dataset.number).join() === arguments[0]",
                     ",".join(map(str, numbers)))  # fmt: skip
    browser.click(".arrival[data-number='3'] [data-cancel]")
    browser.wait("return document.querySelector(\".arrival[data-number='3'] .badge\").textContent === 'cancelled'")
    assert sandbox.stats.cancelled == 1
    assert browser.run("return document.activeElement.dataset.number") == "3"
    assert len(browser.texts(".countdown")) == 1
    now[0] += 60
    browser.click(".arrival[data-number='4'] [data-cancel]")
    browser.wait(
        "return document.querySelector('#trouble').textContent === arguments[0]",
        "The message is being sent or was sent already.",
    )
    assert [complaint.count("400 (Bad Request)") for complaint in browser.complaints()] == [1]


def test_a_scheduled_message_goes_out_before_your_eyes(browser: Browser, start: Callable[..., RunningSandbox]) -> None:
    sandbox = start(clock=lambda: 1_800_014_400.0)
    post(sandbox, schedule="2027-01-15T12:00:02Z")
    opened(browser, sandbox, 1)
    browser.wait("return document.querySelector('.countdown').textContent === '0:00:01'")
    browser.wait("return document.querySelector('.badge.accepted:not(#link)')?.textContent === 'sent'")
    assert browser.texts("[data-cancel]") == []


def test_faults_are_switched_and_seen(browser: Browser, sandbox: RunningSandbox) -> None:
    opened(browser, sandbox)
    browser.click("#open-faults")
    browser.run("[...document.querySelectorAll('#presets button')].find((it) => it.textContent === 'Busy').click()")
    assert browser.run("return document.querySelector('#latency-high').value") == "400"
    browser.click("#fault-rows li button")
    browser.click("#add-fault")
    browser.run(
        "const s = document.querySelector('#fault-rows select'); s.value = 'reset-after'; s.dispatchEvent(new Event('change'))"
    )
    browser.fill("#fault-rows [name=percent]", "100")
    browser.fill("#latency-low", "0")
    browser.fill("#latency-high", "0")
    assert browser.barriers(within="#faults") == []
    browser.click("#add-fault")
    browser.click("#faults [type=submit]")
    browser.wait(
        "return document.querySelector('#faults-error').textContent.startsWith('faults: the rates add up to more than 1')"
    )
    assert [complaint.count("400 (Bad Request)") for complaint in browser.complaints()] == [1]
    browser.click("#fault-rows li:last-child button")
    browser.click("#faults [type=submit]")
    browser.wait("return !document.querySelector('dialog[open]')")
    assert browser.text("#open-faults") == "Faults: 100 % reset-after"
    post(sandbox)
    browser.wait(CARDS, 1)
    assert browser.texts(".arrival-why") == [
        "The client saw a reset. The message was kept: a real server would have sent it."
    ]
    browser.click(".arrival")
    assert "no answer" in browser.text("#inspector")
    browser.click("#open-faults")
    browser.run("document.querySelector('#presets button').click()")
    browser.click("#faults [type=submit]")
    browser.wait("return document.querySelector('#open-faults').innerText === 'Faults'")
    post(sandbox, text="fine")
    browser.wait(CARDS, 2)
    browser.click("[data-show='fault']")
    browser.wait(CARDS, 1)


def test_clear_asks_first_and_empties_every_window(browser: Browser, sandbox: RunningSandbox) -> None:
    post(sandbox)
    opened(browser, sandbox, 1)
    browser.click("#open-clear")
    assert browser.text("#clear-words").startswith("1 request,")
    browser.press(Keys.ESCAPE)
    browser.wait("return !document.querySelector('dialog[open]')")
    assert sandbox.stats.received == 1
    browser.click("#open-clear")
    browser.click("#clear [type=submit]")
    browser.wait(EMPTY)
    assert sandbox.stats.received == 0
    post(sandbox)
    browser.wait(CARDS, 1)
    with closing(http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=20)) as another:
        another.request("DELETE", "/_sandbox/requests", headers={"X-Sandbox": "1"})
        assert another.getresponse().status == 200
    browser.wait(EMPTY)


def test_hundreds_are_listed_in_pieces_and_who_reads_is_not_disturbed(
    browser: Browser, sandbox: RunningSandbox
) -> None:
    sandbox._read(
        lambda inner: [
            inner.store.record(
                0.0, (), json.dumps({**SMS, "text": f"number {n}"}).encode(), 200, b"{}", fault="garbage"
            )
            for n in range(250)
        ]
    )
    opened(browser, sandbox, 100)
    browser.click("#older")
    browser.wait(CARDS, 200)
    assert browser.run("return document.activeElement.dataset.number") == "150"
    browser.click("#older")
    browser.wait(CARDS, 250)
    assert browser.run("return document.querySelector('#older').hidden")
    browser.run("document.querySelector(`.arrival[data-number='100']`).scrollIntoView({block: 'start'})")
    top = "return Math.round(document.querySelector(`.arrival[data-number='100']`).getBoundingClientRect().top)"
    before = browser.run(top)
    post(sandbox, text="new")
    browser.wait(CARDS, 251)
    browser.wait("return !document.querySelector('#to-top').hidden")
    assert abs(browser.run(top) - before) <= 1
    assert browser.text("#to-top") == "↑ 1 new"
    browser.click("#to-top")
    browser.wait("return scrollY === 0 && document.querySelector('#to-top').hidden")


def test_by_keyboard_alone(browser: Browser, sandbox: RunningSandbox) -> None:
    for number in range(3):
        post(sandbox, text=f"number {number}")
    opened(browser, sandbox, 3)
    browser.press("/")
    assert browser.focused() == "Search numbers, names and texts"
    browser.press("number")
    browser.wait("return location.search === '?q=number'")
    browser.wait(CARDS, 3)
    browser.press(Keys.ESCAPE)
    browser.wait("return location.search === ''")
    seen = browser.tab_through(12)
    assert {"Faults", "Clear", "Help and keys", "All", "Met a fault", "Details"} <= set(seen)
    browser.run("document.querySelector('.arrival').focus()")
    browser.press(Keys.ENTER, "j", Keys.ARROW_DOWN)
    assert browser.run("return document.querySelector('.arrival.chosen').dataset.number") == "1"
    assert "number 0" in browser.text("#inspector")
    browser.press("k", Keys.HOME)
    assert browser.run("return document.activeElement.dataset.number") == "3"
    assert (
        browser.run("return document.querySelector('.arrival.chosen [data-inspect]').getAttribute('aria-expanded')")
        == "true"
    )
    browser.press(Keys.ESCAPE)
    assert browser.run("return document.querySelector('.arrival.chosen')") is None
    browser.press(Keys.TAB, Keys.ENTER)
    assert browser.run("return document.querySelector('.arrival.chosen').dataset.number") == "3"


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 320)])
def test_nothing_keeps_people_out(
    browser: Browser, start: Callable[..., RunningSandbox], dark: bool, width: int
) -> None:
    sandbox = start(clock=lambda: 1_800_014_400.0)
    post(sandbox, schedule="2027-01-15T13:00:00Z")
    post(sandbox, to="nobody")
    post(sandbox, provider="gswa", text="", template={"id": "T-1", "variables": {"Body": {"1": "x"}}})
    sandbox._read(lambda inner: inner.store.record(0.0, (), b"{}", 500, b"{}", fault="500"))
    opened(browser, sandbox, 4, dark=dark, width=width)
    browser.click(".arrival[data-number='2'] [data-inspect]")
    browser.run("document.querySelectorAll('.arrival').forEach((it) => it.classList.remove('new'))")
    assert browser.barriers() == []
    inspector = "#inspector" if width > 1000 else ".arrival .inspection"
    assert "HTTP 400" in browser.text(inspector)
    for button, dialog in (("#open-faults", "#faults"), ("#open-clear", "#clear"), ("#open-help", "#help")):
        browser.click(button)
        assert browser.barriers(within=dialog) == []
        browser.press(Keys.ESCAPE)


def test_without_javascript_it_is_a_plain_list(browser: Browser, sandbox: RunningSandbox) -> None:
    post(sandbox, text="<b>first</b>")
    post(sandbox, to="nobody")
    browser.open(sandbox.url + "/", scripts=False)
    assert browser.texts("h2") == ["nobody", "+16175551212"]
    assert "<b>first</b>" in browser.text("main")
    assert browser.barriers() == []
