"""Which branches of templates were taken: what a condition could have written, and for no recipient did.

A *decision* is an ``{% if %}`` with its ``{% elif %}`` and ``{% else %}``, a ``{% for %}``, or ``a if c else b``; its
*outcomes* are the ways that it can go, the empty ``else`` that nobody wrote included. An evaluator that is given a
:class:`Watch` sets one byte of it whenever an outcome comes true; without one, it compiles what it always does. ``and``
and ``or`` are no decisions, and what they never ask is not blamed: a branch is *missed* only where its decision was
made, and always went another way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

from jinja2 import nodes

from msgspec_runner.templates.positions import span
from msgspec_runner.templates.syntax import Tree
from msgspec_runner.templates.template import Template

Place = tuple[int, int]
"""Offsets in the template's source, the end exclusive."""

IF: Final = "if"
"""Written where its condition is true: of an ``if``, an ``elif``, or before an inline ``if``."""
ELSE: Final = "else"
"""Written where no condition of its decision is true."""
LOOP: Final = "loop"
"""Written for every item of a list."""
EMPTY: Final = "empty"
"""The ``else`` of a loop: written where the list has no items."""

MAX_MISSED: Final = 64
"""Missed branches of one template that are told: a hostile one may have thousands."""

_T = TypeVar("_T")


class Decision(NamedTuple):
    """A place where a template goes one way or another.

    Attributes:
        tests: the conditions, in the order in which they are asked; of a loop its list, and the condition behind it.
        names: what each test reads, names that the template makes itself included.
        always: every rendering asks the first test.
        outcomes: their numbers among all of the template.
    """

    tests: tuple[Place, ...]
    names: tuple[frozenset[str], ...]
    always: bool
    outcomes: range


class Branch(NamedTuple):
    """Words that stand under a condition.

    Attributes:
        kind: :data:`IF`, :data:`ELSE`, :data:`LOOP` or :data:`EMPTY`.
        place: its condition; of an ``{% else %}`` the word, of an inline ``else`` what stands behind it.
        decision: where it belongs.
        number: of its outcome there.
    """

    kind: str
    place: Place
    decision: Decision
    number: int

    @property
    def outcome(self) -> int:
        """The number of its outcome among all of the template."""
        return self.decision.outcomes[self.number]

    @property
    def tests(self) -> tuple[Place, ...]:
        """The conditions that decide, its own last."""
        return self.decision.tests[: self._asks]

    @property
    def names(self) -> frozenset[str]:
        """What these conditions read."""
        return frozenset[str]().union(*self.decision.names[: self._asks])

    @property
    def _asks(self) -> int:
        return self.number + 1 if self.kind in (IF, ELSE) else len(self.decision.tests)


class Missed(NamedTuple):
    """A branch that no rendering took, although its decision was made.

    Attributes:
        branch: the branch.
        asked: its own condition was asked, and never true; otherwise what stands before it always came true.
    """

    branch: Branch
    asked: bool


class Watch:
    """The branches of one template, and which of them were taken.

    Attributes:
        branches: what would write something; those that write nothing are counted, but not here.
        failed: a rendering broke off, so that what it would have written is not known.
    """

    def __init__(self, tree: Tree) -> None:
        self.failed = False
        reader = _Reader(tree)
        for statement in tree.body:
            reader.read(statement, always=True)
        self.branches = tuple(reader.branches)
        self._tree = tree  # keeps the nodes alive whose ids are keys
        self._first = reader.first
        self._taken = bytearray(reader.count)

    def marked(self, node: nodes.Node, outcome: int, run: Callable[..., _T]) -> Callable[..., _T]:
        """Return what runs an outcome of a decision and notes that it came true.

        Args:
            node: the decision.
            outcome: its number: conditions in their order, then ``else``; of a loop 0 for its body, 1 for ``else``.
            run: the outcome's closure.
        """
        index = self._first[id(node)] + outcome
        taken = self._taken

        def marked(*args: Any) -> _T:
            taken[index] = 1
            return run(*args)

        return marked

    def has_taken(self, branch: Branch) -> bool:
        """Say whether any rendering took a branch."""
        return bool(self._taken[branch.outcome])

    def missed(self) -> tuple[Missed, ...]:
        """Return the first :data:`MAX_MISSED` branches that no rendering took; none where a rendering failed."""
        if self.failed:
            return ()
        found = (
            Missed(branch, asked=branch.kind == LOOP or self._any(branch.decision.outcomes[branch.number :]))
            for branch in self.branches
            if not self.has_taken(branch) and self._any(branch.decision.outcomes)
        )
        return tuple(islice(found, MAX_MISSED))

    def _any(self, outcomes: range) -> bool:
        return any(self._taken[outcomes.start : outcomes.stop])


class Coverage:
    """Collects over every template that is bound, and every rendering of it, until it is thrown away."""

    def __init__(self) -> None:
        self._watches: dict[int, Watch] = {}  # by the tree's id: a watch keeps its tree alive

    def watch(self, tree: Tree) -> Watch:
        """Return the watch of a template, the same one each time."""
        watch = self._watches.get(id(tree))
        if watch is None:
            watch = self._watches[id(tree)] = Watch(tree)
        return watch

    def fail(self, template: Template) -> None:
        """Note that a rendering of a template broke off."""
        watch = self._watches.get(id(template.tree))
        if watch is not None:
            watch.failed = True

    def missed(self, template: Template) -> tuple[Missed, ...]:
        """Return the branches of a template that no rendering took."""
        watch = self._watches.get(id(template.tree))
        return watch.missed() if watch is not None else ()


class _Reader:
    """Walks a tree and numbers the outcomes of its decisions."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.branches: list[Branch] = []
        self.first: dict[int, int] = {}
        self.count = 0
        self._elses = _else_places(tree)

    def read(self, node: nodes.Node, *, always: bool) -> None:
        """Note the decisions of a node and below it.

        Args:
            node: a statement or an expression.
            always: every rendering comes here.
        """
        match node:
            case nodes.If():
                self._if(node, always=always)
            case nodes.For():
                self._for(node, always=always)
            case nodes.CondExpr():
                self._inline(node, always=always)
            case nodes.And() | nodes.Or():
                self.read(node.left, always=always)
                self.read(node.right, always=False)
            case nodes.Compare():
                self.read(node.expr, always=always)
                for number, operand in enumerate(node.ops):
                    self.read(operand.expr, always=always and not number)
            case nodes.Macro():
                self._all(node.iter_child_nodes(), always=False)
            case nodes.CallBlock():
                self.read(node.call, always=always)
                self._all((*node.defaults, *node.body), always=False)
            case _:
                self._all(node.iter_child_nodes(), always=always)

    def _all(self, parts: Iterable[nodes.Node], *, always: bool) -> None:
        for part in parts:
            self.read(part, always=always)

    def _decision(self, node: nodes.Node, tests: Sequence[nodes.Node], outcomes: int, *, always: bool) -> Decision:
        first = self.first[id(node)] = self.count
        self.count += outcomes
        places = tuple(span(self.tree, test) for test in tests)
        return Decision(places, tuple(map(_names, tests)), always, range(first, self.count))

    def _if(self, node: nodes.If, *, always: bool) -> None:
        parts = (node, *node.elif_)
        decision = self._decision(node, [part.test for part in parts], len(parts) + 1, always=always)
        for number, part in enumerate(parts):
            if _writes(part.body):
                self.branches.append(Branch(IF, decision.tests[number], decision, number))
            self.read(part.test, always=always and not number)
            self._all(part.body, always=False)
        if _writes(node.else_):
            self.branches.append(Branch(ELSE, self._elses[node.lineno], decision, len(parts)))
        self._all(node.else_, always=False)

    def _for(self, node: nodes.For, *, always: bool) -> None:
        tests = [node.iter, *([node.test] if node.test is not None else [])]
        decision = self._decision(node, tests, 2, always=always)
        if _writes(node.body):
            self.branches.append(Branch(LOOP, decision.tests[0], decision, 0))
        if _writes(node.else_):
            self.branches.append(Branch(EMPTY, self._elses[node.lineno], decision, 1))
        self.read(node.iter, always=always)
        self._all((*tests[1:], *node.body, *node.else_), always=False)

    def _inline(self, node: nodes.CondExpr, *, always: bool) -> None:
        decision = self._decision(node, [node.test], 2, always=always)
        if not _is_nothing(node.expr1):
            self.branches.append(Branch(IF, decision.tests[0], decision, 0))
        if node.expr2 is not None and not _is_nothing(node.expr2):
            self.branches.append(Branch(ELSE, span(self.tree, node.expr2), decision, 1))
        self.read(node.test, always=always)
        self._all((node.expr1, *([node.expr2] if node.expr2 is not None else [])), always=False)


def _writes(statements: Iterable[nodes.Node]) -> bool:
    """Say whether statements have words, or make some: white space and empty branches are nothing to miss."""
    for node in statements:
        match node:
            case nodes.Output():
                if any(part.data.strip() if isinstance(part, nodes.TemplateData) else True for part in node.nodes):
                    return True
            case nodes.If():
                if any(_writes(part.body) for part in (node, *node.elif_)) or _writes(node.else_):
                    return True
            case nodes.For():
                if _writes(node.body) or _writes(node.else_):
                    return True
            case _:
                return True
    return False


def _is_nothing(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and (node.value is None or not str(node.value).strip())


def _names(node: nodes.Node) -> frozenset[str]:
    found = {name.name for name in node.find_all(nodes.Name)}
    return frozenset(found | {node.name} if isinstance(node, nodes.Name) else found)


def _else_places(tree: Tree) -> dict[int, Place]:
    """Return where the ``else`` of every ``{% if %}`` and ``{% for %}`` stands, by the number of the tag's token."""
    found: dict[int, Place] = {}
    opened: list[int] = []
    for number, mark in enumerate(tree.marks):
        if mark.kind != "name" or not number or tree.marks[number - 1].kind != "block_begin":
            continue
        if mark.text in ("if", "for"):
            opened.append(number)
        elif mark.text in ("endif", "endfor"):
            opened.pop()
        elif mark.text == "else":
            found[opened[-1]] = (mark.start, mark.end)
    return found
