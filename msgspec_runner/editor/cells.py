"""Where a cell stands in a recipients file: lines and columns of text files, for a client to go to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec_runner.editor.positions import Extent, Positions, Spot, Units

DELIMITERS: Final[Mapping[str, str]] = {".csv": ",", ".tsv": "\t"}
"""What divides the cells, by the end of a file's name."""

FARTHEST_LINE: Final = 1_000_000
"""Lines that are read to point at one of them; what is behind is pointed at by its line."""

LONGEST: Final = 64 * 1024
"""Characters of a line that are looked at."""


def cells_at(path: Path, wanted: Iterable[tuple[int, int]], units: Units) -> dict[tuple[int, int], Extent]:
    """Return where cells stand.

    Args:
        path: the file.
        wanted: 1-based lines, and the 1-based numbers of cells on them.
        units: what the client counts.

    Returns:
        A range for each; of a file that has no lines of cells, or a cell that goes on below, the line's beginning.
    """
    places = {place: _line(place[0]) for place in wanted}
    delimiter = DELIMITERS.get(path.suffix.lower())
    if delimiter is None:
        return places
    lines = dict.fromkeys(line for line, _ in places if line <= FARTHEST_LINE)
    with suppress(OSError):
        for line, text in _lines(path, lines):
            ranges = list(_cells(text, delimiter))
            positions = Positions(text, units)
            for place in places:
                if place[0] == line and 0 < place[1] <= len(ranges):
                    start, end = (positions.spot(offset).character for offset in ranges[place[1] - 1])
                    places[place] = Extent(Spot(line - 1, start), Spot(line - 1, end))
    return places


def _line(line: int) -> Extent:
    spot = Spot(max(line - 1, 0), 0)
    return Extent(spot, spot)


def _lines(path: Path, wanted: Mapping[int, None]) -> Iterator[tuple[int, str]]:
    if not wanted or not path.is_file():
        return
    with path.open("rb") as file:
        for number, raw in enumerate(islice(file, max(wanted)), 1):
            if number in wanted:
                text = raw[: LONGEST * 4].decode("utf-8", "replace")[:LONGEST].rstrip("\r\n")
                yield number, text.removeprefix("\ufeff") if number == 1 else text


def _cells(text: str, delimiter: str) -> Iterator[tuple[int, int]]:
    """Yield where the cells of a line begin and end, quotes left out."""
    start = position = 0
    quoted = False
    while position <= len(text):
        character = text[position : position + 1]
        if character == '"':
            quoted = not quoted
        elif not character or (character == delimiter and not quoted):
            inner = text[start:position]
            is_quoted = len(inner) > 1 and inner[0] == inner[-1] == '"'
            yield start + is_quoted, position - is_quoted
            start = position + 1
        position += 1
