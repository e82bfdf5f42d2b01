"""How the sandbox shows a request to its inbox and to tests, and which requests somebody looks for. All pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

import orjson

from msgspec_runner.sandbox.store import Received

STATES: Final = ("sent", "scheduled", "cancelled", "refused", "failed")
State = Literal["sent", "scheduled", "cancelled", "refused", "failed"]
"""What became of a request: its message went out; waits for its time; was cancelled before; was refused for its body
or its key; or met a fault and was not kept."""

_SEARCHED: Final = ("to", "name", "text", "image_url", "video_url", "file_url", "channel_key", "template")
_NUMBER: Final = re.compile(r"\+?[0-9 ().-]*[0-9][0-9 ().-]*")
_MIN_DIGITS: Final = 3
"""Digits that make a word of a search part of a phone number; fewer are looked for as text."""


class Wanted(NamedTuple):
    """Which requests somebody looks for; what is left out allows all.

    Attributes:
        q: words, all of which occur in a message's number, name, text, template, media or channel, or are its id;
            capital letters do not matter. What looks like a part of a phone number is looked for in its digits.
        to: the number that it goes to, with or without ``+``.
        state: what became of it.
        fault: the fault it met, or ``any``.
    """

    q: str = ""
    to: str = ""
    state: str = ""
    fault: str = ""


def state_of(received: Received, now: float, *, cancelled: bool) -> State:
    """Say what became of a request.

    Args:
        received: the request.
        now: seconds since the epoch, to tell scheduled from sent.
        cancelled: whether its message was cancelled.
    """
    if received.message_id is None or received.due is None:
        return "refused" if received.fault is None else "failed"
    if cancelled:
        return "cancelled"
    return "scheduled" if received.due > now else "sent"


def show(received: Received, state: State) -> dict[str, Any]:
    """Show a request as docs/sandbox.md says.

    Args:
        received: the request.
        state: what became of it.
    """
    return {
        "number": received.number,
        "at": moment(received.at),
        "state": state,
        "message_id": received.message_id,
        "due": moment(received.due) if received.due is not None and received.due > received.at else None,
        "duplicate": received.duplicate,
        "fault": received.fault,
        "reasons": _reasons(received.answer) if state == "refused" else [],
        "message": read(received.body),
        "request": {
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in received.headers],
            "body": received.body.decode("utf-8", "replace"),
        },
        "answer": {"status": received.status, "body": received.answer.decode("utf-8", "replace")},
    }


def written(entry: Mapping[str, Any]) -> str:
    """Write an entry as JSON in one line of ASCII, whatever a client sent."""
    try:
        return json.dumps(entry, allow_nan=False)
    except (RecursionError, ValueError):  # brackets in brackets in brackets, or 1e999: shown as text only
        return json.dumps({**entry, "message": None})


def moment(seconds: float) -> str | None:
    """Write seconds since the epoch as ISO 8601 in UTC; None for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None


def read(body: bytes) -> dict[str, Any] | None:
    """Read a body that is a JSON object, however odd; None for all others."""
    try:
        found = orjson.loads(body)
    except ValueError:
        try:
            found = json.loads(body)  # takes lone surrogates too
        except (ValueError, RecursionError):
            return None
    return found if isinstance(found, dict) else None


def search(wanted: Wanted) -> Callable[[Received], bool]:
    """Make the test that finds requests by ``q``, ``to`` and ``fault``; ``state`` depends on the time.

    Args:
        wanted: what somebody looks for.
    """
    number = wanted.to.strip().removeprefix("+")
    whole = wanted.q.strip().casefold()
    words = [(word, _digits(word)) for word in ([whole] if _digits(whole) else whole.split())]

    def found(received: Received) -> bool:
        if wanted.fault and (received.fault is None if wanted.fault == "any" else received.fault != wanted.fault):
            return False
        if not (number or words):
            return True
        message = read(received.body) or {}
        to = str(message.get("to", ""))
        if number and to.removeprefix("+") != number:
            return False
        texts = _texts({name: message.get(name) for name in _SEARCHED})
        text = "\n".join([*texts, received.message_id or ""]).casefold()
        return all(word in text or (digits and digits in to) for word, digits in words)

    return found


def _digits(word: str) -> str:
    """The digits of a word that may be a part of a phone number; nothing for others."""
    digits = re.sub(r"[^0-9]", "", word)
    return digits if len(digits) >= _MIN_DIGITS and _NUMBER.fullmatch(word) else ""


def _texts(value: object) -> list[str]:
    """All strings and numbers in a value, as deep as a template's variables lie: template, variables, Body, 1."""
    found: list[str] = []
    level: list[object] = [value]
    for _ in range(5):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
            elif isinstance(item, str | int | float):
                found.append(str(item))
        level = below
    return found


def _reasons(answer: bytes) -> list[str]:
    """The reasons in one of our own error objects."""
    return [error["msg"] for error in json.loads(answer)["errors"]]
