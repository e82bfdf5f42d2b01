"""Types that flow through a template: its statements in the order of their evaluation, and what each does to names.

What is found holds for every recipient whose values are of the given types. From what is not known nothing follows: a
macro's parameters, what a partial makes, a name that one branch sets and another does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import nodes

from msgspec_runner.templates.conclusions import Flow
from msgspec_runner.templates.inference import LOOP, Inferrer
from msgspec_runner.templates.scopes import ANYTHING, Known, Scope
from msgspec_runner.templates.syntax import Tree
from msgspec_runner.templates.types import TEXT, UNKNOWN, Type, items_of, union


def infer(tree: Tree, names: Mapping[str, Known], others: Type = UNKNOWN) -> Flow:
    """Infer the types of a template that has no problems; raises nothing.

    Args:
        tree: the template.
        names: what is known of the columns and vars.
        others: the type of every other name that the template does not make itself.
    """
    walker = _Walker(tree)
    outermost = Scope(None, names, others)
    try:
        walker.run(tree.body, outermost.branch())
    except RecursionError:  # deeper than what the parser lets through, on a stack that is nearly full already
        return Flow()
    found = walker.inferrer
    return Flow(
        tuple(sorted(found.mismatches)),
        tuple(sorted(found.constants)),
        tuple(sorted(found.questions)),
        tuple(sorted(found.readings)),
        tuple(walker.outputs),
    )


class _Walker:
    """Walks over statements."""

    def __init__(self, tree: Tree) -> None:
        self.inferrer = Inferrer(tree)
        self.outputs: list[Type] = []
        self.tree = tree
        self._made: frozenset[str] | None = None
        self._walkers: dict[type[nodes.Node], Callable[[Any, Scope], None]] = {
            nodes.Assign: self._assign,
            nodes.AssignBlock: self._assign_block,
            nodes.CallBlock: self._call_block,
            nodes.FilterBlock: self._filter_block,
            nodes.For: self._for,
            nodes.FromImport: self._from_import,
            nodes.If: self._if,
            nodes.Import: self._import,
            nodes.Include: lambda _node, _scope: None,
            nodes.Macro: self._macro,
            nodes.Output: self._output,
            nodes.With: self._with,
        }

    def run(self, statements: Iterable[nodes.Node], scope: Scope) -> None:
        """Walk over statements in their order."""
        for statement in statements:
            self._walkers[type(statement)](statement, scope)

    def _output(self, node: nodes.Output, scope: Scope) -> None:
        for part in node.nodes:
            if not isinstance(part, nodes.TemplateData):
                self.outputs.append(self.inferrer.value(part, scope).type)

    def _if(self, node: nodes.If, scope: Scope) -> None:
        """A branch sees what its condition says; what it sets may be set afterwards, or not."""
        otherwise = scope.branch()
        not_so: dict[str, Type] = {}
        otherwise.narrowed = not_so
        branches = []
        for each in (node, *node.elif_):
            self.inferrer.condition(each.test, otherwise)
            branch = otherwise.branch(self.inferrer.assumed(each.test, otherwise, truth=True))
            self.run(each.body, branch)
            branches.append(branch)
            not_so.update(self.inferrer.assumed(each.test, otherwise, truth=False))
        last = otherwise.branch()
        self.run(node.else_, last)
        branches.append(last)
        found: dict[str, list[Known]] = {}
        for branch in branches:
            for name in branch.made:
                found.setdefault(name, []).append(branch.names[name])
        for name, all_known in found.items():
            if len(all_known) < len(branches):
                all_known.append(scope.look(name))
            scope.make(name, Known(union(*(known.type for known in all_known)), settled=True))

    def _for(self, node: nodes.For, scope: Scope) -> None:
        item = self.inferrer.loop_over(node.iter, self.inferrer.value(node.iter, scope))
        inner = scope.branch()
        self._take(node.target, Known(item), inner)
        if node.test is not None:
            self.inferrer.condition(node.test, inner)
            inner = inner.branch(self.inferrer.assumed(node.test, inner, truth=True))
        inner = inner.branch()
        if not _is_target(node.target, "loop"):
            inner.make("loop", LOOP)
        self.run(node.body, inner)
        self.run(node.else_, scope.branch())

    def _assign(self, node: nodes.Assign, scope: Scope) -> None:
        self._take(node.target, self.inferrer.value(node.node, scope), scope)

    def _assign_block(self, node: nodes.AssignBlock, scope: Scope) -> None:
        self._take(node.target, self._captured(node.body, node.filter, scope), scope)

    def _filter_block(self, node: nodes.FilterBlock, scope: Scope) -> None:
        self.outputs.append(self._captured(node.body, node.filter, scope).type)

    def _captured(self, body: Iterable[nodes.Node], through: nodes.Filter | None, scope: Scope) -> Known:
        """Return what is known of the text that statements write, through the filters of their tag."""
        self.run(body, scope.branch())
        chain: list[nodes.Filter] = []
        node: nodes.Node | None = through
        while isinstance(node, nodes.Filter):
            chain.append(node)
            node = node.node
        known = Known(TEXT)
        for each in reversed(chain):
            known = self.inferrer.filtered(each, known, scope)
        return known

    def _with(self, node: nodes.With, scope: Scope) -> None:
        inner = scope.branch()
        for target, value in zip(node.targets, node.values, strict=True):
            self._take(target, self.inferrer.value(value, scope), inner)
        self.run(node.body, inner)

    def _macro(self, node: nodes.Macro, scope: Scope) -> None:
        scope.make(node.name, ANYTHING)
        self._body_of_macro(node, scope)

    def _call_block(self, node: nodes.CallBlock, scope: Scope) -> None:
        self.outputs.append(self.inferrer.value(node.call, scope).type)
        self._body_of_macro(node, scope)

    def _body_of_macro(self, node: nodes.Macro | nodes.CallBlock, scope: Scope) -> None:
        """A macro may be called where other names are set and other conditions hold: only what never changes counts."""
        outermost = scope
        while outermost.around is not None:
            outermost = outermost.around
        if self._made is None:
            self._made = _names_made(self.tree.body)
        inner = outermost.branch()
        for name in (*self._made, *(arg.name for arg in node.args), "caller", "varargs", "kwargs", "loop"):
            inner.names[name] = ANYTHING
        for default in node.defaults:
            self.inferrer.value(default, inner)
        self.run(node.body, inner.branch())

    def _import(self, node: nodes.Import, scope: Scope) -> None:
        scope.make(node.target, ANYTHING)

    def _from_import(self, node: nodes.FromImport, scope: Scope) -> None:
        for name in node.names:
            scope.make(name[1] if isinstance(name, tuple) else name, ANYTHING)

    def _take(self, target: nodes.Node, known: Known, scope: Scope) -> None:
        """Give a value to a name, or its items to several."""
        if isinstance(target, nodes.Name):
            # A name that is set to something written out is a switch; to ask for it is no mistake.
            written_out = known.type.values is not None or known.type.names <= {"list", "mapping"}
            settled = known.settled or written_out
            scope.make(target.name, Known(known.type, settled))
        elif isinstance(target, nodes.Tuple):
            item = items_of(known.type) if known.type.names == {"list"} else UNKNOWN
            for part in target.items:
                self._take(part, Known(item, settled=True), scope)


def _is_target(node: nodes.Node, name: str) -> bool:
    return any(each.name == name for each in ([node] if isinstance(node, nodes.Name) else node.find_all(nodes.Name)))


def _names_made(statements: Iterable[nodes.Node]) -> frozenset[str]:
    """Return every name that statements set anywhere below them."""
    names: set[str] = set()
    level = list(statements)
    while level:
        for node in level:
            if (isinstance(node, nodes.Name) and node.ctx != "load") or isinstance(node, nodes.Macro):
                names.add(node.name)
            elif isinstance(node, nodes.Import):
                names.add(node.target)
            elif isinstance(node, nodes.FromImport):
                names.update(name[1] if isinstance(name, tuple) else name for name in node.names)
        level = [child for node in level for child in node.iter_child_nodes()]
    return frozenset(names)
