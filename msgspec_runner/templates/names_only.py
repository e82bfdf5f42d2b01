"""Templates that are text with names in it, ``Hi {{ first_name }}!``: read and rendered without Jinja.

Most templates are no more than that, and Jinja's lexer and parser need longer for one of them than libyaml for
its whole spec, not to speak of the 25 ms that Jinja takes to import. Everything that is not plainly such a
template (a filter, a block, a comment, ``{{-``, a brace in the text, a name that means something to Jinja) is
left to :mod:`~msgspec_runner.templates.analysis`; tests hold the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec_runner.templates.limits import MAX_SOURCE
from msgspec_runner.templates.problems import FAILURES, RenderError, describe_failure, missing_value
from msgspec_runner.templates.reserved import RESERVED_NAMES
from msgspec_runner.templates.template import NameUse, Part, Template
from msgspec_runner.templates.texts import to_text
from msgspec_runner.templates.values import ABSENT

MAX_PARTS: Final = 64
"""Names in a template that is joined without counting characters on the way."""

_NAME: Final = re.compile(r"\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}")


def read_names(source: str) -> Template | None:
    """Return the template, or None where it is more than text and names, or too long.

    Args:
        source: Jinja text.
    """
    found = list(_NAME.finditer(source))
    if source.count("{") != 2 * len(found) or len(found) > MAX_PARTS or len(source) > MAX_SOURCE or "\r" in source:
        return None
    parts: list[Part] = []
    names: list[NameUse] = []
    end = 0
    for each in found:
        name = each[1]
        if name in RESERVED_NAMES:
            return None
        if end < each.start():
            parts.append(Part(source[end : each.start()], end, each.start(), literal=True))
        start, behind = each.span(1)
        parts.append(Part(name, start, behind, literal=False))
        names.append(NameUse(name, start, behind, guarded=False, output=True))
        end = each.end()
    if end < len(source):
        parts.append(Part(source[end:], end, len(source), literal=True))
    return Template(source, names=tuple(names), sole_expression=len(parts) == 1, parts=tuple(parts))


def text_of(part: Part) -> Callable[[Mapping[str, Any]], str]:
    """Return what gives the characters of a name's value."""
    name, start, end, _ = part

    def text(values: Mapping[str, Any]) -> str:
        try:
            value = values[name]
        except KeyError:
            value = ABSENT
        if value.__class__ is str:
            return value
        if value is ABSENT:
            raise missing_value(name, start, end)
        try:
            return to_text(value)
        except FAILURES as error:
            kind, message = describe_failure(error)
            raise RenderError(message, start, end, kind, name if kind == "missing" else None) from None

    return text


def value_of(part: Part) -> Callable[[Mapping[str, Any]], Any]:
    """Return what gives a name's value, which may be of any type but not absent."""
    name, start, end, _ = part

    def value(values: Mapping[str, Any]) -> Any:
        found = values.get(name, ABSENT)
        if found is ABSENT:
            raise missing_value(name, start, end)
        return found

    return value
