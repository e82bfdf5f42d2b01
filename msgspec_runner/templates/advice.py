"""The words of what inference finds: what arrives, what is needed, what to type instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from jinja2 import nodes

from msgspec_runner.templates.allowed import FILTER_NAMES
from msgspec_runner.templates.problems import Refusal
from msgspec_runner.templates.scopes import Known
from msgspec_runner.templates.types import DATES, NUMERIC, Type, words

LONGEST: Final = 40
"""Characters of an expression that is repeated in a message."""
TESTS_WITH_ARGUMENT: Final = frozenset(
    [
        "divisibleby",
        "in",
        "==",
        "eq",
        "equalto",
        "!=",
        "ne",
        ">",
        "gt",
        "greaterthan",
        ">=",
        "ge",
        "<",
        "lt",
        "lessthan",
        "<=",
        "le",
    ]
)
_DECLARED: Final = {"a date": "date", "a date with a time": "datetime", "a number": "number"}
"""The column type that makes a column what a filter needs."""
_SIGNS: Final = {"lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=", "in": "in", "notin": "not in"}
_SHOWN: Final = 6
"""Values of an enum that a message lists."""
_MEANT: Final = {
    **dict.fromkeys(("boolean", "true", "false"), "boolean"),
    **dict.fromkeys(("number", "float"), "number"),
    "integer": "integer",
}
"""The type that a column should have of which a test asks whether it has it."""
_OPTIONAL: Final = "or declare the column `required: false`, without a default"
Source = Callable[[nodes.Node], str]


def who(source: str, known: Known) -> str:
    """Name a value and its type: visits is an integer."""
    return f"{source} is {words(known.type)}"


def not_taken(name: str, needs: str, source: str, known: Known) -> str:
    """Say that a filter takes no value of a type."""
    cures = _or(_filter_cures(name, needs, source, known), "remove the filter")
    return f"{who(source, known)}; `{name}` takes {needs}: {cures}"


def _filter_cures(name: str, needs: str, source: str, known: Known) -> Iterator[str]:
    names = known.type.present.names
    if known.column and needs in _DECLARED:
        yield f"declare `{known.column}: {{type: {_DECLARED[needs]}}}`"
    if names == {"none"}:
        yield "give it a value: `| default('…', true)`"
    elif "text" in names and needs == "a number":
        yield f"write {_inside(source, ' | float')} before it"
    elif needs == "a list":
        yield "remove the filter"
    elif names <= {"integer", "number"} and name in ("date", "datetime"):
        yield "use `number`"
    elif names <= DATES and name in ("currency", "datetime", "number"):
        yield "use `date`"
    elif names == {"boolean"}:
        yield f"write `'…' if {source.strip('`')} else '…'`"
    elif names == {"mapping"}:
        yield f"take one of its values, as in {_inside(source, '.name')}"
    elif "list" in names:
        yield "take one of its items first, as with `| first`"


def unreadable(name: str, source: str, known: Known, said: str) -> str:
    """Say that a filter reads none of the texts that a value may be."""
    values = known.type.present.values or ()
    if len(values) > 1:
        return f"{source} is one of {_listed(values)}, and `{name}` reads none of them: {said}"
    return f"`{name}` cannot read {source}: {said}"


def incompatible(sign: str, source: str, known: Known, other: Known, meant: str = "") -> str:
    """Say that an operator or comparison does not work with two types; the first is the culprit's.

    Args:
        sign: the operator.
        source: the culprit as written.
        known: of the culprit.
        other: of the other side.
        meant: of :func:`bracketed`.
    """
    names, others = known.type.present.names, other.type.present.names
    if sign in ("in", "notin"):
        if others <= {"text"} and names.isdisjoint({"list", "mapping"}):
            return f"{who(source, known)}, and a text holds texts only: write {_inside(source, ' | string')}"
        return f"{who(source, known)} and holds nothing: `{_SIGNS[sign]}` needs a list, a mapping or a text behind it"
    if meant:
        return f"{who(source, known)}, as a filter comes before `{sign}`: write `{meant}`"
    cures = _or(_cures(sign, source, known, others), "write values of one type on both sides")
    if sign in _SIGNS:
        return f"{who(source, known)} and cannot be ordered against {words(other.type)}: {cures}"
    needs = "a text" if sign == "+" and others <= {"text"} else "a number"
    return f"{who(source, known)}; `{sign}` needs {needs} there: {cures}"


def bracketed(
    sign: str, whole: nodes.Node, side: nodes.Node, source: str, span: Callable[[nodes.Node], tuple[int, int]]
) -> str:
    """Return ``(copay * 1.19) | currency("USD")`` for ``copay * 1.19 | currency("USD")``; empty for anything else.

    Args:
        sign: the operator.
        whole: the calculation.
        side: the side of it that does not work.
        source: of the template.
        span: gives the place of an expression, without brackets around its first or last part.
    """
    if not isinstance(whole, nodes.BinExpr) or side is not whole.right:
        return ""
    last: nodes.Node = side
    while isinstance(last, nodes.BinExpr):
        last = last.right
    filtered = last
    while isinstance(filtered, nodes.Filter) and filtered.node is not None:
        filtered = filtered.node
    (start, end), begin, middle = span(whole), span(side)[0], span(filtered)[1]
    closing, _, filters = source[middle:end].partition("|")
    before = source[start:begin]
    is_in_brackets = before[before.rfind(sign) :].count("(") > closing.count(")")
    if filtered is last or is_in_brackets:
        return ""
    calculation = source[start:middle] + closing.rstrip()
    calculation = "(" * (calculation.count(")") - calculation.count("(")) + calculation
    shown = calculation if len(calculation) <= LONGEST and "\n" not in calculation else "…"
    return f"({shown}) | {filters.strip()}"


def _cures(sign: str, source: str, known: Known, others: frozenset[str]) -> Iterator[str]:
    names = known.type.present.names
    if sign == "+" and others <= {"text"}:
        yield "put texts together with `~`"
        return
    if names & DATES and sign in ("+", "-"):
        yield "move a date with `| plus(days=1)` or `| minus(days=1)`"
    elif names & DATES and others <= DATES:
        yield "declare both columns `date`, or both `datetime`"
    elif names & DATES and "text" in others:
        yield f"compare texts, as in {_inside(source, ' | iso')}"
    elif "text" in names and others <= NUMERIC:
        if known.column:
            yield f"declare `{known.column}: {{type: number}}`"
        if known.type.values is None:
            yield f"write {_inside(source, ' | float')}"
        elif sign != "+":
            yield "write numbers with `| number(2)`" if sign == "%" else "write a number without quotes"
        if sign == "+":
            yield "put texts together with `~`"
    elif "text" in names and others <= DATES and known.column:
        yield f"declare `{known.column}: {{type: {'date' if others == {'date'} else 'datetime'}}}`"


def uncuttable(source: str, known: Known) -> str:
    """Say that a value has no parts to cut out with ``[:]``."""
    return f"{who(source, known)}; `[:]` cuts texts and lists: write {_inside(source, ' | string')}"


def no_method(source: str, known: Known, name: str) -> str:
    """Say that values of a type have no such method."""
    cure = f": write {_inside(source, f' | {name}')}" if name in FILTER_NAMES else ": remove the call"
    return f"{who(source, known)}, which has no method `{name}`{cure}"


def no_list(source: str, known: Known) -> str:
    """Say that a loop has nothing to go over."""
    return f"{who(source, known)}; `for` goes over a list, a mapping or a text: write {source} without a loop"


def untestable(name: str, source: str, known: Known, args: Sequence[Known]) -> str:
    """Say that a test does not work with values of a type."""
    if args and name != "divisibleby":
        return f"{who(source, known)}; `is {name}` cannot compare it with {words(args[0].type)}"
    return f"{who(source, known)}; `is {name}` is about numbers: remove the test"


def wrong_argument(filter_name: str, name: str, taken: frozenset[str], given: Type) -> str:
    """Say that a filter takes no argument of a type."""
    wanted = " or ".join(sorted({_ARGUMENTS[kind] for kind in taken if kind in _ARGUMENTS}))
    return f"the `{name}` of `{filter_name}` is {wanted}, not {words(given)}"


_ARGUMENTS: Final = {"text": "a text in quotes", "integer": "a whole number", "number": "a number"}


def refusals(reads: Callable[[Any], object]) -> Iterator[str]:
    """Yield what a filter says of texts that it cannot read: of no date or number, and of a date without its time."""
    for text in ("x", "2031-01-02"):
        try:
            reads(text)
        except Refusal as error:
            yield error.message


def why_constant(node: nodes.Node, known: Known, sides: tuple[Known, Known] | None, truth: bool, source: Source) -> str:  # noqa: FBT001
    """Say why a condition has the same outcome for everybody, and what to write instead.

    Args:
        node: the condition.
        known: its value.
        sides: the two values that it compares; None where it compares none.
        truth: the outcome.
        source: gives an expression as it is written.
    """
    if isinstance(node, nodes.Const):
        if isinstance(node.value, str) and node.value:
            return "every text is, so compare it with something, or remove it"
        return "it is written out, so remove the condition"
    if sides is not None and isinstance(node, nodes.Compare):
        return _why_compared(node.expr, node.ops[0].expr, *sides, source)
    if sides is not None and isinstance(node, nodes.Test) and node.args:
        return _why_compared(node.node, node.args[0], *sides, source)
    if isinstance(node, nodes.Test):
        if node.name in ("defined", "undefined") and isinstance(node.node, nodes.Name):
            return f"{source(node.node)} has a value for every recipient; remove the condition, {_OPTIONAL}"
        operand = sides[0] if sides is not None else known
        if node.name == "none" and operand.column:
            return f"an empty cell is absent and not null; write `is {'defined' if truth else 'undefined'}`"
        names, meant = operand.type.present.names, _MEANT.get(node.name)
        fits = meant in names or (meant == "number" and names & NUMERIC)
        declare = f"declare `{operand.column}: {{type: {meant}}}`, or " if operand.column and meant and not fits else ""
        return f"{who(source(node.node), operand)} for every recipient; {declare}remove the condition"
    if known.column and "text" in known.type.names:
        compare = f"compare it (`{known.column} == '…'`)"
        return f"it is never empty, and every text is true, “false” too; remove the condition, {compare}, {_OPTIONAL}"
    if known.column:
        return f"the column is never empty; remove the condition, {_OPTIONAL}"
    return (
        f"it is {words(known.type)} that is never empty; compare it with something" if truth else "it is always empty"
    )


def _why_compared(left_node: nodes.Node, right_node: nodes.Node, left: Known, right: Known, source: Source) -> str:
    if right.column and not left.column:
        left_node, right_node, left, right = right_node, left_node, right, left
    names, others = left.type.present.names, right.type.present.names
    name = source(left_node)
    held = next((kind.of.present.names for kind in right.type.kinds if kind.of is not None), None)
    if held is not None:
        values = left.type.present.values
        what = _one_of(values) if values else words(left.type)
        cure = "; write the numbers without quotes" if names <= NUMERIC and held == {"text"} else ""
        cure = "; write the values in quotes" if "text" in names and held <= NUMERIC else cure
        return f"{name} is {what}, and nothing in the list equals {'one of these' if values else 'one'}{cure}"
    if isinstance(left_node, nodes.Const):
        return "both sides are written out, so remove the condition"
    written = right_node.value if isinstance(right_node, nodes.Const) else None
    if "text" in names and others <= NUMERIC:
        quoted = f"write {_inside(name, f' == {chr(39)}{written}{chr(39)}')}" if type(written) in (int, float) else ""
        declared = f"declare `{left.column}: {{type: {_column_type(others)}}}`" if left.column else ""
        cures = _or(filter(None, (quoted, declared)), "compare it with a text")
        return f"{name} is text, and no text equals {words(right.type)}; {cures}"
    if names == {"boolean"} and others == {"text"}:
        plain = name.strip("`")
        return f"{name} is a boolean, and none equals a text; write `{plain}` or `not {plain}` alone"
    if names <= {"integer", "number"} and others == {"text"}:
        number = isinstance(written, str) and written.strip().lstrip("+-").isdecimal()
        cure = f"write {_inside(name, f' == {str(written).strip()}')}" if number else "compare it with a number"
        return f"{name} is {words(left.type)}, and none equals a text; {cure}"
    if names <= DATES and others == {"text"}:
        return f"{name} is {words(left.type)}, and none equals a text; compare texts, as in {_inside(name, ' | iso')}"
    values = left.type.present.values
    if values is not None and isinstance(written, str) and "text" in names:
        return f"{name} is {_one_of(values)}{_meant(written, values)}"
    if names != others:
        return f"{name} is {words(left.type)}, and none equals {words(right.type)}"
    return "the values on both sides have none in common"


def _column_type(names: frozenset[str]) -> str:
    return "boolean" if names == {"boolean"} else "integer" if names == {"integer"} else "number"


def _one_of(values: Sequence[object]) -> str:
    return f"one of {_listed(values)}" if len(values) > 1 else _listed(values)


def _meant(word: str, values: Sequence[object]) -> str:
    from difflib import get_close_matches

    folded = {str(value).lower(): value for value in values}
    close = get_close_matches(word.lower(), list(folded), 1, 0.6)
    return f"; did you mean '{folded[close[0]]}'?" if close else f", never '{word}'"


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values[:_SHOWN])) + (", …" if len(values) > _SHOWN else "")


def _or(cures: Iterable[str], last_resort: str) -> str:
    """List what may be done: ``a``, ``a, or b``, ``a, b, or c``."""
    listed = list(cures) or [last_resort]
    return ", or ".join([", ".join(listed[:-1]), listed[-1]]) if len(listed) > 1 else listed[0]


def _inside(source: str, more: str) -> str:
    """Write more behind an expression, inside its backticks."""
    return f"`{source[1:-1]}{more}`" if source.startswith("`") else f"`(…){more}`"
