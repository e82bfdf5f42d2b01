"""Arithmetic of constants, done before anybody renders: ``9**9**9`` is refused also where no recipient gets it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import nodes

from msgspec_runner.templates.limits import LONG_TEXT, Budget
from msgspec_runner.templates.operators import ARITHMETIC
from msgspec_runner.templates.problems import FAILURES, Refusal


def beyond_bounds(everything: Sequence[nodes.Node]) -> list[tuple[nodes.Node, str]]:
    """Return the operations on constants that make too large a number or text, and why.

    Args:
        everything: the nodes of a template, outer ones first.
    """
    values: dict[int, Any] = {}  # by identity: Jinja's nodes are compared by all that they hold
    found = []
    for node in reversed(everything):
        try:
            value = _value(node, values)
        except Refusal as refusal:
            if refusal.kind == "bound":
                found.append((node, refusal.message))
        except FAILURES:
            pass  # 1 / 0 is for whoever renders it
        else:
            # Long texts are not kept: a template has room for thousands of them.
            if isinstance(value, (int, float)) or (isinstance(value, str) and len(value) <= LONG_TEXT):
                values[id(node)] = value
    return found


def _value(node: nodes.Node, values: dict[int, Any]) -> Any:
    """Return what a node is where its parts are known, else None."""
    if isinstance(node, nodes.Const):
        return node.value
    if isinstance(node, nodes.Neg):
        return -values[id(node.node)] if id(node.node) in values else None
    if isinstance(node, nodes.BinExpr) and type(node) in ARITHMETIC:
        left, right = id(node.left), id(node.right)
        if left in values and right in values:
            value = ARITHMETIC[type(node)](values[left], values[right])
            Budget().charge(value)
            return value
    return None
