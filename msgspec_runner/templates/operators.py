"""What ``+``, ``*``, ``~`` and their like do: Python's meaning, with bounds, and text for people.

Differences from Jinja, each on purpose: ``%`` does not format texts, lists are not multiplied, a number of a
column (a Decimal) may be combined with one written in the template (a float), and there are no complex numbers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from jinja2 import nodes

from msgspec_runner.templates.limits import MAX_INTEGER, check_length, has_absent, weigh
from msgspec_runner.templates.problems import Refusal, describe_type
from msgspec_runner.templates.values import ABSENT

MISSING = Refusal("missing", "a value is missing here")


def to_text(value: Any) -> str:
    """Return the characters that a value puts into the text.

    A text stands as it is, a number as Python writes it, a date in ISO 8601, a list or mapping as JSON.

    Raises:
        Refusal: there is no value (absent or null), or it is of a type that has no text.
    """
    kind = value.__class__
    if kind is str:
        return value  # type: ignore[no-any-return]
    if value is None:
        raise Refusal("missing", "null reached the text; give it a default: {{ … | default('…', true) }}")
    if value is ABSENT:
        raise MISSING
    if kind in (int, bool, float, Decimal):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple, dict)):
        return to_json(value)
    if isinstance(value, str):
        return str(value)
    raise Refusal("type", f"{describe_type(value)} cannot be put into a text")


def to_json(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON: characters as they are, dates in ISO 8601, keys in their order.

    Raises:
        Refusal: an absent value is inside, or something that JSON does not have.
    """
    import json

    weigh(value)
    if has_absent(value):
        raise MISSING
    try:
        text = json.dumps(value, ensure_ascii=False, indent=indent, default=_json_default)
    except (TypeError, RecursionError):
        raise Refusal("type", "this cannot be written as JSON") from None
    check_length(len(text))
    return text


def _json_default(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) <= MAX_INTEGER else float(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError


def _numbers(left: Any, right: Any) -> tuple[Any, Any]:
    """Let a Decimal meet a float: the float becomes the Decimal that it is written as."""
    if isinstance(left, Decimal) and isinstance(right, float):
        return left, Decimal(repr(right))
    if isinstance(left, float) and isinstance(right, Decimal):
        return Decimal(repr(left)), right
    return left, right


def _arithmetic(function: Callable[[Any, Any], Any], sign: str) -> Callable[[Any, Any], Any]:
    def compute(left: Any, right: Any) -> Any:
        left, right = _numbers(left, right)
        if not (isinstance(left, (int, float, Decimal)) and isinstance(right, (int, float, Decimal))):
            raise _unusable(sign, left, right)
        return function(left, right)

    return compute


def _unusable(sign: str, left: Any, right: Any) -> Refusal:
    hint = ""
    if sign == "+" and (isinstance(left, str) or isinstance(right, str)):
        hint = "; texts are put together with ~"
    elif isinstance(left, date) or isinstance(right, date):
        hint = "; move a date with | plus(days=1) or | minus(days=1)"
    elif sign == "%" and isinstance(left, str):
        hint = "; put texts together with ~"
    elif isinstance(left, str) or isinstance(right, str):
        hint = "; make a text a number with | int or | float"
    return Refusal("type", f"{sign} does not work with {describe_type(left)} and {describe_type(right)}{hint}")


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        check_length(len(left) + len(right))
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    if isinstance(left, tuple) and isinstance(right, tuple):
        return left + right
    return _add_numbers(left, right)


_add_numbers = _arithmetic(operator.add, "+")
_multiply_numbers = _arithmetic(operator.mul, "*")


def _multiply(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, int):
        check_length(len(left) * right)
        return left * right
    if isinstance(right, str) and isinstance(left, int):
        check_length(left * len(right))
        return left * right
    return _multiply_numbers(left, right)


def _power_of_numbers(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int):
        if exponent > 0 and abs(base) > 1 and base.bit_length() * exponent > 2 * MAX_INTEGER.bit_length():
            raise Refusal("bound", "this makes a number of more than 30 digits")
        if exponent < 0 and abs(exponent) > 100_000:
            raise Refusal("bound", "this exponent is too large")
    result = base**exponent
    if isinstance(result, complex):
        raise Refusal("value", "a negative number has no such power")
    return result


def concatenate(values: list[Any]) -> str:
    """Put values together as text: what ``~`` does."""
    texts = [to_text(value) for value in values]
    check_length(sum(map(len, texts)))
    return "".join(texts)


def _is_in(item: Any, container: Any) -> bool:
    if not isinstance(container, (str, list, tuple, dict)):
        raise Refusal("type", f"{describe_type(container)} holds nothing: 'in' needs a list, a mapping or a text")
    return item in container


def negate(value: Any) -> Any:
    """Return the negative of a number."""
    if not isinstance(value, (int, float, Decimal)):
        raise Refusal("type", f"- does not work with {describe_type(value)}")
    return -value


def affirm(value: Any) -> Any:
    """Return a number as it is: what a leading ``+`` does."""
    if not isinstance(value, (int, float, Decimal)):
        raise Refusal("type", f"+ does not work with {describe_type(value)}")
    return +value


ARITHMETIC: dict[type[nodes.Node], Callable[[Any, Any], Any]] = {
    nodes.Add: _add,
    nodes.Sub: _arithmetic(operator.sub, "-"),
    nodes.Mul: _multiply,
    nodes.Div: _arithmetic(operator.truediv, "/"),
    nodes.FloorDiv: _arithmetic(operator.floordiv, "//"),
    nodes.Mod: _arithmetic(operator.mod, "%"),
    nodes.Pow: _arithmetic(_power_of_numbers, "**"),
}
"""The function of each binary operator of Jinja's syntax tree."""

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": _is_in,
    "notin": lambda item, container: not _is_in(item, container),
}
"""The function of each comparison of Jinja's syntax tree."""
