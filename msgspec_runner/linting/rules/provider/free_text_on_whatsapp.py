"""MSG313."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import Finding, RowCheck, spec_rule
from msgspec_runner.linting.rules.provider.on_whatsapp import by_row, has_template, is_written, whatsapp
from msgspec_runner.linting.subject import Subject
from msgspec_runner.providers import Provider
from msgspec_runner.rendering import RowProblem

_MESSAGE = (
    "on WhatsApp, `text` reaches only who wrote to you in the last 24 hours (the others: error 63016 at Twilio): "
    "write an approved `template` instead"
)


def _for_rows(context: RowContext) -> RowCheck | None:
    spec = context.spec
    field = spec.field("text")
    if field is None or has_template(spec) or (spec.provider is not None and is_written(field)):
        return None

    def find(_: Provider, body: Mapping[str, object]) -> Iterator[RowProblem]:
        if "text" in body:
            yield RowProblem("free-text-on-whatsapp", field, _MESSAGE)

    return by_row(context, find)


@spec_rule("MSG313", Severity.INFO, for_rows=_for_rows)
def free_text_on_whatsapp(subject: Subject) -> Iterator[Finding]:
    """A WhatsApp message is free text, which only answers a recipient's own message.

    WhatsApp takes free text for 24 hours after the recipient's last message and refuses it later (Twilio's error
    63016). Who is to hear from you first needs a template that WhatsApp has approved.

    Bad::

        message:
          provider: twlowa
          channel_key: your_channel_key
          to: "{{ phone }}"
          text: See you tomorrow!

    Good::

        message:
          provider: twlowa
          channel_key: your_channel_key
          to: "{{ phone }}"
          template: {id: HX0123456789abcdef0123456789abcdef}
    """
    spec = subject.spec
    field = spec.field("text")
    if (
        field is not None and whatsapp(spec) is not None and is_written(field) and not has_template(spec)
    ):  # MSG312 asks what text does beside one
        yield Finding(subject.field_span(field), _MESSAGE, field.dotted)
