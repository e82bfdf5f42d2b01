"""What every kind of recipients file is read as: a stream of rows under a header."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from msgspec_runner.errors import RecipientsError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

CELL_CHARACTERS: Final = 64 * 1024
"""Characters that a cell may have; 40 times the longest SMS, and small enough that no row exhausts the memory."""
RECORD_CHARACTERS: Final = 1024 * 1024
"""Characters that a line of a text file, or an object in a JSON array, may have."""

COLUMNS: Final = 2_000
"""Columns of one file, or different keys of all its objects: every one of them may be what a misspelt name meant."""


class Row(NamedTuple):
    """One recipient as the file has it, before its cells mean anything.

    Attributes:
        number: 1-based number of the recipient; neither the header nor blank lines count.
        line: the line of a text file or the row of a sheet (the header is 1) where the recipient starts; the number of
            the recipient where the file has no lines.
        cells: in a table (CSV, TSV, XLSX) one text for each cell of the header, in its order; otherwise (JSON, rows of
            a spec) the object itself.
    """

    number: int
    line: int
    cells: tuple[str, ...] | Mapping[str, object]


class Source:
    """An open recipients file: iterate it once for its rows; it closes itself at the end, or as a context manager.

    Attributes:
        name: the file as the user named it.
        header: the names of the columns as written. In JSON they are the keys of the first object.
        fixed: whether every row has exactly the header's cells; false for JSON and for rows of a spec.
    """

    __slots__ = ("_close", "_rows", "fixed", "header", "name")

    def __init__(
        self,
        name: str,
        header: tuple[str, ...],
        rows: Iterator[Row],
        close: Callable[[], None],
        *,
        fixed: bool,
    ) -> None:
        self.name = name
        self.header = header
        self.fixed = fixed
        self._rows: Iterator[Row] | None = rows
        self._close = close

    def __iter__(self) -> Iterator[Row]:
        rows, self._rows = self._rows, None
        if rows is None:
            raise ValueError("a source is read once, and this one was read already; open it again")
        try:
            yield from rows if self.fixed else self._with_few_keys(rows)
        finally:
            self.close()

    def _with_few_keys(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield rows of objects as long as all of them together do not have too many keys."""
        keys: set[str] = set()
        for row in rows:
            if not keys.issuperset(row.cells):
                keys.update(row.cells)
                if len(keys) > COLUMNS:
                    message = f"has more than {COLUMNS:,} different keys; remove those that are not needed"
                    raise RecipientsError(message, file=self.name, line=row.line)
            yield row

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; harmless when repeated."""
        self._close()

    def column_number(self, header: str) -> int:
        """Return the 1-based number of a header cell, or 1 if there is none of that text."""
        return self.header.index(header) + 1 if header in self.header else 1


def checked_header(cells: list[str], file: str, line: int) -> tuple[str, ...]:
    """Return the header's cells stripped, or say which one stands there twice.

    Raises:
        RecipientsError: no cell has text, or two have the same.
    """
    if len(cells) > COLUMNS:
        raise RecipientsError(
            f"has more than {COLUMNS:,} columns; remove those that are not needed", file=file, line=line
        )
    header = tuple(cell.strip() for cell in cells)
    seen: set[str] = set()
    for number, name in enumerate(header, 1):
        if name and name in seen:
            raise RecipientsError(
                f"two columns are named “{name}” (the second is column {number}); rename or remove one",
                file=file,
                line=line,
            )
        seen.add(name)
    if not any(header):
        raise RecipientsError("the first line names no columns; write their names there", file=file, line=line)
    return header


def not_utf8(path: Path, file: str) -> RecipientsError:
    """Find the first character of a file that is not UTF-8 and say where it is; or say what the file is instead."""
    cure = "save the file as UTF-8 (in a spreadsheet: “CSV UTF-8”)"
    line = 1
    with path.open("rb") as stream:
        first = stream.read(4)
        if first == b"PK\x03\x04":
            return RecipientsError("is a workbook or an archive, and no text; name a workbook .xlsx", file=file)
        if first == b"\xd0\xcf\x11\xe0":
            return RecipientsError("is a workbook of an old kind, and no text; save it as .xlsx", file=file)
        if first[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            return RecipientsError(f"is UTF-16, not UTF-8; {cure}", file=file)
        stream.seek(0)
        while raw := stream.readline(RECORD_CHARACTERS):
            text = raw.removeprefix(b"\xef\xbb\xbf") if line == 1 else raw
            try:
                text.decode()
            except UnicodeDecodeError as error:
                column = len(text[: error.start].decode()) + 1
                return RecipientsError(f"is not UTF-8; {cure}", file=file, line=line, column=column)
            line += raw.endswith(b"\n")
    return RecipientsError(f"is not UTF-8; {cure}", file=file, line=line)
