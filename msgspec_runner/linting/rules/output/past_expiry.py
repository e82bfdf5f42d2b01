"""MSG611."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.conversions import parse_schedule
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG611", Severity.WARNING)
def past_expiry(subject: Subject) -> Iterator[Finding]:
    """``delivery.expires`` has passed, so nobody gets this message any more.

    ``send`` skips every recipient of it. A spec that has done its work can be removed: the ledger remembers what was
    sent.

    Bad::

        delivery:
          expires: "2021-12-24T18:00:00-05:00"

    Good::

        delivery:
          expires: "2031-12-24T18:00:00-05:00"
    """
    text, node = subject.spec.delivery.expires, subject.document.node(("delivery", "expires"))
    if text is None or node is None or subject.now is None:
        return
    moment = parse_schedule(text)
    if moment is not None and moment <= subject.now:
        message = "`expires` has passed, so `send` skips every recipient: write a later moment, or remove the spec"
        yield Finding(subject.document.span(node.start, node.end), message, "delivery.expires")
