"""Text that is safe on a terminal, and as wide as it looks."""

from __future__ import annotations

import re

# C0 and C1 controls move the cursor and change colours; bidi controls reorder what a reviewer reads.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def printable(text: str) -> str:
    """Return text with every character that a terminal would obey, instead of show, written as its code.

    Specs are hostile until proven otherwise: a file must not be able to paint over what the linter says of it.
    """
    return _UNSAFE.sub(_code, text)


def printable_lines(text: str) -> str:
    """Return the same of a text that may have several lines."""
    return "\n".join(map(printable, text.split("\n")))


def plain_json(text: str) -> str:
    """Return JSON that says the same, with the same characters written as JSON writes them."""
    return _UNSAFE.sub(lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", text)


def _code(match: re.Match[str]) -> str:
    char = match.group()
    return {"\t": " ", "\n": "⏎", "\r": "␍"}.get(char) or f"<U+{ord(char):04X}>"


def width(text: str) -> int:
    """Return how many columns of a terminal a printable text takes."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    import unicodedata  # a table of a megabyte that plain words do not need

    if unicodedata.category(char) in {"Mn", "Me"} or char in "\u200b\u200c\u200d":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def count(number: int, noun: str) -> str:
    """Return ``1 error``, ``1,204 errors``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def released(number: int) -> str:
    """Return what is said of messages that were given up for another try."""
    return f"{count(number, 'message')} released: the next `send` texts {'it' if number == 1 else 'them'} again"
