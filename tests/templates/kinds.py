"""Example values of every kind, and whether a type holds a value: what the tests of inference share."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from msgspec_runner.templates.types import (
    ANY_LIST,
    BOOLEAN,
    DATE,
    DATETIME,
    FILLED_TEXT,
    INTEGER,
    MAPPING,
    NUMBER,
    TEXT,
    Type,
    kind_of,
    list_of,
    type_of,
)

EXAMPLES: dict[str, list[Any]] = {
    "text": ["Ann Lee", " x ", "", "12", "-3.50", "2031-01-02", "2031-01-02T10:00", "false", "%s %d", "USD"],
    "integer": [0, 1, -7, 12345],
    "number": [Decimal("3.50"), Decimal(0), 2.5, -0.0, 1e20],
    "boolean": [True, False],
    "date": [date(2031, 1, 31), date(2000, 2, 29)],
    "datetime": [datetime(2031, 1, 31, 9, 30), datetime(2031, 3, 10, tzinfo=UTC)],
    "list": [[], [1, 2], ["b", "a"], ("a", "b"), [["a", 1]], [{"a": 1}]],
    "mapping": [{}, {"a": 1}, {"items": [1]}],
    "none": [None],
}
TYPES: dict[str, Type] = {
    "text": TEXT,
    "integer": INTEGER,
    "number": NUMBER,
    "boolean": BOOLEAN,
    "date": DATE,
    "datetime": DATETIME,
    "list": ANY_LIST,
    "mapping": MAPPING,
    "none": type_of(None),
}
PRECISE: list[tuple[Type, list[Any]]] = [
    *[(type_of(value), [value]) for kind in EXAMPLES for value in EXAMPLES[kind]],
    (FILLED_TEXT, [value for value in EXAMPLES["text"] if value]),
    (list_of(INTEGER), [[], [1, 2], (3, 0)]),
    (list_of(TEXT, filled=True), [["a"], ["b", ""]]),
]
"""Types that say more than their kind, with some of their values."""


def holds(given: Type, value: Any) -> bool:
    """Say whether a value is of a type."""
    if not given.is_known:
        return True
    for kind in given.kinds:
        if kind.name != kind_of(value):
            continue
        if kind.values is not None and value not in kind.values:
            return False
        if kind.filled and not value:
            return False
        if kind.truth is not None and bool(value) is not kind.truth:
            return False
        return kind.of is None or all(holds(kind.of, item) for item in value)
    return False
