"""MSG602."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.providers import PROVIDERS
from msgspec_runner.rendering import RowProblem


@row_rule("MSG602", Severity.ERROR)
def text_too_long(context: RowContext) -> RowCheck | None:
    """The rendered text is longer than the provider takes.

    Twilio refuses an SMS of more than 1,600 characters (error 21617) and as many of a WhatsApp text; Gupshup
    documents 1,024 characters of content.

    Bad::

        message:
          text: "{{ 'All our terms and conditions. ' * 60 }}"

    Good::

        message:
          text: "Our terms: https://example.com/terms"
    """
    field = context.spec.field("text")

    def check(row: RenderedRow) -> Iterable[RowProblem]:
        body = row.rendered.body
        text = body.get("text")
        if not isinstance(text, str) or len(text) <= _SHORTEST_LIMIT:
            return ()
        provider = PROVIDERS.get(str(body.get("provider")))
        if provider is None or len(text) <= provider.text_limit:
            return ()
        limit = f"{provider.text_limit:,} characters that {provider.title} takes"
        return (RowProblem("text-too-long", field, f"`text` renders to more than the {limit}: shorten it"),)

    return check if field is not None else None


_SHORTEST_LIMIT = min(provider.text_limit for provider in PROVIDERS.values())
