"""MSG505."""

from __future__ import annotations

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import verdict_rule
from msgspec_runner.rendering import RowProblem

NEVER_A_DEFAULT = frozenset({"provider", "channel_key", "to", "schedule"})
"""Fields for which one default for everybody would be worse than an error."""


@verdict_rule("MSG505", Severity.ERROR)
def empty_cell(problem: RowProblem) -> str:
    """A cell is empty and the message needs it.

    A declared column must be filled unless it says ``required: false`` or has a ``default``; a column that is not
    declared must be filled where the text uses it without ``default(…)`` or ``if``. Where nothing is left of a field
    that must have a value, such as ``to`` or ``schedule``, MSG609 says so; of a template's variable, MSG605.

    Bad::

        message:
          text: "Hi {{ first_name }}!"
        recipients:
          rows: [{phone: "+16175551212", first_name: ""}]

    Good::

        message:
          text: "Hi {{ first_name | default('there') }}!"
        recipients:
          rows: [{phone: "+16175551212", first_name: ""}]
    """
    name = problem.column
    if problem.field is None or not name:
        return problem.detail
    if problem.field.path[-1] in NEVER_A_DEFAULT:
        return f"`{name}` is empty, and `{problem.field.name}` needs it: fill the cell, or leave the recipient out"
    return f"`{name}` is empty, and `{problem.field.name}` needs it: fill the cell, or write `{name} | default('…')`"
