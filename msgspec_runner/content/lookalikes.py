"""Characters outside GSM-7 that have a plain twin in it: what word processors, locales and copying put into texts.

One of them turns a whole SMS into UCS-2, which has room for 70 characters instead of 160. The pairs are those that
nobody reads differently (facts, section 3): quotes, dashes, the ellipsis, bullets and spaces; besides them what
cannot be seen at all, and an accent that stands behind its letter although both have one GSM-7 character. Letters
are never exchanged for others: ``ã`` is no ``a``.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from msgspec_runner.content.patterns import later
from msgspec_runner.content.segments import GSM_BASIC

_TWINS: Final = {
    "'": "‘’‚‛‹›′ʼ´`",
    '"': "“”„‟«»″",
    "-": "‐‑‒–—―−•·‣⁃",
    "...": "…",
    " ": "\t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    # Soft hyphen, zero-width space, word joiner, byte order mark. The joiners U+200C and U+200D shape letters: no.
    "": "\u00ad\u200b\u2060\ufeff",
}
_PLAIN: Final = {twin: plain for plain, twins in _TWINS.items() for twin in twins}
_NAMES: Final = {
    "\t": "a tab",
    "\u00a0": "a no-break space",
    "\u00ad": "a soft hyphen",
    "\u200b": "a zero-width space",
    "\u202f": "a narrow no-break space",
    "\ufeff": "a byte order mark",
}

_COMPOSED: Final = tuple(
    unicodedata.normalize("NFD", letter) for letter in GSM_BASIC if not unicodedata.is_normalized("NFD", letter)
)
LOOKALIKE: Final = later(f"{'|'.join(_COMPOSED)}|[{re.escape(''.join(_PLAIN))}]")
"""One of these: a character, or a letter and the accent behind it."""


def plain(found: str) -> str:
    """Return the GSM-7 characters that stand for what :data:`LOOKALIKE` has found.

    Example:
        >>> plain("…")
        '...'
    """
    twin = _PLAIN.get(found)
    return unicodedata.normalize("NFC", found) if twin is None else twin


def in_plain(text: str) -> str:
    """Return a text with every lookalike replaced."""
    return LOOKALIKE.sub(lambda match: plain(match[0]), text)


def shown(found: str) -> str:
    """Name a character for people: itself where it can be seen, else what it is."""
    if len(found) == 1 and found.isprintable() and not found.isspace():
        return found
    number = " ".join(f"U+{ord(character):04X}" for character in found)
    name = _NAMES.get(found, "a space" if found.isspace() else f"“{found}” in two characters" if len(found) > 1 else "")
    return f"{name} ({number})" if name else number
