"""JSON and JSONL: one object a recipient, read one object at a time, whatever the size of the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Final, NoReturn, TextIO

from msgspec_runner.errors import RecipientsError
from msgspec_runner.recipients.rows import CELL_CHARACTERS, RECORD_CHARACTERS, Row, Source, not_utf8

_CHUNK: Final = 64 * 1024  # characters
_WHITE: Final = " \t\r\n"
_LONGEST_TOKEN: Final = 16  # characters: -Infinity, or two escapes of a surrogate pair
_LONGEST_NUMBER: Final = 400  # digits; Python refuses to read more than 4,300


class _BadValueError(ValueError):
    """A value that JSON's grammar allows and a recipient may not have."""


def open_jsonl(path: Path, shown: str) -> Source:
    """Open a file with one JSON object on each line; blank lines are skipped.

    Raises:
        RecipientsError: see :func:`~msgspec_runner.recipients.readers.open_recipients`.
        OSError: the file cannot be opened.
    """
    return _open(path, shown, _lines)


def open_json(path: Path, shown: str) -> Source:
    """Open a file that is one JSON array of objects.

    Raises:
        RecipientsError: see :func:`~msgspec_runner.recipients.readers.open_recipients`.
        OSError: the file cannot be opened.
    """
    return _open(path, shown, _array)


def _open(path: Path, shown: str, read: Callable[[TextIO, str], Iterator[Row]]) -> Source:
    stream = path.open(encoding="utf-8-sig", newline="")
    rows = _decoded(read(stream, shown), path, shown)
    try:
        first = next(rows, None)
    except BaseException:
        stream.close()
        raise
    if first is None:
        return Source(shown, (), iter(()), stream.close, fixed=False)
    return Source(shown, tuple(first.cells), chain((first,), rows), stream.close, fixed=False)


def _decoded(rows: Iterator[Row], path: Path, shown: str) -> Iterator[Row]:
    try:
        yield from rows
    except UnicodeDecodeError:
        raise not_utf8(path, shown) from None


def _lines(stream: TextIO, shown: str) -> Iterator[Row]:
    number = line = 0
    while text := stream.readline(RECORD_CHARACTERS):
        line += 1
        if len(text) == RECORD_CHARACTERS:
            raise _too_long(shown, line)
        if text.isspace():
            continue
        number += 1
        start = len(text) - len(text.lstrip(_WHITE))
        if text[start] != "{":
            raise _no_object(text[start], shown, line, start + 1)
        try:
            cells, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            place = getattr(error, "pos", start) + 1
            raise RecipientsError(_words(error), file=shown, line=line, column=place) from None
        if not text[end:].isspace() and end != len(text):
            raise RecipientsError(
                "has something after the object; write one object on each line",
                file=shown,
                line=line,
                column=end + 1,
            )
        _check(cells, text, shown, line)
        yield Row(number, line, cells)


def _array(stream: TextIO, shown: str) -> Iterator[Row]:
    scanner = _Scanner(stream, shown)
    if scanner.peek() != "[":
        raise scanner.error(
            "must be an array of objects, [{…}, {…}]; one object on each line goes into a .jsonl file"
            if scanner.peek()
            else "is empty; write an array of objects, [{…}, {…}]"
        )
    scanner.at += 1
    number = 0
    if scanner.peek() == "]":
        scanner.at += 1
    else:
        while True:
            found = scanner.peek()
            if found != "{":
                raise _no_object(found, shown, *scanner.place())
            number += 1
            yield Row(number, *scanner.take_object())
            found = scanner.peek()
            if found not in {",", "]"}:
                raise scanner.error("needs a comma between two objects, or ] at the end")
            scanner.at += 1
            if found == "]":
                break
            if scanner.peek() == "]":
                raise scanner.error("has a comma after the last object; remove it")
    if scanner.peek():
        raise scanner.error("has something after the array; remove it")


class _Scanner:
    """A window on the text that grows only when an object does not end inside it."""

    def __init__(self, stream: TextIO, shown: str) -> None:
        self.stream = stream
        self.shown = shown
        self.text = ""
        self.at = 0
        self._mark = 0  # an offset whose line and column are known
        self._line = 1
        self._column = 1

    def more(self, characters: int = _CHUNK) -> bool:
        """Drop what was read and read on; False at the end of the file."""
        self.place()
        read = self.stream.read(characters)
        self.text = self.text[self.at :] + read
        self.at = self._mark = 0
        return bool(read)

    def place(self) -> tuple[int, int]:
        """Return the line and the column of the next character."""
        lines = self.text.count("\n", self._mark, self.at)
        if lines:
            self._line += lines
            self._column = self.at - self.text.rindex("\n", self._mark, self.at)
        else:
            self._column += self.at - self._mark
        self._mark = self.at
        return self._line, self._column

    def error(self, message: str) -> RecipientsError:
        """Return an error at the next character."""
        line, column = self.place()
        return RecipientsError(message, file=self.shown, line=line, column=column)

    def peek(self) -> str:
        """Return the next character that is no white space, empty at the end of the file."""
        while True:
            text, at, size = self.text, self.at, len(self.text)
            while at < size and text[at] in _WHITE:
                at += 1
            self.at = at
            if at < size:
                return text[at]
            if not self.more():
                return ""

    def take_object(self) -> tuple[int, dict[str, object]]:
        """Return the object that starts here with its line, and go past it."""
        line, _ = self.place()
        characters = _CHUNK
        while True:
            try:
                cells, end = _DECODER.raw_decode(self.text, self.at)
            except (_BadValueError, RecursionError) as error:
                raise self.error(_words(error)) from None
            except ValueError as error:
                reached = getattr(error, "pos", self.at) - self.at
                grown = len(self.text) - self.at <= RECORD_CHARACTERS
                if grown and self.may_go_on(error) and self.more(characters):
                    characters *= 2
                    continue
                if not grown and self.may_go_on(error):
                    raise _too_long(self.shown, line) from None
                self.at += reached
                raise self.error(_words(error)) from None
            if end - self.at > RECORD_CHARACTERS:
                raise _too_long(self.shown, line)
            _check(cells, self.text[self.at : end], self.shown, line)
            self.at = end
            return line, cells

    def may_go_on(self, error: ValueError) -> bool:
        """Whether an object failed only because the window ends: inside a string, or in the last few characters."""
        at: int = getattr(error, "pos", 0)
        return at >= len(self.text) - _LONGEST_TOKEN or str(error).startswith("Unterminated string")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _BadValueError("has an object with the same key twice; rename or remove one")
    return found


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise _BadValueError(f"has a number of more than {_LONGEST_NUMBER} digits")
    return int(digits)


def _fraction(digits: str) -> Decimal:
    if len(digits) > _LONGEST_NUMBER:
        raise _BadValueError(f"has a number of more than {_LONGEST_NUMBER} digits")
    return Decimal(digits)


def _constant(name: str) -> NoReturn:
    raise _BadValueError(f"has {name}, which is no JSON; write a number, a string or null")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)


def _check(cells: dict[str, object], text: str, shown: str, line: int) -> None:
    """Refuse what a decoded object may hold and a message may not: only long or escaped texts need a look."""
    if len(text) > CELL_CHARACTERS and any(
        isinstance(value, str) and len(value) > CELL_CHARACTERS for value in cells.values()
    ):
        raise RecipientsError(f"has a value of more than {CELL_CHARACTERS:,} characters", file=shown, line=line)
    if "\\u" in text:
        # Only an escape can write half of a surrogate pair, or a NUL, into a JSON string.
        strings = json.dumps(cells, ensure_ascii=False, default=str)
        if any("\ud800" <= character <= "\udfff" for character in strings):
            raise RecipientsError(
                "has half of a surrogate pair (an escape like \\ud83d alone); write the character itself",
                file=shown,
                line=line,
            )
        if "\\u0000" in strings:
            raise RecipientsError("has a NUL character (\\u0000); remove it", file=shown, line=line)


def _words(error: Exception) -> str:
    if isinstance(error, _BadValueError):
        return str(error)
    if isinstance(error, RecursionError):
        return "has an object that is nested too deeply"
    return f"is no proper JSON: {getattr(error, 'msg', 'a value is wrong')}"


def _no_object(found: str, shown: str, line: int, column: int) -> RecipientsError:
    cure = "remove the brackets, or name the file .json" if found == "[" and line == 1 else 'like {"phone": "…"}'
    message = f"must have an object for each recipient, {cure}"
    return RecipientsError(message, file=shown, line=line, column=column)


def _too_long(shown: str, line: int) -> RecipientsError:
    return RecipientsError(
        f"has a recipient of more than {RECORD_CHARACTERS:,} characters, or an object that never ends",
        file=shown,
        line=line,
    )
