"""From expressions to Python closures: each takes the values and returns what the expression means for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import nodes

from msgspec_runner.templates.blame import Blame
from msgspec_runner.templates.limits import Budget
from msgspec_runner.templates.lookups import attribute, item, method
from msgspec_runner.templates.operators import ARITHMETIC, COMPARISONS, affirm, concatenate, negate
from msgspec_runner.templates.predicates import CALM, PREDICATES
from msgspec_runner.templates.problems import FAILURES, Refusal, RenderError
from msgspec_runner.templates.runtime import Evaluate, Macro, Values, Watched, unwatched
from msgspec_runner.templates.syntax import Tree
from msgspec_runner.templates.texts import to_text
from msgspec_runner.templates.values import ABSENT


class Expressions(Blame):
    """Compiles the expressions of one template.

    Args:
        tree: the template.
        filters: the filters by name.
        budget: counts the work of a rendering.
        watched: notes which outcomes of decisions come true.
    """

    def __init__(
        self, tree: Tree, filters: dict[str, Callable[..., Any]], budget: Budget, watched: Watched = unwatched
    ) -> None:
        super().__init__(tree)
        self.filters = filters
        self.budget = budget
        self.watched = watched
        self._compilers: dict[type[nodes.Node], Callable[[Any], Evaluate]] = {
            nodes.And: self._and,
            nodes.Call: self._call,
            nodes.Compare: self._compare,
            nodes.Concat: self._concat,
            nodes.CondExpr: self._conditional,
            nodes.Const: self._constant,
            nodes.Dict: self._dict,
            nodes.Filter: self._filter,
            nodes.Getattr: self._attribute,
            nodes.Getitem: self._item,
            nodes.List: self._list,
            nodes.Name: self._name,
            nodes.Neg: self._sign,
            nodes.Not: self._not,
            nodes.Or: self._or,
            nodes.Pos: self._sign,
            nodes.Slice: self._slice,
            nodes.Test: self._test,
            nodes.Tuple: self._tuple,
            **dict.fromkeys(ARITHMETIC, self._arithmetic),
        }

    def compile(self, node: nodes.Node) -> Evaluate:
        """Return the closure of an expression; an absent value is a result like others, :data:`ABSENT`."""
        return self._compilers[type(node)](node)

    def text(self, node: nodes.Node) -> Callable[[Values], str]:
        """Return a closure that gives the expression's characters, as ``{{ … }}`` writes them."""
        evaluate = self.compile(node)
        fail = self.fail

        def text(scope: Values) -> str:
            value = evaluate(scope)
            if value.__class__ is str:
                return value
            try:
                return to_text(value)
            except FAILURES as error:
                fail(error, node, (node, value))

        if not isinstance(node, nodes.Name):
            return text
        name = node.name

        def text_of_name(scope: Values) -> str:
            try:
                value = scope[name]
            except KeyError:
                value = ABSENT
            if value.__class__ is str:
                return value
            try:
                return to_text(value)
            except FAILURES as error:
                fail(error, node, (node, value))

        return text_of_name

    def _constant(self, node: nodes.Const) -> Evaluate:
        value = node.value
        return lambda _: value

    def _name(self, node: nodes.Name) -> Evaluate:
        name = node.name

        def load(scope: Values) -> Any:
            try:
                return scope[name]
            except KeyError:
                return ABSENT

        return load

    def _arithmetic(self, node: nodes.BinExpr) -> Evaluate:
        left, right = self.compile(node.left), self.compile(node.right)
        function = ARITHMETIC[type(node)]
        charge = self.budget.charge

        def compute(scope: Values) -> Any:
            a, b = left(scope), right(scope)
            try:
                result = function(a, b)
                charge(result)
            except FAILURES as error:
                self.fail(error, node, (node.left, a), (node.right, b))
            return result

        return compute

    def _sign(self, node: nodes.UnaryExpr) -> Evaluate:
        operand = self.compile(node.node)
        function = negate if isinstance(node, nodes.Neg) else affirm

        def compute(scope: Values) -> Any:
            value = operand(scope)
            try:
                return function(value)
            except FAILURES as error:
                self.fail(error, node, (node.node, value))

        return compute

    def _not(self, node: nodes.Not) -> Evaluate:
        operand = self.compile(node.node)
        return lambda scope: not operand(scope)

    def _and(self, node: nodes.And) -> Evaluate:
        left, right = self.compile(node.left), self.compile(node.right)
        return lambda scope: left(scope) and right(scope)

    def _or(self, node: nodes.Or) -> Evaluate:
        left, right = self.compile(node.left), self.compile(node.right)
        return lambda scope: left(scope) or right(scope)

    def _conditional(self, node: nodes.CondExpr) -> Evaluate:
        test, chosen = self.compile(node.test), self.watched(node, 0, self.compile(node.expr1))
        # As in Jinja, strict or not, {{ 'x' if c }} is nothing where c is false; here nothing is an empty text.
        other = self.watched(node, 1, self.compile(node.expr2) if node.expr2 is not None else lambda _: "")
        return lambda scope: chosen(scope) if test(scope) else other(scope)

    def _compare(self, node: nodes.Compare) -> Evaluate:
        first = self.compile(node.expr)
        steps = [(COMPARISONS[op.op], self.compile(op.expr), op.expr) for op in node.ops]
        charge = self.budget.charge

        def compare(scope: Values) -> Any:
            left, left_node = first(scope), node.expr
            result: Any = True
            for function, evaluate, right_node in steps:
                right = evaluate(scope)
                try:
                    if left is ABSENT or right is ABSENT:
                        raise TypeError
                    charge(left)
                    charge(right)
                    result = function(left, right)
                except FAILURES as error:
                    self.fail(error, node, (left_node, left), (right_node, right))
                if not result:
                    return result
                left, left_node = right, right_node
            return result

        return compare

    def _concat(self, node: nodes.Concat) -> Evaluate:
        parts = [self.compile(part) for part in node.nodes]
        charge = self.budget.charge

        def concat(scope: Values) -> str:
            values = [part(scope) for part in parts]
            try:
                text = concatenate(values)
                charge(text)
            except FAILURES as error:
                self.fail(error, node, *zip(node.nodes, values, strict=True))
            return text

        return concat

    def _list(self, node: nodes.List) -> Evaluate:
        items = [self.compile(part) for part in node.items]
        return lambda scope: [evaluate(scope) for evaluate in items]

    def _tuple(self, node: nodes.Tuple) -> Evaluate:
        items = [self.compile(part) for part in node.items]
        return lambda scope: tuple([evaluate(scope) for evaluate in items])

    def _dict(self, node: nodes.Dict) -> Evaluate:
        pairs = [(self.compile(pair.key), self.compile(pair.value), pair) for pair in node.items]

        def make(scope: Values) -> dict[Any, Any]:
            made = {}
            for key, value, pair in pairs:
                name = key(scope)
                if name is ABSENT or isinstance(name, (list, tuple, dict)):
                    self.fail(Refusal("type", "a mapping's key is a text or a number"), pair.key, (pair.key, name))
                made[name] = value(scope)
            return made

        return make

    def _slice(self, node: nodes.Slice) -> Evaluate:
        parts = [
            self.compile(part) if part is not None else (lambda _: None) for part in (node.start, node.stop, node.step)
        ]
        return lambda scope: slice(*[part(scope) for part in parts])

    def _attribute(self, node: nodes.Getattr) -> Evaluate:
        owner = self.compile(node.node)
        name = node.attr

        def get(scope: Values) -> Any:
            value = owner(scope)
            if value is ABSENT:
                raise self.missing(node.node)
            return attribute(value, name)

        return get

    def _item(self, node: nodes.Getitem) -> Evaluate:
        owner, key = self.compile(node.node), self.compile(node.arg)
        charge = self.budget.charge

        def get(scope: Values) -> Any:
            value, wanted = owner(scope), key(scope)
            try:
                if value is ABSENT or wanted is ABSENT or (isinstance(wanted, str) and wanted.startswith("_")):
                    raise Refusal("value", "this key cannot be used")
                found = item(value, wanted)
                if isinstance(wanted, slice):
                    charge(found)
            except FAILURES as error:
                self.fail(error, node, (node.node, value), (node.arg, wanted))
            return found

        return get

    def _arguments(self, node: Any, *, absent_too: bool) -> Callable[[Values], tuple[list[Any], dict[str, Any]]]:
        """Return what evaluates the arguments of a call, filter or test.

        Args:
            node: the call, filter or test.
            absent_too: whether an absent argument is one like others, as for ``default`` and macros.
        """
        args = [self._argument(arg, absent_too=absent_too) for arg in node.args]
        options = [(pair.key, self._argument(pair.value, absent_too=absent_too)) for pair in node.kwargs]
        return lambda scope: ([arg(scope) for arg in args], {name: option(scope) for name, option in options})

    def _argument(self, node: nodes.Node, *, absent_too: bool) -> Evaluate:
        evaluate = self.compile(node)
        if absent_too or isinstance(node, nodes.Const):
            return evaluate

        def argument(scope: Values) -> Any:
            value = evaluate(scope)
            if value is ABSENT:
                raise self.missing(node)
            return value

        return argument

    def _filter(self, node: nodes.Filter) -> Evaluate:
        assert node.node is not None
        return self.filter_on(node, self.compile(node.node), node.node)

    def filter_on(self, node: nodes.Filter, operand: Evaluate, operand_node: nodes.Node) -> Evaluate:
        """Return the closure of a filter whose operand is compiled already.

        Args:
            node: the filter.
            operand: what it is applied to.
            operand_node: the node that made the operand, blamed where it is absent.
        """
        function = self.filters[node.name]
        takes_absent = node.name in ("default", "d")
        charge = self.budget.charge
        if not node.args and not node.kwargs and not takes_absent:

            def apply_plain(scope: Values) -> Any:
                value = operand(scope)
                try:
                    if value is ABSENT:
                        raise TypeError
                    if value.__class__ is not str:
                        charge(value)
                    result = function(value)
                    charge(result)
                    if value.__class__ is str and result.__class__ is not str:
                        charge(value)
                except FAILURES as error:
                    self.fail(error, node, (operand_node, value))
                return result

            return apply_plain
        arguments = self._arguments(node, absent_too=takes_absent)

        def apply(scope: Values) -> Any:
            value = operand(scope)
            args, options = arguments(scope)
            try:
                if value is ABSENT:
                    if not takes_absent:
                        raise TypeError
                else:
                    charge(value)
                result = function(value, *args, **options)
                charge(result)
            except FAILURES as error:
                self.fail(error, node, *(() if takes_absent else ((operand_node, value),)))
            return result

        return apply

    def _test(self, node: nodes.Test) -> Evaluate:
        operand = self.compile(node.node)
        function = PREDICATES[node.name]
        takes_absent = node.name in CALM
        arguments = self._arguments(node, absent_too=False)
        charge = self.budget.charge

        def ask(scope: Values) -> bool:
            value = operand(scope)
            args, options = arguments(scope)
            try:
                if value is ABSENT and not takes_absent:
                    raise TypeError
                charge(value)
                for arg in args:
                    charge(arg)
                return function(value, *args, **options)
            except FAILURES as error:
                self.fail(error, node, *(() if takes_absent else ((node.node, value),)))

        return ask

    def _call(self, node: nodes.Call) -> Evaluate:
        if isinstance(node.node, nodes.Getattr):
            return self._method(node, node.node)
        owner = self.compile(node.node)
        arguments = self._arguments(node, absent_too=True)

        def call(scope: Values) -> Any:
            value = owner(scope)
            args, options = arguments(scope)
            try:
                if not isinstance(value, Macro):
                    raise Refusal("type", "only a macro can be called")
                return value(*args, **options)
            except FAILURES as error:
                self.fail(error, node, (node.node, value))
            except RenderError as error:
                raise self.called(error, node) from None

        return call

    def _method(self, node: nodes.Call, callee: nodes.Getattr) -> Evaluate:
        owner = self.compile(callee.node)
        name = callee.attr
        arguments = self._arguments(node, absent_too=True)
        charge = self.budget.charge

        def call(scope: Values) -> Any:
            value = owner(scope)
            if value is ABSENT:
                raise self.missing(callee.node)
            args, options = arguments(scope)
            try:
                charge(value)
                for arg in args:
                    charge(arg)
                result = method(value, name)(value, *args, **options)
                charge(result)
            except FAILURES as error:
                self.fail(error, node, *zip(node.args, args, strict=False))
            except RenderError as error:
                raise self.called(error, node) from None
            return result

        return call
