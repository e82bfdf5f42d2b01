"""What a sample recipient would get: the message that a hover shows.

Rows are the spec's samples, which are invented. Real recipients are looked at only where the person has asked for it;
one message without recipients is everybody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from msgspec_runner.audience import RenderedRow, open_audience, open_samples, rendered_rows
from msgspec_runner.content.segments import segments
from msgspec_runner.editor import markdown
from msgspec_runner.editor.reading import Reading
from msgspec_runner.errors import RunnerError
from msgspec_runner.recipients.rows import Source
from msgspec_runner.rendering import Renderer, merged_variables
from msgspec_runner.spec import Field

ROWS: Final = 3
"""How many recipients a hover shows."""


def sample_rows(reading: Reading, most: int = ROWS) -> tuple[tuple[str, RenderedRow], ...]:
    """Return the first samples as they would be sent, each with a name for people.

    Args:
        reading: of the spec.
        most: how many.
    """
    return tuple(islice(_rows(reading), most))


def _rows(reading: Reading) -> Iterator[tuple[str, RenderedRow]]:
    spec = reading.spec
    for source, name in _sources(reading):
        with source:
            renderer = Renderer(
                spec,
                merged_variables(reading.config, spec, {}),
                locale=reading.config.locale,
                timezone=reading.config.timezone,
                partials=reading.workplace.partials,
            )
            try:
                for row in rendered_rows(source, renderer):
                    yield f"{name} {row.row.number}" if spec.has_recipients else name, row
            except RunnerError:
                return  # the linter says why the file cannot be read


def _sources(reading: Reading) -> Iterator[tuple[Source, str]]:
    spec = reading.spec
    if spec.samples:
        yield open_samples(spec), "sample"
    if not spec.has_recipients:
        yield open_audience(spec, reading.workplace.root), "everybody"
    elif reading.desk.settings.show_data and (source := reading.audience()) is not None:
        yield source, "row"


def message_words(reading: Reading) -> str:
    """Return what the first sample gets, as Markdown; why it gets nothing where that is so."""
    rows = sample_rows(reading, 1)
    if not rows:
        return "No sample to show: add one under `recipients.samples`." if reading.spec.has_recipients else ""
    name, row = rows[0]
    text = row.rendered.body.get("text")
    parts = [f"**What {markdown.words(name)} gets**"]
    if isinstance(text, str):
        parts.append(markdown.block(text))
        cost = cost_words(row)
        parts += [cost] if cost else []
    others = [f"{markdown.words(key)}: {_value(value)}" for key, value in row.rendered.body.items() if key != "text"]
    parts.append("  \n".join(others))
    problems = [markdown.words(f"{problem.rule}: {problem.detail}") for problem in row.problems]
    if problems:
        parts.append("It would not be sent:  \n" + "  \n".join(problems))
    return "\n\n".join(part for part in parts if part)


def field_words(reading: Reading, field: Field) -> str:
    """Return what a field is for the first samples, as Markdown."""
    lines = []
    for name, row in sample_rows(reading):
        value: object = row.rendered.body
        for step in field.path[1:]:
            value = value.get(step) if isinstance(value, dict) else None
        if field.path == ("recipients", "key"):
            value = row.rendered.recipient_key
        lines.append(f"{markdown.words(name)}: {'left out' if value is None else _value(value)}")
    return "  \n".join(lines)


def cost_words(row: RenderedRow) -> str:
    """Return how many segments a row's text takes; empty where it is no SMS."""
    text = row.rendered.body.get("text")
    if not isinstance(text, str) or row.rendered.body.get("provider") != "twlo":
        return ""
    encoding, units, count = segments(text)
    return f"{encoding}, {units:,} units, {count:,} segment{'' if count == 1 else 's'}"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{markdown.words(str(key))} {_value(item)}" for key, item in value.items())
    return markdown.code(str(value))
