"""MSG301."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG301", Severity.ERROR)
def template_on_sms(subject: Subject) -> Iterator[Finding]:
    """A WhatsApp template is given to a provider of SMS.

    The API uses ``template`` only when the provider is ``twlowa`` or ``gswa``; with ``twlo`` it would be ignored.

    Bad::

        message:
          provider: twlo
          template: {id: HX0123456789abcdef0123456789abcdef}

    Good::

        message:
          provider: twlowa
          template: {id: HX0123456789abcdef0123456789abcdef}
    """
    provider, message = subject.spec.provider, subject.spec.message
    if provider is None or provider.is_whatsapp or message is None or message.get("template") is None:
        return
    text = f"`{provider.id}` sends {provider.title}, which has no templates: write `text`, or provider twlowa or gswa"
    yield Finding(subject.key_span("message", "template"), text, "message.template")
