"""MSG406."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.templates import NameUse


@spec_rule("MSG406", Severity.WARNING)
def optional_without_default(subject: Subject) -> Iterator[Finding]:
    """A column that may be empty reaches the text, or is compared, without a default.

    For a recipient without it there would be no message. Say what to write instead, or ask first with ``if``. A
    field that is nothing but the column, and may be left out (``name``, ``extra_fields`` …), needs neither.

    Bad::

        message:
          text: "Hi {{ nick }}!"
        recipients:
          columns: {phone: {type: phone}, nick: {required: false}}

    Good::

        message:
          text: "Hi {{ nick | default('there') }}!"
        recipients:
          columns: {phone: {type: phone}, nick: {required: false}}
    """
    optional = {column.name for column in subject.spec.columns if not column.required and column.default is None}
    if not optional:
        return
    for field in subject.spec.templates:
        if field.optional and field.template.sole_expression:
            continue
        for use in field.template.names:
            if use.name in optional and not use.guarded:
                yield Finding(subject.field_span(field, use.start, use.end), _message(use), field.dotted)


def _message(use: NameUse) -> str:
    name = use.name
    if not use.output:
        return (
            f"`{name}` may be empty, and then there is nothing to compare: write `{name} | default('…')` here, "
            f"or ask first: `{name} and …`"
        )
    return (
        f"`{name}` may be empty: write `{{{{ {name} | default('…') }}}}`, or put the words that "
        f"need it into `{{% if {name} %}}`"
    )
