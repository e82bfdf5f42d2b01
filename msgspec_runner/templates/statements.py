"""From statements to Python closures: each takes the values and writes texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, Protocol, TypeVar, cast

from jinja2 import nodes

from msgspec_runner.templates.expressions import Expressions
from msgspec_runner.templates.limits import Budget
from msgspec_runner.templates.list_filters import listed
from msgspec_runner.templates.positions import span
from msgspec_runner.templates.problems import FAILURES, Refusal, RenderError, put_in_partial
from msgspec_runner.templates.runtime import (
    Evaluate,
    Loop,
    Macro,
    Mark,
    Module,
    Run,
    Scope,
    Values,
    Watched,
    Write,
    capture,
    unwatched,
)
from msgspec_runner.templates.syntax import Tree
from msgspec_runner.templates.texts import to_text

Scopes = MutableMapping[str, Any]
_T = TypeVar("_T")


class Partials(Protocol):
    """Gives the compiled body of a partial."""

    def __call__(self, name: str) -> Run | None:
        """Return it, or None where there is none.

        Raises:
            Refusal: it cannot be used.
        """


class Statements:
    """Compiles the statements of one template.

    Args:
        tree: the template.
        filters: the filters by name.
        budget: counts the work of a rendering.
        partials: gives the bodies of included and imported templates.
        watched: notes which outcomes of decisions come true.
    """

    def __init__(
        self,
        tree: Tree,
        filters: dict[str, Callable[..., Any]],
        budget: Budget,
        partials: Partials,
        watched: Watched = unwatched,
        partial: str | None = None,
    ) -> None:
        self.tree = tree
        self.partial = partial
        self.budget = budget
        self.partials = partials
        self.expressions = Expressions(tree, filters, budget, watched)
        self._watched = watched
        self._loops = 0
        self._compilers: dict[type[nodes.Node], Callable[[Any], Run]] = {
            nodes.Assign: self._assign,
            nodes.AssignBlock: self._assign_block,
            nodes.CallBlock: self._call_block,
            nodes.FilterBlock: self._filter_block,
            nodes.For: self._for,
            nodes.FromImport: self._from_import,
            nodes.If: self._if,
            nodes.Import: self._import,
            nodes.Include: self._include,
            nodes.Macro: self._macro,
            nodes.Output: self._output,
            nodes.With: self._with,
        }

    def body(self, statements: Iterable[nodes.Node]) -> Run:
        """Return the closure of some statements in their order."""
        runs = [self._compilers[type(statement)](statement) for statement in statements]
        if len(runs) == 1:
            return runs[0]

        def run(scope: Values, write: Write) -> None:
            for each in runs:
                each(scope, write)

        return run

    def pieces(self, node: nodes.Output) -> list[tuple[str | Callable[[Values], str], Mark]]:
        """Return what an output statement writes: fixed text or a closure, each with the place it comes from."""
        made: list[tuple[str | Callable[[Values], str], Mark]] = []
        for part in node.nodes:
            start, end = span(self.tree, part)
            if isinstance(part, nodes.TemplateData):
                made.append((part.data, (start, end, True)))
            else:
                made.append((self.expressions.text(part), (start, end, False)))
        return made

    def _output(self, node: nodes.Output) -> Run:
        pieces = self.pieces(node)

        def output(scope: Values, write: Write) -> None:
            for text, mark in pieces:
                try:
                    write(text if isinstance(text, str) else text(scope), mark)
                except Refusal as refusal:
                    raise RenderError(refusal.message, mark[0], mark[1], refusal.kind) from None

        return output

    def _if(self, node: nodes.If) -> Run:
        branches = [
            (self.expressions.compile(each.test), self._watched(node, number, self.body(each.body)))
            for number, each in enumerate((node, *node.elif_))
        ]
        otherwise = self._watched(node, len(branches), self.body(node.else_))

        def choose(scope: Values, write: Write) -> None:
            for test, run in branches:
                if test(scope):
                    run(scope, write)
                    return
            otherwise(scope, write)

        return choose

    def _for(self, node: nodes.For) -> Run:
        iterable = self.expressions.compile(node.iter)
        assign = self._target(node.target)
        test = self.expressions.compile(node.test) if node.test is not None else None
        depth = self._loops
        self._loops += 1
        run = self._watched(node, 0, self.body(node.body))
        self._loops -= 1
        otherwise = self._watched(node, 1, self.body(node.else_))
        cost = count(node.body) + 3
        budget = self.budget

        def loop(scope: Values, write: Write) -> None:
            value = iterable(scope)
            try:
                budget.charge(value)
                items = listed(value)
                if test is not None:
                    kept = []
                    for each in items:
                        budget.spend(cost)
                        inner = Scope(scope)
                        assign(inner, each)
                        if test(inner):
                            kept.append(each)
                    items = kept
                state = Loop(items, depth)
            except FAILURES as error:
                self.expressions.fail(error, node.iter, (node.iter, value))
            for number, each in enumerate(items):
                inner = Scope(scope)
                state.index0 = number
                inner["loop"] = state
                try:
                    budget.spend(cost)
                except Refusal as refusal:
                    self.expressions.fail(refusal, node.iter)
                assign(inner, each)
                run(inner, write)
            if not items:
                otherwise(Scope(scope), write)

        return loop

    def _target(self, node: nodes.Node) -> Callable[[Scopes, Any], None]:
        """Return what assigns a value to a name or to several names in brackets."""
        if isinstance(node, nodes.Name):
            name = node.name

            def assign(scope: Scopes, value: Any) -> None:
                scope[name] = value

            return assign
        parts = [self._target(part) for part in cast("nodes.Tuple", node).items]

        def unpack(scope: Scopes, value: Any) -> None:
            try:
                values = listed(value)
                if len(values) != len(parts):
                    raise Refusal("value", f"{len(parts)} names cannot take {len(values)} values")
            except FAILURES as error:
                self.expressions.fail(error, node, (node, value))
            for part, each in zip(parts, values, strict=True):
                part(scope, each)

        return unpack

    def _assign(self, node: nodes.Assign) -> Run:
        evaluate = self.expressions.compile(node.node)
        assign = self._target(node.target)
        return lambda scope, _: assign(cast("Scopes", scope), evaluate(scope))

    def _captured(self, statements: list[nodes.Node], filter_: nodes.Filter | None, place: nodes.Node) -> Evaluate:
        """Return a closure that gives what statements write, through the filters of their tag."""
        run = self.body(statements)
        budget = self.budget

        def evaluate(scope: Values) -> Any:
            try:
                return capture(run, Scope(scope), budget)
            except Refusal as refusal:
                self.expressions.fail(refusal, place)

        return self._filtered(filter_, evaluate, place) if filter_ is not None else evaluate

    def _filtered(self, node: nodes.Filter, evaluate: Evaluate, place: nodes.Node) -> Evaluate:
        inner = evaluate if node.node is None else self._filtered(cast("nodes.Filter", node.node), evaluate, place)
        return self.expressions.filter_on(node, inner, place)

    def _assign_block(self, node: nodes.AssignBlock) -> Run:
        evaluate = self._captured(node.body, node.filter, node.target)
        assign = self._target(node.target)
        return lambda scope, _: assign(cast("Scopes", scope), evaluate(scope))

    def _filter_block(self, node: nodes.FilterBlock) -> Run:
        evaluate = self._captured(node.body, node.filter, node.filter)
        return self._written(evaluate, node.filter)

    def _written(self, evaluate: Evaluate, node: nodes.Node) -> Run:
        """Return a closure that writes a value which is not the value of an expression node."""
        start, end = span(self.tree, node)
        mark = (start, end, False)
        expressions = self.expressions

        def output(scope: Values, write: Write) -> None:
            value = evaluate(scope)
            try:
                write(to_text(value), mark)
            except FAILURES as error:
                expressions.fail(error, node, (node, value))

        return output

    def _with(self, node: nodes.With) -> Run:
        pairs = [
            (self._target(target), self.expressions.compile(value))
            for target, value in zip(node.targets, node.values, strict=True)
        ]
        run = self.body(node.body)

        def enter(scope: Values, write: Write) -> None:
            inner = Scope(scope)
            for assign, evaluate in pairs:
                assign(inner, evaluate(scope))
            run(inner, write)

        return enter

    def _macro_maker(self, name: str, node: nodes.Macro | nodes.CallBlock) -> Callable[[Values], Macro]:
        parameters = tuple(arg.name for arg in node.args)
        defaults = tuple(self._owned(self.expressions.compile(default)) for default in node.defaults)
        used = {each.name for statement in node.body for each in _names(statement)}
        extras = frozenset(used & {"caller", "varargs", "kwargs"})
        loops, self._loops = self._loops, 0
        run = self._owned(self.body(node.body))
        self._loops = loops
        cost = count(node.body) + 5
        return lambda scope: Macro(name, parameters, defaults, extras, run, cost, scope, self.budget)

    def _owned(self, run: Callable[..., _T]) -> Callable[..., _T]:
        """Return a part of a macro whose errors know whose they are: it may be called from another template."""
        source, partial = self.tree.source, self.partial

        def owned(*args: Any) -> _T:
            try:
                return run(*args)
            except RenderError as error:
                if error.source is None:
                    error.source = source
                    if partial is not None:
                        put_in_partial(error, partial, source, error.start)
                raise

        return owned

    def _macro(self, node: nodes.Macro) -> Run:
        make = self._macro_maker(node.name, node)
        name = node.name

        def define(scope: Values, _: Write) -> None:
            cast("Scopes", scope)[name] = make(scope)

        return define

    def _call_block(self, node: nodes.CallBlock) -> Run:
        make = self._macro_maker("caller", node)
        key = "\0caller"
        caller = nodes.Keyword("caller", nodes.Name(key, "load", lineno=node.call.lineno), lineno=node.call.lineno)
        call = nodes.Call(node.call.node, node.call.args, [*node.call.kwargs, caller], None, None)
        call.lineno = node.call.lineno
        evaluate = self.expressions.compile(call)

        def with_caller(scope: Values) -> Any:
            inner = Scope(scope)
            inner[key] = make(scope)
            return evaluate(inner)

        return self._written(with_caller, node.call)

    def _partial(self, node: nodes.Include | nodes.Import | nodes.FromImport) -> Callable[[Values, Write], bool]:
        """Return what runs a partial in a scope, and says whether there is one."""
        name = cast("nodes.Const", node.template).value
        optional = isinstance(node, nodes.Include) and node.ignore_missing
        place = span(self.tree, node.template)

        def run(scope: Values, write: Write) -> bool:
            try:
                body = self.partials(name)
                if body is None:
                    if optional:
                        return False
                    raise Refusal("include", f"there is no partial {name!r}; add it, or write the text here")
                body(scope, write)
            except Refusal as refusal:
                raise RenderError(refusal.message, *place, refusal.kind, partial=refusal.partial) from None
            except RenderError as error:
                raise RenderError(error.message, *place, error.kind, error.name, error.partial) from None
            return True

        return run

    def _include(self, node: nodes.Include) -> Run:
        run = self._partial(node)
        start, end = span(self.tree, node.template)
        mark = (start, end, False)
        with_context = node.with_context

        def include(scope: Values, write: Write) -> None:
            run(Scope(scope if with_context else {}), lambda text, _: write(text, mark))

        return include

    def _module(self, node: nodes.Import | nodes.FromImport) -> Callable[[Values], Module]:
        run = self._partial(node)
        with_context = node.with_context

        def load(scope: Values) -> Module:
            inner = Scope(scope if with_context else {})
            run(inner, lambda _text, _mark: None)
            return Module(inner)

        return load

    def _import(self, node: nodes.Import) -> Run:
        load = self._module(node)

        def bind(scope: Values, _: Write) -> None:
            cast("Scopes", scope)[node.target] = load(scope)

        return bind

    def _from_import(self, node: nodes.FromImport) -> Run:
        load = self._module(node)
        names = [name if isinstance(name, tuple) else (name, name) for name in node.names]

        def bind(scope: Values, _: Write) -> None:
            module = load(scope)
            for name, alias in names:
                cast("Scopes", scope)[alias] = module.attribute(name)

        return bind


def count(statements: Iterable[nodes.Node]) -> int:
    """Count the nodes below some statements: what one round through them costs."""
    level = list(statements)
    total = 0
    while level:
        total += len(level)
        level = [child for node in level for child in node.iter_child_nodes()]
    return total


def _names(node: nodes.Node) -> Iterable[nodes.Name]:
    if isinstance(node, nodes.Name):
        yield node
    yield from node.find_all(nodes.Name)
