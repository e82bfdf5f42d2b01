"""MSG607."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from msgspec_runner.audience import RenderedRow
from msgspec_runner.conversions import parse_schedule
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.rendering import RowProblem

HORIZON = timedelta(days=30)
"""How far ahead the bulk form schedules; the API's own limit is not documented (facts, section 1)."""

_PAST = "is in the past, and what the API does then is not documented (the bulk form sends at once): write a later one"
_FAR = "is more than 30 days ahead, the most that the bulk form takes; the API's limit is not documented: send it later"


@row_rule("MSG607", Severity.WARNING)
def schedule_out_of_range(context: RowContext) -> RowCheck | None:
    """A message is scheduled in the past, or more than 30 days ahead.

    What the API does with either is not documented. Its bulk form sends at once what is past, and schedules no more
    than 30 days ahead. Samples are invented, so their dates are not looked at.

    Bad::

        message:
          schedule: "{{ day }}"
        recipients:
          rows: [{phone: "+16175551212", day: "2021-01-02T09:00:00-05:00"}]

    Good::

        message:
          schedule: "{{ day }}"
        recipients:
          rows: [{phone: "+16175551212", day: "2031-01-02T09:00:00-05:00"}]
    """
    field = context.spec.field("schedule")
    if field is None:
        return None
    names = {use.name for use in field.template.names}
    earliest, latest = context.now, context.now + HORIZON

    def check(row: RenderedRow) -> Iterator[RowProblem]:
        if context.invented and not names.isdisjoint(row.values):
            return
        moment = parse_schedule(str(row.rendered.body.get("schedule", "")))
        if moment is None or earliest <= moment <= latest:
            return
        detail = f"`schedule` {_PAST if moment < earliest else _FAR}"
        column = field.only_name if field.only_name in row.values else ""
        yield RowProblem("schedule-out-of-range", field, detail, column=column)

    return check
