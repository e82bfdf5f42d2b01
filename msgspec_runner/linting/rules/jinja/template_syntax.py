"""MSG401."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.rules.jinja.problems import problem_findings
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG401", Severity.ERROR)
def template_syntax(subject: Subject) -> Iterator[Finding]:
    """A template is not valid Jinja.

    Bad::

        message:
          text: "Hi {{ first_name }, see you tomorrow."

    Good::

        message:
          text: "Hi {{ first_name }}, see you tomorrow."
    """
    return problem_findings(subject, "syntax")
