"""MSG202."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import Finding, RowCheck, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import MEDIA, Field, Spec


def _for_rows(context: RowContext) -> RowCheck | None:
    """Ask each row where a template decides whether a medium is given: often it is one or the other."""
    given, sure = _given(context.spec), _sure(context.spec)
    if len(given) < 2 or len(given) == len(sure):
        return None

    def check(row: RenderedRow) -> Iterator[RowProblem]:
        present = [field for field in given if field.name in row.rendered.body]
        for field in present[1:]:
            if field not in sure[1:]:  # of those the spec tells
                column = field.only_name if field.only_name in row.values else ""
                yield RowProblem("several-media", field, _message(field, present[0]), column=column)

    return check


@spec_rule("MSG202", Severity.WARNING, for_rows=_for_rows)
def several_media(subject: Subject) -> Iterator[Finding]:
    """A message has more than one of image, video and file.

    The API's page shows one medium a message and says of each that it stands in for the others; which of two is
    delivered is not documented. WhatsApp takes one a message. Where templates decide which is given, every recipient
    is looked at.

    Bad::

        message:
          image_url: https://placehold.co/600x400.png
          file_url: https://example.com/plan.pdf

    Good::

        message:
          image_url: https://placehold.co/600x400.png
    """
    sure = _sure(subject.spec)
    for field in sure[1:]:
        yield Finding(subject.key_span("message", field.name), _message(field, sure[0]), field.dotted)


def _given(spec: Spec) -> list[Field]:
    """Return the media in the order of the file, so that the second one is pointed at."""
    given = [field for name in MEDIA if (field := spec.field(name)) is not None and not field.blank]
    return sorted(given, key=lambda field: field.node.start)


def _sure(spec: Spec) -> list[Field]:
    """Return the media that every recipient gets, as far as that is plain to see."""
    return [
        field
        for field in _given(spec)
        if field.template.is_static or any(part.literal for part in field.template.parts)
    ]


def _message(field: Field, first: Field) -> str:
    return f"`{field.name}` beside `{first.name}`: send one medium a message, the other in a spec of its own"
