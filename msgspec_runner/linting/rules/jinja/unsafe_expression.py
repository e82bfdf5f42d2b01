"""MSG407."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.rules.jinja.problems import problem_findings
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG407", Severity.ERROR)
def unsafe_expression(subject: Subject) -> Iterator[Finding]:
    """A template does what no message needs: it reaches into Python, or could run or grow without bound.

    Specs come from pull requests. Templates have no functions to call, no attributes that start with ``_``, and a
    bound on size, depth and steps.

    Bad::

        message:
          text: "{{ ''.__class__.__mro__ }}"

    Good::

        message:
          text: "{{ first_name | upper }}"
    """
    return problem_findings(subject, "unsafe")
