"""XLSX: the first sheet, every cell as the text that a person would have typed.

The sheet is loaded as a whole (python-calamine, compiled; about 100 bytes a cell): the format keeps its texts in one
table that must be read first. A list of hundreds of thousands is better a CSV file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec_runner.errors import RecipientsError
from msgspec_runner.recipients.rows import CELL_CHARACTERS, Row, Source, checked_header


def open_xlsx(path: Path, shown: str) -> Source:
    """Open the first sheet of a workbook; its first row that is not blank names the columns.

    Raises:
        RecipientsError: see :func:`~msgspec_runner.recipients.readers.open_recipients`.
        OSError: the file cannot be opened.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    with path.open("rb"):
        pass  # an OSError says more than the library's own error
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            if not workbook.sheet_names:
                raise RecipientsError("has no sheet", file=shown)
            cells = workbook.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except PasswordError:
        raise RecipientsError("is protected by a password; save it without one", file=shown) from None
    except CalamineError:
        raise RecipientsError("is no XLSX workbook that can be read; save it again, or as CSV", file=shown) from None
    records = _records(cells, shown)
    first = next(records, None)
    if first is None:
        raise RecipientsError("is empty; the first row of its first sheet must name the columns", file=shown)
    line, names = first
    while names and not names[-1].strip():
        names.pop()
    header = checked_header(names, shown, line)
    return Source(shown, header, _rows(records, len(header), shown), lambda: None, fixed=True)


def _records(cells: Sequence[Sequence[object]], shown: str) -> Iterator[tuple[int, list[str]]]:
    # The library reads midnight as a day without a time; in a column of times it is midnight.
    timed = {at for row in cells for at, cell in enumerate(row) if isinstance(cell, dt.datetime)}
    for line, row in enumerate(cells, 1):
        texts = [text_of(cell) for cell in row]
        for at in timed:
            if type(row[at]) is dt.date:
                texts[at] += "T00:00:00"
        if any(texts):
            if max(map(len, texts)) > CELL_CHARACTERS:
                raise RecipientsError(f"has a cell of more than {CELL_CHARACTERS:,} characters", file=shown, line=line)
            yield line, texts


def _rows(records: Iterator[tuple[int, list[str]]], width: int, shown: str) -> Iterator[Row]:
    for number, (line, texts) in enumerate(records, 1):
        if any(texts[width:]):
            raise RecipientsError(
                f"has {len(texts)} cells, the header has {width}; name the column or remove the cell",
                file=shown,
                line=line,
                column=width + 1,
            )
        yield Row(number, line, (*texts[:width], *[""] * (width - len(texts))))


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
