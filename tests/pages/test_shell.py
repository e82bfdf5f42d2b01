"""The shell of every page: what is data stays data, and nothing but our own scripts and styles may run."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from msgspec_runner.pages.shell import asset, embed, json_text, page, page_parts

HOSTILE = (
    "</script>",
    "</SCRIPT >",
    "<!--",
    "-->",
    "<script",
    "]]>",
    "\u2028",
    "\u2029",
    "\x00",
    "\ud800",
    "&lt;",
    "'\"",
)

TEXTS = st.lists(st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=()), max_size=5)).map("".join)
VALUES = st.recursive(
    TEXTS | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


class Reader(HTMLParser):
    """A page as a browser reads it: its elements, and what stands in each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.held: list[tuple[str, dict[str, str | None], str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.held.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            tag, attributes, before = self.held[-1]
            self.held[-1] = (tag, attributes, before + data)
        else:
            self.words.append(data)

    def policy(self) -> dict[str, str]:
        [content] = [
            str(attributes["content"])
            for tag, attributes in self.tags
            if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        return dict(rule.split(" ", 1) for rule in content.split("; "))


def test_a_page_without_scripts_allows_none() -> None:
    read = Reader(page("Hello", Markup("<main><h1>Hello</h1></main>")))
    policy = read.policy()
    assert policy["default-src"] == policy["script-src"] == policy["connect-src"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert [tag for tag, *_ in read.held] == ["style"]


def test_the_policy_names_exactly_the_scripts_and_styles_of_the_page() -> None:
    read = Reader(page("Hello", "", styles=[".a { color: red }"], scripts=["first();\r\nnext();", "last();"]))
    policy = read.policy()
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        hashes = [
            f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
            for name, _, text in read.held
            if name == tag
        ]
        assert policy[rule].split() == hashes
    assert [len(policy[rule].split()) for rule in ("style-src", "script-src")] == [2, 3]  # ours came first


def test_only_who_asks_may_ask_the_server() -> None:
    assert Reader(page("Inbox", "", scripts=["x"], connect=True)).policy()["connect-src"] == "'self'"


def test_the_policy_stands_before_all_that_it_rules() -> None:
    text = page("Hello", "", scripts=["x"])
    assert text.index("Content-Security-Policy") < min(text.index("<style"), text.index("<script"), text.index("<link"))


def test_data_are_for_reading_only() -> None:
    read = Reader(page("Hello", embed("rows", ["</script><script>alert(1)</script>"])))
    assert [(tag, attributes) for tag, attributes, _ in read.held if tag == "script"] == [
        ("script", {"type": "application/json", "id": "rows"})
    ]


@given(VALUES)
def test_data_come_through_whatever_is_in_them(value: object) -> None:
    text = page("Hello", embed("rows", value))
    text.encode()
    read = Reader(text)
    [data] = [held for tag, _, held in read.held if tag == "script"]
    assert json.loads(data) == json.loads(json.dumps(value))
    assert not re.search("[<>&\u2028\u2029\ud800-\udfff]", json_text(value))


@given(TEXTS)
def test_what_is_forgotten_to_escape_is_shown(words: str) -> None:
    text = page(words, words)
    read = Reader(text)
    assert [tag for tag, _ in read.tags if tag not in {"html", "head", "meta", "title", "link", "style", "body"}] == []
    assert text.encode()


def test_a_body_may_come_in_pieces() -> None:
    text = "".join(page_parts("Hello", (Markup("<p>{}</p>").format(number) for number in range(3))))
    assert "<p>0</p><p>1</p><p>2</p>" in text


@pytest.mark.parametrize("end", ["</script>", "</SCRIPT", "</style", "<!--"])
def test_an_asset_that_would_end_its_element_is_refused(end: str) -> None:
    with pytest.raises(ValueError, match="must not hold"):
        page("Hello", "", scripts=[f"const text = '{end}';"])


@pytest.mark.parametrize("name", ["base.css", "bubbles.css", "page.js", "bubbles.js"])
def test_no_asset_asks_for_anything_from_elsewhere(name: str) -> None:
    text = re.sub(r"http://www\.w3\.org/\S+|`http://\$\{", "", asset(name))
    assert not re.search(
        r"url\(|@import|\bfetch\b(?!ed)|XMLHttpRequest|innerHTML =|insertAdjacent|document\.write|eval\(", text
    )
