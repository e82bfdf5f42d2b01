"""From a template's problems to findings: what the rules of this family share."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.linting.rule import Finding
from msgspec_runner.linting.subject import Subject


def problem_findings(subject: Subject, *kinds: str) -> Iterator[Finding]:
    """Yield the problems of the given kinds in every template of the spec, at their characters."""
    for field in subject.spec.templates:
        for problem in field.template.problems:
            if problem.kind in kinds:
                span = subject.field_span(field, problem.start, problem.end)
                fix = None
                if problem.suggestion:
                    fix = subject.replacement(field.node, problem.suggestion, problem.start, problem.end)
                yield Finding(span, problem.message, field.dotted, fix)
