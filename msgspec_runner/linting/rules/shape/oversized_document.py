"""MSG110."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG110", Severity.ERROR)
def oversized_document(subject: Subject) -> Iterator[Finding]:
    """The file is too large, too deep, or grows too large through its aliases.

    A spec comes from a pull request: a few lines of aliases of aliases can fill the memory of the machine that
    lints it. No message needs that; recipients belong into a file of their own.

    Bad::

        vars:
          a: &a [x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x]
          b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
          c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
          d: [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c]

    Good::

        recipients:
          file: recipients.csv
    """
    for problem in subject.document.problems:
        if problem.kind == "oversized-document":
            yield Finding(subject.document.span(problem.start, problem.end), problem.message)
