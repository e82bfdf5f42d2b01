"""What is wrong with a template whatever the values are: unknown filters, ways out of the sandbox, sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeGuard

from jinja2 import nodes

from msgspec_runner.templates.allowed import FILTER_NAMES, TEST_NAMES
from msgspec_runner.templates.folding import beyond_bounds
from msgspec_runner.templates.limits import MAX_DEPTH, MAX_INTEGER, MAX_NODES
from msgspec_runner.templates.lookups import METHOD_NAMES
from msgspec_runner.templates.positions import attribute_mark, filter_mark, span, test_mark
from msgspec_runner.templates.reserved import JINJA_GLOBALS
from msgspec_runner.templates.syntax import Mark, Tree, Unreadable
from msgspec_runner.templates.template import IncludeUse, TemplateProblem

MAX_TOLD = 20
"""How many problems of one template are told: nobody reads more, and each may ask for the closest known name."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_INCLUDES = (nodes.Include, nodes.Import, nodes.FromImport)
_NO_TAGS: dict[type[nodes.Node], str] = {
    nodes.Block: "{% block %} has no use here; put shared text into partials/ and {% include %} it",
    nodes.Extends: "{% extends %} has no use here; put shared text into partials/ and {% include %} it",
    nodes.ScopedEvalContextModifier: "{% autoescape %} has no use here: a message is no HTML; remove it",
    nodes.NSRef: "namespaces are not available; compute the value with a filter such as sum or join",
}
_NO_FILTERS = {
    "attr": "write the attribute behind a dot",
    "date_format": "write | date('d MMMM')",
    "dateformat": "write | date('d MMMM')",
    "datetimeformat": "write | datetime('d MMMM, HH:mm')",
    "e": "a message is no HTML; remove it",
    "escape": "a message is no HTML; remove it",
    "filesizeformat": "format the number with | number",
    "floatformat": "write | number(2)",
    "forceescape": "a message is no HTML; remove it",
    "format": "put texts together with ~, write numbers with | number",
    "format_currency": "write | currency('USD')",
    "format_date": "write | date('d MMMM')",
    "format_datetime": "write | datetime('d MMMM, HH:mm')",
    "format_number": "write | number",
    "intcomma": "write | number",
    "len": "write | length",
    "money": "write | currency('USD')",
    "number_format": "write | number(2)",
    "pluralize": "write {{ 'day' if n == 1 else 'days' }}",
    "pprint": "write a mapping with | tojson",
    "price": "write | currency('USD')",
    "random": "two runs of one commit must make the same text; choose in the data",
    "safe": "a message is no HTML; remove it",
    "size": "write | length",
    "strftime": "write | date('d MMMM') or | datetime('…')",
    "strip": "write | trim",
    "time": "write | datetime('HH:mm')",
    "truncatechars": "write | truncate(40)",
    "ucfirst": "write | capitalize",
    "ucwords": "write | title",
    "urlize": "a message is no HTML; remove it",
    "xmlattr": "a message is no HTML; remove it",
}
"""Filters that people know from elsewhere, and what to write here."""
_BY_NAME = {
    "map": ("filter", 0),
    "select": ("test", 0),
    "reject": ("test", 0),
    "selectattr": ("test", 1),
    "rejectattr": ("test", 1),
}
"""Filters with an argument that is the name of a filter or a test, and which argument that is."""

_BY_ATTRIBUTE = frozenset({"selectattr", "rejectattr", "groupby"})
"""Filters whose first argument is an attribute's name."""


def walk(tree: Tree) -> Iterator[nodes.Node]:
    """Yield every node, outer ones first.

    Raises:
        Unreadable: the tree is larger or deeper than allowed.
    """
    level: list[nodes.Node] = list(tree.body)
    count = 0
    for _ in range(MAX_DEPTH):
        if not level:
            return
        count += len(level)
        if count > MAX_NODES:
            raise Unreadable("unsafe", f"this template has more than {MAX_NODES:,} parts", 0, len(tree.source))
        yield from level
        level = [child for node in level for child in node.iter_child_nodes()]
    if level:
        mark = tree.marks[min(level[0].lineno or 0, len(tree.marks) - 1)]
        raise Unreadable("unsafe", "this is nested too deeply; write it in simpler parts", mark.start, mark.end)


def check(tree: Tree) -> tuple[TemplateProblem, ...]:
    """Return the problems of a parsed template in the order of their places.

    Raises:
        Unreadable: it is too large to be looked at.
    """
    problems: list[TemplateProblem] = []
    everything = list(walk(tree))
    callables = _callables(everything)
    for node in everything:
        problems.extend(_problems(tree, node, callables))
        if len(problems) >= MAX_TOLD:
            break
    problems.extend(_at(tree, node, message) for node, message in beyond_bounds(everything)[:MAX_TOLD])
    return tuple(sorted(problems, key=lambda problem: problem.start))


def includes(tree: Tree) -> tuple[IncludeUse, ...]:
    """Return the partials that a template names in quotes."""
    if "include" not in tree.source and "import" not in tree.source:
        return ()
    found = []
    for node in walk(tree):
        if isinstance(node, _INCLUDES) and _is_named(node.template):
            optional = isinstance(node, nodes.Include) and bool(node.ignore_missing)
            found.append(IncludeUse(node.template.value, *span(tree, node.template), optional))
    return tuple(sorted(found, key=lambda use: use.start))


def _is_named(template: nodes.Node) -> TypeGuard[nodes.Const]:
    return isinstance(template, nodes.Const) and isinstance(template.value, str)


def _callables(everything: list[nodes.Node]) -> frozenset[str]:
    """Return the names that may be called, or whose macros may be: macros, imports and ``caller``."""
    names = {"caller"}
    for node in everything:
        if isinstance(node, nodes.Macro):
            names.add(node.name)
        elif isinstance(node, nodes.Import):
            names.add(node.target)
        elif isinstance(node, nodes.FromImport):
            names.update(name[1] if isinstance(name, tuple) else name for name in node.names)
    return frozenset(names)


def _problems(tree: Tree, node: nodes.Node, callables: frozenset[str]) -> Iterator[TemplateProblem]:
    if type(node) in _NO_TAGS:
        mark = tree.marks[node.lineno]
        yield TemplateProblem("unsafe", _NO_TAGS[type(node)], mark.start, mark.end)
    elif isinstance(node, nodes.Filter):
        if node.name not in FILTER_NAMES:
            yield _unknown("filter", filter_mark(tree, node), node.name, FILTER_NAMES)
        yield from _argument_problems(tree, node)
    elif isinstance(node, nodes.Test):
        if node.name not in TEST_NAMES:
            yield _unknown("test", test_mark(tree, node), node.name, TEST_NAMES)
    elif isinstance(node, nodes.Getattr):
        if node.attr.startswith("_"):
            mark = attribute_mark(tree, node)
            yield TemplateProblem("unsafe", "names that start with _ cannot be used here", mark.start, mark.end)
    elif isinstance(node, nodes.Getitem):
        if isinstance(node.arg, nodes.Const) and str(node.arg.value).startswith("_"):
            yield _at(tree, node.arg, "names that start with _ cannot be used here")
    elif isinstance(node, nodes.Call):
        yield from _call_problems(tree, node, callables)
    elif isinstance(node, nodes.For):
        if node.recursive:
            yield _at(tree, node.iter, "a recursive loop cannot be used here; write loops inside one another")
    elif isinstance(node, _INCLUDES):
        if not _is_named(node.template):
            start, end = span(tree, node.template)
            yield TemplateProblem("include", "write the name of the partial in quotes", start, end)
    elif isinstance(node, nodes.Const):
        yield from _constant_problems(tree, node)
    if isinstance(node, (nodes.Filter, nodes.Test, nodes.Call)) and (node.dyn_args or node.dyn_kwargs):
        yield _at(
            tree, node.dyn_args or node.dyn_kwargs, "write the arguments one by one; * and ** cannot be used here"
        )


def _constant_problems(tree: Tree, node: nodes.Const) -> Iterator[TemplateProblem]:
    value: Any = node.value
    if isinstance(value, str) and not value.isascii() and _SURROGATE.search(value):
        yield _at(tree, node, "this is half a character; write the emoji itself instead of \\ud83d\\ude00")
    elif isinstance(value, int) and value > MAX_INTEGER:
        yield _at(tree, node, "this number has more than 30 digits")


def _argument_problems(tree: Tree, node: nodes.Filter) -> Iterator[TemplateProblem]:
    """Look at the texts that name a filter or a test (``map('upper')``), or an attribute."""
    kind, place = _BY_NAME.get(node.name, ("", 0))
    known = FILTER_NAMES if kind == "filter" else TEST_NAMES
    for arg in node.args[place : place + 1] if kind else ():
        if isinstance(arg, nodes.Const) and isinstance(arg.value, str) and arg.value not in known:
            start, end = span(tree, arg)
            yield _unknown(kind, Mark(start + 1, end - 1, "name", arg.value), arg.value, known)
    attributes = [pair.value for pair in node.kwargs if pair.key == "attribute"]
    for arg in attributes + (node.args[:1] if node.name in _BY_ATTRIBUTE else []):
        if isinstance(arg, nodes.Const) and str(arg.value).startswith("_"):
            yield _at(tree, arg, "names that start with _ cannot be used here")


def _call_problems(tree: Tree, node: nodes.Call, callables: frozenset[str]) -> Iterator[TemplateProblem]:
    callee = node.node
    if isinstance(callee, nodes.Getattr):
        of_import = isinstance(callee.node, nodes.Name) and callee.node.name in callables
        if callee.attr in METHOD_NAMES or of_import or callee.attr.startswith("_"):
            return
        mark = attribute_mark(tree, callee)
        meant = _closest(callee.attr, METHOD_NAMES)
        hint = f"; did you mean {meant!r}?" if meant else ""
        hint = f"; {_NO_FILTERS[callee.attr]}" if callee.attr in _NO_FILTERS else hint
        message = f"the method {callee.attr!r} cannot be called here{hint}"
        yield TemplateProblem("unsafe", message, mark.start, mark.end, meant)
    elif isinstance(callee, nodes.Name):
        if callee.name in callables:
            return
        if callee.name in JINJA_GLOBALS:
            message = f"there is no {callee.name!r}: Jinja's own functions are not available"
            yield TemplateProblem("undefined", message, *span(tree, callee))
            return
        hint = f"; a filter stands behind a bar: {{{{ … | {callee.name} }}}}" if callee.name in FILTER_NAMES else ""
        yield _at(tree, callee, f"{callee.name!r} cannot be called: it is no macro{hint}")
    else:
        yield _at(tree, callee, "only macros and a few methods can be called")


def _at(tree: Tree, node: Any, message: str) -> TemplateProblem:
    start, end = span(tree, node) if node.lineno is not None else (0, len(tree.source))
    return TemplateProblem("unsafe", message, start, end)


def _unknown(kind: str, mark: Mark, name: str, known: frozenset[str]) -> TemplateProblem:
    meant = _closest(name, known)
    end = mark.start + len(name) if "." in name else mark.end
    if kind == "filter" and name in _NO_FILTERS:
        return TemplateProblem(
            "unknown-filter", f"the filter {name!r} is not available; {_NO_FILTERS[name]}", mark.start, end
        )
    hint = f"did you mean {meant!r}?" if meant else f"known are: {', '.join(sorted(filter(str.isidentifier, known)))}"
    return TemplateProblem(f"unknown-{kind}", f"there is no {kind} {name!r}; {hint}", mark.start, end, meant)


def _closest(name: str, known: frozenset[str]) -> str | None:
    from difflib import get_close_matches

    matches = get_close_matches(name.lower(), sorted(known), 1, 0.7)
    return matches[0] if matches else None
