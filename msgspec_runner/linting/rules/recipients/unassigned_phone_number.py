"""MSG507."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec_runner.audience import RenderedRow
from msgspec_runner.content import phone
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import Spec


@row_rule("MSG507", Severity.WARNING)
def unassigned_phone_number(context: RowContext) -> RowCheck | None:
    """A number that no country has given out: usually its country code is missing.

    Of 20,000 made-up US numbers of ten digits, 53 % are possible numbers of some other country: those of Boston
    (617) would go to Australia (61), with a ``+`` glued to them too. Nor is there an area code 555.
    Metadata of what a country has given out is never quite up to date, hence a warning.

    Bad::

        message:
          to: "{{ phone }}"
        recipients:
          rows: [{phone: "6175551212"}]

    Good::

        message:
          to: "{{ phone }}"
        recipients:
          columns: {phone: {type: phone, region: US}}
          rows: [{phone: "6175551212"}]
    """
    spec = context.spec
    field = spec.field("to")
    if field is None:
        return None
    column = field.sole_name
    where = f"a cell of column “{column}”" if column else "`to`"

    def problem(detail: str) -> RowProblem:
        return RowProblem("unassigned-phone-number", field, f"{where} has {detail}", column=column)

    bare = (
        "no +, and no country has given out such a number: is the country code missing? "
        "Write it like +16175551212, or declare the column's `region`"
    )
    glued = (
        "a number that its country does not give out: is the country code missing behind the +? "
        "Write the whole number, like +16175551212"
    )
    other = "a number that its country does not give out: check the digits and the country code"

    def check(row: RenderedRow) -> Iterable[RowProblem]:
        number = row.rendered.to
        if not number or not phone.is_unassigned(number):
            return ()
        if number.startswith("+1"):
            return (problem(other),)  # with the US's country code, nothing is missing
        written = (field.node.text if field.template.is_static else _cell(row, spec, column)).strip()
        if written.isdecimal() and number == f"+{written}":
            return (problem(bare),)
        # With a region, nothing is missing either.
        return (problem(glued if written == number and phone.lacks_north_america(number) else other),)

    return check


def _cell(row: RenderedRow, spec: Spec, column: str) -> str:
    """Return the text of a column's cell as the file has it, before it became a number with a +."""
    heading = next((item.heading for item in spec.columns if item.name == column), column)
    cells = row.row.cells
    if isinstance(cells, Mapping):
        return str(cells.get(heading, ""))
    return cells[row.header.index(heading)] if heading in row.header else ""
