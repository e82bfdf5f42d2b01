"""Places in a text as a client counts them, and back.

The protocol counts lines and characters from 0. What a character is, client and server agree on: UTF-16 code units
unless both know better (LSP 3.17, "Position Encoding Kinds"). Lines end with ``\\n``, ``\\r\\n`` or ``\\r``, as in
YAML 1.2 and in :class:`~msgspec_runner.source.document.Document`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

Units = Literal["utf-8", "utf-16", "utf-32"]
"""What a client counts: bytes, UTF-16 code units, or code points."""

UNITS: Final[tuple[Units, ...]] = ("utf-8", "utf-16", "utf-32")
"""All of them."""

_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")


class Spot(NamedTuple):
    """A place as the client has it: 0-based line, 0-based column in the client's units."""

    line: int
    character: int


class Extent(NamedTuple):
    """A range as the client has it; ``end`` is exclusive."""

    start: Spot
    end: Spot


NOWHERE: Final = Extent(Spot(0, 0), Spot(0, 0))
"""The beginning of a file."""


class Positions:
    """The lines of one text.

    Args:
        text: as the client sent it.
        units: what it counts.
    """

    def __init__(self, text: str, units: Units) -> None:
        self.text = text
        self._units = units
        self._plain = units == "utf-32" or text.isascii()
        self._starts = [0]
        self._ends: list[int] = []
        for found in _LINE_BREAK.finditer(text):
            self._ends.append(found.start())
            self._starts.append(found.end())
        self._ends.append(len(text))

    def spot(self, offset: int) -> Spot:
        """Return where an offset in code points stands; one behind the end is the end."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        if self._plain:
            return Spot(line, offset - start)
        return Spot(line, sum(self._widths(start, offset)))

    def extent(self, start: int, end: int) -> Extent:
        """Return where the characters ``start`` to ``end`` (exclusive) stand."""
        return Extent(self.spot(start), self.spot(end))

    def offset(self, spot: Spot) -> int:
        """Return the offset of a place: of the character's beginning where it lies inside of one.

        One behind the end of its line is that end, one behind the last line the text's end, as the protocol has it.
        """
        if spot.line < 0:
            return 0
        if spot.line >= len(self._starts):
            return len(self.text)
        start, end = self._starts[spot.line], self._ends[spot.line]
        if self._plain:
            return min(start + max(spot.character, 0), end)
        left = spot.character
        for offset, width in enumerate(self._widths(start, end), start):
            left -= width
            if left < 0:
                return offset
        return end

    def _widths(self, start: int, end: int) -> Iterator[int]:
        if self._units == "utf-16":
            return (1 + (character > "\uffff") for character in self.text[start:end])
        return (_bytes(character) for character in self.text[start:end])


def _bytes(character: str) -> int:
    """Return how many bytes a character takes in UTF-8."""
    return 1 + (character > "\x7f") + (character > "\u07ff") + (character > "\uffff")
