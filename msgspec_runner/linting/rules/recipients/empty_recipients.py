"""MSG508."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.source.document import Sequence


@spec_rule("MSG508")
def empty_recipients(subject: Subject) -> Iterator[Finding]:
    """The recipients have no rows, and no samples stand in for them.

    No message was rendered, so whatever only a row can show was not looked at, and ``send`` would send nothing. Where
    the rows come later, ``samples`` show in ``lint`` and ``preview`` what people would get.

    Bad::

        recipients:
          rows: []

    Good::

        recipients:
          rows: []
          samples: [{phone: "+16175551212"}]
    """
    if not subject.rowless:
        return
    what, file = f"{subject.rowless} has no rows", subject.spec.file
    if subject.recipients_replaced:
        span, path = subject.key_span("recipients"), "recipients"
    elif file is not None:
        span, path = subject.document.span(file.start, file.end), "recipients.file"
    elif isinstance(rows := subject.document.node(("recipients", "rows")), Sequence) and rows.items:
        return  # MSG109 says what is wrong with each
    else:
        what, span, path = "`rows` is empty", subject.key_span("recipients", "rows"), "recipients.rows"
    why = "no message was looked at, and `send` would send none"
    yield Finding(span, f"{what}: {why}; add rows, or `samples` for lint and preview", path)
