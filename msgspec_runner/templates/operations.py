"""What operators, comparisons and tests make of kinds of values: the other half of what inference reads.

Each function mirrors one of :mod:`~msgspec_runner.templates.operators` or
:mod:`~msgspec_runner.templates.predicates`; ``tests/templates/test_signatures.py`` holds them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, Final, NamedTuple

from msgspec_runner.templates.operators import COMPARISONS
from msgspec_runner.templates.predicates import CALM
from msgspec_runner.templates.types import (
    BOOLEAN,
    INTEGER,
    LISTED,
    NUMBER,
    NUMERIC,
    TEXT,
    UNKNOWN,
    Kind,
    Type,
    list_of,
    type_of,
    union,
)


class Outcome(NamedTuple):
    """What an operation makes of two types.

    Attributes:
        type: of the result.
        culprit: which operand makes it fail whatever the values: 0 the left one, 1 the right one; None where it need
            not fail.
    """

    type: Type
    culprit: int | None = None


def arithmetic(sign: str, left: Type, right: Type) -> Outcome:
    """Return what ``+ - * / // % **`` make of two types."""
    if not (left.is_known and right.is_known):
        return Outcome(UNKNOWN)
    made = [
        result
        for one, other in product(left.present.kinds, right.present.kinds)
        if (result := _computed(sign, one, other)) is not None
    ]
    if made:
        return Outcome(union(*made))
    names = left.present.names
    if names <= NUMERIC or (sign == "+" and names <= {"text", "list"} and right.present.names & NUMERIC):
        return Outcome(UNKNOWN, 1 if names <= NUMERIC else 0)
    return Outcome(UNKNOWN, 0)


def _computed(sign: str, left: Kind, right: Kind) -> Type | None:
    """Return the type of a result; None where there is none."""
    if left.name in NUMERIC and right.name in NUMERIC:
        if sign == "/" or "number" in (left.name, right.name):
            return NUMBER
        return union(INTEGER, NUMBER) if sign == "**" else INTEGER
    pair = {left.name, right.name}
    if sign == "+" and pair == {"text"}:
        return TEXT
    if sign == "+" and pair == {"list"}:
        return list_of(union(left.of or UNKNOWN, right.of or UNKNOWN))
    if sign == "*" and "text" in pair and pair & {"integer", "boolean"}:
        return TEXT
    return None


def signed(operand: Type) -> Outcome:
    """Return what a leading ``+`` or ``-`` makes of a type."""
    return arithmetic("-", INTEGER, operand)


def comparison(sign: str, left: Type, right: Type) -> Outcome:
    """Return what a comparison (Jinja's name for it: ``eq``, ``lt``, ``notin``) makes of two types.

    The result has its value where it is the same for all values.
    """
    if not (left.is_known and right.is_known):
        return Outcome(BOOLEAN)
    left, right = left.present, right.present
    if sign in ("eq", "ne"):
        equal = _equal(left, right)
        return Outcome(BOOLEAN if equal is None else type_of(equal is (sign == "eq")))
    if sign in ("in", "notin"):
        return _contained(left, right, wanted=sign == "in")
    if not any(_is_ordered(one, other) for one, other in product(left.kinds, right.kinds)):
        return Outcome(BOOLEAN, 1 if left.names <= NUMERIC else 0)
    results = {_compared(COMPARISONS[sign], one, other) for one, other in _pairs(left, right)}
    return Outcome(type_of(results.pop()) if len(results) == 1 and None not in results else BOOLEAN)


def _pairs(left: Type, right: Type) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs of values where both types have one value only; more are not worth their number."""
    ones, others = left.values, right.values
    if ones is not None and others is not None and len(ones) == len(others) == 1:
        yield ones[0], others[0]


def _compared(function: Callable[[Any, Any], bool], left: Any, right: Any) -> bool | None:
    try:
        return bool(function(left, right))
    except (TypeError, ValueError, ArithmeticError):
        return None


def _equal(left: Type, right: Type) -> bool | None:
    """Say whether all values of two types are equal, or none are."""
    if not any(may_equal(one, other) for one, other in product(left.kinds, right.kinds)):
        return False
    return True if any(one == other for one, other in _pairs(left, right)) else None


def may_equal(left: Kind, right: Kind) -> bool:
    """Say whether any value of one kind can equal any of the other."""
    if "unknown" in (left.name, right.name):
        return True
    if left.name != right.name and not {left.name, right.name} <= NUMERIC:
        return False
    if left.values is None or right.values is None:
        return True
    return not frozenset(left.values).isdisjoint(right.values)


def _contained(left: Type, right: Type, *, wanted: bool) -> Outcome:
    """Return what ``in`` makes of two types."""
    if right.names.isdisjoint(LISTED):
        return Outcome(BOOLEAN, 1)
    if right.names == {"text"} and "text" not in left.names:
        return Outcome(BOOLEAN, 0)
    held = right.kinds[0].of
    if right.names == {"list"} and held is not None and held.is_known and _equal(left, held) is False:
        return Outcome(type_of(not wanted))
    return Outcome(BOOLEAN)


def _is_ordered(left: Kind, right: Kind) -> bool:
    """Say whether ``<`` may work with two kinds."""
    names = {left.name, right.name}
    return "unknown" in names or names <= NUMERIC or (len(names) == 1 and names <= {"text", "date", "datetime", "list"})


_NUMBERS_ONLY: Final = frozenset({"odd", "even", "divisibleby"})
_COMPARING: Final = {
    **dict.fromkeys(("==", "eq", "equalto"), "eq"),
    **dict.fromkeys(("!=", "ne"), "ne"),
    **dict.fromkeys((">", "gt", "greaterthan"), "gt"),
    **dict.fromkeys((">=", "ge"), "gteq"),
    **dict.fromkeys(("<", "lt", "lessthan"), "lt"),
    **dict.fromkeys(("<=", "le"), "lteq"),
    "in": "in",
}
"""Tests that are comparisons under another name."""
_ASKS: Final[dict[str, frozenset[str]]] = {
    "none": frozenset({"none"}),
    "boolean": frozenset({"boolean"}),
    "integer": frozenset({"integer"}),
    "string": frozenset({"text"}),
    "mapping": frozenset({"mapping"}),
    "number": NUMERIC,
    "sequence": LISTED,
    "iterable": LISTED,
}
"""Tests that ask for a kind."""


def answer(test: str, kind: Kind) -> bool | None:
    """Return what a test without arguments says of every value of a kind; None where it depends, or is not known."""
    if kind.name == "unknown":
        return None
    if test in ("defined", "undefined"):
        return (kind.name != "absent") is (test == "defined")
    if kind.name == "absent" and test not in CALM:
        return None
    if test in _ASKS:
        return kind.name in _ASKS[test]
    if test == "float":
        return None if kind.name == "number" else False
    if test in ("true", "false"):
        if kind.name != "boolean":
            return False
        return None if kind.values is None or len(kind.values) > 1 else kind.values[0] is (test == "true")
    return None


def tested(test: str, operand: Type, arguments: list[Type]) -> Outcome:
    """Return what ``is …`` makes of a type; the culprit is the operand or the argument."""
    if test in _COMPARING and len(arguments) == 1:
        return comparison(_COMPARING[test], operand, arguments[0])
    if not operand.is_known:
        return Outcome(BOOLEAN)
    if test in _NUMBERS_ONLY:
        # To Python, "%" between texts is their formatting, which may work.
        fails = operand.present.names.isdisjoint(NUMERIC | {"text"})
        return Outcome(BOOLEAN, 0 if fails else None)
    answers = {answer(test, kind) for kind in operand.kinds}
    return Outcome(type_of(answers.pop()) if len(answers) == 1 and None not in answers else BOOLEAN)


def narrowed(test: str, operand: Type, *, truth: bool) -> Type | None:
    """Return the type of the values of which a test without arguments is true, or false; None where there are none."""
    return operand.only(lambda kind: answer(test, kind) in (None, truth))


def equated(operand: Type, value: object, *, truth: bool) -> Type | None:
    """Return the type of the values that equal a constant, or that do not; None where there are none."""
    constant = type_of(value).kinds[0]
    kept: list[Kind] = []
    for kind in operand.kinds:
        same = kind.name == constant.name and constant.values is not None
        if truth and may_equal(kind, constant):
            kept.append(constant if same else kind)
        elif not truth:
            values = kind.values
            if same and values is not None:
                values = tuple(each for each in values if each != value)
            if values != ():
                kept.append(kind._replace(values=values))
    return Type(tuple(kept)) if kept else None
