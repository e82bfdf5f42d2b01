"""How many SMS segments a text costs: the count that Twilio charges.

Facts, section 3: a text of GSM-7 characters fits 160 septets alone or 153 in each of several segments; one
character outside GSM-7 turns the whole text into UCS-2, with 70 or 67 UTF-16 code units. An escape pair
(``€`` is two septets), a surrogate pair or a grapheme is never split over two segments, so dividing and rounding
up counts too few. Tested against Twilio's own calculator (the npm package ``sms-segments-calculator``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from msgspec_runner.content.patterns import later

GSM_SINGLE: Final = 160
"""Septets of a text that is sent alone."""
GSM_PART: Final = 153
"""Septets of each of several segments; the header takes the rest."""
UCS2_SINGLE: Final = 70
"""UTF-16 code units of a text that is sent alone."""
UCS2_PART: Final = 67
"""UTF-16 code units of each of several segments."""

GSM_EXTENSION: Final = "\f[\\]^{|}~€"
"""GSM-7 characters that cost two septets: an escape and a code (3GPP TS 23.038)."""
GSM_BASIC: Final = (
    "\n\r !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
    "¡£¤¥§¿ÄÅÆÇÉÑÖØÜßàäåæèéìñòöøùüΓΔΘΛΞΠΣΦΨΩ"
)
"""GSM-7 characters that cost one septet (3GPP TS 23.038). There is ``Ç`` but no ``ç``, and no backtick."""

_ONE_SEPTET: Final = bytes(ord(character) for character in GSM_BASIC if character.isascii())
_NOT_GSM: Final = later(f"[^{re.escape(GSM_BASIC + GSM_EXTENSION)}]")
_EXTENSION: Final = later(f"[{re.escape(GSM_EXTENSION)}]")
_EACH_A_GRAPHEME: Final = later("[\\x00-\u02ff\u0370-\u0482\u048a-\u0590\u2010-\u2027\u2030-\u205f\u20a0-\u20cf]*")
"""Texts without anything that joins its neighbour: one code unit, one grapheme each."""


class Segments(NamedTuple):
    """What a text costs.

    Attributes:
        encoding: ``GSM-7`` or ``UCS-2``.
        units: septets in GSM-7, UTF-16 code units in UCS-2.
        count: segments; 1 for an empty text, as Twilio's calculator says.
    """

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    count: int  # type: ignore[assignment]  # the public name, though every tuple has a method of that name


def segments(text: str) -> Segments:
    """Count the SMS segments of a text.

    Args:
        text: the text as it will be sent.

    Example:
        >>> segments("Hi Ann")
        Segments(encoding='GSM-7', units=6, count=1)
    """
    if text.isascii() and not text.encode().translate(None, _ONE_SEPTET):  # most texts, for a third of the time
        units = len(text)
        return Segments("GSM-7", units, 1 if units <= GSM_SINGLE else -(-units // GSM_PART))
    if _NOT_GSM.search(text) is None:
        return _gsm(text)
    return _ucs2(text)


def segment_count(text: str) -> int:
    """Return ``segments(text).count``; most short texts need not be read for it."""
    if len(text) <= UCS2_SINGLE and text.isascii():
        return 1  # whether a backtick makes it UCS-2, or brackets cost two septets each
    return segments(text).count


def first_ucs2(text: str) -> int | None:
    """Return the index of the first character that forces UCS-2; None if the text is GSM-7."""
    found = _NOT_GSM.search(text)
    return None if found is None else found.start()


def _gsm(text: str) -> Segments:
    units = len(text) + len(_EXTENSION.findall(text))
    if units <= GSM_SINGLE:
        return Segments("GSM-7", units, 1)
    if units == len(text):
        return Segments("GSM-7", units, -(-units // GSM_PART))
    septets = _EXTENSION.sub("\x1b.", text)
    count = at = 0
    while at < units:
        at += GSM_PART
        if at < units and septets[at - 1] == "\x1b":
            at -= 1
        count += 1
    return Segments("GSM-7", units, count)


def _ucs2(text: str) -> Segments:
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    if units <= UCS2_SINGLE:
        return Segments("UCS-2", units, 1)
    if _EACH_A_GRAPHEME.fullmatch(text):
        return Segments("UCS-2", units, -(-units // UCS2_PART))
    from msgspec_runner.content.graphemes import graphemes

    paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return Segments("UCS-2", units, _fill(_code_units(grapheme) for grapheme in graphemes(paired)))


def _code_units(grapheme: str) -> int:
    return len(grapheme) + sum(character > "\uffff" for character in grapheme)


def _fill(sizes: Iterable[int]) -> int:
    """Return how many segments graphemes of these sizes (code units) fill, each put whole where it fits.

    The first segment is filled as if it were alone; when a second is needed, what no longer fits beside the header
    moves over unasked. So a segment can overflow, and so can one that holds a single longer grapheme.
    """
    count = 1
    first: list[int] = []
    free = UCS2_SINGLE
    for size in sizes:
        if free < size:
            count += 1
            moved = 0
            if count == 2:
                kept = UCS2_SINGLE - free
                while kept > UCS2_PART:
                    last = first.pop()
                    kept -= last
                    moved += last
            free = UCS2_PART - moved
        if count == 1:
            first.append(size)
        free -= size
    return count
