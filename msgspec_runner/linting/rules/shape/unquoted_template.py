"""MSG103."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Edit, Fix, Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG103", Severity.ERROR)
def unquoted_template(subject: Subject) -> Iterator[Finding]:
    """A value starts with ``{{`` and is not quoted.

    An unquoted ``{`` opens a YAML mapping, so ``{{ name }}`` is a mapping whose key is a mapping, and not a
    template. Quotes make it a string.

    Bad::

        message:
          to: {{ phone }}

    Good::

        message:
          to: "{{ phone }}"
    """
    document = subject.document
    for problem in document.problems:
        if problem.kind == "unquoted-template":
            written = document.text[problem.start : problem.end]
            span = document.span(problem.start, problem.end)
            yield Finding(span, problem.message, fix=Fix("safe", (Edit(span, quoted(written)),)))


def quoted(text: str) -> str:
    """Return one line of text as a YAML scalar in double quotes, or in single quotes where it holds double ones."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"
