"""MSG902."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.review import Review
from msgspec_runner.linting.rule import Finding, did_you_mean, suppression_rule

_NOTHING = "this suppresses nothing: write `msgspec: ignore[MSG203]`, with the rule's own code"
_SENT = "this is part of the text, and recipients read it: in a text write {# msgspec: ignore[MSG402] #}"
_MAX_HINTS = 100
"""How many unknown words are compared with all that are known, which takes a millisecond each."""


@suppression_rule("MSG902", Severity.WARNING)
def unknown_suppression(review: Review) -> Iterator[Finding]:
    """A suppression names no rule.

    It suppresses nothing, and whoever wrote it thinks that it does. So does a comment of YAML in a block text, where
    YAML has none: it is sent. The brackets hold whole codes or names, divided by
    commas; families such as ``MSG2`` belong into the configuration.

    Bad::

        message:
          to: "+16175551212"  # msgspec: ignore[invalid-phone]

    Good::

        message:
          to: "617-555-1212"  # msgspec: ignore[invalid-phone-number] the sandbox takes it
    """
    hints = 0
    for suppression in review.suppressions:
        if not suppression.selectors:
            span = review.document.span(suppression.start, suppression.end)
            yield Finding(span, _SENT if suppression.is_sent(review.document) else _NOTHING)
        for selector in suppression.selectors:
            if not selector.code:
                span = review.document.span(selector.start, selector.end)
                hints += 1
                hint = _hint(selector.text, review.known) if hints <= _MAX_HINTS else ""
                yield Finding(span, f"no rule {selector.text}{hint}")


def _hint(written: str, known: Iterable[str]) -> str:
    if any(word.startswith(written.upper()) for word in known):
        return ": it is the beginning of several; write each rule's own, or use `per-file-ignores`"
    return did_you_mean(written, known) or "; `msgspec-runner rule` lists all rules"
