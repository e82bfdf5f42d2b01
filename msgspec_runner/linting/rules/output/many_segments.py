"""MSG603."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.costs import COSTS
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.providers import TWLO
from msgspec_runner.rendering import RowProblem

MOST: Final = 3
"""Segments that nobody is asked about: Twilio advises to stay under 320 characters, which are three."""

_SURELY_FEWER: Final = 99
"""Characters that need no counting: 33 emoji, two code units each, fit the 67 of a segment."""


@row_rule("MSG603", Severity.WARNING)
def many_segments(context: RowContext) -> RowCheck | None:
    """An SMS takes more than three segments, and each of them is charged.

    A segment has room for 153 characters of GSM-7, or 67 where a character outside GSM-7 makes the whole text UCS-2.
    Twilio advises to stay under 320 characters: longer texts also arrive less reliably.

    Bad::

        message:
          text: "{{ 'All our terms, in full length. ' * 20 }}"

    Good::

        message:
          text: "Our terms: https://example.com/terms"
    """
    field = context.spec.field("text")
    if field is None or context.spec.provider not in {None, TWLO}:
        return None
    detail = f"`text` is long for an SMS: {COSTS}, and each is charged; shorten it, or link to the rest"

    def check(row: RenderedRow) -> Iterable[RowProblem]:
        body = row.rendered.body
        text = body.get("text")
        # Of a text that Twilio refuses, MSG602 says enough.
        if isinstance(text, str) and _SURELY_FEWER < len(text) <= TWLO.text_limit and body.get("provider") == TWLO.id:
            from msgspec_runner.content.segments import segments  # 1 ms that a short text need not wait

            count = segments(text).count
            if count > MOST:
                return (RowProblem("many-segments", field, detail, cost=(count, count)),)
        return ()

    return check
