"""A run's messages as a file or a stream: JSON lines, CSV. They hold people's numbers in full."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path

from msgspec_runner.ledger.ledger import Record
from msgspec_runner.reports.files import PRIVATE, whole_file

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection")."""


def write_results(path: Path, records: Iterable[Record]) -> None:
    """Write the messages of a run, one JSON object a line, readable by its owner only; whole or not at all.

    Args:
        path: the file; replaced where it exists. A device or a pipe is written to instead.
        records: the messages.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(path, PRIVATE) as file:
        file.writelines(json.dumps(record.as_dict(), ensure_ascii=False) + "\n" for record in records)


def csv_lines(records: Iterable[Record]) -> Iterator[str]:
    """Yield the messages as CSV lines with a header; a cell that a spreadsheet would run is quoted with ``'``."""
    names = list(Record.__dataclass_fields__)
    yield _csv_line(names)
    for record in records:
        yield _csv_line(["" if value is None else _harmless(str(value)) for value in record.as_dict().values()])


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv_line(cells: list[str]) -> str:
    buffer = StringIO()
    # A bare carriage return is not quoted by itself before Python 3.13, and a spreadsheet begins a row there.
    if any("\r" in cell for cell in cells):
        csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(cells)
    else:
        csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
