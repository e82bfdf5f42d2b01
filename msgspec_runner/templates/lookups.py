"""What may be read from a value or called on it: an allow-list, because everything else is a way out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from msgspec_runner.templates.limits import check_items, check_length
from msgspec_runner.templates.problems import Refusal, describe_type
from msgspec_runner.templates.texts import to_text
from msgspec_runner.templates.values import ABSENT


class Thing:
    """A value of the template's own making that has attributes: ``loop``, a group, an imported partial."""

    __slots__ = ()

    def attribute(self, name: str) -> Any:
        """Return an attribute, :data:`ABSENT` where there is none."""
        raise NotImplementedError


_DATE_PARTS = frozenset({"year", "month", "day"})
_DATETIME_PARTS = _DATE_PARTS | {"hour", "minute", "second"}


def attribute(value: Any, name: str) -> Any:
    """Return what ``value.name`` means: a mapping's key, a date's part; :data:`ABSENT` where there is none.

    Unlike in Jinja a mapping's key wins over a method of the same name (``order.items``).
    """
    if isinstance(value, dict):
        return value.get(name, ABSENT)
    if isinstance(value, Thing):
        return value.attribute(name)
    if isinstance(value, date):
        parts = _DATETIME_PARTS if isinstance(value, datetime) else _DATE_PARTS
        return getattr(value, name) if name in parts else ABSENT
    return ABSENT


def item(value: Any, key: Any) -> Any:
    """Return what ``value[key]`` means; :data:`ABSENT` where there is none.

    Raises:
        Refusal: the value has no items at all, or the key is itself a list.
    """
    if isinstance(key, slice):
        if isinstance(value, (str, list, tuple)):
            return value[key]
        raise Refusal("type", f"{describe_type(value)} cannot be cut with [:]")
    if isinstance(key, (list, tuple, dict)):
        raise Refusal("type", f"{describe_type(key)} is no key")
    if isinstance(value, dict):
        return value.get(key, ABSENT)
    if isinstance(value, (str, list, tuple)) and isinstance(key, int):
        return value[key] if -len(value) <= key < len(value) else ABSENT
    if isinstance(key, str):
        return attribute(value, key)
    return ABSENT


def replace(text: str, old: str, new: str, count: int = -1) -> str:
    """Replace, but measure the result first: ``'aaa…' | replace('a', 'bbb…')`` would fill the memory."""
    occurrences = text.count(old)
    if count >= 0:
        occurrences = min(occurrences, count)
    check_length(len(text) + occurrences * max(0, len(new) - len(old)))
    return text.replace(old, new, count)


def join(separator: str, parts: list[Any]) -> str:
    """Join parts as text, measured first."""
    texts = [to_text(part) for part in parts]
    check_length(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _split(text: str, *args: Any, **options: Any) -> list[str]:
    parts = text.split(*args, **options)
    check_items(len(parts))
    return parts


def _rsplit(text: str, *args: Any, **options: Any) -> list[str]:
    parts = text.rsplit(*args, **options)
    check_items(len(parts))
    return parts


def _join_method(separator: str, parts: Any) -> str:
    if not isinstance(parts, (str, list, tuple, dict)):
        raise Refusal("type", f"{describe_type(parts)} cannot be joined")
    return join(separator, list(parts))


_TEXT: dict[str, Callable[..., Any]] = {
    "capitalize": str.capitalize,
    "count": str.count,
    "endswith": str.endswith,
    "find": str.find,
    "isalnum": str.isalnum,
    "isalpha": str.isalpha,
    "isdigit": str.isdigit,
    "islower": str.islower,
    "isnumeric": str.isnumeric,
    "isspace": str.isspace,
    "isupper": str.isupper,
    "join": _join_method,
    "lower": str.lower,
    "lstrip": str.lstrip,
    "removeprefix": str.removeprefix,
    "removesuffix": str.removesuffix,
    "replace": replace,
    "rsplit": _rsplit,
    "rstrip": str.rstrip,
    "split": _split,
    "splitlines": str.splitlines,
    "startswith": str.startswith,
    "strip": str.strip,
    "swapcase": str.swapcase,
    "title": str.title,
    "upper": str.upper,
}
_MAPPING: dict[str, Callable[..., Any]] = {
    "get": dict.get,
    "items": lambda value: list(value.items()),
    "keys": lambda value: list(value),
    "values": lambda value: list(value.values()),
}
_LIST: dict[str, Callable[..., Any]] = {
    "count": lambda value, wanted: value.count(wanted),
    "index": lambda value, wanted: value.index(wanted),
}
METHOD_NAMES = frozenset(_TEXT) | frozenset(_MAPPING) | frozenset(_LIST) | {"cycle", "changed"}
"""Everything that may stand between a dot and a bracket (beside the macros of an imported partial)."""


def method(value: Any, name: str) -> Callable[..., Any]:
    """Return what ``value.name(…)`` calls, to be called with the value and the arguments.

    Raises:
        Refusal: values of this type have no such method.
    """
    methods = _TEXT if isinstance(value, str) else _MAPPING if isinstance(value, dict) else {}
    if isinstance(value, (list, tuple)):
        methods = _LIST
    if name in methods:
        return methods[name]
    if isinstance(value, Thing):
        found = value.attribute(name)
        if callable(found):
            return lambda _, *args, **options: found(*args, **options)
    raise Refusal("type", f"{describe_type(value)} has no method {name!r}")
