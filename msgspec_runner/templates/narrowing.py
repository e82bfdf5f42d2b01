"""What a condition says of the names in it, where it holds and where it does not.

Whether a name alone says that its value is there is :func:`~msgspec_runner.templates.names.outcomes`' to know; this
adds of which kind a value is.
"""

from __future__ import annotations

from collections.abc import Callable

from jinja2 import nodes

from msgspec_runner.templates.names import outcomes
from msgspec_runner.templates.operations import equated, narrowed
from msgspec_runner.templates.scopes import Scope
from msgspec_runner.templates.types import UNKNOWN, Type, union

Narrowed = dict[str, Type]
"""Names with the types that they have where a condition has an outcome; not to be changed."""


class Narrowing:
    """What the conditions of one template say; each is looked at once, however many others it is a part of."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, bool], Narrowed] = {}

    def assumed(self, test: nodes.Node | None, scope: Scope, *, truth: bool) -> Narrowed:
        """Return what is known of names where a condition is true, or where it is false.

        Args:
            test: the condition; None says nothing.
            scope: where it is asked.
            truth: its outcome.
        """
        key = (id(test), truth)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._assumed(test, scope, truth=truth)
        return found

    def _assumed(self, test: nodes.Node | None, scope: Scope, *, truth: bool) -> Narrowed:
        match test:
            case nodes.Not():
                return self.assumed(test.node, scope, truth=not truth)
            case nodes.And() | nodes.Or():
                left, right = (self.assumed(each, scope, truth=truth) for each in (test.left, test.right))
                if isinstance(test, nodes.And) is not truth:  # one of both is as it is said, nobody knows which
                    return {name: union(given, right[name]) for name, given in left.items() if name in right}
                if not (left and right):
                    return left or right
                return left | {
                    name: _both(left[name], given) if name in left else given for name, given in right.items()
                }
            case nodes.Name():
                present = test.name in outcomes(test)[0 if truth else 1]
                return _narrow(scope, test.name, lambda known: known.present) if present else {}
            case nodes.Test() if isinstance(test.node, nodes.Name) and not test.args:
                return _narrow(scope, test.node.name, lambda known: narrowed(test.name, known, truth=truth))
            case nodes.Compare() if len(test.ops) == 1 and test.ops[0].op in ("eq", "ne"):
                name, constant = test.expr, test.ops[0].expr
                if isinstance(name, nodes.Const):
                    name, constant = constant, name
                if isinstance(name, nodes.Name) and isinstance(constant, nodes.Const):
                    equal = truth is (test.ops[0].op == "eq")
                    return _narrow(scope, name.name, lambda known: equated(known, constant.value, truth=equal))
        return {}


def _narrow(scope: Scope, name: str, narrow: Callable[[Type], Type | None]) -> Narrowed:
    """Return the narrower type of a name; where no value is left, the place is never reached and nothing is known."""
    known = scope.look(name).type
    if not known.is_known:
        return {}
    found = narrow(known)
    return {} if found == known else {name: found or UNKNOWN}


def _both(one: Type, other: Type) -> Type:
    """Return a type of which all values are of both types: the one that says more, as far as that can be told."""
    return one.only(lambda kind: kind.name in other.names) or UNKNOWN if one.is_known and other.is_known else UNKNOWN
