"""MSG312."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import Finding, RowCheck, spec_rule
from msgspec_runner.linting.rules.provider.on_whatsapp import by_row, has_template, is_written, whatsapp
from msgspec_runner.linting.subject import Subject
from msgspec_runner.providers import Provider
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import Spec

_MESSAGE = (
    "`text` beside `template`: which of them WhatsApp gets is not documented; remove `text`, "
    "and give what varies to the template's `variables`"
)


def _for_rows(context: RowContext) -> RowCheck | None:
    spec = context.spec
    field = spec.field("text")
    if field is None or not has_template(spec) or _is_decided(spec):
        return None

    def find(_: Provider, body: Mapping[str, object]) -> Iterator[RowProblem]:
        if "text" in body and "template" in body:
            yield RowProblem("text-with-template", field, _MESSAGE)

    return by_row(context, find)


@spec_rule("MSG312", Severity.WARNING, for_rows=_for_rows)
def text_with_template(subject: Subject) -> Iterator[Finding]:
    """A WhatsApp message has both ``text`` and ``template``.

    The API's page says of each that it stands in for the other. Which of them is sent, or whether both are, is not
    documented.

    Bad::

        message:
          provider: twlowa
          channel_key: your_channel_key
          to: "{{ phone }}"
          text: See you tomorrow!
          template: {id: HX0123456789abcdef0123456789abcdef}

    Good::

        message:
          provider: twlowa
          channel_key: your_channel_key
          to: "{{ phone }}"
          template: {id: HX0123456789abcdef0123456789abcdef}
    """
    spec = subject.spec
    field = spec.field("text")
    if field is not None and whatsapp(spec) is not None and _is_decided(spec) and has_template(spec):
        yield Finding(subject.field_span(field), _MESSAGE, field.dotted)


def _is_decided(spec: Spec) -> bool:
    """Say whether the spec as written tells what every row gets: a known provider, and a text or none."""
    return spec.provider is not None and (not spec.provider.is_whatsapp or is_written(spec.field("text")))
