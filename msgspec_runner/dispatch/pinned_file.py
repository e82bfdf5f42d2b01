"""A pinned plan as a file. What is read comes from an artifact, so anything may stand in it: it is checked whole."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from msgspec_runner.dispatch.pinned import (
    CHECK_DIGITS,
    FEWEST_BUCKETS,
    MOST_BUCKETS,
    SALT_BYTES,
    Pinned,
    PinnedSpec,
    Tallies,
)

VERSION = 1
"""Of the file's form."""

MAX_BYTES = 32 * 1024 * 1024
"""The largest file that is read: a plan of 100,000 messages takes 50 KiB, one of a thousand specs 20 MiB at most."""

MAX_SPECS = 10_000
MAX_TEXT = 4096  # characters
MAX_NAMES = 40
MAX_NUMBER = 10**9

_NAME = re.compile(r"[a-z_]{1,40}")
_HEX = re.compile(r"[0-9a-f]*")


def to_json(pinned: Pinned) -> str:
    """Return a plan as the text of a file."""
    head = pinned._asdict()
    specs = head.pop("specs")
    head["new"] = base64.b64encode(pinned.new).decode()
    return json.dumps({"version": VERSION, **head, "specs": [_spec(spec) for spec in specs]}, indent=1) + "\n"


def _spec(spec: PinnedSpec) -> dict[str, object]:
    fields = spec._asdict()
    tallies = fields.pop("tallies")
    return {**fields, "keys": _line(tallies.keys), "bodies": _line(tallies.bodies)}


def _line(tally: tuple[int, ...]) -> str:
    return " ".join(map(str, tally))


def from_json(data: bytes) -> Pinned:
    """Read the content of a file.

    Raises:
        ValueError: it is no plan; the words name the key that is wrong.
    """
    try:
        root = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    if not isinstance(root, dict) or "version" not in root:
        raise ValueError("`version` is missing")
    if root["version"] != VERSION:
        raise ValueError(f"its `version` is not {VERSION}: make it with this version of msgspec-runner")
    specs = _get(root, "specs", list)
    if not 0 < len(specs) <= MAX_SPECS:
        raise ValueError("`specs`")
    salt = _hex(root, "salt", SALT_BYTES * 2)
    read = tuple(_read_spec(item) for item in specs)
    if len({spec.spec for spec in read}) < len(read):
        raise ValueError("`specs` has an id twice")
    try:
        new = base64.b64decode(_get(root, "new", str), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("`new`") from None
    # Who reviews a plan reads `decisions`; what is sent is in `new`.
    if sum(byte.bit_count() for byte in new) != sum(spec.decisions.get("new", 0) for spec in read):
        raise ValueError("`new` has another number of messages than `decisions`")
    return Pinned(
        runner=_text(root, "runner"),
        made_at=_text(root, "made_at"),
        origin=_text(root, "origin"),
        profile=_text(root, "profile"),
        checks=_checks(root),
        salt=salt,
        digest=_hex(root, "digest", 64),
        new=new,
        specs=read,
    )


def _read_spec(item: object) -> PinnedSpec:
    if not isinstance(item, dict):
        raise ValueError("`specs`")
    decisions = _named(item, "decisions")
    segments = None if item.get("segments") is None else _number(item, "segments")
    keys, bodies = _tally(item, "keys"), _tally(item, "bodies")
    if len(keys) != len(bodies) or sum(keys) != sum(bodies):
        raise ValueError("`keys` and `bodies`")
    return PinnedSpec(
        spec=_text(item, "spec"),
        edition=_number(item, "edition"),
        file=_file(item),
        checks=_checks(item),
        decisions={name: _number(decisions, name) for name in decisions},
        segments=segments,
        tallies=Tallies(keys, bodies),
    )


def _get(item: Mapping[str, Any], name: str, kind: type) -> Any:
    value = item.get(name)
    if not isinstance(value, kind):
        raise ValueError(f"`{name}`")
    return value


def _named(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object whose keys are few short names, as they are shown where one is wrong."""
    values: dict[str, Any] = _get(item, name, dict)
    if len(values) > MAX_NAMES or not all(_NAME.fullmatch(key) for key in values):
        raise ValueError(f"`{name}`")
    return values


def _text(item: Mapping[str, Any], name: str) -> str:
    text: str = _get(item, name, str)
    if len(text) > MAX_TEXT or not text.isprintable():
        raise ValueError(f"`{name}`")
    return text


def _number(item: Mapping[str, Any], name: str) -> int:
    value = item.get(name)
    if type(value) is not int or not 0 <= value <= MAX_NUMBER:
        raise ValueError(f"`{name}`")
    return value


def _hex(item: Mapping[str, Any], name: str, digits: int) -> str:
    text = _text(item, name)
    if len(text) != digits or _HEX.fullmatch(text) is None:
        raise ValueError(f"`{name}`")
    return text


def _checks(item: Mapping[str, Any]) -> dict[str, str]:
    checks = _named(item, "checks")
    return {name: _hex(checks, name, CHECK_DIGITS) if checks[name] != "" else "" for name in checks}


def _tally(item: Mapping[str, Any], name: str) -> tuple[int, ...]:
    words = _get(item, name, str).split(" ")
    size = len(words)
    good = FEWEST_BUCKETS <= size <= MOST_BUCKETS and size & (size - 1) == 0
    if not good or not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        raise ValueError(f"`{name}`")
    return tuple(map(int, words))


def _file(item: Mapping[str, Any]) -> str:
    """Return the path of a spec: relative, and never out of the project."""
    text = _text(item, "file")
    path = PurePosixPath(text)
    if not path.parts or path.is_absolute() or ".." in path.parts or path.suffix not in (".yaml", ".yml"):
        raise ValueError("`file` must be a spec of the project, relative to its root")
    return text
