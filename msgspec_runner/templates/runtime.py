"""What exists while a template is rendered: scopes, the writer, ``loop``, macros, imported partials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from msgspec_runner.templates.limits import MAX_CALLS, Budget
from msgspec_runner.templates.lookups import Thing
from msgspec_runner.templates.problems import Refusal
from msgspec_runner.templates.values import ABSENT

Mark = tuple[int, int, bool]
"""Where a written text comes from: start, end, and whether these characters *are* the text."""
Write = Callable[[str, Mark], None]
Values = Mapping[str, Any]
Evaluate = Callable[[Values], Any]
Run = Callable[[Values, Write], None]
_T = TypeVar("_T")


class Watched(Protocol):
    """Gives what runs one outcome of a decision, which may note that it runs."""

    def __call__(self, node: Any, outcome: int, run: Callable[..., _T]) -> Callable[..., _T]:
        """Return it; see :meth:`Watch.marked <msgspec_runner.templates.coverage.Watch.marked>`."""


def unwatched(node: Any, outcome: int, run: Callable[..., _T]) -> Callable[..., _T]:  # noqa: ARG001 - nobody asks
    """Return ``run`` as it is."""
    return run


class Scope(dict[str, Any]):
    """The names made inside a block; others are looked up in the scope around it."""

    __slots__ = ("around",)

    def __init__(self, around: Values) -> None:
        super().__init__()
        self.around = around

    def __missing__(self, name: str) -> Any:
        return self.around[name]


class Writer:
    """Collects written texts and counts them."""

    __slots__ = ("budget", "texts")

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.texts: list[str] = []

    def __call__(self, text: str, _: Mark) -> None:
        """Take a text; its origin is of no interest here."""
        self.budget.write(len(text))
        self.texts.append(text)


def capture(run: Run, scope: Values, budget: Budget) -> str:
    """Return what a body writes, as one text."""
    writer = Writer(budget)
    run(scope, writer)
    text = "".join(writer.texts)
    budget.output += len(text)  # it is written for good when the text is used
    budget.charge(text)
    return text


class Loop(Thing):
    """The variable ``loop`` inside ``{% for %}``."""

    __slots__ = ("_changed", "depth", "index0", "items")

    _NOTHING = object()

    def __init__(self, items: list[Any], depth: int) -> None:
        self.items = items
        self.depth = depth
        self.index0 = 0
        self._changed: Any = self._NOTHING

    def attribute(self, name: str) -> Any:
        """Return one of Jinja's loop attributes."""
        count = len(self.items)
        index = self.index0
        match name:
            case "index" | "index0":
                return index + (name == "index")
            case "revindex" | "revindex0":
                return count - index - (name == "revindex0")
            case "first":
                return index == 0
            case "last":
                return index == count - 1
            case "length":
                return count
            case "depth" | "depth0":
                return self.depth + (name == "depth")
            case "previtem":
                return self.items[index - 1] if index else ABSENT
            case "nextitem":
                return self.items[index + 1] if index + 1 < count else ABSENT
            case "cycle":
                return self._cycle
            case "changed":
                return self._has_changed
        return ABSENT

    def _cycle(self, *values: Any) -> Any:
        if not values:
            raise Refusal("type", "loop.cycle needs at least one value")
        return values[self.index0 % len(values)]

    def _has_changed(self, *values: Any) -> bool:
        changed = self._changed is self._NOTHING or self._changed != values
        self._changed = values
        return changed


class Macro(Thing):
    """A macro, or the body of a ``{% call %}`` (then it is the macro's ``caller``)."""

    __slots__ = ("around", "budget", "cost", "defaults", "extras", "name", "parameters", "run")

    def __init__(
        self,
        name: str,
        parameters: tuple[str, ...],
        defaults: tuple[Evaluate, ...],
        extras: frozenset[str],
        run: Run,
        cost: int,
        around: Values,
        budget: Budget,
    ) -> None:
        self.name = name
        self.parameters = parameters
        self.defaults = defaults
        self.extras = extras
        self.run = run
        self.cost = cost
        self.around = around
        self.budget = budget

    def __call__(self, *args: Any, **options: Any) -> str:
        """Render the macro's body for these arguments.

        Raises:
            Refusal: an argument does not fit, or macros call each other too deeply.
        """
        budget = self.budget
        budget.spend(self.cost)
        scope = Scope(self.around)
        self._fill(scope, args, options)
        if budget.calls >= MAX_CALLS:
            raise Refusal("bound", f"macros call one another more than {MAX_CALLS} levels deep")
        budget.calls += 1
        try:
            return capture(self.run, scope, budget)
        finally:
            budget.calls -= 1

    def _fill(self, scope: Scope, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        parameters = self.parameters
        if len(args) > len(parameters) and "varargs" not in self.extras:
            raise Refusal("type", f"macro {self.name!r} takes at most {len(parameters)} arguments")
        if "caller" in self.extras and "caller" not in parameters:
            scope["caller"] = options.pop("caller", ABSENT)
        optional = len(parameters) - len(self.defaults)
        for number, name in enumerate(parameters):
            if number < len(args):
                if name in options:
                    raise Refusal("type", f"macro {self.name!r} got {name!r} twice")
                scope[name] = args[number]
            elif name in options:
                scope[name] = options.pop(name)
            elif number >= optional:
                # A default may use the parameters before it; its own name means the one outside.
                scope[name] = self.defaults[number - optional](scope)
            else:
                scope[name] = ABSENT
        if "varargs" in self.extras:
            scope["varargs"] = list(args[len(parameters) :])
        if "kwargs" in self.extras:
            scope["kwargs"] = options
        elif options:
            raise Refusal("type", f"macro {self.name!r} takes no argument {min(options)!r}")


class Module(Thing):
    """An imported partial: its macros and the variables that it sets."""

    __slots__ = ("names",)

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names

    def attribute(self, name: str) -> Any:
        """Return what the partial calls by this name."""
        return ABSENT if name.startswith("_") else self.names.get(name, ABSENT)
