"""MSG701."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.providers import TWLO
from msgspec_runner.rendering import RowProblem

_WORDS = "STOPALL|STOP|UNSUBSCRIBE|END|QUIT|CANCEL|REVOKE|OPTOUT"
_ASKED = r"(?<!\w)(?:reply|respond|answer|text|txt|send|sms)(?:\s+(?:back|with|us))?[\s:]+[\"'“‘«]?|[\"'“‘«]"


@row_rule("MSG701", Severity.WARNING)
def no_opt_out(context: RowContext) -> RowCheck | None:
    """An SMS does not say how to opt out.

    The words that end a subscription are STOP, UNSUBSCRIBE, END, QUIT, STOPALL, CANCEL, REVOKE and OPTOUT. They count
    in capitals, in quotes, and behind "reply" and the like: "please stop by at the end of May" asks for nothing. Not
    every message needs one, so this rule is off unless it is selected.

    Bad::

        message:
          text: "New shoes are in. Please stop by!"

    Good::

        message:
          text: "New shoes are in. Please stop by! Reply STOP to opt out."
    """
    field = context.spec.field("text")
    if field is None or context.spec.provider not in {None, TWLO}:
        return None
    # Not at the top: they take a millisecond to compile, and the rule is off for most.
    # ASCII: Chinese has no spaces around the word.
    in_capitals = re.compile(rf"(?<![\w-])(?:{_WORDS})(?![\w-])", re.ASCII)
    asked_for = re.compile(rf"(?:{_ASKED})(?:{_WORDS})(?![\w-])", re.ASCII | re.IGNORECASE)
    detail = "`text` does not say how to opt out: add “Reply STOP to opt out.”"
    problem = RowProblem("no-opt-out", field, detail)

    def check(row: RenderedRow) -> Iterator[RowProblem]:
        body = row.rendered.body
        text = body.get("text")
        if not isinstance(text, str) or body.get("provider") != TWLO.id or asked_for.search(text):
            return
        # Where all the rest is in capitals too, they say nothing.
        if not in_capitals.search(text) or in_capitals.sub("", text).isupper():
            yield problem

    return check
