"""MSG410."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, did_you_mean, spec_rule
from msgspec_runner.linting.rules.jinja.problems import problem_findings
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG410", Severity.ERROR)
def missing_include(subject: Subject) -> Iterator[Finding]:
    """``{% include %}`` or ``{% import %}`` names a file that is not in ``partials/``.

    Partials lie in the folder ``partials/`` of the project's root; nothing else is read, symlinks included.

    Bad::

        message:
          text: "Hello! {% include 'no-such-signature.txt' %}"

    Good::

        message:
          text: "Hello! Your clinic"
    """
    yield from problem_findings(subject, "include")
    for field in subject.spec.templates:
        for use in field.template.includes:
            if not use.optional and subject.partials(use.name) is None:
                hint = did_you_mean(use.name, subject.partials.names())
                yield Finding(
                    subject.field_span(field, use.start, use.end),
                    f"no file `partials/{use.name}` in the project{hint or '; add it, or write the text here'}",
                    field.dotted,
                )
