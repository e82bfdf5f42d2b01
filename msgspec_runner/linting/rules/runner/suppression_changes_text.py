"""MSG903."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.removal import most_removals, removal
from msgspec_runner.linting.review import Review
from msgspec_runner.linting.rule import Finding, suppression_rule


@suppression_rule("MSG903", Severity.WARNING)
def suppression_changes_text(review: Review) -> Iterator[Finding]:
    """A suppression inside a text changes what is sent.

    Jinja takes the end of a line away together with a comment that stands there, so two lines become one. In a folded
    text (``>``) a comment on a line of its own leaves two spaces behind. In front of a line's first word it
    changes nothing.

    Bad::

        recipients:
          rows: [{phone: "+16175551212", nick: Ann}]
        message:
          text: |-
            Hi {{ nickname }} {# msgspec: ignore[MSG402] #}
            see you tomorrow.

    Good::

        recipients:
          rows: [{phone: "+16175551212", nick: Ann}]
        message:
          text: |-
            {# msgspec: ignore[MSG402] #}Hi {{ nickname }}
            see you tomorrow.
    """
    inside = [
        suppression
        for suppression in review.suppressions
        if suppression.field is not None and not suppression.is_sent(review.document)
    ]
    for suppression in inside[: most_removals(review.document)]:
        fix = removal(review.document, suppression)
        if fix is not None and fix.safety == "unsafe":
            span = review.document.span(suppression.start, suppression.end)
            path = suppression.field.dotted if suppression.field else ""
            yield Finding(
                span, "this comment changes the text around it: put it in front of the line's first word", path
            )
