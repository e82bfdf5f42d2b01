"""What ``+``, ``*``, ``~`` and their like do: Python's meaning, with bounds.

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

from msgspec_runner.templates.limits import MAX_INTEGER, check_length
from msgspec_runner.templates.problems import Refusal, describe_type
from msgspec_runner.templates.texts import to_text


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
    if isinstance(base, Decimal) and exponent != int(exponent):
        return Decimal(repr(float(base) ** float(exponent)))  # a hundred times as fast, and as exact as anyone needs
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
