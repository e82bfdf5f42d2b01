"""MSG503."""

from __future__ import annotations

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import verdict_rule
from msgspec_runner.rendering import RowProblem


@verdict_rule("MSG503", Severity.ERROR)
def invalid_phone_cell(problem: RowProblem) -> str:
    """A cell that a message goes to is not a phone number.

    A number is the country code and the number, with or without ``+``. For national numbers, declare the column
    with a ``region``. Where a number in such a column could as well be an international one that a spreadsheet has
    robbed of its ``+`` (one with ``49`` in Germany), it is an error: nobody should be texted by a guess.

    Bad::

        message:
          to: "{{ phone }}"
        recipients:
          columns: {phone: {type: phone}}
          rows: [{phone: 617-555-1212}]

    Good::

        message:
          to: "{{ phone }}"
        recipients:
          columns: {phone: {type: phone}}
          rows: [{phone: "+16175551212"}]
    """
    if problem.field is None:
        return problem.detail
    return f"a cell of column “{problem.column}” {problem.detail.removeprefix('it ')}"
