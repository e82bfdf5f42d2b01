"""MSG501."""

from __future__ import annotations

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import verdict_rule
from msgspec_runner.rendering import RowProblem


@verdict_rule("MSG501", Severity.ERROR)
def missing_column(problem: RowProblem) -> str:
    """A required column is declared, and the data do not have it.

    Either the file is another one than the spec was written for, or its header is spelt otherwise: then name it
    with ``header``.

    Bad::

        recipients:
          columns: {phone: {type: phone}, first_name: {}}
          rows: [{phone: "+16175551212", First Name: Ann}]

    Good::

        message:
          text: "Hi {{ first_name }}!"
        recipients:
          columns: {phone: {type: phone}, first_name: {header: First Name}}
          rows: [{phone: "+16175551212", First Name: Ann}]
    """
    return problem.detail
