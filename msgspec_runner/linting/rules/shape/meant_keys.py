"""What an unknown key was meant to be: MSG107 asks, and MSG108 need not ask for the same key again."""

from __future__ import annotations

from typing import Final

from msgspec_runner.linting.rule import closest
from msgspec_runner.source.schema import Violation, home

_OTHER_WORDS: Final = {
    **dict.fromkeys(("body", "message", "content", "msg"), "text"),
    **dict.fromkeys(("phone", "phone_number", "number", "recipient", "mobile"), "to"),
    **dict.fromkeys(("from", "sender"), "channel_key"),
    **dict.fromkeys(("send_at", "scheduled_at"), "schedule"),
    **dict.fromkeys(("csv", "path", "source"), "file"),
    **dict.fromkeys(("start", "opens"), "from"),
    **dict.fromkeys(("end", "closes"), "to"),
    "id": "spec",
    "version": "edition",
    "variables": "vars",
}
"""What other tools and other APIs call a thing that we have too."""


def meant_path(unknown: Violation) -> tuple[str | int, ...] | None:
    """Return the path of the key that an unknown one most likely was meant to be, or None.

    That is another key of the same mapping, or this very key in the mapping that has it.
    """
    other = _OTHER_WORDS.get(unknown.name.lower())
    if other in unknown.known:
        return (*unknown.path, other)
    place = home("spec", unknown.name)
    if place is not None:
        return (*place, unknown.name)
    close = closest(unknown.name, unknown.known)
    return None if close is None else (*unknown.path, close)


def place_of(path: tuple[str | int, ...]) -> str:
    """Say where the key at a path stands: ``under `recipients```."""
    return f"under `{'.'.join(map(str, path[:-1]))}`" if path[:-1] else "at the top of the spec"
