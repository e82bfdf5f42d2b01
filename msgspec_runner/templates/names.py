"""Which values a template reads from outside, where, and whether it minds their absence."""

from __future__ import annotations

from typing import Any, cast

from jinja2 import nodes

from msgspec_runner.templates.predicates import CALM
from msgspec_runner.templates.syntax import Tree
from msgspec_runner.templates.template import NameUse

Known = frozenset[str]
_NONE: Known = frozenset()


def outcomes(test: nodes.Node | None) -> tuple[Known, Known]:
    """Return the names that surely have a value where a condition is true, and where it is false."""
    match test:
        case nodes.Name():
            return frozenset({test.name}), _NONE
        case nodes.Not():
            true, false = outcomes(test.node)
            return false, true
        case nodes.And() | nodes.Or():
            left, right = outcomes(test.left), outcomes(test.right)
            if isinstance(test, nodes.And):
                return left[0] | right[0], left[1] & right[1]
            return left[0] & right[0], left[1] | right[1]
        case nodes.Test() if isinstance(test.node, nodes.Name):
            name = frozenset({test.node.name})
            if test.name == "undefined":
                return _NONE, name
            return (name, _NONE) if test.name == "defined" or test.name in CALM - {"none"} else (_NONE, _NONE)
        case nodes.Compare() | nodes.Filter():
            return _NONE, _NONE
    return _NONE, _NONE


class _Reader:
    """Walks a tree in the order of evaluation with the names made so far, and notes the others."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.uses: list[NameUse] = []

    def use(self, node: nodes.Name, guarded: bool, output: bool) -> None:  # noqa: FBT001
        mark = self.tree.marks[node.lineno]
        self.uses.append(NameUse(node.name, mark.start, mark.end, guarded, output))

    def read(self, node: Any, local: Known, safe: Known, *, calm: bool = False, output: bool = True) -> None:
        """Note the names of an expression.

        Args:
            node: the expression; None is read as nothing.
            local: names made by the template itself.
            safe: names that surely have a value here.
            calm: an absent value does no harm to whoever takes this expression's value.
            output: the expression's value may reach the text.
        """
        match node:
            case None | nodes.Const():
                return
            case nodes.Name():
                if node.name not in local:
                    self.use(node, calm or node.name in safe, output)
            case nodes.Or():
                self.read(node.left, local, safe, calm=True, output=output)
                self.read(node.right, local, safe | outcomes(node.left)[1], calm=calm, output=output)
            case nodes.And():
                self.read(node.left, local, safe, calm=calm, output=output)
                self.read(node.right, local, safe | outcomes(node.left)[0], calm=calm, output=output)
            case nodes.Not():
                self.read(node.node, local, safe, calm=True, output=output)
            case nodes.CondExpr():
                true, false = outcomes(node.test)
                self.read(node.test, local, safe, calm=True, output=False)
                self.read(node.expr1, local, safe | true, calm=calm, output=output)
                self.read(node.expr2, local, safe | false, calm=calm, output=output)
            case nodes.Test():
                self.read(node.node, local, safe, calm=node.name in CALM, output=False)
                for arg in (*node.args, *node.kwargs):
                    self.read(arg, local, safe, output=False)
            case nodes.Filter():
                replaced = node.name in ("default", "d")
                chosen = node.name == "select" and isinstance(node.node, nodes.List)
                if chosen:
                    for each in cast("nodes.List", node.node).items:
                        self.read(each, local, safe, calm=True, output=output)
                else:
                    self.read(node.node, local, safe, calm=replaced, output=output)
                for arg in (*node.args, *node.kwargs):
                    self.read(arg, local, safe, calm=calm and replaced, output=output)
            case _:
                for child in node.iter_child_nodes():
                    self.read(child, local, safe, output=output)

    def run(self, statements: list[nodes.Node], local: Known, safe: Known) -> Known:
        """Note the names of statements in their order; return the local names after them."""
        for statement in statements:
            local = self.statement(statement, local, safe)
        return local

    def statement(self, node: Any, local: Known, safe: Known) -> Known:
        """Note the names of one statement; return the local names after it."""
        match node:
            case nodes.Output():
                for part in node.nodes:
                    if not isinstance(part, nodes.TemplateData):
                        self.read(part, local, safe)
            case nodes.If():
                return self._branches(node, local, safe)
            case nodes.For():
                self.read(node.iter, local, safe)
                inner = local | _targets(node.target)
                self.read(node.test, inner, safe, calm=True, output=False)
                true, _ = outcomes(node.test)
                self.run(node.body, inner | {"loop"}, safe | true)
                self.run(node.else_, local, safe)
            case nodes.Assign():
                self.read(node.node, local, safe)
                return local | _targets(node.target)
            case nodes.AssignBlock():
                self._filters(node.filter, local, safe)
                self.run(node.body, local, safe)
                return local | _targets(node.target)
            case nodes.FilterBlock():
                self._filters(node.filter, local, safe)
                self.run(node.body, local, safe)
            case nodes.With():
                for value in node.values:
                    self.read(value, local, safe)
                self.run(node.body, local.union(*map(_targets, node.targets)), safe)
            case nodes.Macro():
                local = local | {node.name}
                self._macro(node, local)
            case nodes.CallBlock():
                self.read(node.call, local, safe)
                self._macro(node, local)
            case nodes.Import():
                return local | {node.target}
            case nodes.FromImport():
                return local | {name[1] if isinstance(name, tuple) else name for name in node.names}
        return local

    def _branches(self, node: nodes.If, local: Known, safe: Known) -> Known:
        after = local
        for each in (node, *node.elif_):
            true, false = outcomes(each.test)
            self.read(each.test, local, safe, calm=True, output=False)
            after |= self.run(each.body, local, safe | true)
            safe |= false
        return after | self.run(node.else_, local, safe)

    def _filters(self, node: Any, local: Known, safe: Known) -> None:
        while isinstance(node, nodes.Filter):
            for arg in (*node.args, *node.kwargs):
                self.read(arg, local, safe)
            node = node.node

    def _macro(self, node: nodes.Macro | nodes.CallBlock, local: Known) -> None:
        inner = local | {arg.name for arg in node.args} | {"caller", "varargs", "kwargs"}
        for default in node.defaults:
            self.read(default, inner, _NONE)
        self.run(node.body, inner, _NONE)


def _targets(node: nodes.Node) -> Known:
    if isinstance(node, nodes.Name):
        return frozenset({node.name})
    return frozenset(name.name for name in node.find_all(nodes.Name))


def name_uses(tree: Tree) -> tuple[NameUse, ...]:
    """Return every use of a name that the template does not make itself, in the order of their places.

    A name that only some branches of an ``{% if %}`` set counts as made by the template: whether they
    are taken is for the rendering to find out.
    """
    reader = _Reader(tree)
    reader.run(tree.body, _NONE, _NONE)
    return tuple(sorted(reader.uses, key=lambda use: use.start))
