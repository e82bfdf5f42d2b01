"""How much a template may cost, and the budget that one rendering spends.

Specs come from pull requests, so a template is hostile until proven otherwise. Sizes are bounded when it
is parsed, work is counted while it runs; together they bound the time and the memory of a rendering
without threads or signals. The numbers are this project's own: each lies far above what a message needs
(the longest provider takes 1,600 characters) and low enough that the worst template answers within a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec_runner.templates.problems import Refusal
from msgspec_runner.templates.values import ABSENT

if TYPE_CHECKING:
    from decimal import Decimal

MAX_SOURCE: Final = 32 * 1024
"""Characters of one template or partial."""
MAX_BRACKETS: Final = 30
"""Brackets open at once in one expression; the parser recurses some fourteen calls deep for each."""
MAX_BLOCKS: Final = 30
"""``{% … %}`` blocks open at once."""
MAX_PREFIXES: Final = 100
"""Signs, ``not`` and ``else`` in one tag; the parser recurses for each."""
MAX_DEPTH: Final = 100
"""Levels of the syntax tree."""
MAX_NODES: Final = 10_000
"""Nodes of the syntax tree."""
MAX_TOKENS: Final = 10_000
"""Tokens of one template: what it costs to parse, in time and in memory, grows with them."""
MAX_STEPS: Final = 100_000
"""Steps of one rendering: a loop's round and a macro's call cost some more than their body has nodes, a list as
many as it has items, a long text one for every 32 characters."""
RESERVE: Final = 1_000_000
"""Steps that all renderings of one spec may take together, beside those that its recipients bring."""
STEPS_A_ROW: Final = 500
"""Steps that each recipient adds to the reserve: a thousand fields, or a thousand rows, that each stay just below
:data:`MAX_STEPS` would keep a machine busy for minutes."""
MAX_OUTPUT: Final = 100_000
"""Characters of a rendered text, and of every text on the way to it."""
MAX_ITEMS: Final = 10_000
"""Items of a list or a mapping, those of its items included (a key is an item too)."""
MAX_INTEGER: Final = 10**30
"""Largest magnitude of a whole number."""
MAX_CALLS: Final = 20
"""Macro calls within one another."""
MAX_PARTIALS: Final = 10
"""Partials that include or import one another."""

LONG_TEXT: Final = 256
"""Texts up to this many characters cost nothing extra: counting them would cost more than handling them."""


class Budget:
    """What is left of :data:`MAX_STEPS` and :data:`MAX_OUTPUT` for the rendering that is under way."""

    __slots__ = ("_given", "_reserve", "calls", "output", "steps")

    def __init__(self) -> None:
        self._reserve = RESERVE
        self._given = self.steps = MAX_STEPS
        self.output = MAX_OUTPUT
        self.calls = 0

    def reset(self) -> None:
        """Start a new rendering, with what the ones before have left."""
        spent = self._given - self.steps
        if spent or self._given < MAX_STEPS:
            # What was spent beyond all bounds is not owed for ever: some hundred recipients later all is well again.
            self._reserve = max(self._reserve - spent, -MAX_STEPS)
            self._given = self.steps = max(0, min(MAX_STEPS, self._reserve))
        self.output = MAX_OUTPUT
        self.calls = 0

    def earn(self) -> None:
        """Start a new recipient."""
        if self._reserve < RESERVE:
            self._reserve += STEPS_A_ROW

    def spend(self, steps: int) -> None:
        """Count work done.

        Raises:
            Refusal: the budget is used up.
        """
        self.steps -= steps
        if self.steps < 0:
            raise self.exhausted()

    def exhausted(self) -> Refusal:
        """Return why nothing more can be done."""
        if self._given < MAX_STEPS:
            return Refusal("bound", "the templates of this spec take too many steps altogether; make loops shorter")
        return Refusal("bound", f"this takes more than {MAX_STEPS:,} steps; make the loop or the list shorter")

    def write(self, length: int) -> None:
        """Count characters of output.

        Raises:
            Refusal: there are more than :data:`MAX_OUTPUT`.
        """
        self.output -= length
        if self.output < 0:
            raise Refusal("bound", f"the text gets longer than {MAX_OUTPUT:,} characters")

    def charge(self, value: object) -> None:
        """Count the cost of a value that an operation made or takes: texts by length, lists by all they hold.

        Raises:
            Refusal: the value is larger than allowed, or the budget is used up.
        """
        kind = value.__class__
        if kind is str:
            length = len(value)  # type: ignore[arg-type]
            if length > LONG_TEXT:
                check_length(length)
                self.spend(length >> 5)
        elif kind is int:
            check_integer(value)  # type: ignore[arg-type]
        elif isinstance(value, (list, tuple, dict)):
            self.spend(weigh(value))
        elif kind.__name__ == "Decimal":  # a millisecond to load; where there is one, it is loaded
            check_decimal(value)  # type: ignore[arg-type]


def check_length(length: int) -> None:
    """Refuse a text of more than :data:`MAX_OUTPUT` characters, before it is made where that is possible."""
    if length > MAX_OUTPUT:
        raise Refusal("bound", f"this makes a text of more than {MAX_OUTPUT:,} characters")


def check_integer(value: int) -> None:
    """Refuse a whole number beyond :data:`MAX_INTEGER`: its digits would cost more than any message needs."""
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise Refusal("bound", "this makes a number of more than 30 digits")


def check_decimal(value: Decimal) -> None:
    """Refuse a Decimal as :func:`check_integer` does: 1E+900000 is a few bytes, and half a minute to round up."""
    if value.is_finite() and value.adjusted() > 30:
        raise Refusal("bound", "this makes a number of more than 30 digits")


def check_items(count: int) -> None:
    """Refuse a list of more than :data:`MAX_ITEMS` items, before it is made."""
    if count > MAX_ITEMS:
        raise Refusal("bound", f"this makes a list of more than {MAX_ITEMS:,} items")


def weigh(value: object) -> int:
    """Count the items of a list or mapping with all that they hold; an item that occurs twice counts twice.

    A few assignments build a list whose text would fill the memory (``[a, a]`` thirty times), so whatever
    walks over a value weighs it first.

    Raises:
        Refusal: too many items, too much text or too deep.
    """
    count = 0
    characters = 0
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for item in level:
            if isinstance(item, str):
                characters += len(item)
            elif isinstance(item, dict):
                below.extend(item.keys())
                below.extend(item.values())
            elif isinstance(item, (list, tuple)):
                below.extend(item)
            check_items(len(below))
        count += len(below)
        check_items(count)
        check_length(characters)
        if not below:
            return count + 1
        level = below
    raise Refusal("bound", f"this list is more than {MAX_DEPTH} levels deep")


def has_absent(value: object) -> bool:
    """Say whether a weighed list or mapping holds :data:`ABSENT` somewhere."""
    if isinstance(value, dict):
        return any(map(has_absent, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(has_absent, value))
    return value is ABSENT
