"""Which characters of the file made which character of a scalar's text.

A value like ``"caf\\xe9"`` or a folded block has other characters than the file. To point at one of them, the
token is read a second time by the rules of its style (YAML 1.2.2, chapters 7 and 8), and every character is
kept with the source range that made it. The result is checked against what the parser read: positions are
exact, or there are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec_runner.content.patterns import later
from msgspec_runner.source.nodes import Scalar

_BREAK: Final = later(r"\r\n|\r|\n")
_FLOW_TOKEN: Final[dict[str, re.Pattern[str]]] = {
    # a fold (white space around at least one line break) | an escape | anything else, one character
    "plain": later(r"(?P<fold>[ \t]*+[\r\n][ \t\r\n]*+)|(?s:.)"),
    "single": later(r"(?P<fold>[ \t]*+[\r\n][ \t\r\n]*+)|(?P<quote>'')|(?s:.)"),
    "double": later(
        r"(?P<fold>[ \t]*+[\r\n][ \t\r\n]*+)"
        r"|\\(?:(?P<join>(?:\r\n|\r|\n)[ \t\r\n]*+)|x(?P<x>.{2})|u(?P<u>.{4})|U(?P<U>.{8})|(?P<escape>.))"
        r"|(?s:.)"
    ),
}
_ESCAPES: Final = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r",
    "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip

Piece = tuple[str, int, int]
"""One decoded character, and the source range that made it."""


class CharacterMap(NamedTuple):
    """For every character of a scalar's text, where it begins and ends in the source.

    A character's end is not always the next one's beginning: indentation and an escaped line break lie between
    two characters and belong to none.
    """

    starts: Sequence[int]
    ends: Sequence[int]

    def range(self, first: int, last: int) -> tuple[int, int]:
        """Return the source range of the characters ``first`` to ``last`` (exclusive) of the text.

        An empty range lies where its character begins, or behind the last one.
        """
        if first < last:
            return self.starts[first], self.ends[last - 1]
        if first < len(self.starts):
            return self.starts[first], self.starts[first]
        return self.ends[-1], self.ends[-1]


def character_map(text: str, scalar: Scalar) -> CharacterMap | None:
    """Return where each character of ``scalar.text`` comes from.

    Args:
        text: the document's text.
        scalar: a scalar of that document.

    Returns:
        The map, or None where the source read again gives another text than the parser's (or no text at all);
        the whole scalar is the best place then.
    """
    quote = scalar.style in ("single", "double")
    start, end = scalar.start + quote, scalar.end - quote
    if not scalar.text:
        return None
    if text[start:end] == scalar.text:
        return CharacterMap(range(start, end), range(start + 1, end + 1))
    if scalar.style in _FLOW_TOKEN:
        pieces = list(_flow_pieces(text, start, end, scalar.style))
    else:
        pieces = _block_pieces(text, scalar)
    if "".join(piece[0] for piece in pieces) != scalar.text:
        return None
    return CharacterMap([piece[1] for piece in pieces], [piece[2] for piece in pieces])


def fold_plain(text: str, start: int, end: int) -> str:
    """Return what the characters ``start`` to ``end`` mean as a plain scalar: its lines, joined by spaces."""
    return "".join(piece[0] for piece in _flow_pieces(text, start, end, "plain"))


def quoted(text: str) -> str:
    """Return a YAML scalar in quotes that means ``text``: in double quotes, or in single ones where it holds any.

    Args:
        text: one line without control characters.
    """
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def _flow_pieces(text: str, start: int, end: int, style: str) -> Iterator[Piece]:
    """Read a plain or quoted scalar (its quotes left out) character by character."""
    for token in _FLOW_TOKEN[style].finditer(text, start, end):
        first, last = token.span()
        match token.lastgroup:
            case None:
                yield token[0], first, last
            case "fold":
                yield from _fold(text, first, last)
            case "join":
                for line_break in _BREAK.finditer(text, *_after_break(text, first + 1, last)):
                    yield "\n", *line_break.span()
            case "quote":
                yield "'", first, last
            case "escape":
                yield _ESCAPES.get(token["escape"], ""), first, last
            case digits:
                yield chr(int(token[digits], 16)), first, last


def _after_break(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the range without the line break that it begins with."""
    first = _BREAK.match(text, start, end)
    return (start if first is None else first.end()), end


def _fold(text: str, start: int, end: int) -> Iterator[Piece]:
    """One line break becomes a space; of several, all but the first stay."""
    breaks = [found.span() for found in _BREAK.finditer(text, start, end)]
    if len(breaks) == 1:
        yield " ", start, breaks[0][1]
        return
    for number, (first, last) in enumerate(breaks[1:]):
        yield "\n", (first if number else start), last


class _Line(NamedTuple):
    """A line of a block scalar: its content without indentation, then its line break."""

    start: int
    content_end: int
    end: int


def _block_pieces(text: str, scalar: Scalar) -> list[Piece]:
    """Read a literal or folded scalar character by character, as far as its text goes."""
    lines = _block_lines(text, scalar)
    pieces: list[Piece] = []
    breaks: list[Piece] = []  # the line breaks since the last line with content
    folded = scalar.style == "folded"
    previous_spaced = True  # whether the last line with content began with white space (none: nothing to fold)
    for line in lines:
        if line.start == line.content_end:
            breaks.append(("\n", line.start, line.end))
            continue
        spaced = text[line.start] in " \t"
        if folded and breaks and pieces and not spaced and not previous_spaced:
            _, first, last = breaks.pop(0)
            if breaks:
                breaks[0] = ("\n", first, breaks[0][2])
            else:
                breaks = [(" ", first, last)]
        pieces += breaks
        pieces += [(text[at], at, at + 1) for at in range(line.start, line.content_end)]
        breaks = [("\n", line.content_end, line.end)]
        previous_spaced = spaced
    pieces += breaks
    return pieces[: len(scalar.text)]  # chomping: what the parser kept of the last line breaks


def _block_lines(text: str, scalar: Scalar) -> list[_Line]:
    """Return the lines below a block scalar's header, as many as its text can have."""
    raw: list[_Line] = []
    header = _BREAK.search(text, scalar.header_end)
    start = len(text) if header is None else header.end()
    blank = len(scalar.text) - len(scalar.text.rstrip("\n"))  # lines that may follow the last one with content
    if scalar.end > scalar.header_end:
        blank -= 1
    while start < len(text) and (start < scalar.end or blank > 0):
        blank -= start >= scalar.end
        found = _BREAK.search(text, start)
        content_end, end = (len(text), len(text)) if found is None else found.span()
        raw.append(_Line(start, content_end, end))
        start = end
    indent = _indentation(text, raw, scalar.text)
    return [
        _Line(start + min(indent, _spaces(text[start:content_end])), content_end, end)
        for start, content_end, end in raw
    ]


def _indentation(text: str, lines: list[_Line], value: str) -> int:
    """Return how many spaces the parser took from every line: those in the source less those in the value."""
    for line in lines:
        source = text[line.start : line.content_end]
        if source.strip(" "):
            before = value[: len(value) - len(value.lstrip(" \n"))]
            return _spaces(source) - len(before.rpartition("\n")[2])
    longest = max((line.content_end - line.start for line in lines), default=0)
    return longest - max(map(len, value.split("\n")))


def _spaces(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
