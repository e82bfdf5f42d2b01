"""CSV and TSV: strict about quotes and about the number of cells, tolerant about BOM and line ends.

A spreadsheet in a country whose decimal sign is the comma writes CSV with semicolons, and has no setting for it. So
what separates the cells of a ``.csv`` is what its first line says: ``sep=;``, which spreadsheets write and read, or a
header that has semicolons and, outside of quotes, nothing else that separates. Such a header cannot be misread: with
commas it would be one column whose name has a semicolon. And a row that has not as many cells as the header is refused
here as everywhere.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain, islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from msgspec_runner.errors import RecipientsError
from msgspec_runner.recipients.rows import CELL_CHARACTERS, RECORD_CHARACTERS, Row, Source, checked_header, not_utf8

if TYPE_CHECKING:
    from _csv import Reader

_SAID: Final = re.compile(r'(?:sep=([;,\t|])|"sep=([;,\t|])")\s*', re.IGNORECASE)
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')
_OTHER_DELIMITERS: Final = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}


def open_csv(path: Path, shown: str, *, delimiter: str) -> Source:
    """Open a CSV or TSV file; the first line that is not blank names the columns.

    Raises:
        RecipientsError: see :func:`~msgspec_runner.recipients.readers.open_recipients`.
        OSError: the file cannot be opened.
    """
    stream = path.open(encoding="utf-8-sig", newline="")
    table = _Table(path, shown, delimiter, stream)
    try:
        header = table.header()
    except BaseException:
        stream.close()
        raise
    return Source(shown, header, table.rows(), stream.close, fixed=True)


class _Table:
    """One reading of one file."""

    def __init__(self, path: Path, shown: str, delimiter: str, stream: TextIO) -> None:
        self.path = path
        self.shown = shown
        self.delimiter = delimiter
        self.stream = stream
        self.reader: Reader = csv.reader(())
        self.skipped = 0
        self.says_so = False
        self.width = 0
        self.longest = 0

    def lines(self, stream: TextIO) -> Iterator[str]:
        """Yield bounded lines without NUL; notes the longest of them."""
        read = stream.readline
        while line := read(RECORD_CHARACTERS):
            size = len(line)
            if size > self.longest:
                self.longest = size
                if size == RECORD_CHARACTERS:
                    raise self.error(f"has a line of more than {RECORD_CHARACTERS:,} characters; is this a CSV file?")
            if "\0" in line:
                raise self.error("has a NUL character; save it as UTF-8 text", column=line.index("\0") + 1)
            yield line

    def error(self, message: str, *, column: int = 1) -> RecipientsError:
        """Return an error at the line that is being read."""
        return RecipientsError(message, file=self.shown, line=self.skipped + self.reader.line_num + 1, column=column)

    def header(self) -> tuple[str, ...]:
        self.open()
        for cells, line in self.records():
            header = checked_header(cells, self.shown, line)
            self.width = len(header)
            if len(header) == 1:
                self.check_delimiter(header[0], line)
            return header
        raise RecipientsError("is empty; its first line must name the columns", file=self.shown)

    def open(self) -> None:
        """Read up to the first line that is not blank, which says what separates the cells."""
        lines = self.lines(self.stream)
        first = ""
        try:
            for first in lines:
                if first.strip():
                    break
                self.skipped += 1
        except UnicodeDecodeError:
            raise not_utf8(self.path, self.shown) from None
        if self.delimiter == ",":
            said = _SAID.fullmatch(first)
            if said is not None:
                self.delimiter = said[1] or said[2]
                self.says_so = True
                first = "\n"  # it counts as a line
            elif _has_semicolons(first):
                self.delimiter = ";"
        before = repeat("\n", self.skipped)
        self.skipped = 0
        self.reader = csv.reader(chain(before, (first,), lines), delimiter=self.delimiter, strict=True)

    def check_delimiter(self, header: str, line: int) -> None:
        for other, plural in _OTHER_DELIMITERS.items():
            if other != self.delimiter and other in header:
                wanted = _OTHER_DELIMITERS[self.delimiter]
                cure = (
                    "or name it .tsv" if other == "\t" else "or name it .csv" if other == "," else "when you export it"
                )
                raise RecipientsError(
                    f"separates its cells by {plural}, but its first line says {wanted}; remove that line"
                    if self.says_so
                    else f"separates its cells by {plural}; choose {wanted} {cure}",
                    file=self.shown,
                    line=line,
                    column=header.index(other) + 1,
                )

    def rows(self) -> Iterator[Row]:
        width = self.width
        for number, (cells, line) in enumerate(self.records(), 1):
            if len(cells) != width:
                raise self.ragged(cells, line)
            yield Row(number, line, tuple(cells))

    def records(self) -> Iterator[tuple[list[str], int]]:
        """Yield the cells of every record that has any text, with the line where it starts."""
        reader = self.reader
        end = reader.line_num
        try:
            for cells in reader:
                start, end = end + 1, reader.line_num
                if (self.longest > CELL_CHARACTERS or end != start) and max(map(len, cells)) > CELL_CHARACTERS:
                    raise self.too_long(start)
                if any(cells):
                    yield cells, start
        except UnicodeDecodeError:
            raise not_utf8(self.path, self.shown) from None
        except csv.Error as error:
            raise self.broken(error, end + 1) from None

    def too_long(self, line: int) -> RecipientsError:
        return RecipientsError(
            f"has a cell of more than {CELL_CHARACTERS:,} characters; is a quote missing?", file=self.shown, line=line
        )

    def broken(self, error: csv.Error, start: int) -> RecipientsError:
        """Say in people's words what the csv module found in the record that starts at a line."""
        said = str(error)
        if "unexpected end of data" in said:
            down, column = _open_quote(self.record(start, self.reader.line_num))
            return RecipientsError(
                "opens a quote that is never closed; close it, or double it if the text has it",
                file=self.shown,
                line=start + down,
                column=column,
            )
        if "field larger" in said:
            return self.too_long(start)
        if "expected after" in said:
            line = self.reader.line_num
            return RecipientsError(
                "has text after a closing quote; double a quote that belongs to the text",
                file=self.shown,
                line=line,
                column=_after_quote(self.record(start, line), self.delimiter),
            )
        return RecipientsError(f"is no proper CSV: {said}", file=self.shown, line=start)

    def ragged(self, cells: list[str], line: int) -> RecipientsError:
        """Say that a record has another number of cells than the header, at the first cell too many or at its end."""
        places = _cell_places(self.record(line, self.reader.line_num), self.delimiter)
        wide = len(cells) > self.width
        down, column = places[self.width] if wide and len(places) > self.width else places[-1]
        cure = (
            "quote a cell that has the separator in its text" if wide else "add the missing separators for empty cells"
        )
        return RecipientsError(
            f"has {len(cells)} {'cell' if len(cells) == 1 else 'cells'}, the header has {self.width}; {cure}",
            file=self.shown,
            line=line + down,
            column=column,
        )

    def record(self, first: int, last: int) -> list[str]:
        """Read some lines of the file once more: only errors need their text."""
        with self.path.open(encoding="utf-8-sig", newline="", errors="replace") as stream:
            return list(islice(stream, first - 1, last))


def _has_semicolons(header: str) -> bool:
    """Say whether a header is separated by semicolons, and by nothing else that it could be separated by."""
    bare = _QUOTED.sub("", header)
    return ";" in bare and '"' not in bare and not any(other in bare for other in ",\t|")


def _cell_places(lines: list[str], delimiter: str) -> list[tuple[int, int]]:
    """Return where each cell of a record starts, and where the record ends, as (lines down, 1-based column)."""
    places = [(0, 1)]
    quoted = False
    end = (0, 1)
    for down, line in enumerate(lines):
        text = line.rstrip("\r\n")
        for index, character in enumerate(text):
            if character == '"':
                quoted = not quoted
            elif character == delimiter and not quoted:
                places.append((down, index + 2))
        end = (down, len(text) + 1)
    return [*places, end]


def _open_quote(lines: list[str]) -> tuple[int, int]:
    """Return where the quote stands that is never closed, as (lines down, 1-based column)."""
    opened: tuple[int, int] | None = None
    for down, line in enumerate(lines):
        for index, character in enumerate(line):
            if character == '"':
                opened = None if opened else (down, index + 1)
    return opened or (0, 1)


def _after_quote(lines: list[str], delimiter: str) -> int:
    """Return the column in the last line of the first character that follows a closing quote by mistake."""
    text = "".join(lines)
    last_line = len(text) - len(lines[-1]) if lines else 0
    quoted = False
    opens = True
    for index, character in enumerate(text):
        if quoted:
            if character == '"':
                following = text[index + 1 : index + 2]
                if following not in {'"', delimiter, "\r", "\n", ""} and text[index - 1 : index] != '"':
                    return max(1, index + 2 - last_line)
                quoted = False
        elif character == '"' and (opens or text[index - 1] == '"'):
            quoted = True
        opens = character in {delimiter, "\n", "\r"}
    return 1
