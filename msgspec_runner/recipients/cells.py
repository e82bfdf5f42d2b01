"""What the text of a cell means: one function a column type, each says in words why it cannot.

A converter takes a text that is not blank and returns the value, or raises :class:`CellError` with words that go after
"a cell of column “name”" and never repeat the text: it is somebody's data.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec_runner.content import phone
from msgspec_runner.content.patterns import later

if TYPE_CHECKING:
    from decimal import Decimal

Converter = Callable[[str], object]

LONGEST_NUMBER: Final = 30
"""Digits of a number; templates calculate with numbers up to 10**30."""

_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_INTEGER: Final = later(r"[+-]?[0-9]+")
_NUMBER: Final = later(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_DATE: Final = later(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME: Final = later(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]"
    r"([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?) ?"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_LOCAL_DATE: Final = later(r"[0-9]{1,2}([./\-])[0-9]{1,2}\1[0-9]{2,4}\b")
_SPREADSHEET: Final = "use the spreadsheet itself (XLSX), whose dates and numbers are read as they are"
_URL: Final = later(
    r"[hH][tT][tT][pP][sS]?://"
    r"(?:[^\s\x00-\x1f\x7f/?#@]*@)?"
    r"(?:\[[0-9a-fA-F:.]+\]|[^\s\x00-\x1f\x7f/?#@:\[\]]+)(?::[0-9]{1,5})?"
    r"(?:[/?#][^\s\x00-\x1f\x7f]*)?"
)


class CellError(ValueError):
    """A cell's text is no value of its column's type; the words say why and what to write."""


def converter(type_: str, region: str | None) -> Converter | None:
    """Return the converter of a column type; None for ``string``, whose cells are taken as they are.

    Args:
        type_: one of ``string integer number boolean date datetime phone url``.
        region: for ``phone`` only: the two-letter code of the region whose national numbers are read.

    Raises:
        KeyError: there is no such type.
    """
    if type_ == "string":
        return None
    if type_ == "phone" and region is not None:
        return partial(_national_phone, region=region)
    return _CONVERTERS[type_]


def _integer(text: str) -> int:
    stripped = text.strip()
    if _INTEGER.fullmatch(stripped) is None:
        raise CellError("is not a whole number; write digits only, like 12")
    if len(stripped) > LONGEST_NUMBER:
        raise CellError(f"has more than {LONGEST_NUMBER} digits; make it a string")
    return int(stripped)


def _number(text: str) -> Decimal:
    from decimal import Decimal

    stripped = text.strip()
    if _NUMBER.fullmatch(stripped) is None:
        cure = "write digits, like 3.50"
        if "," in stripped:
            cure = f"write a decimal point and no grouping, like 1250.50, or {_SPREADSHEET}"
        raise CellError(f"is not a number; {cure}")
    value = Decimal(stripped)
    if len(stripped) > LONGEST_NUMBER + 2 or (value and not -LONGEST_NUMBER <= value.adjusted() < LONGEST_NUMBER):
        raise CellError(f"has more than {LONGEST_NUMBER} digits; make it a string")
    return value


def _boolean(text: str) -> bool:
    value = _BOOLEANS.get(text.strip().lower())
    if value is None:
        raise CellError("is neither true nor false; write true, false, yes, no, 1 or 0")
    return value


def _date(text: str) -> date:
    stripped = text.strip()
    if _DATE.fullmatch(stripped) is None:
        parts = _DATETIME.fullmatch(stripped)
        if parts is not None and parts[3] is None and set(parts[2]) <= {"0", ":"}:
            # A spreadsheet that has a time in one cell of a column writes midnight into the others.
            return _date(parts[1])
        if parts is not None:
            raise CellError("has a time too; write the date only, like 2031-12-24, or make the column a datetime")
        raise CellError(f"is not a date; write year-month-day, like 2031-12-24{_or_the_spreadsheet(stripped)}")
    try:
        return date.fromisoformat(stripped)
    except ValueError:
        raise CellError("is a day that does not exist; write year-month-day, like 2031-12-24") from None


def _datetime(text: str) -> datetime:
    stripped = text.strip()
    parts = _DATETIME.fullmatch(stripped)
    if parts is None:
        if _DATE.fullmatch(stripped):
            raise CellError("has no time; write date and time, like 2031-12-24T09:00, or make the column a date")
        cure = _or_the_spreadsheet(stripped) or " or 2031-12-24T09:00:00-05:00"
        raise CellError(f"is not a date with a time; write it like 2031-12-24T09:00{cure}")
    day, time, offset = parts.groups()
    try:
        return datetime.fromisoformat(f"{day}T{time}{(offset or '').upper()}")
    except ValueError:
        raise CellError("has a day or a time that does not exist; write it like 2031-12-24T09:00") from None


def _or_the_spreadsheet(text: str) -> str:
    """Return one way more for dates as a spreadsheet writes them into a CSV file, with day or month in front."""
    return f", or {_SPREADSHEET}" if _LOCAL_DATE.match(text) else ""


def _phone(text: str) -> str:
    stripped = text.strip()
    number = phone.canonical(stripped)
    if number is None:
        words = phone.problem(stripped) or "is not a phone number"
        if phone.looks_national(stripped):
            words += "; or give the column the country of its numbers, such as region: US"
        raise CellError(words)
    return number


def _national_phone(text: str, *, region: str) -> str:
    stripped = text.strip()
    doubt = phone.ambiguity(stripped, region)
    if doubt is not None:
        raise CellError(doubt)
    number = phone.national(stripped, region)
    if number is None:
        if stripped.startswith("+") or phone.is_scientific(stripped):
            raise CellError(phone.problem(re.sub(r"[ ()./\-]", "", stripped)) or "is not a phone number")
        raise CellError(
            f"is not a phone number of the region {region.upper()}; write it in full, or with + and country code"
        )
    return number


def _url(text: str) -> str:
    stripped = text.strip()
    if _URL.fullmatch(stripped) is None:
        if any(character.isspace() for character in stripped):
            raise CellError("has a space, which no URL has; write %20 for it")
        raise CellError("is not a web address; write it in full, like https://example.com/picture.png")
    return stripped


_CONVERTERS: Final[dict[str, Converter]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "phone": _phone,
    "url": _url,
}

TYPES: Final = ("string", *_CONVERTERS)
"""The column types of the contract, section 1."""
