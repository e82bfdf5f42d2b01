"""What is known of a value before there is one: a type is a set of kinds, each with its values where they are few.

What is not known is :data:`UNKNOWN`, and from it nothing follows. A type holds every value that can occur and perhaps
more, never less: so what is concluded from all of a type's kinds is true of every recipient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, Final, NamedTuple

MAX_VALUES: Final = 64
"""Values that are remembered one by one: more than any enum that people write."""
MAX_TEXT: Final = 200
"""Characters of a text whose value is remembered."""
MAX_NESTING: Final = 4
"""Lists of lists whose items are remembered; deeper ones hold :data:`UNKNOWN`."""


class Kind(NamedTuple):
    """Values of one kind.

    Attributes:
        name: ``text integer number boolean date datetime list mapping none absent`` or ``unknown``. An ``integer`` is
            no boolean, a ``number`` (Decimal or float) is no integer, a ``date`` has no time.
        values: every value that it may be; None where they are not known, or too many.
        of: the type of a list's items; None for other kinds.
        filled: whether it is never empty, where its values are not known: texts, lists and mappings can be.
    """

    name: str
    values: tuple[Any, ...] | None = None
    of: Type | None = None
    filled: bool = False

    @property
    def truth(self) -> bool | None:
        """What a condition makes of these values; None where it depends, or is not known."""
        if self.name in ("none", "absent"):
            return False
        if self.values is not None:
            truths = {bool(value) for value in self.values}
            return truths.pop() if len(truths) == 1 else None
        if self.name in ("date", "datetime") or self.filled:
            return True
        return None


class Type(NamedTuple):
    """One kind or several, each name once.

    Attributes:
        kinds: in the order of their names; never empty.
    """

    kinds: tuple[Kind, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of its kinds."""
        return frozenset(kind.name for kind in self.kinds)

    @property
    def is_known(self) -> bool:
        """Whether anything can be concluded from it."""
        return self.kinds[0].name != "unknown"

    @property
    def truth(self) -> bool | None:
        """What a condition makes of all its values; None where it depends, or is not known."""
        truths = {kind.truth for kind in self.kinds}
        return truths.pop() if len(truths) == 1 else None

    @property
    def values(self) -> tuple[Any, ...] | None:
        """All values that it can be, None where they are not known."""
        found: list[Any] = []
        for kind in self.kinds:
            if kind.values is None:
                return None
            found += kind.values
        return tuple(found)

    @property
    def present(self) -> Type:
        """The type of its values that are there; itself where there are no others."""
        return self.only(lambda kind: kind.name != "absent") or self

    def only(self, keep: Callable[[Kind], bool]) -> Type | None:
        """Return the type of some of its kinds; None where none is left."""
        kept = tuple(kind for kind in self.kinds if keep(kind))
        return Type(kept) if kept else None

    def when(self, *, truth: bool) -> Type | None:
        """Return the type of its values that a condition takes for true, or for false; None where there are none."""
        kept = []
        for kind in self.kinds:
            if kind.values is not None:
                values = tuple(value for value in kind.values if bool(value) is truth)
                if values:
                    kept.append(kind._replace(values=values))
            elif kind.name == "boolean":
                kept.append(kind._replace(values=(truth,)))
            elif kind.truth in (None, truth):
                kept.append(kind._replace(filled=kind.filled or (truth and kind.name in ("text", "list", "mapping"))))
        return Type(tuple(kept)) if kept else None


UNKNOWN: Final = Type((Kind("unknown"),))
"""The type of what may be anything."""
TEXT: Final = Type((Kind("text"),))
INTEGER: Final = Type((Kind("integer"),))
NUMBER: Final = Type((Kind("number"),))
BOOLEAN: Final = Type((Kind("boolean"),))
DATE: Final = Type((Kind("date"),))
DATETIME: Final = Type((Kind("datetime"),))
ABSENT_TYPE: Final = Type((Kind("absent"),))
FILLED_TEXT: Final = Type((Kind("text", filled=True),))
MAPPING: Final = Type((Kind("mapping"),))
ANY_LIST: Final = Type((Kind("list", of=UNKNOWN),))
UNDECLARED: Final = Type((Kind("absent"), Kind("list", of=UNKNOWN), Kind("mapping"), Kind("text", filled=True)))
"""The type of a column that nothing declares: a text; a list or an object too where the recipients are JSON."""

NUMERIC: Final = frozenset({"integer", "number", "boolean"})
"""Kinds that can be calculated with: to Python a boolean is 0 or 1."""
DATES: Final = frozenset({"date", "datetime"})
LISTED: Final = frozenset({"text", "list", "mapping"})
"""Kinds that have items: characters, items, keys."""

_WORDS: Final = {
    "text": "a text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
    "date": "a date",
    "datetime": "a date with a time",
    "list": "a list",
    "mapping": "a mapping",
    "none": "null",
}


def union(*types: Type) -> Type:
    """Return the type of whatever is of any of these types."""
    first = types[0]
    if all(each is first for each in types):
        return first
    found: dict[str, Kind] = {}
    for each in types:
        for kind in each.kinds:
            if kind.name == "unknown":
                return UNKNOWN
            known = found.get(kind.name)
            found[kind.name] = kind if known is None else _merged(known, kind)
    return Type(tuple(found[name] for name in sorted(found)))


def _merged(one: Kind, other: Kind) -> Kind:
    if one == other:
        return one
    of = union(one.of, other.of) if one.of is not None and other.of is not None else None
    filled = one.truth is True and other.truth is True
    if one.values is not None and other.values is not None:
        values = tuple(dict.fromkeys(one.values + other.values))
        if len(values) <= MAX_VALUES:
            return Kind(one.name, values, of)
    return Kind(one.name, None, of, filled)


def type_of(value: object) -> Type:
    """Return the type of a value that is known."""
    name = kind_of(value)
    if name == "list":
        return list_of(UNKNOWN, filled=bool(value))
    if name == "mapping":
        return Type((Kind("mapping", filled=bool(value)),))
    if name in ("unknown", "none", "absent"):
        return UNKNOWN if name == "unknown" else Type((Kind(name),))
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return FILLED_TEXT
    return Type((Kind(name, (value,)),))


def kind_of(value: object) -> str:
    """Return the name of the kind that a value is of."""
    from msgspec_runner.templates.values import ABSENT

    if value is None:
        return "none"
    if value is ABSENT:
        return "absent"
    for kind, name in _PYTHON.items():
        if isinstance(value, kind):
            return name
    return "number" if type(value).__name__ == "Decimal" else "unknown"


_PYTHON: Final[dict[type, str]] = {
    str: "text",
    bool: "boolean",  # before int, as a datetime comes before date: each is also of the other kind
    int: "integer",
    float: "number",
    datetime: "datetime",
    date: "date",
    list: "list",
    tuple: "list",
    dict: "mapping",
}


def one_of(values: Iterable[object]) -> Type:
    """Return the type of some values; unknown where there are none."""
    types = [type_of(value) for value in values]
    return union(*types) if types else UNKNOWN


def list_of(item: Type, *, filled: bool = False) -> Type:
    """Return the type of a list with items of a type."""
    return Type((Kind("list", of=UNKNOWN if _nesting(item) >= MAX_NESTING else item, filled=filled),))


def _nesting(item: Type) -> int:
    return max((1 + _nesting(kind.of) for kind in item.kinds if kind.of is not None), default=0)


def items_of(container: Type) -> Type:
    """Return the type of what a loop over a container sees: characters, items or keys."""
    types = [FILLED_TEXT if kind.name == "text" else kind.of or UNKNOWN for kind in container.present.kinds]
    return union(*types)


def words(given: Type) -> str:
    """Name a type in the words of a spec: ``an integer``, ``a date or a text``."""
    names = given.present.names
    if {"text", "list", "mapping"} <= names:  # of JSON; what people have in mind is the cell of a table
        names -= {"list", "mapping"}
    return " or ".join(_WORDS.get(name, "a value") for name in sorted(names))
