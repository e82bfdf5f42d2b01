"""The names that a template sees at one of its places, with what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec_runner.templates.types import UNKNOWN, Type


class Known(NamedTuple):
    """What is known of a value.

    Attributes:
        type: its type.
        settled: the type is what it is because the template or the project arranged it so (a condition around it, a
            ``set``, a var): that a condition on it is constant is no mistake.
        column: the column that the value is, as it stands; empty where it is none.
    """

    type: Type
    settled: bool = False
    column: str = ""


ANYTHING: Final = Known(UNKNOWN, settled=True)
"""Of this value nothing is known."""


class Scope:
    """The names known inside a block or a branch; others are looked up in the scope around it.

    Args:
        around: the scope around it; None for the outermost.
        names: what is known already.
        others: the type of columns that are not named, for the outermost scope.
    """

    __slots__ = ("around", "made", "names", "narrowed", "others")

    def __init__(self, around: Scope | None, names: Mapping[str, Known] | None = None, others: Type = UNKNOWN) -> None:
        self.around = around
        self.names: dict[str, Known] = dict(names) if names else {}
        self.narrowed: Mapping[str, Type] = {}
        self.others = others
        self.made: set[str] = set()

    def look(self, name: str) -> Known:
        """Return what is known of a name."""
        narrowed: Type | None = None
        scope: Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is None and scope.around is None and scope.others.is_known:
                found = Known(scope.others, column=name)
            if found is not None:
                return found if narrowed is None else Known(narrowed, settled=True, column=found.column)
            if narrowed is None:
                narrowed = scope.narrowed.get(name)
            scope = scope.around
        return ANYTHING

    def make(self, name: str, known: Known) -> None:
        """Note that the template gives a name a value here."""
        self.names[name] = known
        self.made.add(name)

    def branch(self, narrowed: Mapping[str, Type] | None = None) -> Scope:
        """Return a scope inside this one, in which more is known of some names."""
        inner = Scope(self)
        if narrowed:
            inner.narrowed = narrowed
        return inner
