"""MSG606."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.rendering import RowProblem

_LEFT_OVER = re.compile(r"\{\{|\}\}|\{%|%\}")
_PROSE = (("text",), ("name",))


@row_rule("MSG606", Severity.WARNING)
def leftover_braces(context: RowContext) -> RowCheck | None:
    """A recipient would read ``{{`` or ``%}``: a template that was never filled in.

    Usually a cell holds a placeholder of another tool, such as ``{{CUSTOMER_NAME}}``. Cells are data: what stands in
    them is not rendered again.

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
    prose = [(field.path[1], field) for field in context.spec.fields if field.path[1:] in _PROSE]

    def check(row: RenderedRow) -> Iterator[RowProblem]:
        body = row.rendered.body
        for name, field in prose:
            text = body.get(name)
            if isinstance(text, str) and ("{" in text or "}" in text) and _LEFT_OVER.search(text):
                # Braces that the template itself writes (`{% raw %}`) are meant; those of a cell are not.
                for column, value in row.values.items():
                    if isinstance(value, str) and _LEFT_OVER.search(value) and value in text:
                        detail = f"`{name}` would show the braces that stand in column “{column}”: fill the cell in"
                        yield RowProblem("leftover-braces", field, detail, column=column)

    return check if prose else None
