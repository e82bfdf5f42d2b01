"""Repairs of a few characters inside a scalar, in whatever style it is written."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec_runner.diagnostics import Edit, Fix
from msgspec_runner.source.document import Document, Scalar, parse_document
from msgspec_runner.spec import Field

Replacement = tuple[int, int, str]
"""Offsets in a scalar's text, end exclusive, and the characters that come in their place."""


def rewritten(document: Document, field: Field, replacements: Iterable[Replacement]) -> Fix | None:
    """Return the unsafe repair that replaces characters of a field's text, its style left as it is.

    What it would make is parsed, so that no repair ever turns a text into another one, or into no YAML at all: ``"``
    at the beginning of a plain scalar, say, or ``...`` at that of a line.

    Args:
        document: the spec.
        field: one of its fields.
        replacements: in the order of the text, none overlapping another.

    Returns:
        The repair; None where it would mean something else, or the places are not known exactly.
    """
    edits: list[tuple[int, int, str]] = []
    wanted: list[str] = []
    position = 0
    node = field.node
    for start, end, text in replacements:
        first, last = document.offsets(node, start, end)
        if (first, last) == (node.start, node.end) and end - start < len(node.text):
            return None
        edits.append((first, last, _escaped(text, node)))
        wanted += [node.text[position:start], text]
        position = end
    made = _apply(document.text, edits)
    after = parse_document(document.file, made)
    scalar = after.node(field.path)
    expected = "".join([*wanted, node.text[position:]])
    if after.problems or not isinstance(scalar, Scalar) or scalar.text != expected:
        return None
    return Fix("unsafe", tuple(Edit(document.span(first, last), text) for first, last, text in edits))


def _escaped(text: str, node: Scalar) -> str:
    if node.style == "single":
        return text.replace("'", "''")
    if node.style == "double":
        return text.replace("\\", "\\\\").replace('"', '\\"')
    return text


def _apply(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    parts = []
    position = 0
    for start, end, replacement in edits:
        parts += [text[position:start], replacement]
        position = end
    return "".join([*parts, text[position:]])
