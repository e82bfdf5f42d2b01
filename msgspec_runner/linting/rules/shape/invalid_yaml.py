"""MSG101."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG101", Severity.ERROR)
def invalid_yaml(subject: Subject) -> Iterator[Finding]:
    """The file is not one YAML 1.2 document in UTF-8.

    Nothing else can be said of a file that cannot be read. The place is where reading stopped; for a quote
    that is never closed it is where the quote opens.

    Bad::

        message:
          text: "Hello {{ first_name }}

    Good::

        message:
          text: "Hello {{ first_name }}"
    """
    for problem in subject.document.problems:
        if problem.kind == "invalid-yaml":
            yield Finding(subject.document.span(problem.start, problem.end), problem.message)
