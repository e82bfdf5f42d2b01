"""MSG309."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import Finding, RowCheck, spec_rule
from msgspec_runner.linting.rules.provider.catalogued import (
    Use,
    blamed,
    clipped,
    entries,
    id_is_rendered,
    place_of,
    row_check,
    rows_too,
    written_id,
)
from msgspec_runner.linting.subject import Subject
from msgspec_runner.providers.catalog import APPROVED, CatalogTemplate


def _rows(context: RowContext) -> RowCheck | None:
    if not id_is_rendered(context.spec):
        return None

    def words(use: Use) -> Iterator[str]:
        template = _not_approved(context.catalogs.find(use.provider, use.id))
        if template is not None:
            yield _message(template)

    return row_check(context, "template-not-approved", blamed(context.spec), words)


@rows_too(_rows)
@spec_rule("MSG309", Severity.WARNING)
def template_not_approved(subject: Subject) -> Iterator[Finding]:
    """The catalog says that the template is pending, rejected, paused or disabled.

    WhatsApp delivers only approved templates. The status is as old as the catalog, hence a warning: import the
    provider's list again when the template is approved.

    In the catalog of these examples, ``HXfedcba9876543210fedcba9876543210`` is paused.

    Bad::

        message:
          provider: twlowa
          template: {id: HXfedcba9876543210fedcba9876543210}

    Good::

        message:
          provider: twlowa
          template: {id: HX0123456789abcdef0123456789abcdef, variables: {"1": Ann, "2": A-17}}
    """
    field = written_id(subject.spec)
    template = _not_approved(entries(subject, field))
    if field is not None and template is not None:
        related = (place_of(template),)
        yield Finding(subject.field_span(field), _message(template), field.dotted, related=related)


def _not_approved(found: Iterable[CatalogTemplate]) -> CatalogTemplate | None:
    """Return the first entry of an id; None where any of them is approved, or has no status."""
    listed = list(found)
    if any(item.status in {"", APPROVED} for item in listed):
        return None
    return listed[0] if listed else None


def _message(template: CatalogTemplate) -> str:
    return (
        f"`{clipped(template.title)}` is {clipped(template.status)}, and WhatsApp delivers approved templates only: "
        "use another, or import the list again when this one is approved"
    )
