"""Where in the spec, and in its partials, what is wrong with rows is pointed at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec_runner.audience import shown_path
from msgspec_runner.diagnostics import Position, Related, Span
from msgspec_runner.linting.subject import Subject
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import Field


def place_of(subject: Subject, problem: RowProblem) -> tuple[Span, str]:
    """Point at the template's characters where they are known, else at the first use of the guilty column."""
    if problem.field is not None and problem.start >= 0:
        return subject.field_span(problem.field, problem.start, problem.end), problem.field.dotted
    if problem.column:
        fields = [problem.field] if problem.field is not None else list(subject.spec.templates)
        used = _first_use(fields, problem.column) if problem.rule != "missing-column" else None
        if used is not None:
            field, start, end = used
            return subject.field_span(field, start, end), field.dotted
        if problem.field is None:
            path = ("recipients", "columns", problem.column)
            return subject.key_span(*path), ".".join(path)
    if problem.field is not None:
        return subject.field_span(problem.field), problem.field.dotted
    return subject.key_span("message"), "message"


def place_in_partial(problem: RowProblem, subject: Subject) -> Iterator[Related]:
    """Yield the place in the partial, if it is in one."""
    if problem.partial is not None:
        name, line, column = problem.partial
        file = shown_path(subject.config.root / "partials" / name, Path.cwd())
        yield Related(file, line, column, "in this partial", at=Position(line, column))


def _first_use(fields: Iterable[Field], name: str) -> tuple[Field, int, int] | None:
    for item in fields:
        for use in item.template.names:
            if use.name == name:
                return item, use.start, use.end
    return None
