"""WhatsApp, as written or by the row: what the rules share that ask what goes through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec_runner.audience import RenderedRow
from msgspec_runner.content.blank import is_blank
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck
from msgspec_runner.providers import PROVIDERS, Provider
from msgspec_runner.rendering import RowProblem
from msgspec_runner.source.document import Scalar
from msgspec_runner.spec import Field, Spec

Find = Callable[[Provider, Mapping[str, object]], Iterable[RowProblem]]


def whatsapp(spec: Spec) -> Provider | None:
    """Return the provider where it is written out and sends WhatsApp messages."""
    return spec.provider if spec.provider is not None and spec.provider.is_whatsapp else None


def has_template(spec: Spec) -> bool:
    """Say whether a template is given, whatever is in it; null is none."""
    node = spec.message.get("template") if spec.message is not None else None
    return node is not None and not (isinstance(node, Scalar) and node.value is None)


def is_written(field: Field | None) -> bool:
    """Say whether a field renders to something whatever its values are, as far as that is plain to see."""
    if field is None or field.template.is_static:
        return field is not None and not field.blank
    return any(part.literal and not is_blank(part.text) for part in field.template.parts)


def by_row(context: RowContext, find: Find) -> RowCheck | None:
    """Return the check that looks for problems in the bodies that go through WhatsApp; None where none does."""
    if context.spec.provider is not None and not context.spec.provider.is_whatsapp:
        return None
    provider = context.spec.field("provider")
    column = provider.sole_name if provider is not None else ""

    def check(row: RenderedRow) -> Iterable[RowProblem]:
        body = row.rendered.body
        chosen = PROVIDERS.get(str(body.get("provider")))
        if chosen is None or not chosen.is_whatsapp:
            return ()
        blamed = column if column in row.values else ""
        return [problem._replace(column=blamed) for problem in find(chosen, body)]

    return check
