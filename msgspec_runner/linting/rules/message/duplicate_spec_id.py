"""MSG209."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, project_rule
from msgspec_runner.linting.subject import Subject


@project_rule("MSG209", Severity.ERROR)
def duplicate_spec_id(subjects: Sequence[Subject]) -> Iterator[tuple[Subject, Finding]]:
    """Two specs have the same id.

    The ledger knows a message by its spec's id, never by its path: with one id, who got the first message would
    never get the second.

    Bad::

        spec: hello  # and another file with `spec: hello`

    Good::

        spec: hello-again
    """
    first: dict[str, Subject] = {}
    for subject in subjects:
        name = subject.spec.id
        if not name:
            continue
        if name in first and first[name].document.file != subject.document.file:
            message = f"`{name}` is the id of {first[name].document.file} too: give this spec its own"
            node = subject.document.node(("spec",))
            span = subject.document.span(node.start, node.end) if node is not None else subject.top_span
            yield subject, Finding(span, message, "spec")
        first.setdefault(name, subject)
