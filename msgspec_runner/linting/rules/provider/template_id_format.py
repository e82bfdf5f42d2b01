"""MSG302."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import Finding, RowCheck, spec_rule
from msgspec_runner.linting.rules.provider.catalogued import blamed, id_is_rendered, sent
from msgspec_runner.linting.subject import Subject
from msgspec_runner.providers import PROVIDERS, Provider
from msgspec_runner.rendering import RowProblem


def _for_rows(context: RowContext) -> RowCheck | None:
    """Ask each row where the id, or whose id it is, is a template."""
    spec, field = context.spec, blamed(context.spec)
    if field is None or field.blank or not id_is_rendered(spec):
        return None

    def check(row: RenderedRow) -> Iterator[RowProblem]:
        use = sent(row.rendered.body)
        provider = PROVIDERS.get(use.provider) if use is not None else None
        if use is None or provider is None or context.catalogs.knows(provider.id) or _fits(use.id, provider):
            return
        column = field.only_name if field.only_name in row.values else ""
        yield RowProblem("template-id-format", field, _message(provider), column=column, severity=_severity(provider))

    return check


@spec_rule("MSG302", Severity.ERROR, for_rows=_for_rows)
def template_id_format(subject: Subject) -> Iterator[Finding]:
    """A template's id does not look like one of its provider.

    Twilio's is a Content SID: ``HX`` and 32 hex digits; that is documented, so another form is an error.
    Gupshup's is a UUID in every sample, which no page promises, so another form is a warning. Where a template makes
    the id, or chooses the provider, every recipient's is looked at.

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
    if field is None or provider is None:
        return
    if subject.catalogs.knows(provider.id):
        return  # MSG305 knows the ids themselves
    if not field.template.is_static or field.blank or _fits(field.node.text, provider):
        return
    yield Finding(subject.field_span(field), _message(provider), field.dotted, severity=_severity(provider))


def _fits(id_: str, provider: Provider) -> bool:
    return provider.template_id is None or provider.template_id.fullmatch(id_) is not None


def _message(provider: Provider) -> str:
    return f"not a template id of {provider.title}: write {provider.template_id_hint}"


def _severity(provider: Provider) -> Severity | None:
    return Severity.WARNING if provider.id == "gswa" else None
