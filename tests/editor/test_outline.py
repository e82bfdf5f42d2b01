"""Keys and cursors in texts that may be no YAML."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.editor.outline import Outline
from msgspec_runner.source.document import Mapping, Node, Scalar, Sequence, read_document
from tests.editor.desks import CURSOR

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted([*(ROOT / "tests/gallery/specs").glob("*.yaml"), *(ROOT / "specs").glob("*.yaml")])

CASES = {
    "mess▮": ("key", ()),
    "spec: a\nme▮": ("key", ()),
    "message:\n  pro▮": ("key", ("message",)),
    "message:\n  ▮": ("key", ("message",)),
    "message:\n▮": ("key", ()),
    "message:\n  provider: ▮": ("value", ("message", "provider")),
    "message:\n  provider: tw▮\n  to: x": ("value", ("message", "provider")),
    "message:\n  provider: twlo\n  ▮\n  to: x": ("key", ("message",)),
    'message:\n  to: "{{ ph▮\n  text: hi': ("value", ("message", "to")),
    "message:\n  text: |-\n    Hi ▮\n": ("value", ("message", "text")),
    "message:\n  text: |-\n    Hi\n\n    ▮\n": ("value", ("message", "text")),
    "message:\n  text: |-\n    Hi\n  na▮": ("key", ("message",)),
    "message:\n  text: >-\n    Hi\n    there: ▮\n  to: x": ("value", ("message", "text")),
    "recipients:\n  columns:\n    phone: {▮}": ("key", ("recipients", "columns", "phone")),
    "recipients:\n  columns:\n    phone: {type: ▮}": ("value", ("recipients", "columns", "phone", "type")),
    "recipients:\n  columns:\n    phone: {type: phone, re▮": ("key", ("recipients", "columns", "phone")),
    "recipients:\n  columns:\n    phone: {type: ph▮\n    nick: {}": (
        "value",
        ("recipients", "columns", "phone", "type"),
    ),
    "recipients:\n  columns:\n    phone:\n      ty▮": ("key", ("recipients", "columns", "phone")),
    "recipients:\n  samples:\n    - {phone: x, ▮}": ("key", ("recipients", "samples", 0)),
    "recipients:\n  samples:\n    - phone: x\n      na▮": ("key", ("recipients", "samples", 0)),
    "recipients:\n  samples:\n    - phone: x\n    - ▮": ("key", ("recipients", "samples", 1)),
    "recipients:\n  samples:\n  - phone: x\n    na▮": ("key", ("recipients", "samples", 0)),
    "recipients:\n  samples: [{phone: 1}, {▮}]": ("key", ("recipients", "samples", 1)),
    "message: {provider: ▮": ("value", ("message", "provider")),
    "message:\n  template: {id: x, variables: {'1': ▮}}": ("value", ("message", "template", "variables", "1")),
    "# msgspec: ▮": ("comment", ()),
    "spec: a  # msgspec: ▮": ("comment", ()),
    "text: a#▮": ("value", ("text",)),
    "a:\n  b:\n    c: 1\n  ▮d: 2": ("key", ("a",)),
    "message:\r\n  provider: twlo\r\n  ▮\r\n": ("key", ("message",)),
    "▮": ("key", ()),
    '"message":\n  ▮': ("key", ("message",)),
}


@pytest.mark.parametrize("marked", CASES)
def test_where_the_cursor_is(marked: str) -> None:
    place = Outline(marked.replace(CURSOR, "")).at(marked.index(CURSOR))
    assert (place.role, place.path) == CASES[marked]


def test_a_quote_that_nobody_closed_does_not_swallow_what_follows() -> None:
    text = 'message:\n  to: "{{ phone\n  text: hi\nrecipients: {columns: {phone: {type: phone}\nvars:\n  a: b\n'
    assert [key.path for key in Outline(text).keys] == [
        ("message",),
        ("message", "to"),
        ("message", "text"),
        ("recipients",),
        ("recipients", "columns"),
        ("recipients", "columns", "phone"),
        ("recipients", "columns", "phone", "type"),
        ("vars",),
        ("vars", "a"),
    ]


def test_a_quote_that_only_a_later_one_would_close() -> None:
    text = 'message:\n  to: "{{ phone\n  name: "Ann"\n  text: hi\n'
    assert [key.path[-1] for key in Outline(text).keys] == ["message", "to", "name", "text"]
    folded = 'message:\n  text: "Hi\n    to: all\n    of you"\n  to: x\n'
    assert [key.path[-1] for key in Outline(folded).keys] == ["message", "text", "to"]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_of_what_is_yaml_it_sees_what_the_parser_sees(path: Path) -> None:
    document = read_document(path.name, path.read_bytes())
    assert document.root is not None
    outline = Outline(document.text)
    seen = {(key.path, key.start) for key in outline.keys if key.path[-1] != "<<"}
    assert seen == set(keys(document.root))
    assert len(outline.comments) == len(document.comments())


def keys(node: Node, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], int]]:
    """Return every key of a tree and where its characters begin."""
    found = []
    if isinstance(node, Mapping):
        for entry in node.entries:
            if not node.start <= entry.key.start < node.end:
                continue  # merged: it stands elsewhere
            here = (*path, entry.key.text)
            found.append((here, entry.key.start + (entry.key.style != "plain")))
            found += keys(entry.value, here)
    elif isinstance(node, Sequence):
        for number, item in enumerate(node.items):
            found += keys(item, (*path, number))
    else:
        assert isinstance(node, Scalar)
    return found


SCRAPS = [
    *("\n", "\r\n", " ", "  ", "- ", ":", ": ", "{", "}", "[", "]", ", ", '"', "'", "\\", "|", ">-", " #"),
    *("a", "b", "{{ ", " }}", "&x ", "!t ", "😀"),
]


@given(st.lists(st.sampled_from(SCRAPS), max_size=40).map("".join))
def test_no_text_is_too_odd(text: str) -> None:
    outline = Outline(text)
    for offset in range(len(text) + 1):
        place = outline.at(offset)
        assert place.role in {"key", "value", "comment"}
        assert 0 <= place.start <= place.end <= len(text)
    starts = [key.start for key in outline.keys]
    assert starts == sorted(starts)
    assert all(
        key.start <= key.end <= key.value <= key.stop <= len(text) or key.style == "none" for key in outline.keys
    )
