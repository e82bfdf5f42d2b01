"""MSG502."""

from __future__ import annotations

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import verdict_rule
from msgspec_runner.rendering import RowProblem


@verdict_rule("MSG502", Severity.ERROR)
def invalid_cell(problem: RowProblem) -> str:
    """A cell is not of its column's type.

    Bad::

        recipients:
          columns: {phone: {type: phone}, visits: {type: integer}}
          rows: [{phone: "+16175551212", visits: many}]

    Good::

        message:
          text: "This is visit {{ visits }}."
        recipients:
          columns: {phone: {type: phone}, visits: {type: integer}}
          rows: [{phone: "+16175551212", visits: "3"}]
    """
    return problem.detail
