"""A run's messages as a file or a stream: JSON lines, CSV. They hold people's numbers in full."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from msgspec_runner.ledger.ledger import Record
from msgspec_runner.reports.files import PRIVATE, whole_file
from msgspec_runner.reports.text import printable_lines

_FORMULA = ("=", "+", "-", "@")
"""What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection"); tabs and returns do not get that far."""

_NAMES: Final = tuple(Record.__dataclass_fields__)
_values: Final = attrgetter(*_NAMES)
"""Of a record, in the contract's order; a run may have a million, and ``as_dict`` takes ten times as long."""


def write_results(path: Path, records: Iterable[Record]) -> None:
    """Write the messages of a run, one JSON object a line, readable by its owner only; whole or not at all.

    Args:
        path: the file; replaced where it exists. A device or a pipe is written to instead.
        records: the messages.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(path, PRIVATE) as file:
        for record in records:
            file.write(json.dumps(dict(zip(_NAMES, _values(record), strict=True)), ensure_ascii=False) + "\n")


def csv_lines(records: Iterable[Record]) -> Iterator[str]:
    """Yield the messages as CSV lines with a header.

    A cell that a spreadsheet would run is quoted with ``'``, and what a terminal would obey is written as its code.
    """
    yield _WRITER.writerow(_NAMES)
    for record in records:
        yield _WRITER.writerow(["" if value is None else _harmless(str(value)) for value in _values(record)])


def _harmless(text: str) -> str:
    text = printable_lines(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


class _Line:
    """What a writer of CSV writes to: it hands the line back, and ``writerow`` returns it."""

    def write(self, line: str) -> str:
        return line


_WRITER: Final[Any] = csv.writer(_Line(), lineterminator="\n")
