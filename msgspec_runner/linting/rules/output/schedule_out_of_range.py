"""MSG607."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache

from msgspec_runner.audience import RenderedRow
from msgspec_runner.conversions import parse_schedule
from msgspec_runner.diagnostics import Severity
from msgspec_runner.errors import UsageError
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import Finding, RowCheck, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import Spec
from msgspec_runner.timing import Reason, Rules, due, parse_hold, rules_of

HORIZON = timedelta(days=30)
"""How far ahead the bulk form schedules; the API's own limit is not documented (facts, section 1)."""

_PAST = "is in the past, and what the API does then is not documented (the bulk form sends at once): write a later one"
_LIMIT = "more than 30 days ahead, the most that the bulk form takes; the API's limit is not documented"


def _rules(spec: Spec) -> Callable[[str], Rules]:
    """Return what gives the delivery rules of a time zone, once a zone; none where MSG109 or 210 has said they are."""

    @cache
    def rules(zone: str) -> Rules:
        try:
            return rules_of(spec.delivery, zone, spec.document.file)
        except UsageError:
            return Rules()

    return rules


def _hold(spec: Spec) -> timedelta:
    if spec.delivery.hold is None:
        return timedelta()
    try:
        return parse_hold(spec.delivery.hold)
    except ValueError:
        return timedelta()


def _for_rows(context: RowContext) -> RowCheck | None:
    spec, now = context.spec, context.now
    field, hold = spec.field("schedule"), _hold(spec)
    by_row = spec.zone is not None and not spec.zone.template.is_static
    if field is None and not (hold and by_row):
        return None  # what the hold alone comes to is said of the spec
    rules = _rules(spec)
    names = {use.name for use in field.template.names} if field is not None else set()
    latest = now + HORIZON

    def check(row: RenderedRow) -> Iterator[RowProblem]:
        if context.invented and not names.isdisjoint(row.values):
            return
        own = parse_schedule(str(row.rendered.body.get("schedule", ""))) if field is not None else None
        column = field.only_name if field is not None and field.only_name in row.values else ""
        if own is not None and own > latest:
            yield RowProblem("schedule-out-of-range", field, f"`schedule` is {_LIMIT}: send it later", column=column)
            return
        arrival = due(own, rules(row.rendered.zone), now)
        if arrival.too_late or arrival.at is None or arrival.reason is Reason.HOLD:
            return  # it is not posted; it goes out at once; the spec as written has said it
        if arrival.reason is Reason.SCHEDULE:
            if own is not None and own < now:
                yield RowProblem("schedule-out-of-range", field, f"`schedule` {_PAST}", column=column)
        elif arrival.at > latest:
            moved = own is not None and own > now + hold
            if moved:
                detail = f"`delivery.window` moves `schedule` to an opening {_LIMIT}: write an earlier `schedule`"
                yield RowProblem("schedule-out-of-range", field, detail, column=column)
            elif by_row and spec.zone is not None:
                detail = f"the opening of `delivery.window` after `delivery.hold` is {_LIMIT}: hold it for less"
                column = spec.zone.only_name if spec.zone.only_name in row.values else ""
                yield RowProblem("schedule-out-of-range", spec.zone, detail, column=column)

    return check


@spec_rule("MSG607", Severity.WARNING, for_rows=_for_rows)
def schedule_out_of_range(subject: Subject) -> Iterator[Finding]:
    """The API would be asked to keep a message until a moment in the past, or more than 30 days ahead.

    What the API does with either is not documented. Its bulk form sends at once what is past, and schedules no more
    than 30 days ahead. What counts is the time that would be asked for now: ``schedule``, or what ``delivery.hold``
    and the next opening of ``delivery.window`` make of it. Samples are invented, so their dates are not looked at.

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
    spec, node = subject.spec, subject.document.node(("delivery", "hold"))
    hold = _hold(spec)
    if not hold or node is None or subject.now is None:
        return
    if hold > HORIZON:
        message = f"`hold` keeps every message until a time {_LIMIT}: hold it for less"
    elif spec.zone is None or spec.zone.template.is_static:
        zone = spec.zone.node.text if spec.zone is not None else spec.timezone or subject.config.timezone or ""
        arrival = due(None, _rules(spec)(zone), subject.now)
        if arrival.at is None or arrival.too_late or arrival.at <= subject.now + HORIZON + timedelta(seconds=1):
            return  # a hold is rounded up to a second
        message = f"the opening of `delivery.window` after `hold` is {_LIMIT}: hold it for less"
    else:
        return
    yield Finding(subject.document.span(node.start, node.end), message, "delivery.hold")
