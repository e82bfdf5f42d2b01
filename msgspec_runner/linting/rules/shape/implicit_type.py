"""MSG104."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Edit, Fix, Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.rules.shape.unquoted_template import quoted
from msgspec_runner.linting.subject import Subject
from msgspec_runner.source.document import Scalar
from msgspec_runner.source.schema import Violation


@spec_rule("MSG104", Severity.WARNING)
def implicit_type(subject: Subject) -> Iterator[Finding]:
    """A string is written so that YAML reads a number, a boolean or a date.

    ``to: +16175551212`` is the integer 16175551212 to most YAML readers, ``on`` and ``12:30`` change their
    meaning between YAML 1.1 and 1.2. Sent is what is written, but the next tool that reads the file may think
    otherwise. Quote it.

    Bad::

        message:
          to: +16175551212

    Good::

        message:
          to: "+16175551212"
    """
    document = subject.document
    for violation in subject.violations:
        scalar = document.node(violation.path)
        if is_implicit(violation, scalar):
            assert isinstance(scalar, Scalar)
            span = document.span(scalar.start, scalar.end)
            kind = "a boolean" if isinstance(scalar.value, bool) else "a number"
            yield Finding(
                span,
                f"YAML reads {kind} here, but a string is meant: quote it, {quoted(scalar.text)}",
                ".".join(map(str, violation.path)),
                Fix("safe", (Edit(span, quoted(scalar.text)),)),
            )


def is_implicit(violation: Violation, node: object) -> bool:
    """Say whether a violation is nothing but a string without quotes: what is written is what is meant."""
    return (
        violation.keyword == "type"
        and violation.expected == "string"
        and isinstance(node, Scalar)
        and node.style == "plain"
        and node.value is not None
        and not isinstance(node.value, str)
    )
