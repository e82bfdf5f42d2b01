"""MSG605."""

from __future__ import annotations

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import verdict_rule
from msgspec_runner.rendering import RowProblem


@verdict_rule("MSG605", Severity.ERROR)
def bad_template_value(problem: RowProblem) -> str:
    """A template's variable is empty, or has a newline, a tab or five spaces in a row.

    WhatsApp refuses the message: 21656 or 63013 for an empty value, 63013 or 132018 for the others. An empty cell of a
    column that must be filled is MSG505.

    Bad::

        message:
          provider: twlowa
          template: {id: HX0123456789abcdef0123456789abcdef, variables: {"1": "{{ note }}"}}
        recipients:
          rows: [{phone: "+16175551212", note: "ring the bell\\nthen wait"}]

    Good::

        message:
          provider: twlowa
          template: {id: HX0123456789abcdef0123456789abcdef, variables: {"1": "{{ note | replace('\\n', ' ') }}"}}
        recipients:
          rows: [{phone: "+16175551212", note: "ring the bell\\nthen wait"}]
    """
    name = problem.field.name if problem.field is not None else "the variable"
    fixed = problem.field is not None and problem.field.template.is_static
    cure = "write another" if fixed else "use `default(…)` or `replace(…)`"
    if problem.column and problem.detail.endswith("is empty"):
        cure = f"fill the cell, or write `{problem.column} | default('…')`"
    return f"`{name}`: {problem.detail}, and WhatsApp refuses such a value: {cure}"
