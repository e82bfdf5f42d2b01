"""Where the cursor is between two braces."""

from __future__ import annotations

import pytest

from msgspec_runner.editor.expressions import cursor_in, local_names, tag_at, tags, word_at
from tests.editor.desks import CURSOR

WANTS = {
    "{{ na▮ }}": ("name", "na", "", 0),
    "{{▮ }}": ("name", "", "", 0),
    "{{ a▮": ("name", "a", "", 0),
    "{{ n▮ {{ b }}": ("name", "n", "", 0),
    "{{ a }} {{ ▮": ("name", "", "", 0),
    "{{ day | da▮": ("filter", "da", "", 0),
    "{{ day |▮ }}": ("filter", "", "", 0),
    "{{ a | default(b | up▮) }}": ("filter", "up", "", 0),
    "{{ d | date(▮) }}": ("argument", "", "date", 0),
    '{{ d | date("▮") }}': ("string", "", "date", 0),
    '{{ d | date("EE▮E d") }}': ("string", "EEE d", "date", 0),
    '{{ d | date("EE▮': ("string", "EE", "date", 0),
    "{{ d | plus(days=1, ▮) }}": ("argument", "", "plus", 1),
    "{{ d | currency(code='▮') }}": ("string", "", "currency", 0),
    "{{ d | round(1, 'c▮') }}": ("string", "c", "round", 1),
    "{{ (a ~ b) | replace(c, ▮) }}": ("argument", "", "replace", 1),
    "{% ▮ %}": ("statement", "", "", 0),
    "{%- i▮ %}": ("statement", "i", "", 0),
    "{% if n▮ %}": ("name", "n", "", 0),
    "{% if x is ▮ %}": ("test", "", "", 0),
    "{% if x is not de▮ %}": ("test", "de", "", 0),
    '{% include "si▮" %}': ("string", "si", "include", 0),
    "{{ d.▮ }}": ("attribute", "", "d", 0),
    "{{ a b▮ }}": ("operator", "b", "", 0),
    "{{ a if ▮ }}": ("name", "", "", 0),
    "{% set x▮ = 2 %}": ("", "x", "", 0),
    "{# msgspec: ▮ #}": ("comment", "", "", 0),
    "{{ 12▮ }}": ("", "", "", 0),
}


@pytest.mark.parametrize("marked", WANTS)
def test_what_may_be_typed(marked: str) -> None:
    text, offset = marked.replace(CURSOR, ""), marked.index(CURSOR)
    tag = tag_at(text, 0, len(text), offset)
    assert tag is not None
    cursor = cursor_in(text, tag, offset, "block")
    assert (cursor.wants, text[cursor.start : cursor.end], cursor.of, cursor.number) == WANTS[marked]


@pytest.mark.parametrize("marked", ["a▮ {{ b }}", "{{ b }}▮", "{▮{ b }}", "no braces▮", "{{ a }} and ▮ {{ b }}"])
def test_outside_of_the_braces_there_is_no_tag(marked: str) -> None:
    text = marked.replace(CURSOR, "")
    assert tag_at(text, 0, len(text), marked.index(CURSOR)) is None


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("double", r'"{{ d | date(\"EEEE\") }}"'),
        ("single", "'{{ d | date(''EEEE'') }}'"),
        ("block", "{{ d | date('EEEE') }}"),
    ],
)
def test_quotes_as_the_scalar_writes_them(style: str, text: str) -> None:
    offset = text.index("EEEE") + 2
    tag = tag_at(text, 0, len(text), offset)
    assert tag is not None
    cursor = cursor_in(text, tag, offset, style)
    assert (cursor.wants, text[cursor.start : cursor.end], cursor.of) == ("string", "EEEE", "date")


def test_a_tag_that_nobody_closed_ends_with_its_line() -> None:
    text = "Hi {{ na\nand {% if b\n{# c #}"
    assert [(tag.opening, text[tag.start : tag.end]) for tag in tags(text, 0, len(text))] == [
        ("{{", "{{ na"),
        ("{%", "{% if b"),
        ("{#", "{# c "),
    ]


def test_the_kinds_of_words() -> None:
    text = "{% if name is not defined and day | date(format='d') == item.part %}"
    [tag] = tags(text, 0, len(text))
    kinds = {}
    for word in ("name", "defined", "date(", "format", "'d'", "item", "part"):
        found = word_at(text, tag, text.index(word) + 1, "plain")
        assert found is not None
        kinds[found[1].text] = found[0]
    assert kinds == {
        "name": "name",
        "defined": "test",
        "date": "filter",
        "format": "option",
        "'d'": "string",
        "item": "name",
        "part": "attribute",
    }


def test_names_that_a_template_makes_itself() -> None:
    text = '{% set day = 1 %}{% for key, value in items %}{% macro greet(x) %}{% import "m" as m %}{% from "m" import a, b as c %}'
    assert local_names(text, 0, len(text)) == {"day", "key", "value", "greet", "m", "a", "b", "c"}
