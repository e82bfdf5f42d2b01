"""A plan's file: what was written is what is read, and whatever else stands there is refused by name."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.dispatch.pinned import Pinned
from msgspec_runner.dispatch.pinned_file import from_json, to_json
from tests.dispatch.test_pinned import message, pin

PLAN = pin([message(1), message(2), message(1, spec="other")], new=[2], buckets=16)
TEXT = to_json(PLAN)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def test_what_was_written_is_what_is_read() -> None:
    assert from_json(TEXT.encode()) == PLAN


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in places(inner, (*path, key)))]


@given(st.sampled_from(places(json.loads(TEXT))), ANYTHING, st.booleans())
def test_anything_anywhere_is_read_or_refused(place: tuple[Any, ...], value: Any, remove: bool) -> None:
    whole = copy.deepcopy(json.loads(TEXT))
    if not place:
        whole = value
    else:
        target = whole
        for key in place[:-1]:
            target = target[key]
        if remove:
            del target[place[-1]]
        else:
            target[place[-1]] = value
    read = outcome(json.dumps(whole).encode())
    if isinstance(read, str):
        assert len(read) < 200
        assert read.isprintable()
    else:
        assert from_json(to_json(read).encode()) == read


def outcome(data: bytes) -> Pinned | str:
    """Return the plan, or why it is none."""
    try:
        return from_json(data)
    except ValueError as error:
        return str(error)


@given(st.binary())
def test_bytes_that_are_no_plan(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"no JSON|`version` is missing"):
        from_json(data)


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"version": ' + b"9" * 5000 + b"}", b"\xff\xfe{}", b"", b"null"])
def test_what_breaks_a_reader_of_json(data: bytes) -> None:
    with pytest.raises(ValueError):
        from_json(data)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("version",), 2, "make it with this version"),
        (("specs",), [], "`specs`"),
        (("specs", 1, "spec"), "hello", "an id twice"),
        (("specs", 0, "file"), "/etc/passwd.yaml", "a spec of the project"),
        (("specs", 0, "file"), "specs/../../other.yaml", "a spec of the project"),
        (("specs", 0, "file"), "specs/\x1b[2J.yaml", "`file`"),
        (("specs", 0, "file"), "specs", "a spec of the project"),
        (("specs", 0, "edition"), -1, "`edition`"),
        (("specs", 0, "edition"), True, "`edition`"),
        (("specs", 0, "keys"), "1 2 3", "`keys`"),
        (("specs", 0, "keys"), " ".join(["9" * 5000] * 16), "`keys`"),
        (("specs", 0, "keys"), " ".join(["9"] * 16), "`keys` and `bodies`"),
        (("specs", 0, "checks"), {"x" * 41: "aaaa"}, "`checks`"),
        (("specs", 0, "checks"), {"spec": "../.."}, "`spec`"),
        (("specs", 0, "decisions"), {str(number): 1 for number in range(50)}, "`decisions`"),
        (("salt",), "00", "`salt`"),
        (("digest",), "x" * 64, "`digest`"),
        (("new",), "not base64!", "`new`"),
        (("new",), "Bw==", "`new` has another number of messages than `decisions`"),
        (("specs", 0, "decisions", "new"), 0, "`new` has another number of messages than `decisions`"),
        (("origin",), "x" * 5000, "`origin`"),
    ],
)
def test_the_key_that_is_wrong_is_named(path: tuple[Any, ...], value: Any, words: str) -> None:
    whole = json.loads(TEXT)
    target = whole
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with pytest.raises(ValueError) as found:
        from_json(json.dumps(whole).encode())
    assert words in str(found.value)
