"""MSG102."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG102", Severity.ERROR)
def duplicate_key(subject: Subject) -> Iterator[Finding]:
    """A key stands twice in one mapping.

    YAML forbids it, and parsers differ in which of the two they take: reviewers read one text, recipients get
    the other.

    Bad::

        message:
          text: See you tomorrow.
          text: See you on Friday.

    Good::

        message:
          text: See you on Friday.
    """
    for problem in subject.document.problems:
        if problem.kind == "duplicate-key":
            yield Finding(subject.document.span(problem.start, problem.end), problem.message)
