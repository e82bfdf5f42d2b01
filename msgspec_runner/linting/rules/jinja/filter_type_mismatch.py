"""MSG404."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG404", Severity.ERROR)
def filter_type_mismatch(subject: Subject) -> Iterator[Finding]:
    """A filter, an operator or a method is given what it can do nothing with.

    Nobody would get the message. The types are those that ``recipients.columns`` declares; a column that is not
    declared is text. Text may hold a number or a date, so for ``currency`` and ``date`` it is a mismatch only where no
    row has one (where some rows have none, these are bad cells: MSG609). What a template makes of a value has the type
    that its filters give. Where a type is not known, nothing is said.

    Bad::

        message:
          text: "Your visits: {{ visits | date }}"
        recipients:
          columns: {phone: {type: phone}, visits: {type: integer}}
          samples: [{phone: "+16175551212", visits: 3}]

    Good::

        message:
          text: "Your visits: {{ visits }}"
        recipients:
          columns: {phone: {type: phone}, visits: {type: integer}}
          samples: [{phone: "+16175551212", visits: 3}]

    Good::

        message:
          text: "You owe {{ total + 5 }} dollars."
        recipients:
          columns: {phone: {type: phone}, total: {type: number}}
          samples: [{phone: "+16175551212", total: "12.50"}]
    """
    for field, flow in subject.flows:
        for mismatch in flow.mismatches:
            yield Finding(subject.field_span(field, mismatch.start, mismatch.end), mismatch.message, field.dotted)
