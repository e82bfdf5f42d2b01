"""MSG206."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, closest, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.providers import PROVIDERS

_OTHER_NAMES = {
    "twilio": "twlo",
    "sms": "twlo",
    "twilio-sms": "twlo",
    "twilio-whatsapp": "twlowa",
    "gupshup": "gswa",
    "gupshup-whatsapp": "gswa",
}


@spec_rule("MSG206", Severity.ERROR)
def unknown_provider(subject: Subject) -> Iterator[Finding]:
    """``provider`` is none that the API can send through.

    The API sends through ``twlo`` (Twilio SMS), ``twlowa`` (Twilio WhatsApp) and ``gswa`` (Gupshup WhatsApp).
    ``tlnx`` (Telnyx) exists for channels and webhooks only.

    Bad::

        message:
          provider: twilio

    Good::

        message:
          provider: twlo
    """
    field = subject.spec.field("provider")
    if field is None or not field.template.is_static or field.blank or field.node.text in PROVIDERS:
        return
    written = field.node.text
    span = subject.field_span(field)
    choices = ", ".join(f"{provider.id} ({provider.title})" for provider in PROVIDERS.values())
    if written == "tlnx":
        yield Finding(span, f"`tlnx` is for channels and webhooks, not for sending: one of {choices}", field.dotted)
        return
    match = _OTHER_NAMES.get(written.lower().replace("_", "-").replace(" ", "-")) or closest(written, PROVIDERS)
    if match:
        message = f"unknown provider `{written}`; did you mean `{match}` ({PROVIDERS[match].title})?"
        yield Finding(span, message, field.dotted, subject.replacement(field.node, match))
    else:
        yield Finding(span, f"unknown provider `{written}`: one of {choices}", field.dotted)
