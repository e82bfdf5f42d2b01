"""Messages as phones show them, drawn by a real browser: nothing that a message holds does anything but be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from msgspec_runner.pages.shell import asset, embed, page
from tests.browser.browser import Browser

DRAW = "for (const [body, options] of Page.data('messages')) document.querySelector('main').append(Bubbles.phone(body, options));"

TEMPLATE = {
    "name": "invitation",
    "header": "Dear {{1}}",
    "body": "Hi *{{1}}*, dinner is on _{{2}}_.",
    "footer": "Rosa’s Kitchen",
    "buttons": ["I’ll be there", "Sorry"],
    "media": "image",
    "media_url": "",
}


def drawn(browser: Browser, folder: Path, *messages: tuple[object, dict[str, Any]], dark: bool = False) -> None:
    file = folder / "bubbles.html"
    body = Markup("<main><h1>Messages</h1>{}</main>").format(embed("messages", messages))
    file.write_text(page("Bubbles", body, styles=[asset("bubbles.css")], scripts=[asset("bubbles.js"), DRAW]), "utf-8")
    browser.open(file, dark=dark)
    assert [address for address in browser.requests() if not address.startswith("data:")] == [file.as_uri()]


def sms(**fields: object) -> tuple[object, dict[str, Any]]:
    return {"provider": "twlo", "channel_key": "deer-park", "to": "+16175551212", **fields}, {}


def whatsapp(**fields: object) -> tuple[object, dict[str, Any]]:
    return {"provider": "twlowa", "channel_key": "support", "to": "+16175551212", **fields}, {}


def test_an_sms_keeps_its_lines_and_its_marks(browser: Browser, tmp_path: Path) -> None:
    drawn(browser, tmp_path, sms(text="Hi *Ann*,\n\nsee  you _soon_"))
    assert browser.text(".bubble-text") == "Hi *Ann*,\n\nsee  you _soon_"
    assert browser.texts(".bubble strong, .bubble em") == []
    assert browser.text(".phone-who b") == "deer-park"


MARKS = {
    "*a* _b_ ~c~ `d`": "<strong>a</strong> <em>b</em> <s>c</s> <code>d</code>",
    "*bold _both_*": "<strong>bold <em>both</em></strong>",
    "snake_case_name 2*3*4": "snake_case_name 2*3*4",
    "* not* *not * __": "* not* *not * __",
    "*a\nb*": "*a\nb*",
    "```x *y*\nz``` ```": "<code>x *y*\nz</code> ```",
    "> said *b*\n>no": '<span class="quoted">said <strong>b</strong></span>\n&gt;no',
    "(*a*), *b*!": "(<strong>a</strong>), <strong>b</strong>!",
    "*<b>x</b>*": "<strong>&lt;b&gt;x&lt;/b&gt;</strong>",
}


def test_whatsapp_has_marks(browser: Browser, tmp_path: Path) -> None:
    drawn(browser, tmp_path, *(whatsapp(text=text) for text in MARKS))
    shown = browser.run("return [...document.querySelectorAll('.bubble-text')].map((e) => e.innerHTML)")
    assert dict(zip(MARKS, shown, strict=True)) == MARKS


def test_a_template_is_filled(browser: Browser, tmp_path: Path) -> None:
    variables = {
        "MEDIA_URL": "https://media.example.org/a/table.png?x=1",
        "Header": {"1": "guest"},
        "Body": {"1": "<i>Asha</i>"},
        "Buttons": {"1": "yes-please"},
    }
    body = {"provider": "gswa", "channel_key": "rosa", "template": {"id": "7a3e", "variables": variables}}
    drawn(browser, tmp_path, (body, {"template": TEMPLATE, "time": "14:02"}))
    assert browser.text(".bubble-header") == "Dear guest"
    assert browser.texts(".bubble-text")[1] == "Hi <i>Asha</i>, dinner is on {{2}}."
    assert browser.texts(".bubble strong, .bubble em mark") == ["<i>Asha</i>", "{{2}}"]
    assert browser.text(".bubble-footer") == "Rosa’s Kitchen"
    assert browser.texts(".bubble-buttons li") == ["I’ll be there\nyes-please", "Sorry"]
    assert browser.texts(".media-card.image .media-name, .media-host") == ["table.png", "media.example.org"]
    assert browser.text(".bubble-end") == "14:02"


def test_a_template_that_no_catalog_knows_is_a_table(browser: Browser, tmp_path: Path) -> None:
    drawn(browser, tmp_path, whatsapp(template={"id": "HX01", "variables": {"1": "Ann", "2": {"x": "y"}}}))
    assert browser.text(".bubble-part").split("\n")[:2] == ["Template", "HX01"]
    assert browser.texts(".template-table tr") == ["1\tAnn", "2 x\ty"]


def test_media_are_named_and_never_fetched(browser: Browser, tmp_path: Path) -> None:
    urls = {
        "image_url": "http://127.0.0.1:9/a%20cat.jpg",
        "video_url": "https://cdn.example.org/",
        "file_url": "javascript:alert(1)",
    }
    drawn(browser, tmp_path, sms(**urls), whatsapp(**urls, text="both"))
    cards = browser.texts(".phone.sms .media-card")
    assert [card.split("\n")[-2:] for card in cards] == [
        ["a cat.jpg", "127.0.0.1:9"],
        ["video", "cdn.example.org"],
        ["file", "no web address: javascript:alert(1)"],
    ]
    assert (
        browser.run(
            "return document.querySelectorAll('img, video, audio, iframe, object, embed, link[rel=preload]').length"
        )
        == 0
    )
    assert len(browser.texts(".phone.whatsapp .media-card")) == 3


def test_only_web_addresses_are_links(browser: Browser, tmp_path: Path) -> None:
    drawn(
        browser,
        tmp_path,
        sms(
            text="https://a.example/x?y=1. javascript:alert(1) www.b.example data:text/html,x http://[ (http://c.example/)"
        ),
    )
    links = browser.run(
        "return [...document.querySelectorAll('.bubble a')].map((a) => [a.textContent, a.href, a.rel, a.target])"
    )
    rel = "noopener noreferrer nofollow"
    assert links == [
        ["https://a.example/x?y=1", "https://a.example/x?y=1", rel, "_blank"],
        ["www.b.example", "http://www.b.example/", rel, "_blank"],
        ["http://c.example/", "http://c.example/", rel, "_blank"],
    ]


def test_what_nobody_sees_is_shown_where_it_could_deceive(browser: Browser, tmp_path: Path) -> None:
    text = "a\u200bb \u202eevil https://a.example/\u202egpj.exe"
    drawn(
        browser,
        tmp_path,
        sms(text=text, file_url="https://x.example/\u202efdp.exe"),
        (sms(text=text)[0], {"reveal": True}),
    )
    assert browser.texts(".phone:nth-of-type(1) .bubble-text .invisible") == ["RLO"]  # in the link
    assert browser.texts(".media-name .invisible") == ["RLO"]
    assert browser.texts(".phone:nth-of-type(2) .bubble-text .invisible") == ["ZWSP", "RLO", "RLO"]


def test_an_emoji_of_several_parts_stays_whole(browser: Browser, tmp_path: Path) -> None:
    drawn(browser, tmp_path, (sms(text="👩\u200d👩\u200d👧 👩🏽\u200d🚀 and ❤\ufe0f\u200d🔥")[0], {"reveal": True}))
    assert browser.texts(".invisible") == []


def test_characters_are_marked(browser: Browser, tmp_path: Path) -> None:
    drawn(browser, tmp_path, (sms(text="it’s – so ]^ \\")[0], {"marked": "’–]^\\"}))
    assert browser.texts(".bubble mark") == ["’", "–", "]^", "\\"]


def test_right_to_left_is_told_from_the_text(browser: Browser, tmp_path: Path) -> None:
    drawn(browser, tmp_path, sms(text="مرحبا"), sms(text="Hello"))
    directions = "return [...document.querySelectorAll('.bubble-text')].map((e) => getComputedStyle(e).direction)"
    assert browser.run(directions) == ["rtl", "ltr"]


SCHEDULES = {
    "2031-12-24T18:00:00-05:00": "Scheduled for 24 Dec 2031, 18:00 −05:00",
    "2031-12-24T18:00Z": "Scheduled for 24 Dec 2031, 18:00 UTC",
    "tomorrow <b>": "Scheduled for tomorrow <b>",
    "2031-13-24T18:00:00Z": "Scheduled for 2031-13-24T18:00:00Z",
}


def test_a_schedule_is_told_in_its_own_zone(browser: Browser, tmp_path: Path) -> None:
    drawn(browser, tmp_path, *(sms(text="Hi", schedule=schedule) for schedule in SCHEDULES))
    assert dict(zip(SCHEDULES, browser.texts(".bubble-end"), strict=True)) == SCHEDULES


def test_anything_may_come(browser: Browser, tmp_path: Path) -> None:
    bodies: list[object] = [
        None, 3, "text", [], {}, {"provider": {"a": 1}, "text": ["</script>"], "template": 3, "schedule": {}},
        {"provider": "twlowa", "template": "HX"}, {"provider": "twlowa", "template": {"id": ["x"], "variables": "y"}},
        {"provider": "gswa", "template": {"variables": {"Body": [1, 2], "__proto__": {"x": 1}}}},
        {"provider": "__proto__", "text": "\ud800", "image_url": {"a": "b"}, "channel_key": []},
        {"provider": "twlo", "template": {"id": "x"}},
    ]  # fmt: skip
    odd = {"body": 3, "header": ["x"], "buttons": "no", "media": "__proto__"}
    drawn(browser, tmp_path, *((body, {"template": entry}) for body in bodies for entry in (None, odd)))
    assert browser.run("return document.querySelectorAll('.phone').length") == 2 * len(bodies)


def test_a_huge_text_is_cut_and_says_so(browser: Browser, tmp_path: Path) -> None:
    words = "*a _b ~c `d ``` > http://x.example/" * 30_000
    drawn(browser, tmp_path, whatsapp(text=words), sms(text="x" * 1_000_000))
    assert browser.texts(".bubble-note") == ["\n… and 1,030,000 more characters", "\n… and 980,000 more characters"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_read_it(dark: bool, browser: Browser, tmp_path: Path) -> None:
    everything = {
        "text": "Hi – https://a.example \u202e",
        "schedule": "2031-12-24T18:00:00Z",
        "file_url": "https://a.example/\u202ea.pdf",
    }
    given = {"id": "7a3e", "variables": {"Body": {"1": "Asha"}, "Buttons": {"1": "yes"}}}
    entry = {**TEMPLATE, "media_url": "https://a.example/a.mp4", "media": ""}
    drawn(
        browser,
        tmp_path,
        (sms(**everything, image_url="https://a.example/a.png")[0], {"marked": "–", "reveal": True}),
        (whatsapp(**everything, name="Ann")[0], {"marked": "–", "reveal": True, "time": "14:02"}),
        ({"provider": "gswa", "template": given}, {"template": entry}),
        whatsapp(template={"id": "HX01", "variables": {"1": "Ann"}}),
        sms(),
        dark=dark,
    )
    assert browser.run("return matchMedia('(prefers-color-scheme: dark)').matches") is dark
    assert browser.barriers() == []
