"""MSG205."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.conversions import parse_schedule
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG205", Severity.WARNING)
def invalid_schedule(subject: Subject) -> Iterator[Finding]:
    """``schedule`` is written out and is no ISO 8601 date and time with an offset.

    The API documents ``2006-01-02T15:04:05-04:00``. Without the offset nobody knows whose nine o'clock is meant.

    Bad::

        message:
          schedule: 2031-01-02 09:00

    Good::

        message:
          schedule: "2031-01-02T09:00:00-05:00"
    """
    field = subject.spec.field("schedule")
    if field is None or not field.template.is_static or field.blank:
        return
    if parse_schedule(field.node.text) is None:
        message = "not an ISO 8601 date and time with an offset; write it like 2031-01-02T15:04:05-05:00"
        yield Finding(subject.field_span(field), message, field.dotted)
