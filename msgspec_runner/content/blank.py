"""What is nothing to a reader: white space, and characters that show nothing."""

from __future__ import annotations

import unicodedata

_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by their category that are drawn as nothing: Hangul fillers, the empty Braille pattern."""


def is_blank(text: str) -> bool:
    """Say whether a reader would see nothing: empty, white space, zero-width and control characters only.

    The content rule (MSG201, MSG601) asks this: a message of one U+200B is an empty bubble on a phone.
    """
    for char in text:
        if char.isalnum():
            if char not in _FILLERS:
                return False
        elif unicodedata.category(char)[0] not in "CZ" and char not in _FILLERS:
            return False
    return True
