"""Which types the expressions of a template have, and which of them cannot work, or ask what is known already."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

from jinja2 import nodes

from msgspec_runner.templates import advice
from msgspec_runner.templates.conclusions import Constant, Mismatch, Question, Reading
from msgspec_runner.templates.lookups import attribute
from msgspec_runner.templates.narrowing import Narrowing
from msgspec_runner.templates.operations import Outcome, arithmetic, comparison, signed, tested
from msgspec_runner.templates.positions import attribute_mark, filter_mark, span, test_mark
from msgspec_runner.templates.scopes import ANYTHING, Known, Scope
from msgspec_runner.templates.signatures import (
    SIGNATURES,
    Signature,
    faults_of,
    method_type,
    parameters,
    refusal,
    time_of_a_date,
    wrong_call,
)
from msgspec_runner.templates.syntax import Tree
from msgspec_runner.templates.types import (
    ABSENT_TYPE,
    ANY_LIST,
    BOOLEAN,
    INTEGER,
    LISTED,
    TEXT,
    UNKNOWN,
    Type,
    items_of,
    list_of,
    type_of,
    union,
)
from msgspec_runner.templates.types import Kind as TypeKind

SIGNS: Final[dict[type[nodes.Node], str]] = {
    nodes.Add: "+",
    nodes.Sub: "-",
    nodes.Mul: "*",
    nodes.Div: "/",
    nodes.FloorDiv: "//",
    nodes.Mod: "%",
    nodes.Pow: "**",
}
"""How the binary operators are written."""
LOOP: Final = Known(UNKNOWN, settled=True)
"""What is known of ``loop``; told from others by its identity."""
_LOOP_TYPES: Final = {
    **dict.fromkeys(["index", "index0", "revindex", "revindex0", "length", "depth", "depth0"], INTEGER),
    **dict.fromkeys(["first", "last"], BOOLEAN),
}
_DATES: Final = {"date": date(2000, 1, 1), "datetime": datetime(2000, 1, 1)}


class Inferrer:
    """Infers the types of one template's expressions.

    Args:
        tree: the template.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.mismatches: list[Mismatch] = []
        self.constants: list[Constant] = []
        self.questions: list[Question] = []
        self.readings: list[Reading] = []
        self.assumed = Narrowing().assumed
        self._compared: dict[int, tuple[Known, Known]] = {}
        self._readers: dict[type[nodes.Node], Callable[[Any, Scope], Known]] = {
            nodes.And: self._both,
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
            nodes.Or: self._both,
            nodes.Pos: self._sign,
            nodes.Slice: self._slice,
            nodes.Test: self._test,
            nodes.Tuple: self._list,
            **dict.fromkeys(SIGNS, self._arithmetic),
        }

    def value(self, node: nodes.Node | None, scope: Scope) -> Known:
        """Return what is known of an expression's value; None, which is nowhere written, is an empty text."""
        return self._readers[type(node)](node, scope) if node is not None else Known(type_of(""))

    def condition(self, node: nodes.Node, scope: Scope) -> Known:
        """Return what is known of a condition's value, and note each part of it whose outcome is always the same."""
        if isinstance(node, (nodes.And, nodes.Or)):
            return self._both(node, scope, asked=True)
        if isinstance(node, nodes.Not):
            if isinstance(node.node, nodes.Test) and self.tree.marks[node.node.lineno + 1].text == "not":
                return self._judged(
                    node.node, _negated(self.value(node.node, scope))
                )  # `is not` is one thing to people
            return _negated(self.condition(node.node, scope))
        return self._judged(node, self.value(node, scope))

    def _judged(self, node: nodes.Node, known: Known) -> Known:
        """Note a condition that is always the same, or that asks a text for its truth."""
        if known.settled:
            return known
        if isinstance(node, nodes.Name) and known.column and "text" in known.type.names:
            self.questions.append(Question(known.column, *self._span(node)))
        truth = known.type.truth
        if truth is not None:
            why = advice.why_constant(node, known, self._compared.get(id(node)), truth, self._source)
            message = f"{self._source(node)} is always {str(truth).lower()}: {why}"
            self.constants.append(Constant(*self._span(node), truth, message))
        return known

    def fail(self, message: str, place: tuple[int, int], whole: nodes.Node) -> Known:
        """Note an operation that cannot work; of its result nothing is known."""
        self.mismatches.append(Mismatch(*place, message, self._span(whole)))
        return ANYTHING

    def _span(self, node: nodes.Node) -> tuple[int, int]:
        return span(self.tree, node)

    def _source(self, node: nodes.Node) -> str:
        """Return an expression as it is written, for a message; a word for it where it is long."""
        start, end = self._span(node)
        written = self.tree.source[start:end]
        # A bracket around the first or the last part is nobody's place.
        whole = written.count("(") == written.count(")") and "\n" not in written
        return f"`{written}`" if whole and len(written) <= advice.LONGEST else "this"

    def _constant(self, node: nodes.Const, _: Scope) -> Known:
        return Known(type_of(node.value))

    def _name(self, node: nodes.Name, scope: Scope) -> Known:
        return scope.look(node.name)

    def _both(self, node: nodes.And | nodes.Or, scope: Scope, *, asked: bool = False) -> Known:
        """``and`` and ``or``: the left side decides; the right one is a condition only where the whole is."""
        either = isinstance(node, nodes.Or)
        left = self.condition(node.left, scope)
        inner = scope.branch(self.assumed(node.left, scope, truth=not either))
        right = self.condition(node.right, inner) if asked else self.value(node.right, inner)
        kept = left.type.when(truth=either)
        return Known(union(kept, right.type) if kept is not None else right.type, left.settled or right.settled)

    def _not(self, node: nodes.Not, scope: Scope) -> Known:
        return _negated(self.value(node.node, scope))

    def _conditional(self, node: nodes.CondExpr, scope: Scope) -> Known:
        self.condition(node.test, scope)
        chosen = self.value(node.expr1, scope.branch(self.assumed(node.test, scope, truth=True)))
        other = self.value(node.expr2, scope.branch(self.assumed(node.test, scope, truth=False)))
        return Known(union(chosen.type, other.type), chosen.settled or other.settled)

    def _arithmetic(self, node: nodes.BinExpr, scope: Scope) -> Known:
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        sign = SIGNS[type(node)]
        outcome = arithmetic(sign, left.type, right.type)
        if outcome.culprit is not None:
            return self._incompatible(sign, node, outcome, (node.left, left), (node.right, right))
        return Known(outcome.type, left.settled or right.settled)

    def _incompatible(
        self, sign: str, whole: nodes.Node, outcome: Outcome, *operands: tuple[nodes.Node, Known]
    ) -> Known:
        assert outcome.culprit is not None
        node, known = operands[outcome.culprit]
        other = operands[1 - outcome.culprit][1]
        meant = advice.bracketed(sign, whole, node, self.tree.source, self._span)
        return self.fail(advice.incompatible(sign, self._source(node), known, other, meant), self._span(node), whole)

    def _sign(self, node: nodes.UnaryExpr, scope: Scope) -> Known:
        operand = self.value(node.node, scope)
        outcome = signed(operand.type)
        if outcome.culprit is not None:
            return self._incompatible(
                "-" if isinstance(node, nodes.Neg) else "+",
                node,
                Outcome(UNKNOWN, 1),
                (node, Known(INTEGER)),
                (node.node, operand),
            )
        return Known(outcome.type, operand.settled)

    def _compare(self, node: nodes.Compare, scope: Scope) -> Known:
        left, left_node = self.value(node.expr, scope), node.expr
        settled, made = left.settled, BOOLEAN
        for part in node.ops:
            right = self.value(part.expr, scope)
            settled = settled or right.settled
            outcome = comparison(part.op, left.type, right.type)
            if outcome.culprit is not None:
                return self._incompatible(part.op, node, outcome, (left_node, left), (part.expr, right))
            self._compared[id(node)] = (left, right)
            made = outcome.type
            left, left_node = right, part.expr
        return Known(made if len(node.ops) == 1 else BOOLEAN, settled)

    def _concat(self, node: nodes.Concat, scope: Scope) -> Known:
        parts = [self.value(part, scope) for part in node.nodes]
        return Known(TEXT, any(part.settled for part in parts))

    def _list(self, node: nodes.List | nodes.Tuple, scope: Scope) -> Known:
        parts = [self.value(part, scope) for part in node.items]
        if not parts:
            return Known(ANY_LIST, settled=True)
        return Known(list_of(union(*(part.type for part in parts)), filled=True), any(part.settled for part in parts))

    def _dict(self, node: nodes.Dict, scope: Scope) -> Known:
        for pair in node.items:
            self.value(pair.key, scope)
            self.value(pair.value, scope)
        return Known(Type((TypeKind("mapping", filled=bool(node.items)),)), settled=not node.items)

    def _slice(self, node: nodes.Slice, scope: Scope) -> Known:
        for part in (node.start, node.stop, node.step):
            if part is not None:
                self.value(part, scope)
        return ANYTHING

    def _attribute(self, node: nodes.Getattr, scope: Scope) -> Known:
        owner = self.value(node.node, scope)
        if owner is LOOP:
            return Known(_LOOP_TYPES.get(node.attr, UNKNOWN))
        if not owner.type.is_known:
            return ANYTHING
        types = []
        for kind in owner.type.present.kinds:
            if kind.name == "mapping":
                return ANYTHING
            example = _DATES.get(kind.name)
            has = example is not None and isinstance(attribute(example, node.attr), int)
            types.append(INTEGER if has else ABSENT_TYPE)
        return Known(union(*types), settled=True)

    def _item(self, node: nodes.Getitem, scope: Scope) -> Known:
        owner, key = self.value(node.node, scope), self.value(node.arg, scope)
        names = owner.type.present.names
        if not owner.type.is_known:
            return ANYTHING
        if isinstance(node.arg, nodes.Slice):
            if names.isdisjoint({"text", "list"}):
                if names <= {"absent"}:
                    return ANYTHING
                message = advice.uncuttable(self._source(node.node), owner)
                return self.fail(message, self._span(node.node), node)
            types = [list_of(items_of(Type((kind,)))) for kind in owner.type.kinds if kind.name == "list"]
            return Known(union(*types, *([TEXT] if "text" in names else [])), settled=True)
        if key.type.names == {"integer"} and names <= {"text", "list"}:
            return Known(union(items_of(owner.type), ABSENT_TYPE))
        return ANYTHING

    def _call(self, node: nodes.Call, scope: Scope) -> Known:
        callee = node.node
        owner = self.value(callee.node if isinstance(callee, nodes.Getattr) else callee, scope)
        for arg in (*node.args, *(pair.value for pair in node.kwargs)):
            self.value(arg, scope)
        if not isinstance(callee, nodes.Getattr) or owner.type.names <= {"absent"}:
            return ANYTHING
        given = method_type(owner.type, callee.attr)
        if given is not None:
            return Known(given, owner.settled)
        mark = attribute_mark(self.tree, callee)
        message = advice.no_method(self._source(callee.node), owner, callee.attr)
        return self.fail(message, (mark.start, mark.end), node)

    def _test(self, node: nodes.Test, scope: Scope) -> Known:
        operand = self.value(node.node, scope)
        args = [self.value(arg, scope) for arg in node.args]
        if node.kwargs or (node.name not in advice.TESTS_WITH_ARGUMENT and args):
            return Known(BOOLEAN)
        outcome = tested(node.name, operand.type, [arg.type for arg in args])
        if outcome.culprit is not None:
            mark = test_mark(self.tree, node)
            message = advice.untestable(node.name, self._source(node.node), operand, args)
            return self.fail(message, (mark.start, mark.end), node)
        self._compared[id(node)] = (operand, args[0] if args else operand)
        return Known(outcome.type, operand.settled or any(arg.settled for arg in args))

    def _filter(self, node: nodes.Filter, scope: Scope) -> Known:
        return self.filtered(node, self.value(node.node, scope), scope)

    def filtered(self, node: Any, operand: Known, scope: Scope) -> Known:
        """Return what is known of a filter's result, whose value is known already."""
        args = [self.value(arg, scope) for arg in node.args]
        options = {pair.key: self.value(pair.value, scope) for pair in node.kwargs}
        mark = filter_mark(self.tree, node)
        place = (mark.start, mark.end)
        wrong = wrong_call(node.name, len(args), tuple(options))
        if wrong is not None:
            return self.fail(wrong, place, node)
        if node.name in ("default", "d"):
            return _replaced(operand, args, options)
        signature = SIGNATURES[node.name]
        values = [*zip(parameters(node.name).names, args, node.args, strict=False)]
        values += [(pair.key, options[pair.key], pair.value) for pair in node.kwargs]
        arguments = {name: known.type for name, known, _ in values}
        message = self._refused(node, signature, operand)
        if message is not None:
            return self.fail(message, place, node)
        for name, known, argument in values:
            message = _refused_argument(node.name, name, signature, known.type)
            if message is not None:
                return self._fail_argument(message, argument, signature.checks.get(name), node)
        late = time_of_a_date(node.name, operand.type.present, arguments)
        if late is not None:
            return self.fail(f"{self._source(node.node)} is a date without a time: {late}", place, node)
        return Known(signature.gives(operand.type.present, arguments), operand.settled)

    def _fail_argument(
        self, message: str, argument: nodes.Expr, check: Callable[[Any], object] | None, whole: nodes.Node
    ) -> Known:
        """Note an argument that cannot be right, at the characters at fault where it is a text without escapes."""
        start, end = self._span(argument)
        if check is not None and isinstance(argument, nodes.Const):
            inside = self.tree.source[start + 1 : end - 1]
            for fault in faults_of(check, argument.value) if argument.value == inside else ():
                self.fail(fault.message, (start + 1 + fault.start, start + 1 + fault.end), whole)
                message = ""
        return self.fail(message, (start, end), whole) if message else ANYTHING

    def _refused(self, node: nodes.Filter, signature: Signature, operand: Known) -> str | None:
        """Say why a filter takes none of the values of a type; None where it may take one."""
        given = operand.type.present
        names = given.names
        if not given.is_known or names == {"absent"}:
            return None
        source = self._source(node.node) if node.node is not None else "this"
        if names.isdisjoint(signature.takes):
            return advice.not_taken(node.name, signature.needs, source, operand)
        if signature.reads is not None and names & signature.takes == {"text"}:
            said = refusal(signature.reads, given.only(lambda kind: kind.name == "text") or given)
            if said is not None:
                return advice.unreadable(node.name, source, operand, said)
            if operand.column:
                mark, whole = filter_mark(self.tree, node), self._span(node)
                says = tuple(advice.refusals(signature.reads))
                self.readings.append(
                    Reading(operand.column, node.name, signature.needs, mark.start, mark.end, whole, says)
                )
        return None

    def loop_over(self, node: nodes.Node, container: Known) -> Type:
        """Return the type of what a loop goes over; note it where there is nothing to go over."""
        given = container.type
        if given.is_known and given.names != {"absent"} and given.present.names.isdisjoint(LISTED):
            self.fail(advice.no_list(self._source(node), container), self._span(node), node)
            return UNKNOWN
        return items_of(given) if given.is_known else UNKNOWN


def _negated(known: Known) -> Known:
    truth = known.type.truth
    return Known(BOOLEAN if truth is None else type_of(not truth), known.settled)


def _replaced(operand: Known, args: list[Known], options: dict[str, Known]) -> Known:
    """Return what ``default`` makes: the value, or what stands in for it."""
    given = [*args[:1], *(known for name, known in options.items() if name == "default_value")]
    other = given[0].type if given else type_of("")
    mode = [*args[1:2], *(known for name, known in options.items() if name == "boolean")]
    truth = mode[0].type.truth if mode else False
    kinds = operand.type
    if not kinds.is_known:
        return Known(UNKNOWN, settled=True)
    kept = kinds.only(lambda kind: kind.name != "absent")
    if truth is not False and kept is not None:
        kept = (kept.when(truth=True) if truth else kept) or None
    needed = "absent" in kinds.names or (truth is not False and kinds.truth is not True)
    types = [*([kept] if kept is not None else []), *([other] if needed or kept is None else [])]
    return Known(union(*types), operand.settled)


def _refused_argument(filter_name: str, name: str, signature: Signature, given: Type) -> str | None:
    """Say why a filter never takes an argument; None where it may."""
    taken = signature.arguments.get(name)
    if not given.is_known or given.names == {"absent"}:
        return None
    if taken is not None and given.present.names.isdisjoint(taken):
        return advice.wrong_argument(filter_name, name, taken, given)
    check = signature.checks.get(name)
    return refusal(check, given) if check is not None else None
