"""MSG703."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone, tzinfo

from msgspec_runner.audience import RenderedRow
from msgspec_runner.content import phone
from msgspec_runner.conversions import parse_schedule
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.providers.destinations import FLORIDA
from msgspec_runner.rendering import RowProblem

_MORNING, _EVENING, _EVENING_IN_FLORIDA = 8, 21, 20
_EAST, _PACIFIC, _HAWAII = -4, -8, -10
"""Hours from UTC: the eastern zone in summer, the Pacific zone in winter, Hawaii."""


@row_rule("MSG703", Severity.WARNING)
def quiet_hours(context: RowContext) -> RowCheck | None:
    """A message to a US number is scheduled between 21:00 and 08:00 of the recipient's day (Florida: from 20:00).

    Where a number's owner is cannot be told: people keep their number when they move, and area codes may span two time
    zones. The hour is taken as the schedule writes it, where its offset is one of the US; else in the spec's
    ``timezone``, where that is one of the US; else only what is quiet from the east coast to the west is found. A
    message without a schedule goes when it is sent, which no linter sees. Off unless it is selected.

    Bad::

        message:
          text: "Sale! Reply STOP to opt out."
          schedule: "2031-01-02T22:00:00-05:00"

    Good::

        message:
          text: "Sale! Reply STOP to opt out."
          schedule: "2031-01-02T10:00:00-05:00"
    """
    field = context.spec.field("schedule")
    if field is None:
        return None
    zone = _zone(context)

    def check(row: RenderedRow) -> Iterator[RowProblem]:
        number = row.rendered.to
        moment = parse_schedule(str(row.rendered.body.get("schedule", "")))
        if moment is None or not number.startswith("+1"):
            return
        evening = _EVENING_IN_FLORIDA if number[2:5] in FLORIDA else _EVENING
        hours = _hours(moment, zone)
        if not hours or any(_MORNING <= hour < evening for hour in hours) or phone.country(number) != "US":
            return
        state = " in Florida" if evening == _EVENING_IN_FLORIDA else ""
        detail = (
            f"`schedule` lies in US quiet hours, {evening}:00 to 08:00 of the recipient's day{state}: "
            f"write a time from 08:00 to {evening}:00"
        )
        column = field.only_name if field.only_name in row.values else ""
        yield RowProblem("quiet-hours", field, detail, column=column)

    return check


def _zone(context: RowContext) -> tzinfo | None:
    name = context.spec.timezone or context.config.timezone
    if name is None:
        return None
    from msgspec_runner.templates.filters import find_zone
    from msgspec_runner.templates.problems import Refusal

    try:
        return find_zone(name)
    except Refusal:
        return None  # MSG109 says so


def _hours(moment: datetime, zone: tzinfo | None) -> list[int]:
    """Return the hour on the recipient's clock, or those that it may be."""
    if _is_american(moment):
        return [moment.hour]
    try:
        if zone is not None and _is_american(local := moment.astimezone(zone)):
            return [local.hour]
        zones = (timezone(timedelta(hours=hours)) for hours in range(_PACIFIC, _EAST + 1))
        return [moment.astimezone(each).hour for each in zones]
    except OverflowError:  # at the ends of time; MSG607 speaks of them
        return []


def _is_american(moment: datetime) -> bool:
    offset = moment.utcoffset()
    return offset is not None and timedelta(hours=_HAWAII) <= offset <= timedelta(hours=_EAST)
