"""Jinja's filters for single values: texts and numbers. Each measures what it would make before it makes it.

Left out on purpose: ``escape``, ``safe``, ``urlize``, ``xmlattr`` (a message is no HTML), ``random`` (two runs
of one commit must make one text), ``format`` and ``attr`` (ways out of the sandbox), ``pprint``.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from jinja2 import filters as jinja
from jinja2.environment import Environment

from msgspec_runner.templates.limits import MAX_OUTPUT, check_integer, check_length
from msgspec_runner.templates.lookups import replace as bounded_replace
from msgspec_runner.templates.problems import Refusal
from msgspec_runner.templates.texts import to_json, to_text
from msgspec_runner.templates.values import ABSENT

MAX_SLOW_TEXT = 10_000
"""Characters that ``wordwrap`` and ``striptags`` accept: their time grows with the square of the length."""

_NO_DEFAULT: Any = object()

_JINJA = Environment()
"""Lends its policies and its line break to two of Jinja's filters; it renders nothing."""


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:  # noqa: FBT001, FBT002 - Jinja's
    return default_value if value is ABSENT or (boolean and not value) else value


def _upper(value: Any) -> str:
    return to_text(value).upper()


def _lower(value: Any) -> str:
    return to_text(value).lower()


def _capitalize(value: Any) -> str:
    return to_text(value).capitalize()


def _title(value: Any) -> str:
    return jinja.do_title(to_text(value))


def _trim(value: Any, chars: str | None = None) -> str:
    return to_text(value).strip(chars)


def _center(value: Any, width: int = 80) -> str:
    check_length(width)
    return to_text(value).center(width)


def _replace(value: Any, old: Any, new: Any, count: int | None = None) -> str:
    return bounded_replace(to_text(value), to_text(old), to_text(new), -1 if count is None else count)


def _indent(value: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:  # noqa: FBT001, FBT002
    text = to_text(value)
    check_length(len(text) + (len(text.splitlines()) + 1) * (width if isinstance(width, int) else len(width)))
    return jinja.do_indent(text, width, first, blank)


def _truncate(value: Any, *args: Any, **options: Any) -> str:
    return jinja.do_truncate(_JINJA, to_text(value), *args, **options)


def _wordwrap(
    value: Any,
    width: int = 79,
    break_long_words: bool = True,  # noqa: FBT001, FBT002 - Jinja's signature
    wrapstring: str | None = None,
    break_on_hyphens: bool = True,  # noqa: FBT001, FBT002
) -> str:
    text = to_text(value)
    _check_slow(text)
    check_length(len(text) * (1 + len(wrapstring or "")))
    return jinja.do_wordwrap(_JINJA, text, width, break_long_words, wrapstring, break_on_hyphens)


def _striptags(value: Any) -> str:
    text = to_text(value)
    _check_slow(text)
    return str(jinja.do_striptags(text))


def _check_slow(text: str) -> None:
    if len(text) > MAX_SLOW_TEXT:
        raise Refusal("bound", f"this takes texts of at most {MAX_SLOW_TEXT:,} characters")


def _wordcount(value: Any) -> int:
    return jinja.do_wordcount(to_text(value))


def _int(value: Any, default: Any = _NO_DEFAULT, base: int = 10) -> int:
    if isinstance(value, Decimal) and value.adjusted() > 31:
        raise Refusal("bound", "this number has more than 30 digits")
    result = jinja.do_int(value, default, base)
    if result is _NO_DEFAULT:
        raise _no_number("int")
    if isinstance(result, int):
        check_integer(result)
    return result


def _float(value: Any, default: Any = _NO_DEFAULT) -> float:
    result = jinja.do_float(value, default)
    if result is _NO_DEFAULT:
        raise _no_number("float")
    return result


def _no_number(name: str) -> Refusal:
    """Jinja takes 0 for what is no number, and ``1,50`` would be sent as 0.0; here that has to be asked for."""
    words = f"this is not a number; write digits and a point, like 1234.5, or say what to take then, as in {name}(0)"
    return Refusal("value", words)


def _round(value: Any, precision: int = 0, method: Any = "common") -> Any:
    if not -30 <= precision <= 30:
        raise Refusal("bound", "round takes a precision between -30 and 30")
    if isinstance(value, bool):
        raise Refusal("type", "a number is needed here, not a boolean")  # Python rounds True to 1
    if method not in ("common", "ceil", "floor"):
        raise Refusal("value", "round goes 'common', 'ceil' or 'floor'")
    if isinstance(value, Decimal) and method == "common" and precision == 0:
        # Python's round() of a Decimal gives an int; Jinja promises a number of the same kind.
        return value.quantize(Decimal(1))
    return jinja.do_round(value, precision, method)


def _absolute(value: Any) -> Any:
    return abs(value)


def _tojson(value: Any, indent: int | None = None) -> str:
    if indent is not None and not 0 <= indent <= 16:
        raise Refusal("bound", "tojson takes an indent between 0 and 16")
    return to_json(value, indent)


def _urlencode(value: Any) -> str:
    if isinstance(value, (dict, list, tuple)):
        return jinja.do_urlencode(value)
    text = to_text(value)
    check_length(len(text) * 3 if text.isascii() else min(len(text) * 12, MAX_OUTPUT * 12))
    return jinja.do_urlencode(text)


TEXT_FILTERS: dict[str, Callable[..., Any]] = {
    "abs": _absolute,
    "capitalize": _capitalize,
    "center": _center,
    "d": _default,
    "default": _default,
    "float": _float,
    "indent": _indent,
    "int": _int,
    "lower": _lower,
    "replace": _replace,
    "round": _round,
    "string": to_text,
    "striptags": _striptags,
    "title": _title,
    "tojson": _tojson,
    "trim": _trim,
    "truncate": _truncate,
    "upper": _upper,
    "urlencode": _urlencode,
    "wordcount": _wordcount,
    "wordwrap": _wordwrap,
}
"""Filters that need nothing but their value, by name."""
