"""From a node back to the characters that made it."""

from __future__ import annotations

from jinja2 import nodes

from msgspec_runner.templates.syntax import Mark, Tree

_PLACELESS = (nodes.BinExpr, nodes.Compare, nodes.CondExpr, nodes.Concat, nodes.Operand, nodes.Pair, nodes.Keyword)
"""Nodes to which Jinja gives the place of some neighbouring token: only their parts know where they stand."""


def span(tree: Tree, node: nodes.Node) -> tuple[int, int]:
    """Return the offsets (end exclusive) of an expression in the template's source."""
    starts: list[int] = []
    ends: list[int] = []
    parts = list(node.iter_child_nodes())
    if not isinstance(node, _PLACELESS) and not (isinstance(node, nodes.Tuple) and parts):
        starts.append(tree.marks[node.lineno].start)
        ends.append(tree.marks[_last_mark(tree, node)].end)
    for part in parts:
        start, end = span(tree, part)
        starts.append(start)
        ends.append(end)
    if not starts:
        return 0, len(tree.source)
    return min(starts), max(ends)


def filter_mark(tree: Tree, node: nodes.Filter) -> Mark:
    """Return the token that names a filter."""
    return tree.marks[node.lineno]


def test_mark(tree: Tree, node: nodes.Test) -> Mark:
    """Return the token that names a test (after ``is`` and ``not``)."""
    return tree.marks[_test_name(tree, node)]


def attribute_mark(tree: Tree, node: nodes.Getattr) -> Mark:
    """Return the token that names an attribute (after the dot)."""
    return tree.marks[node.lineno + 1]


def _test_name(tree: Tree, node: nodes.Node) -> int:
    number = node.lineno + 1
    return number + 1 if tree.marks[number].text == "not" else number


def _last_mark(tree: Tree, node: nodes.Node) -> int:
    """Return the number of the last token that belongs to the node itself."""
    number = node.lineno
    if isinstance(node, nodes.Getattr):
        return number + 1
    if isinstance(node, (nodes.Call, nodes.List, nodes.Dict)):
        return _closing(tree, number)
    if isinstance(node, nodes.Getitem):
        return number + 1 if tree.marks[number].text == "." else _closing(tree, number)
    if isinstance(node, (nodes.Filter, nodes.Test)):
        if isinstance(node, nodes.Test):
            number = _test_name(tree, node)
        while tree.marks[number + 1].text == "." and tree.marks[number + 1].kind == "operator":
            number += 2
        following = tree.marks[number + 1]
        if following.kind == "operator" and following.text == "(":
            return _closing(tree, number + 1)
    return number


def _closing(tree: Tree, number: int) -> int:
    """Return the number of the bracket that closes the one at ``number``."""
    depth = 0
    for index in range(number, len(tree.marks)):
        mark = tree.marks[index]
        if mark.kind == "operator":
            if mark.text in "([{":
                depth += 1
            elif mark.text in ")]}":
                depth -= 1
                if depth == 0:
                    return index
    return number
