"""From a template's problems to findings: what the rules of this family share."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.linting.rule import Finding
from msgspec_runner.linting.subject import Subject

MAX_TOLD = 500
"""How many findings of one rule are told of one spec; nobody reads more, and a report has to be carried."""


def problem_findings(subject: Subject, *kinds: str) -> Iterator[Finding]:
    """Yield the problems of the given kinds in every template of the spec, at their characters."""
    told = 0
    for field in subject.spec.templates:
        for problem in field.template.problems:
            if problem.kind in kinds and told < MAX_TOLD:
                told += 1
                span = subject.field_span(field, problem.start, problem.end)
                fix = None
                if problem.suggestion:
                    fix = subject.replacement(field.node, problem.suggestion, problem.start, problem.end)
                message = f"{problem.message}; more like it follow" if told == MAX_TOLD else problem.message
                yield Finding(span, message, field.dotted, fix)
