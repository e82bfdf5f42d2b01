"""MSG203."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.content import phone
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG203", Severity.ERROR)
def invalid_phone_number(subject: Subject) -> Iterator[Finding]:
    """``to`` is written out and is not a phone number.

    A number is the country code and the number, with or without ``+``, digits only. Anything else
    is not guessed at: of 10-digit US numbers without their country code, half are possible numbers of
    another country.

    Bad::

        message:
          to: (617) 555-1212

    Good::

        message:
          to: "+16175551212"
    """
    field = subject.spec.field("to")
    if field is None or not field.template.is_static or field.blank:
        return
    problem = phone.problem(field.node.text)
    if problem is not None:
        yield Finding(subject.field_span(field), f"this is not a phone number: it {problem}", field.dotted)
