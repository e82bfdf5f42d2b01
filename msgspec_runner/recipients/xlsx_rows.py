"""XLSX: the first sheet, every cell as the text that a person would have typed.

The sheet is loaded as a whole (the format keeps its texts in one table that must be read first), by a process of its
own (:mod:`~msgspec_runner.recipients.xlsx_sheet`). A list of hundreds of thousands is better a CSV file.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from msgspec_runner.errors import RecipientsError
from msgspec_runner.recipients.rows import Row, Source, checked_header


def open_xlsx(path: Path, shown: str) -> Source:
    """Open the first sheet of a workbook; its first row that is not blank names the columns.

    Raises:
        RecipientsError: see :func:`~msgspec_runner.recipients.readers.open_recipients`.
        OSError: the file cannot be opened.
    """
    with path.open("rb"):
        pass  # an OSError says more than the library's own error
    # -P: a module that lies in the working folder, which may be a pull request's, is not imported.
    command = [sys.executable, "-P", "-m", "msgspec_runner.recipients.xlsx_sheet", str(path.absolute())]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="ascii"
    )
    assert process.stdout is not None
    lines = process.stdout

    def close() -> None:
        process.kill()
        lines.close()
        process.wait()

    try:
        records = _records(lines, shown)
        first = next(records, None)
        if first is None:
            raise RecipientsError("is empty; the first row of its first sheet must name the columns", file=shown)
        line, names = first
        while names and not names[-1].strip():
            names.pop()
        header = checked_header(names, shown, line)
    except BaseException:
        close()
        raise
    return Source(shown, header, _rows(records, len(header), shown), close, fixed=True)


def _records(lines: IO[str], shown: str) -> Iterator[tuple[int, list[str]]]:
    for written in lines:
        said = json.loads(written) if written.endswith("\n") else {}
        if said is None:
            return
        if isinstance(said, dict):
            if not said:
                break
            raise RecipientsError(said["error"], file=shown, line=said.get("line", 1))
        yield said[0], said[1]
    raise RecipientsError("is too large to be read as a workbook; save it as CSV", file=shown)


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
