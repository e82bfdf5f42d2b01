"""JSON and JSONL: one object a recipient, in a stream."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.errors import RecipientsError
from msgspec_runner.recipients.readers import open_recipients
from msgspec_runner.recipients.rows import Row


def read(directory: Path, content: bytes, name: str) -> tuple[tuple[str, ...], list[Row]]:
    path = directory / name
    path.write_bytes(content)
    with open_recipients(path, name) as source:
        assert not source.fixed
        return source.header, list(source)


def test_jsonl(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf{"phone": "+1", "n": 3.50}\r\n\n {"phone": 16175551212, "items": [1, {"a": 2}]} \n'
    assert read(tmp_path, content, "p.jsonl") == (
        ("phone", "n"),
        [Row(1, 1, {"phone": "+1", "n": Decimal("3.50")}), Row(2, 3, {"phone": 16175551212, "items": [1, {"a": 2}]})],
    )


def test_a_json_array(tmp_path: Path) -> None:
    content = b'\n[\n  {"phone": "+1",\n   "name": "Ann"} ,{"phone": null}\n]\n'
    assert read(tmp_path, content, "p.json") == (
        ("phone", "name"),
        [Row(1, 3, {"phone": "+1", "name": "Ann"}), Row(2, 4, {"phone": None})],
    )


@pytest.mark.parametrize(("name", "content"), [("p.jsonl", b""), ("p.jsonl", b"\n \n"), ("p.json", b" [ ] ")])
def test_nobody(tmp_path: Path, name: str, content: bytes) -> None:
    assert read(tmp_path, content, name) == ((), [])


LONG = b'{"a": "' + b"x" * 70_000 + b'"}'


@pytest.mark.parametrize(
    ("name", "content", "place", "words"),
    [
        ("p.jsonl", b'{"a": 1}\n{"a": }\n', "2:7", "is no proper JSON"),
        ("p.jsonl", b'{"a": 1} {"a": 2}\n', "1:9", "one object on each line"),
        ("p.jsonl", b'[{"a": 1}]\n', "1:1", "name the file .json"),
        ("p.jsonl", b'{"a": 1}\n  5\n', "2:3", "must have an object"),
        ("p.jsonl", b'{"a": 1, "a": 2}\n', "1:1", "same key twice"),
        ("p.jsonl", b'{"a": NaN}\n', "1:1", "has NaN"),
        ("p.jsonl", b'{"a": ' + b"9" * 5000 + b"}\n", "1:1", "more than 400 digits"),
        ("p.jsonl", b'{"a": "\\ud83d"}\n', "1:1", "surrogate"),
        ("p.jsonl", b'{"a": ["\\u0000"]}\n', "1:1", "NUL"),
        ("p.jsonl", b'{"a": 1}\n{"a": "\xff"}\n', "2:8", "is not UTF-8"),
        ("p.jsonl", b'{"a": ' + b"[" * 100_000 + b"\n", "1:1", "nested too deeply"),
        ("p.jsonl", LONG + b"\n", "1:1", "value of more than 65,536 characters"),
        ("p.jsonl", b'{"a": ' + b" " * 1_100_000 + b"1}\n", "1:1", "more than 1,048,576 characters"),
        ("p.json", b"", "1:1", "is empty"),
        ("p.json", b'{"a": 1}', "1:1", ".jsonl"),
        ("p.json", b'[\n{"a": 1}\n{"a": 2}]', "3:1", "needs a comma"),
        ("p.json", b'[\n{"a": 1},\n]', "3:1", "comma after the last object"),
        ("p.json", b'[\n{"a": 1}\n', "3:1", "or ] at the end"),
        ("p.json", b'[{"a": 1}]\nx', "2:1", "something after the array"),
        ("p.json", b'[{"a": 1}, 5]', "1:12", "must have an object"),
        ("p.json", b'[{"a": 1},\n {"a": ]', "2:8", "is no proper JSON"),
        ("p.json", b'[{"a": ]}' + b',\n{"a": 1}' * 300_000 + b"]", "1:8", "is no proper JSON"),
        ("p.json", b'[{"a": "' + b"x" * 3_000_000, "1:1", "more than 1,048,576 characters"),
        ("p.json", b'[{"a": 1},\n {"a": "x', "2:8", "is no proper JSON"),
        ("p.json", b'[{"a": 1},\n {"a": 1, "a": 2}]', "2:2", "same key twice"),
        ("p.json", b"[" + LONG + b"]", "1:1", "value of more than 65,536 characters"),
        ("p.json", b'[{"a": ' + b" " * 1_500_000 + b"1}]", "1:1", "more than 1,048,576 characters"),
        ("p.json", b'[{"a": ' + b"[" * 100_000, "1:2", "nested too deeply"),
    ],
)
def test_errors_have_a_place(tmp_path: Path, name: str, content: bytes, place: str, words: str) -> None:
    with pytest.raises(RecipientsError) as caught:
        read(tmp_path, content, name)
    assert str(caught.value).startswith(f"{name}:{place}: ")
    assert words in caught.value.message


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(st.text("abcdé", max_size=3), VALUES, max_size=5), max_size=6)


@settings(deadline=None)
@given(OBJECTS, st.booleans(), st.sampled_from([None, 2]))
def test_both_formats_read_what_python_writes(
    rows: list[dict[str, object]], ascii_only: bool, indent: int | None
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        array = json.dumps(rows, ensure_ascii=ascii_only, indent=indent).encode()
        lines = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows).encode()
        for name, content in (("p.json", array), ("p.jsonl", lines)):
            header, found = read(Path(directory), content, name)
            assert [row.cells for row in found] == rows
            assert [row.number for row in found] == list(range(1, len(rows) + 1))
            assert header == (tuple(rows[0]) if rows else ())


def test_objects_across_the_reading_window_and_their_lines(tmp_path: Path) -> None:
    rows = [{"n": number, "text": "é" * (number * 37 % 5000)} for number in range(300)]
    content = ("[" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "]").encode()
    _, found = read(tmp_path, content, "p.json")
    assert [(row.line, row.cells) for row in found] == list(enumerate(rows, 1))
    assert all(isinstance(row.cells, Mapping) for row in found)
