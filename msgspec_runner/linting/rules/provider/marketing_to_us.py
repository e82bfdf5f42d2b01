"""MSG310."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.audience import RenderedRow
from msgspec_runner.content import phone
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.linting.rules.provider.catalogued import clipped, sent, written_id
from msgspec_runner.providers.catalog import CatalogTemplate
from msgspec_runner.rendering import RowProblem


@row_rule("MSG310", Severity.WARNING)
def marketing_to_us(context: RowContext) -> RowCheck | None:
    """A marketing template goes to a number in the United States.

    Since April 2025 WhatsApp delivers no marketing templates to US numbers (Twilio 63049). Of the numbers that begin
    with +1, those of Canada and the Caribbean are reached. Whether a template is marketing is in the catalog.

    In the catalog of these examples, the template ``HX89abcdef0123456789abcdef01234567`` is marketing.

    Bad::

        message:
          provider: twlowa
          template: {id: HX89abcdef0123456789abcdef01234567}
        recipients:
          rows: [{phone: "+16175551212"}]

    Good::

        message:
          provider: twlowa
          template: {id: HX89abcdef0123456789abcdef01234567}
        recipients:
          rows: [{phone: "+14165551212"}, {phone: "+447911123456"}]
    """
    spec, catalogs = context.spec, context.catalogs
    field, written = spec.field("to"), written_id(spec)
    if field is None:
        return None
    if written is not None and spec.provider is not None:
        if _marketing(catalogs.find(spec.provider.id, written.node.text)) is None:
            return None
    elif catalogs.is_empty:
        return None
    column = field.sole_name

    def check(row: RenderedRow) -> Iterator[RowProblem]:
        use, number = sent(row.rendered.body), row.rendered.to
        if use is None or not number.startswith("+1"):
            return
        template = _marketing(catalogs.find(use.provider, use.id))
        if template is not None and phone.country(number) == "US":
            detail = (
                f"`{clipped(template.title)}` is a marketing template, and WhatsApp delivers none to US numbers: "
                "leave them out, or send these people an SMS"
            )
            yield RowProblem("marketing-to-us", field, detail, column=column)

    return check


def _marketing(found: tuple[CatalogTemplate, ...]) -> CatalogTemplate | None:
    """Return the first entry of an id if all that there are say marketing."""
    return found[0] if found and all(item.category == "MARKETING" for item in found) else None
