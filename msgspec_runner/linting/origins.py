"""From a character of a rendered text back to what put it there: the template, or a recipient's cell."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import NamedTuple

from msgspec_runner.rendering import Renderer
from msgspec_runner.spec import Field


class Origin(NamedTuple):
    """Where some rendered characters come from.

    Attributes:
        start: offset in the field's text of the characters themselves, or of the expression that wrote them.
        end: offset behind them.
        literal: whether they are the template's own.
        column: the column whose cell holds them; empty where it is none, or more than one may.
    """

    start: int
    end: int
    literal: bool
    column: str


class Origins:
    """The origins of one rendered text.

    Args:
        renderer: of the spec.
        field: whose text it is.
        values: the row's.
        text: as it was rendered.
    """

    def __init__(self, renderer: Renderer, field: Field, values: Mapping[str, object], text: str) -> None:
        self._field = field
        self._values = values
        self._text = text
        pieces = renderer.pieces(field, values)
        self._pieces = pieces if sum(len(piece.text) for piece in pieces) == len(text) else ()
        self._ends = list(accumulate(len(piece.text) for piece in self._pieces))

    def of(self, start: int, end: int) -> Origin:
        """Return where the text's characters from ``start`` to ``end`` (exclusive) come from.

        Where several pieces made them, the first one's expression and the last one's are both part of the answer.
        """
        field = self._field
        if not self._pieces:
            return Origin(0, len(field.node.text), literal=False, column="")
        first, last = bisect_right(self._ends, start), bisect_right(self._ends, max(start, end - 1))
        pieces = self._pieces[first : last + 1]
        if len(pieces) > 1:
            return Origin(pieces[0].start, pieces[-1].end, literal=False, column="")
        (piece,) = pieces
        if piece.literal and piece.end - piece.start == len(piece.text):
            shift = piece.start - (self._ends[first] - len(piece.text))
            return Origin(start + shift, end + shift, literal=True, column="")
        return Origin(piece.start, piece.end, piece.literal, self._column(piece.start, piece.end, start, end))

    def _column(self, first: int, last: int, start: int, end: int) -> str:
        """Return the only name between two offsets of the template whose value holds the characters."""
        wanted = self._text[start:end]
        names = {use.name for use in self._field.template.names if first <= use.start < last}
        holding = [name for name in names if wanted in str(self._values.get(name, ""))]
        return holding[0] if len(holding) == 1 else ""
