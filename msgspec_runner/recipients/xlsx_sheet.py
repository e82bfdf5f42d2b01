"""A process of its own that reads an XLSX sheet: it may run out of memory, and whoever asked may not.

A workbook of one kilobyte can have its only cell in the last corner of the sheet, or one text of 60,000 characters in
a million cells. The compiled reader makes room for all of it at once, and ends its process where there is none. So it
is run as ``python -m msgspec_runner.recipients.xlsx_sheet FILE``, with bounds on its memory and its time where the
system has them (not on Windows), and writes a line of JSON for each row: its number and its cells as texts. The last
line is ``null``; an object is what is wrong.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec_runner.recipients.rows import CELL_CHARACTERS

MEMORY: Final = 256 * 1024 * 1024
"""Bytes of address space: enough for some million cells."""
SECONDS: Final = 60
"""Seconds of computing."""


def main(path: str) -> None:
    """Write the rows of a workbook's first sheet to standard output."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    _bound()
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            if not workbook.sheet_names:
                _say({"error": "has no sheet"})
                return
            cells = workbook.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except PasswordError:
        _say({"error": "is protected by a password; save it without one"})
        return
    except CalamineError:
        _say({"error": "is no XLSX workbook that can be read; save it again, or as CSV"})
        return
    for line, texts in _records(cells):
        if max(map(len, texts)) > CELL_CHARACTERS:
            _say({"error": f"has a cell of more than {CELL_CHARACTERS:,} characters", "line": line})
            return
        _say([line, texts])
    _say(None)


def _bound() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS)):
        _, hard = resource.getrlimit(what)
        if hard == resource.RLIM_INFINITY or hard > most:
            resource.setrlimit(what, (most, hard))


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")


def _records(cells: Sequence[Sequence[object]]) -> Iterator[tuple[int, list[str]]]:
    # The library reads midnight as a day without a time; in a column of times it is midnight.
    timed = {at for row in cells for at, cell in enumerate(row) if isinstance(cell, dt.datetime)}
    for line, row in enumerate(cells, 1):
        texts = [text_of(cell) for cell in row]
        for at in timed:
            if type(row[at]) is dt.date:
                texts[at] += "T00:00:00"
        if any(texts):
            yield line, texts


def text_of(cell: object) -> str:
    """Return a sheet's cell as text: whole numbers without ``.0``, dates and times in ISO 8601.

    A sheet stores every number as a binary fraction, so 17 significant digits are all there are; a phone number has 15.
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e17 else repr(cell)
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    if isinstance(cell, dt.timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return str(cell)


if __name__ == "__main__":
    main(sys.argv[1])
