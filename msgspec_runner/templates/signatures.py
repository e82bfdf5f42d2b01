"""What each filter and method takes and gives, by kinds of values: the table that inference reads.

Names and number of arguments are read off the filters' own functions. What the table says of kinds is held to what
the filters do by ``tests/templates/test_signatures.py``: where it says that a filter takes no value of a kind, every
one fails; what it says that a filter gives is what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from msgspec_runner.templates.date_patterns import checked_pattern, has_time
from msgspec_runner.templates.filters import SPANS, parse_amount, parse_date, parse_moment
from msgspec_runner.templates.problems import Fault, Refusal
from msgspec_runner.templates.types import (
    ABSENT_TYPE,
    ANY_LIST,
    BOOLEAN,
    DATE,
    DATES,
    DATETIME,
    INTEGER,
    LISTED,
    NUMBER,
    NUMERIC,
    TEXT,
    UNKNOWN,
    Type,
    items_of,
    list_of,
    union,
)

Arguments = Mapping[str, Type]
"""The types of a filter's arguments by the names of its parameters."""
Gives = Callable[[Type, Arguments], Type]
KINDS: Final = NUMERIC | DATES | LISTED | {"none"}
"""The kinds that a filter may be given."""
_WRITABLE: Final = KINDS - {"none"}
_AMOUNTS: Final = frozenset({"integer", "number", "text"})
_WHOLE: Final = frozenset({"integer"})


class Signature(NamedTuple):
    """One filter.

    Attributes:
        takes: the kinds that it works with.
        needs: these in words.
        gives: the type of its result, from those of its value and its arguments.
        reads: what it makes of a text; raises Refusal for those that it does not take. None where it takes any.
        arguments: the kinds that an argument may be of, by parameter; any, where it is not named here.
        checks: raises Refusal for values of an argument that it never takes.
    """

    takes: frozenset[str]
    needs: str
    gives: Gives
    reads: Callable[[Any], object] | None = None
    arguments: Mapping[str, frozenset[str]] = {}
    checks: Mapping[str, Callable[[Any], object]] = {}


class Parameters(NamedTuple):
    """How a filter is called, its value left aside.

    Attributes:
        names: its parameters in their order.
        needed: how many of them have no default.
        more: whether it takes any number of arguments beyond them.
        options: whether it takes arguments of any name.
    """

    names: tuple[str, ...]
    needed: int
    more: bool
    options: bool


def _always(given: Type) -> Gives:
    return lambda _operand, _arguments: given


def _absolute(operand: Type, _: Arguments) -> Type:
    names = operand.names
    if not operand.is_known or (len(names & {"number", "integer", "boolean"}) > 1 and "number" in names):
        return _ANY_NUMBER
    return NUMBER if "number" in names else INTEGER


def _round(operand: Type, arguments: Arguments) -> Type:
    method = arguments.get("method")
    if method is None or method.values == ("common",):
        return _absolute(operand, arguments)
    return _ANY_NUMBER


def _or_default(made: Type) -> Gives:
    return lambda _, arguments: union(made, arguments["default"]) if "default" in arguments else made


def _moved(operand: Type, _: Arguments) -> Type:
    parts = {"date": DATE, "datetime": DATETIME}
    return union(*(parts.get(name, _ANY_DATE) for name in sorted(operand.names)))


def _listed(operand: Type, _: Arguments) -> Type:
    return list_of(items_of(operand))


def _chosen(operand: Type, arguments: Arguments) -> Type:
    items = items_of(operand)
    return list_of(items if arguments else items.present)


def _one(operand: Type, _: Arguments) -> Type:
    return union(items_of(operand), ABSENT_TYPE)


def _reversed(operand: Type, arguments: Arguments) -> Type:
    return TEXT if operand.names == {"text"} else union(TEXT, _listed(operand, arguments))


_ANY_NUMBER: Final = union(INTEGER, NUMBER)
_ANY_DATE: Final = union(DATE, DATETIME)
_SAME: Final = Signature(_WRITABLE, "a value", _always(TEXT))
_OF_LISTS: Final = Signature(LISTED, "a list", _listed)
_OF_NUMBERS: Final = Signature(NUMERIC, "a number", _absolute)
_LOCALE: Final = frozenset({"text", "none"})
_DATE: Final = Signature(DATES | {"text"}, "a date", _always(TEXT), parse_date)
_MOVED: Final = _DATE._replace(gives=_moved, arguments=dict.fromkeys(SPANS, _WHOLE))
_AMOUNT: Final = Signature(_AMOUNTS, "a number", _always(TEXT), parse_amount)
_WRITTEN: Final = _DATE._replace(
    arguments={"format": frozenset({"text"}), "locale": _LOCALE}, checks={"format": checked_pattern}
)
_COUNT: Final = NUMERIC

SIGNATURES: Final[Mapping[str, Signature]] = {
    "abs": _OF_NUMBERS,
    "at": _DATE._replace(gives=_always(DATETIME), arguments={"clock": frozenset({"text"})}),
    "batch": _OF_LISTS._replace(gives=_always(list_of(ANY_LIST)), arguments={"linecount": _COUNT}),
    "capitalize": _SAME,
    "center": _SAME._replace(arguments={"width": _COUNT}),
    "count": _OF_LISTS._replace(gives=_always(INTEGER)),
    "currency": _AMOUNT._replace(arguments={"code": frozenset({"text"}), "locale": _LOCALE}),
    "date": _WRITTEN,
    "datetime": _WRITTEN._replace(
        takes=frozenset({"datetime", "text"}), needs="a date with a time", reads=parse_moment
    ),
    "dictsort": Signature(frozenset({"mapping"}), "a mapping", _always(ANY_LIST)),
    "first": _OF_LISTS._replace(gives=_one),
    "float": Signature(KINDS, "a value", _or_default(NUMBER)),
    "groupby": _OF_LISTS._replace(gives=_always(ANY_LIST)),
    "indent": _SAME,
    "int": Signature(KINDS, "a value", _or_default(INTEGER)),
    "iso": _DATE,
    "items": Signature(frozenset({"mapping"}), "a mapping", _always(ANY_LIST)),
    "join": _OF_LISTS._replace(gives=_always(TEXT)),
    "last": _OF_LISTS._replace(gives=_one),
    "length": _OF_LISTS._replace(gives=_always(INTEGER)),
    "list": _OF_LISTS,
    "lower": _SAME,
    "map": _OF_LISTS._replace(gives=_always(ANY_LIST)),
    "max": _OF_LISTS._replace(gives=_one),
    "min": _OF_LISTS._replace(gives=_one),
    "minus": _MOVED,
    "number": _AMOUNT._replace(arguments={"decimals": frozenset({"integer", "boolean", "none"}), "locale": _LOCALE}),
    "plus": _MOVED,
    "reject": _OF_LISTS._replace(gives=_listed),
    "rejectattr": _OF_LISTS._replace(gives=_listed),
    "replace": _SAME,
    "reverse": _OF_LISTS._replace(gives=_reversed),
    "round": Signature(NUMERIC - {"boolean"}, "a number", _round, arguments={"precision": _COUNT}),
    "select": _OF_LISTS._replace(gives=_chosen),
    "selectattr": _OF_LISTS._replace(gives=_listed),
    "slice": _OF_LISTS._replace(gives=_always(list_of(ANY_LIST)), arguments={"slices": _COUNT}),
    "sort": _OF_LISTS,
    "string": _SAME,
    "striptags": _SAME,
    "sum": _OF_LISTS._replace(gives=_always(UNKNOWN)),
    "title": _SAME,
    "tojson": Signature(KINDS, "a value", _always(TEXT), arguments={"indent": _COUNT | {"none"}}),
    "trim": _SAME,
    "truncate": _SAME._replace(arguments={"length": _COUNT}),
    "unique": _OF_LISTS,
    "upper": _SAME,
    "urlencode": _SAME,
    "wordcount": _SAME._replace(gives=_always(INTEGER)),
    "wordwrap": _SAME,
}
"""Every filter but ``default``, whose result is that of its value or of its argument."""


_METHODS: Final[Mapping[str, Mapping[str, Type]]] = {
    "text": {
        **dict.fromkeys(
            [
                "capitalize",
                "join",
                "lower",
                "lstrip",
                "removeprefix",
                "removesuffix",
                "replace",
                "rstrip",
                "strip",
                "swapcase",
                "title",
                "upper",
            ],
            TEXT,
        ),
        **dict.fromkeys(["count", "find"], INTEGER),
        **dict.fromkeys(
            ["endswith", "isalnum", "isalpha", "isdigit", "islower", "isnumeric", "isspace", "isupper", "startswith"],
            BOOLEAN,
        ),
        **dict.fromkeys(["rsplit", "split", "splitlines"], list_of(TEXT)),
    },
    "mapping": {"get": UNKNOWN, "items": ANY_LIST, "keys": ANY_LIST, "values": ANY_LIST},
    "list": {"count": INTEGER, "index": INTEGER},
}
"""What methods give, by the kind of value that has them."""


def method_type(owner: Type, name: str) -> Type | None:
    """Return the type of what ``value.name(…)`` gives; None where no value of the type has such a method."""
    if not owner.is_known:
        return UNKNOWN
    kinds = owner.present.names
    found = [_METHODS[kind][name] for kind in sorted(kinds) if name in _METHODS.get(kind, {})]
    return union(*found) if found else None


@lru_cache(maxsize=128)
def parameters(name: str) -> Parameters:
    """Return how a filter is called, read off its function (of Jinja's, where ours hands its arguments on)."""
    from inspect import Parameter, signature

    from jinja2 import filters as jinja

    from msgspec_runner.templates.filters import formatting_filters
    from msgspec_runner.templates.limits import Budget
    from msgspec_runner.templates.list_filters import LIST_FILTERS, choosers
    from msgspec_runner.templates.text_filters import TEXT_FILTERS

    theirs: dict[str, tuple[Callable[..., Any], int]] = {
        "dictsort": (jinja.do_dictsort, 1),
        "max": (jinja.do_max, 2),
        "min": (jinja.do_min, 2),
        "sort": (jinja.do_sort, 2),
        "truncate": (jinja.do_truncate, 2),
        "unique": (jinja.sync_do_unique, 2),
    }
    ours = {**TEXT_FILTERS, **LIST_FILTERS, **formatting_filters(None, None), **choosers({}, {}, Budget())}
    function, own = theirs.get(name) or (ours[name], 1)
    given = list(signature(function).parameters.values())[own:]
    plain = [each for each in given if each.kind is Parameter.POSITIONAL_OR_KEYWORD]
    return Parameters(
        tuple(each.name for each in plain),
        sum(each.default is Parameter.empty for each in plain),
        any(each.kind is Parameter.VAR_POSITIONAL for each in given),
        any(each.kind is Parameter.VAR_KEYWORD for each in given),
    )


def wrong_call(name: str, count: int, options: Sequence[str]) -> str | None:
    """Say what is wrong with the number or the names of a filter's arguments; None where nothing is.

    Args:
        name: the filter.
        count: arguments without a name.
        options: the names of the others.
    """
    names, needed, more, any_option = parameters(name)
    if name in ("plus", "minus"):
        return _wrong_spans(name, count, options)
    if count > len(names) and not more:
        return f"`{name}` takes {_amount_of(len(names))}{_listed_names(names)}"
    for option in options:
        if option not in names and not any_option:
            return f"`{name}` has no argument `{option}`{_known_names(names)}"
        if option in names[:count]:
            return f"`{name}` is given its `{option}` twice"
    for wanted in names[count:needed]:
        if wanted not in options:
            return f"`{name}` needs its `{wanted}`: write `{name}({_EXAMPLES.get(wanted, '…')})`"
    return None


_EXAMPLES: Final = {"code": "'USD'", "clock": "'09:00'", "old": "'old', 'new'", "new": "'old', 'new'", "slices": "3"}
_EXAMPLES.update({"linecount": "3", "attribute": "'name'"})


def _wrong_spans(name: str, count: int, options: Sequence[str]) -> str | None:
    wrong = next((option for option in options if option not in SPANS), None)
    if wrong is not None:
        return f"`{name}` has no argument `{wrong}`; it has {', '.join(SPANS)}"
    if count or not options:
        return f"`{name}` needs to know by how much: write `{name}(days=1)`"
    return None


def _amount_of(count: int) -> str:
    return "no arguments" if not count else "one argument" if count == 1 else f"at most {count} arguments"


def _listed_names(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f": {listed}" if listed else ""


def _known_names(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f"; it has {listed}" if listed else "; it takes none"


def refusal(reads: Callable[[Any], object], given: Type) -> str | None:
    """Return why none of a type's values is taken by what reads them; None where one may be.

    Args:
        reads: raises Refusal for what it does not take.
        given: a type; only of texts whose values are known can anything be said.
    """
    said = None
    for value in given.values or ():
        try:
            reads(value)
        except Refusal as error:
            said = said or error.message
        else:
            return None
    return said


def faults_of(check: Callable[[Any], object], value: object) -> tuple[Fault, ...]:
    """Return what is wrong where within a value that a check refuses; nothing where it says only that it does."""
    try:
        check(value)
    except Refusal as error:
        return error.faults
    return ()


def time_of_a_date(name: str, operand: Type, arguments: Arguments) -> str | None:
    """Say what to write where a filter wants the time of day of a date that has none; None where it does not."""
    if operand.names != {"date"}:
        return None
    pattern = arguments.get("format")
    patterns = pattern.values if pattern is not None and pattern.names == {"text"} else None
    if name == "date" and patterns and all(map(has_time, patterns)):
        return "leave h, H, m and s out of the pattern"
    if name in ("plus", "minus") and not arguments.keys().isdisjoint({"hours", "minutes"}):
        return "write `| at('09:00')` before"
    return None
