"""MSG901."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.removal import most_removals, removal, selector_removal
from msgspec_runner.linting.review import Review
from msgspec_runner.linting.rule import Finding, suppression_rule


@suppression_rule("MSG901", Severity.WARNING)
def unused_suppression(review: Review) -> Iterator[Finding]:
    """A suppression suppresses nothing.

    What it was written for has been repaired or has moved. Left there, it hides the next mistake of this kind. Said
    only where the rule has seen everything: not with a profile, ``--var`` or other recipients, not while a template
    cannot be read, and never of rules about several specs.

    Bad::

        message:
          to: "+16175551212"  # msgspec: ignore[MSG203]

    Good::

        message:
          to: "+16175551212"
    """
    removals = most_removals(review.document)
    for suppression in review.suppressions:
        whole = bool(suppression.selectors) and review.unused.issuperset(suppression.selectors)
        fix = None
        if whole and removals:
            fix = removal(review.document, suppression)
            removals -= 1
        where = "in this file" if suppression.lines is None else "here"
        for index, selector in enumerate(suppression.selectors):
            if selector in review.unused:
                yield Finding(
                    review.document.span(selector.start, selector.end),
                    f"{selector.text} is not found {where}: remove it from the suppression",
                    fix=fix if whole else selector_removal(review.document, suppression, index),
                )
