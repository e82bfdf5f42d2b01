"""MSG405."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import Finding, RowCheck, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import Field

if TYPE_CHECKING:
    from msgspec_runner.audience import RenderedRow
    from msgspec_runner.templates.conclusions import Question

NOS: Final = {"false": "true", "no": "yes", "off": "on", "0": "1", "n": "y", "f": "t"}
"""What people write into a cell for false, and what they write for true then."""


def _asked_of_text(context: RowContext) -> RowCheck | None:
    """Look at the cells of columns that are asked for as if they were booleans."""
    questions = list(_questions(context))
    if not questions:
        return None

    def check(row: RenderedRow) -> Iterator[RowProblem]:
        for field, question in questions:
            value = row.values.get(question.column)
            if isinstance(value, str) and value.strip().lower() in NOS:
                detail = _detail(question.column, value.strip())
                yield RowProblem("constant-condition", field, detail, question.start, question.end, question.column)

    return check


def _questions(context: RowContext) -> Iterator[tuple[Field, Question]]:
    """Yield the conditions that are but a column that nobody reads: one that reaches a text is no yes or no."""
    questions = [(field, question) for field, flow in context.flows.of(None) for question in flow.questions]
    if questions:
        shown = {use.name for field in context.spec.templates for use in field.template.names if use.output}
        for field, question in questions:
            if question.column not in shown:
                yield field, question


def _detail(column: str, no: str) -> str:
    yes = NOS[no.lower()]
    yes = yes.upper() if no.isupper() else yes.title() if no.istitle() else yes
    declare = f", or declare `{column}: {{type: boolean}}`" if no.lower() in ("false", "no", "0") else ""
    return f"`{column}` is text, and every text is true, “{no.lower()}” too: compare it, `{column} == '{yes}'`{declare}"


@spec_rule("MSG405", Severity.WARNING, for_rows=_asked_of_text)
def constant_condition(subject: Subject) -> Iterator[Finding]:
    """A condition comes out the same for every recipient.

    So one of its branches is never taken, or the condition says nothing. Mostly a type is the reason: a text is true
    whatever it says, a required column is never empty, a number never equals a text. Conditions on vars are no
    mistake: a var may be another one tomorrow. A text that holds “false” or “no” in the data and is asked for as if it
    were a boolean is found too.

    Bad::

        message:
          text: "{% if visits == '3' %}Your third visit!{% else %}Welcome back.{% endif %}"
        recipients:
          columns: {phone: {type: phone}, visits: {type: integer}}
          samples: [{phone: "+16175551212", visits: 3}]

    Good::

        message:
          text: "{% if visits == 3 %}Your third visit!{% else %}Welcome back.{% endif %}"
        recipients:
          columns: {phone: {type: phone}, visits: {type: integer}}
          samples: [{phone: "+16175551212", visits: 3}, {phone: "+16175551213", visits: 4}]
    """
    for field, flow in subject.flows:
        for constant in flow.constants:
            if (field, constant.start, constant.end) not in subject.asked_of_text:  # the rows say it better
                yield Finding(subject.field_span(field, constant.start, constant.end), constant.message, field.dotted)
