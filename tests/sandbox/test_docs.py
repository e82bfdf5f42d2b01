"""docs/sandbox.md says what the sandbox does; its commands are run by tests/docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from msgspec_runner.errors import UsageError
from msgspec_runner.sandbox.checks import BAD_CHANNEL, BAD_NUMBERS
from msgspec_runner.sandbox.front import METHODS, METHODS_BELOW
from msgspec_runner.sandbox.live import MAX_READERS
from msgspec_runner.sandbox.queries import MAX_LIMIT, MAX_WAIT_SECONDS, parse_query
from msgspec_runner.sandbox.shown import STATES
from msgspec_runner.sandbox.store import HELD_BYTES, NEWEST

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_every_refusal_that_can_be_had_is_listed() -> None:
    rows = {f'| `"to": "+{number}"` | {says} |' for number, says in BAD_NUMBERS.items()}
    rows.add(f'| `"channel_key": "{BAD_CHANNEL}"` | Invalid channel_key. |')
    assert {line for line in PAGE.splitlines() if line.startswith(('| `"to"', '| `"channel_key"'))} == rows


def test_every_parameter_is_listed() -> None:
    table = PAGE.partition("Parameters of the list")[2].partition("###")[0]
    listed = {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    with pytest.raises(UsageError) as caught:
        parse_query({"?": ""})
    assert listed == set(re.findall(r"\w+", str(caught.value).partition("there are ")[2]))
    assert {state for state in STATES if f"`{state}`" in table} == set(STATES)


def test_every_call_is_listed() -> None:
    calls = {(method, path) for path, methods in (METHODS | METHODS_BELOW).items() for method in methods.split(", ")}
    listed = {
        (method, re.sub(r"[A-Z]+$", "", path))
        for method, path in re.findall(r"^\| `([A-Z]+) (/_sandbox/[^`]*)`", PAGE, re.MULTILINE)
    }
    assert listed == {call for call in calls if call[1].startswith("/_sandbox/")}


def test_every_event_is_listed() -> None:
    table = PAGE.partition("### Events")[2].partition("## ")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [
        "hello",
        "request",
        "stats",
        "settings",
        "cleared",
        "missed",
    ]


def test_the_bounds_are_those_of_the_program() -> None:
    words = " ".join(PAGE.split())
    assert f"100 without it, {MAX_LIMIT:,} at most" in words
    assert f"({MAX_WAIT_SECONDS:.0f} at most)" in words
    assert f"{MAX_READERS} may wait at once" in words
    assert f"the newest {NEWEST:,} requests, or {HELD_BYTES // 1024**2} MB of them" in words
