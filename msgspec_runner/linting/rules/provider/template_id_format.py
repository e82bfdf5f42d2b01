"""MSG302."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG302", Severity.ERROR)
def template_id_format(subject: Subject) -> Iterator[Finding]:
    """A template's id does not look like one of its provider.

    Twilio's is a Content SID: ``HX`` and 32 hex digits; that is documented, so another form is an error.
    Gupshup's is a UUID in every sample, which no page promises, so another form is a warning.

    Bad::

        message:
          provider: twlowa
          template: {id: appointment_reminder}

    Good::

        message:
          provider: twlowa
          template: {id: HX0123456789abcdef0123456789abcdef}
    """
    field, provider = subject.spec.field("template", "id"), subject.spec.provider
    if field is None or provider is None or provider.template_id is None:
        return
    if subject.catalogs.knows(provider.id):
        return  # MSG305 knows the ids themselves
    if not field.template.is_static or field.blank or provider.template_id.fullmatch(field.node.text):
        return
    yield Finding(
        subject.field_span(field),
        f"not a template id of {provider.title}: {provider.template_id_hint}",
        field.dotted,
        severity=Severity.WARNING if provider.id == "gswa" else None,
    )
