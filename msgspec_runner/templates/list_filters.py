"""Jinja's filters for lists and mappings. They give lists where Jinja gives generators, so that they can be counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import filters as jinja
from jinja2.exceptions import FilterArgumentError

from msgspec_runner.templates.limits import Budget, check_items, weigh
from msgspec_runner.templates.lookups import Thing, item, join
from msgspec_runner.templates.predicates import CALM
from msgspec_runner.templates.problems import Refusal, describe_type
from msgspec_runner.templates.texts import to_text
from msgspec_runner.templates.values import ABSENT


class Group(tuple[Any, list[Any]], Thing):
    """One group of ``groupby``: unpacks into its key and its items, which are also ``grouper`` and ``list``."""

    __slots__ = ()

    def attribute(self, name: str) -> Any:
        """Return ``grouper`` or ``list``."""
        return self[0] if name == "grouper" else self[1] if name == "list" else ABSENT


class _Lookup:
    """Stands in for the environment of which Jinja's own filters ask attributes."""

    def __init__(self, default: Any = None) -> None:
        self.default = default

    def getitem(self, value: Any, key: Any) -> Any:
        check_key(key)
        found = item(value, key)
        return self.default if found is ABSENT and self.default is not None else found

    def undefined(self, *_: object) -> Any:
        return ABSENT


_LOOKUP: Any = _Lookup()


def check_key(key: Any) -> None:
    """Refuse an attribute that starts with an underscore: it is a way out of the sandbox."""
    if isinstance(key, str) and key.startswith("_"):
        raise Refusal("value", "attributes that start with _ cannot be used")


def listed(value: Any) -> list[Any]:
    """Return the items of a list, the keys of a mapping, the characters of a text.

    Raises:
        Refusal: the value is none of these.
    """
    if isinstance(value, (str, list, tuple, dict)):
        check_items(len(value))
        return list(value)
    raise Refusal("type", f"a list is needed here, not {describe_type(value)}")


def _getter(attribute: Any, default: Any = None) -> Callable[[Any], Any]:
    if not isinstance(attribute, (str, int)):
        raise Refusal("type", "an attribute is named by a text or a number")
    lookup: Any = _Lookup(default)
    return jinja.make_attrgetter(lookup, attribute)


def _length(value: Any) -> int:
    if isinstance(value, (str, list, tuple, dict)):
        return len(value)
    raise Refusal("type", f"{describe_type(value)} has no length")


def _first(value: Any) -> Any:
    values = listed(value)
    return values[0] if values else ABSENT


def _last(value: Any) -> Any:
    values = listed(value)
    return values[-1] if values else ABSENT


def _reverse(value: Any) -> Any:
    return value[::-1] if isinstance(value, str) else listed(value)[::-1]


def _join(value: Any, d: Any = "", attribute: Any = None) -> str:
    values = listed(value)
    return join(to_text(d), values if attribute is None else list(map(_getter(attribute), values)))


def _items(value: Any) -> list[Any]:
    if not isinstance(value, dict):
        raise Refusal("type", f"items needs a mapping, not {describe_type(value)}")
    return list(value.items())


def _dictsort(value: Any, *args: Any, **options: Any) -> list[Any]:
    try:
        return jinja.do_dictsort(value, *args, **options)
    except FilterArgumentError:
        raise Refusal("value", "dictsort sorts by 'key' or by 'value'") from None


def _sort(value: Any, *args: Any, **options: Any) -> list[Any]:
    return jinja.do_sort(_LOOKUP, listed(value), *args, **options)


def _unique(value: Any, *args: Any, **options: Any) -> list[Any]:
    return list(jinja.sync_do_unique(_LOOKUP, listed(value), *args, **options))


def _min(value: Any, *args: Any, **options: Any) -> Any:
    return jinja.do_min(_LOOKUP, listed(value), *args, **options)


def _max(value: Any, *args: Any, **options: Any) -> Any:
    return jinja.do_max(_LOOKUP, listed(value), *args, **options)


def _sum(value: Any, attribute: Any = None, start: Any = 0) -> Any:
    values = listed(value)
    if attribute is not None:
        values = list(map(_getter(attribute), values))
    if not isinstance(start, (int, float)) and not hasattr(start, "quantize"):
        raise Refusal("type", "sum adds numbers; use join for texts")
    return sum(values, start)


def _groupby(value: Any, attribute: Any, default: Any = None, case_sensitive: bool = False) -> list[Group]:  # noqa: FBT001, FBT002
    lookup: Any = _Lookup(default)
    groups = jinja.sync_do_groupby(lookup, listed(value), attribute, None, case_sensitive)
    return [Group((key, values)) for key, values in groups]


def _slice(value: Any, slices: int, fill_with: Any = None) -> list[Any]:
    check_items(slices)
    return list(jinja.sync_do_slice(listed(value), slices, fill_with))


def _batch(value: Any, linecount: int, fill_with: Any = None) -> list[Any]:
    check_items(linecount)
    return list(jinja.do_batch(listed(value), linecount, fill_with))


LIST_FILTERS: dict[str, Callable[..., Any]] = {
    "batch": _batch,
    "count": _length,
    "dictsort": _dictsort,
    "first": _first,
    "groupby": _groupby,
    "items": _items,
    "join": _join,
    "last": _last,
    "length": _length,
    "list": listed,
    "max": _max,
    "min": _min,
    "reverse": _reverse,
    "slice": _slice,
    "sort": _sort,
    "sum": _sum,
    "unique": _unique,
}
"""Filters of lists that need nothing but their value, by name."""

CHOOSERS = ("map", "reject", "rejectattr", "select", "selectattr")
"""Filters that apply another filter or a test, named in a text, to every item."""


def choosers(
    filters: dict[str, Callable[..., Any]], predicates: dict[str, Callable[..., bool]], budget: Budget
) -> dict[str, Callable[..., Any]]:
    """Make the filters of :data:`CHOOSERS`.

    Args:
        filters: what ``map('…')`` may apply.
        predicates: what ``select('…')`` and its like may apply.
        budget: pays for every item.
    """

    def named(kind: str, table: dict[str, Callable[..., Any]], name: Any) -> Callable[..., Any]:
        if not isinstance(name, str) or name not in table:
            raise Refusal("value", f"there is no such {kind}; write the name of one in quotes")
        return table[name]

    def map_(value: Any, *args: Any, **options: Any) -> list[Any]:
        values = listed(value)
        if not args and "attribute" in options:
            extra = set(options) - {"attribute", "default"}
            if extra:
                raise Refusal("type", f"map has no argument {min(extra)!r} beside attribute")
            return list(map(_getter(options["attribute"], options.get("default")), values))
        if not args:
            raise Refusal("type", "map needs the name of a filter or attribute='…'")
        function = named("filter", filters, args[0])
        takes_absent = args[0] in ("d", "default")
        made = []
        for each in values:
            if each is ABSENT and not takes_absent:
                raise Refusal("missing", "an item of this list is absent")
            made.append(function(each, *args[1:], **options))
            budget.spend(5)
            budget.charge(made[-1])
        return made

    def choose(value: Any, getter: Callable[[Any], Any] | None, args: tuple[Any, ...], *, wanted: bool) -> list[Any]:
        predicate = named("test", predicates, args[0]) if args else None
        # select('in', a list) walks over that list for every item.
        cost = 3 + sum(weigh(arg) + (len(arg) >> 5 if isinstance(arg, str) else 0) for arg in args[1:])
        chosen = []
        for each in listed(value):
            budget.spend(cost)
            looked_at = each if getter is None else getter(each)
            if looked_at is ABSENT and predicate is not None and args[0] not in CALM:
                raise Refusal("missing", "an item of this list is absent")
            if bool(looked_at if predicate is None else predicate(looked_at, *args[1:])) is wanted:
                chosen.append(each)
        return chosen

    return {
        "map": map_,
        "select": lambda value, *args: choose(value, None, args, wanted=True),
        "reject": lambda value, *args: choose(value, None, args, wanted=False),
        "selectattr": lambda value, attribute, *args: choose(value, _getter(attribute), args, wanted=True),
        "rejectattr": lambda value, attribute, *args: choose(value, _getter(attribute), args, wanted=False),
    }
