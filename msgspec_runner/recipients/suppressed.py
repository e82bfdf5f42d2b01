"""Numbers that are never texted: the files of the configuration's ``suppressions``.

Two forms, told apart by the first line that says something: one number a line, or CSV whose header names the column
``phone``, ``number`` or ``to``. Numbers are written as a phone column takes them, country code first; after a ``+``
they may be grouped, as people write them. A line that is no number is an error, never passed over: somebody who asked
not to be texted would be.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TextIO

from msgspec_runner.content.phone import canonical, problem
from msgspec_runner.errors import ConfigError

COLUMNS = ("phone", "number", "to")
"""Headers of the column with the numbers, the first that is there; case does not matter."""

MAX_LINE = 100_000
"""Characters: an export with notes has long lines, and nobody needs longer ones."""

MAX_NUMBERS = 5_000_000
"""In all files together, which take 650 MB of memory."""

_COMMENT = re.compile(r"\s#.*", re.DOTALL)
_DELIMITERS = ",;\t"
_GROUPING = re.compile(r"[ ()./\-]+")


def read_suppressed(files: Sequence[str], root: Path) -> frozenset[str]:
    """Return every number of some files, in E.164 with ``+``.

    Args:
        files: paths relative to the root, as configured.
        root: the project's root; nothing outside it is read.

    Raises:
        ConfigError: a file is not there, lies outside the project, or has a line that is no number.
    """
    numbers: set[str] = set()
    for file in files:
        for number in _numbers(file, _inside(file, root)):
            numbers.add(number)
            if len(numbers) > MAX_NUMBERS:
                raise ConfigError(f"suppressions: more than {MAX_NUMBERS:,} numbers: remove those of nobody you text")
    return frozenset(numbers)


def _inside(file: str, root: Path) -> Path:
    path = root / file
    try:
        inside = path.resolve().is_relative_to(root.resolve())
        exists = path.is_file()
    except (OSError, RuntimeError, ValueError):  # too long, a circle of links, a NUL
        inside, exists = True, False
    if not inside:
        raise ConfigError(f"suppressions: {file} must lie inside the project: copy it there")
    if not exists:
        raise ConfigError(
            f"suppressions: no file {file} in the project: add it, or correct the path. Nothing was sent."
        )
    return path


def _numbers(file: str, path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from _read(file, _lines(file, stream))
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: is no UTF-8 text: save it as text, one number a line, or as CSV") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error


def _lines(file: str, stream: TextIO) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, with their numbers."""
    number = 0
    while line := stream.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE:
            raise ConfigError(f"{file}:{number}: has {MAX_LINE:,} characters in a line: is this a list of numbers?")
        if not line.isspace() and not line.lstrip().startswith("#"):
            yield number, line


def _read(file: str, lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    first = next(lines, None)
    if first is None:
        return
    table = _column(first[1])
    if table is not None:
        yield from _cells(file, lines, *table)
        return
    for number, line in chain((first,), lines):
        yield _number(file, number, _COMMENT.sub("", line) if "#" in line else line)


def _column(header: str) -> tuple[int, str] | None:
    """Return which column has the numbers, and what separates the columns; None if the line is no header."""
    for delimiter in _DELIMITERS:
        try:
            cells = next(csv.reader((header,), delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        names = [cell.strip().lower() for cell in cells]
        for name in COLUMNS:
            if name in names:
                return names.index(name), delimiter
    return None


def _cells(file: str, lines: Iterator[tuple[int, str]], column: int, delimiter: str) -> Iterator[str]:
    at = 1

    def texts() -> Iterator[str]:
        nonlocal at
        for number, line in lines:
            at = number
            yield line

    try:
        for cells in csv.reader(texts(), delimiter=delimiter, strict=True):
            yield _number(file, at, cells[column] if column < len(cells) else "")
    except csv.Error:
        raise ConfigError(f"{file}:{at}: is no CSV: a quote is not closed, or stands where none belongs") from None


def _number(file: str, line: int, text: str) -> str:
    written = text.strip()
    number = canonical(written)
    if number is None and written.startswith("+"):
        number = canonical(_GROUPING.sub("", written))
    if number is None:
        raise ConfigError(
            f"{file}:{line}: {problem(written) or 'is not a phone number'}. A list of `suppressions` has one number a "
            "line, or a header that names the column `phone`, `number` or `to`. Nothing was sent."
        )
    return number
