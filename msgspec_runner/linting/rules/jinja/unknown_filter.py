"""MSG403."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.rules.jinja.problems import problem_findings
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG403", Severity.ERROR)
def unknown_filter(subject: Subject) -> Iterator[Finding]:
    """A template uses a filter or a test that does not exist.

    There are Jinja's harmless filters, and ``date``, ``datetime``, ``number``, ``currency``, ``plus``, ``minus``,
    ``at`` and ``iso``. Filters whose result differs from run to run (``random``) or that are about HTML are not
    there.

    Bad::

        message:
          text: "Hi {{ first_name | captialize }}!"

    Good::

        message:
          text: "Hi {{ first_name | capitalize }}!"
    """
    return problem_findings(subject, "unknown-filter", "unknown-test")
