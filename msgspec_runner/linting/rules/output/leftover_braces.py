"""MSG606."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.origins import Origins
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.linting.rules.output.html_in_text import is_prose, sent_text
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import Field

_LEFT_OVER = re.compile(r"\{\{|\}\}|\{%|%\}")
_NAME = "leftover-braces"
_MOST = 20
"""Braces of one text that are looked at: whoever fills in these sees the others."""


@row_rule("MSG606", Severity.WARNING)
def leftover_braces(context: RowContext) -> RowCheck | None:
    """A recipient would read ``{{`` or ``%}``: a template that was never filled in.

    Usually a cell holds a placeholder of another tool, such as ``{{CUSTOMER_NAME}}``. Cells are data, and so are vars:
    what stands in them is not rendered again.

    Bad::

        message:
          text: "Hi {{ greeting }}"
        recipients:
          rows: [{phone: "+16175551212", greeting: "{{ first_name }}"}]

    Good::

        message:
          text: "Hi {{ greeting }}"
        recipients:
          rows: [{phone: "+16175551212", greeting: Ann}]
    """
    prose = [field for field in context.spec.fields if is_prose(field)]
    templates = {name: value for name, value in context.renderer.variables.items() if _is_left_over(value)}

    def check(row: RenderedRow) -> Iterable[RowProblem]:
        body = row.rendered.body
        for field in prose:
            text = sent_text(body, field)
            if "{" in text or "}" in text:
                return problems(row)
        return ()

    def problems(row: RenderedRow) -> Iterator[RowProblem]:
        for field in prose:
            text = sent_text(row.rendered.body, field)
            if _LEFT_OVER.search(text):
                shown = _shown(context, field, row, text, templates)
                for column in row.values:
                    if column in shown:
                        detail = (
                            f"`{field.name}` would show the braces that stand in column “{column}”: fill the cell in"
                        )
                        yield RowProblem(_NAME, field, detail, column=column)
                for name in templates:
                    if name in shown:
                        detail = (
                            f"`{field.name}` would show the braces of the var `{name}`, which is no template: "
                            "write its words where they belong, or into a partial"
                        )
                        yield RowProblem(_NAME, field, detail, *_use(field, name))

    return check if prose else None


def _is_left_over(value: object) -> bool:
    return isinstance(value, str) and _LEFT_OVER.search(value) is not None


def _shown(
    context: RowContext, field: Field, row: RenderedRow, text: str, templates: Mapping[str, object]
) -> frozenset[str]:
    """Return the columns and vars whose braces a text shows; those that the template itself writes are meant."""
    values = {**templates, **row.values}
    holding = {name: str(value) for name, value in values.items() if _is_left_over(value)}
    if not holding:
        return frozenset()
    origins = Origins(context.renderer, field, values, text)
    places = [origins.of(*match.span()) for match in islice(_LEFT_OVER.finditer(text), _MOST)]
    found = {place.column for place in places if not place.literal}
    # A partial or a macro may have shown it.
    found |= {name for name, value in holding.items() if value in text}
    return frozenset(found & holding.keys())


def _use(field: Field, name: str) -> tuple[int, int]:
    """Return where a field uses a name first; (-1, -1) where only a partial of it does."""
    return next(((use.start, use.end) for use in field.template.names if use.name == name), (-1, -1))
