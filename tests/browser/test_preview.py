"""The preview page in a real browser: what people see, do with the mouse and the keyboard, and what hostile data do not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from msgspec_runner.cli import run
from tests.browser.browser import Browser

HOSTILE = [
    "</script><script>window.pwned = 1</script>",
    "<img src=http://127.0.0.1:9/x onerror='window.pwned = 2'>",
    "<svg/onload=window.pwned=3>",
    "javascript:window.pwned=4",
    "</pre></main><style>body{display:none}</style>",
    "{{constructor.constructor('window.pwned=5')()}}",
    "a\u202egnp.exe\u200b",
    "__proto__",
]

SPECS = {
    "appointment-reminder": """\
spec: appointment-reminder
description: Reminder on the day before
message:
  provider: twlo
  channel_key: deer-park
  to: "{{ phone }}"
  name: "{{ first_name }}"
  text: |-
    Hi {{ first_name }} — see you tomorrow at 15:30.
    https://example.org/deer-park Reply STOP to opt out.
  image_url: https://media.example.org/door.jpg
recipients:
  columns: {phone: {type: phone}, first_name: {}}
  key: "{{ first_name }}"
  samples:
    - {phone: "+16175551212", first_name: Ann}
    - {phone: "+442071838750", first_name: Zoë}
    - {phone: "617", first_name: Bob}
""",
    "dinner": """\
spec: dinner
edition: 3
message:
  provider: gswa
  channel_key: rosa
  to: "{{ phone }}"
  template:
    id: 7a3e14cf-4b35-4b8a-9d0c-0f8a1f4ad1c5
    variables:
      MEDIA_URL: https://media.example.org/table.jpg
      Header: {1: "{{ guest }}"}
      Body: {1: "{{ guest }}"}
recipients:
  samples: [{phone: "+919876543210", guest: Asha}]
""",
    "broken": "spec: broken\nmessage: {provider: twlo, channel_key: k, to: '+16175551212', text: 'Hi {{ frist }}'}\n",
    "nonsense": "message: [\n",
}
CATALOG = """\
provider: gswa
templates:
  - id: 7a3e14cf-4b35-4b8a-9d0c-0f8a1f4ad1c5
    name: invitation
    language: en
    status: approved
    media: image
    header: Dear {{1}}
    variables: {Header: ["1"], Body: ["1"]}
    body: "*{{1}}*, dinner is ready."
    buttons: [Coming]
"""


def previewed(folder: Path, specs: dict[str, str], *options: str) -> Path:
    (folder / "specs").mkdir(parents=True)
    for name, text in specs.items():
        (folder / "specs" / f"{name}.yaml").write_text(text, "utf-8")
    with chdir(folder):
        assert run(["preview", "-q", "-o", "page.html", "--sandbox", *options]) in (0, 1)
    return folder / "page.html"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four specs: sound, with a catalog's template, broken, and none at all."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "msgspec-runner.toml").write_text('catalogs = ["catalog.yaml"]\n', "utf-8")
    (folder / "catalog.yaml").write_text(CATALOG, "utf-8")
    return previewed(folder, SPECS)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten thousand recipients, one in fifty with a bad number."""
    folder = tmp_path_factory.mktemp("people")
    rows = (f"{f'+1617555{n:04}' if n % 50 else 'bad'},{('Ann', 'Zoë', 'Li')[n % 3]},A{n:05}\n" for n in range(10_000))
    (folder / "people.csv").write_text("phone,first_name,order\n" + "".join(rows), "utf-8")
    spec = """\
spec: orders
message: {provider: twlo, channel_key: k, to: "{{ phone }}", name: "{{ first_name }}", text: "Order {{ order }} is ready"}
recipients: {file: ../people.csv, columns: {phone: {type: phone}, first_name: {}, order: {}}}
"""
    return previewed(folder, {"orders": spec}, "--show-data")


@pytest.fixture(autouse=True)
def nothing_leaves(browser: Browser) -> Iterator[None]:
    """Whatever a test does, the page asks nobody for anything."""
    yield
    asked = [address for address in browser.requests() if not address.startswith(("file:", "data:", "about:"))]
    assert asked == []


def titles(browser: Browser) -> list[str]:
    return browser.texts("h2, .message h3")


def test_each_message_stands_on_a_phone_beside_its_facts(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.requests() == [page.resolve().as_uri()]
    assert titles(browser) == [
        *("appointment-reminder", "Sample 1", "Sample 2", "Sample 3"),
        *("broken", "The message"),
        *("dinner", "Sample 1"),
        "specs/nonsense.yaml",
    ]
    assert browser.text(".bubble-text").startswith("Hi Ann — see you tomorrow at 15:30.\nhttps://")
    assert browser.text(".bubble-text mark") == "—"
    assert browser.text(".cost").split("\n")[:2] == ["2 segments", "UCS-2"]
    assert browser.text(".forcing") == "—\nU+2014 em dash"
    assert browser.texts(".phone.whatsapp .bubble-text") == ["Dear Asha", "Asha, dinner is ready."]
    assert browser.text(".message.unsendable .barred") == "Would not be sent"
    assert "MSG503 invalid-phone-cell" in browser.text(".message.unsendable .finding")
    assert browser.text(".message.unsendable .finding mark") == "phone"
    assert browser.texts(".spec-head .finding .code")[0] == "MSG402 undefined-variable"
    assert "MSG101" in browser.texts(".spec-head .finding .code")[-1]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_everybody_can_read_and_use_it(dark: bool, width: int, browser: Browser, page: Path) -> None:
    browser.open(page, dark=dark, width=width)
    browser.run("document.querySelectorAll('details').forEach((it) => (it.open = true))")
    browser.click(".chip:last-of-type")
    assert browser.barriers() == []


def test_without_scripts_it_is_a_list(browser: Browser, page: Path) -> None:
    browser.open(page, scripts=False)
    assert browser.texts("h2") == ["appointment-reminder", "broken", "dinner", "specs/nonsense.yaml"]
    assert browser.texts("h3")[0] == "sample 1 · Ann · +16175551212"
    assert "Hi Zoë — see you tomorrow" in browser.texts(".plain-body")[1]
    assert browser.barriers() == []


def test_it_is_searched_and_filtered(browser: Browser, page: Path) -> None:
    browser.open(page)
    for words, found in {
        "zoe": ["Sample 2"],
        "44 2071": ["Sample 2"],
        "DINNER": ["Sample 1"],
        "asha": ["Sample 1"],
        "sample 3": ["Sample 3"],
        "nobody": [],
    }.items():
        browser.fill("#search", words)
        assert browser.texts(".message h3") == found, words
    assert browser.text(".empty") == "No message is like that."
    browser.fill("#search", " ")
    browser.choose("#provider", "gswa")
    assert titles(browser) == ["dinner", "Sample 1"]
    browser.open(page)
    browser.choose("#spec", "0")
    assert titles(browser)[0] == "appointment-reminder"
    browser.click(".chip")
    assert titles(browser) == ["appointment-reminder", "Sample 1", "Sample 2", "Sample 3"]
    browser.open(page)
    browser.click(".chip")
    assert titles(browser)[-3:] == ["broken", "The message", "specs/nonsense.yaml"]
    assert browser.text(".tally") == "4 of 5 messages"


def test_it_works_without_a_mouse(browser: Browser, page: Path) -> None:
    browser.open(page)
    order = browser.tab_through(9)
    assert order[:6] == ["Skip to the messages", "Search", "Spec", "Provider", "With findings", "Show the invisible"]
    browser.run("document.activeElement.blur()")
    browser.run("document.getElementById('search').focus()")
    browser.press("zoe")
    assert browser.texts(".message h3") == ["Sample 2"]
    browser.press(Keys.TAB, Keys.TAB, Keys.TAB, Keys.SPACE)
    assert browser.run("return document.activeElement.getAttribute('aria-pressed')") == "true"
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.run("document.querySelector('.json summary').focus()")
    browser.press(Keys.ENTER)
    browser.wait("return document.querySelector('.json pre')")
    browser.click(".chip:last-of-type")
    browser.wait("return document.querySelector('.json pre')")  # what was open stays open
    assert json.loads(browser.text(".json pre"))["name"] == "Zoë"


def test_what_is_copied_is_what_would_be_posted(
    browser: Browser, page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with chdir(page.parent):
        run(["render", "specs/dinner.yaml", "--sandbox", "-q"])
    rendered = capsys.readouterr().out
    browser.open(page)
    browser.fill("#search", "asha")
    browser.click(".json summary")
    browser.click(".json button")
    assert browser.wait(
        "const b = document.querySelector('.json button'); return b.textContent.startsWith('Copied') && b.textContent"
    )
    browser.click("#search")
    browser.paste()
    pasted = browser.run("return document.getElementById('search').value")
    assert f'"body": {pasted}}}\n' in rendered


def test_hostile_data_are_words(browser: Browser, tmp_path: Path) -> None:
    samples = "".join(
        f"    - {{phone: '+16175551212', words: {json.dumps(words)}}}\n" for words in [*HOSTILE, "x" * 1500]
    )
    spec = f"""\
spec: hostile
description: {json.dumps(HOSTILE[0])}
message:
  provider: twlo
  channel_key: "{{{{ words }}}}"
  to: "{{{{ phone }}}}"
  name: "{{{{ words }}}}"
  text: "{{{{ words }}}}"
  file_url: "https://x.example/{{{{ words | urlencode }}}}"
recipients:
  key: "{{{{ words }}}}"
  samples:
{samples}"""
    browser.open(previewed(tmp_path / "hostile", {"hostile": spec}))
    browser.run("document.querySelectorAll('details').forEach((it) => (it.open = true))")
    browser.wait("return document.querySelectorAll('.json pre').length === arguments[0]", len(HOSTILE) + 1)
    assert (
        browser.run("return [...document.querySelectorAll('.bubble-text')].map((e) => e.textContent)")[: len(HOSTILE)]
        == HOSTILE
    )
    assert browser.run("return window.pwned") is None
    assert (
        browser.run(
            "return document.querySelectorAll('img, iframe, object, body > style, [onerror], [onload], [href^=javascript]').length"
        )
        == 0
    )
    assert "RLO" in browser.texts(".phone-who .invisible")
    assert browser.barriers() == []


def test_ten_thousand_are_turned_like_pages(browser: Browser, people: Path) -> None:
    browser.open(people)
    assert browser.text(".tally") == "10,000 of 10,000 messages, 1 to 20 here"
    assert len(browser.texts(".message")) == 20
    assert "Keep it private" in browser.text(".personal")
    browser.click(".pager button:last-of-type")
    assert browser.texts(".message h3")[0] == "Row 21"
    assert browser.run("return document.activeElement.id") == "messages"
    browser.fill(".pager input", "500")
    browser.press(Keys.ENTER)
    browser.wait("return document.querySelector('.message h3').textContent === 'Row 9,981'")
    assert browser.run("return document.querySelector('.pager button:last-of-type').disabled") is True
    browser.fill("#search", "a0999")
    assert browser.text(".tally") == "10 of 10,000 messages"
    browser.fill("#search", "ZOE")
    assert browser.text(".tally") == "3,333 of 10,000 messages, 1 to 20 here"
    browser.fill("#search", " ")
    browser.click(".chip")
    assert browser.text(".tally") == "200 of 10,000 messages, 1 to 20 here"
    assert browser.barriers() == []


def test_it_is_printed_without_its_tools(browser: Browser, page: Path) -> None:
    browser.open(page, dark=True, paper=True)
    assert browser.texts(".tools, .chip, .skip-link") == []
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
