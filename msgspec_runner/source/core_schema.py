"""What a plain scalar means: the core schema of YAML 1.2.2 (section 10.3.2), and nothing of YAML 1.1.

So ``yes``, ``12:30``, ``2026-01-02``, ``1_000`` and ``0b1`` are strings, and ``010`` is ten.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec_runner.content.patterns import later
from msgspec_runner.source.nodes import CoreValue

MAX_NUMBER_CHARACTERS: Final = 400
"""A longer run of digits is text: no field of a message is such a number, and turning thousands of digits
into an integer and back takes quadratic time (CPython itself refuses 4,300)."""

PREFIX: Final = "tag:yaml.org,2002:"
"""What ``!!`` stands for."""

_WORDS: Final[dict[str, CoreValue]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
    **{sign + word: float(sign + word[1:]) for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    ".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan"),
}  # fmt: skip
_NUMBER_START: Final = frozenset("+-.0123456789")
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_BASED: Final = later(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = later(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def resolve(text: str) -> CoreValue:
    """Return the meaning of a plain scalar without a tag."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START or len(text) > MAX_NUMBER_CHARACTERS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def resolve_tagged(text: str, tag: str) -> CoreValue:
    """Return the meaning of a scalar with a tag.

    Args:
        text: the scalar's characters.
        tag: the tag as resolved; ``"!"`` is the one that forces a string.

    Raises:
        ValueError: the tag is none of the core schema's, or the text is no such value; the message says what
            to do.
    """
    name = tag.removeprefix(PREFIX)
    if tag == "!" or (name == "str" and tag != name):
        return text
    value = resolve(text)
    if tag != name:
        match name, value:
            case ("null", None) | ("bool", bool()) | ("float", float()):
                return value
            case "int", int() if not isinstance(value, bool):
                return value
            case "float", int() if not isinstance(value, bool):
                return float(value)
            case (("null" | "bool" | "float" | "int"), _):
                raise ValueError(f"the value is no !!{name}; correct it, or remove the tag")
            case _:
                pass
    raise ValueError("this tag is not supported; remove it, or quote the value if it is text")
