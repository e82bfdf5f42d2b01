"""What somebody would get before and after a change: a sample, which is nobody, or a row where that was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from msgspec_runner.audience import rendered_rows
from msgspec_runner.content.phone import mask
from msgspec_runner.content.segments import Segments, segments
from msgspec_runner.recipients.readers import inline
from msgspec_runner.rendering import Renderer

MAX_EXAMPLES: Final = 3
"""How many messages of a spec are shown: a reviewer reads a few."""


class Picture(NamedTuple):
    """A message as one version of a spec makes it.

    Attributes:
        body: what would be posted; empty where it cannot be.
        problems: why it cannot; empty where it is sound. No cell's value is in them.
    """

    body: Mapping[str, object]
    problems: tuple[str, ...] = ()

    @property
    def cost(self) -> Segments | None:
        """What the text costs; None where it is no SMS."""
        text = self.body.get("text")
        return segments(text) if self.body.get("provider") == "twlo" and isinstance(text, str) else None


class Example(NamedTuple):
    """One recipient's message before and after.

    Attributes:
        label: who it is: ``sample 1``, ``row 17``.
        before: None where nobody got it.
        after: None where nobody gets it any more.
    """

    label: str
    before: Picture | None
    after: Picture | None


class DiffLine(NamedTuple):
    """A line of a message.

    Attributes:
        sign: ``-`` before, ``+`` after, a space for both.
        text: the field and its value; of a text of several lines, one of them.
    """

    sign: str
    text: str


def sample_examples(before: Renderer | None, after: Renderer) -> tuple[Example, ...]:
    """Render the samples of a spec by both of its versions; the message itself where a spec has no recipients.

    A sample that the old version cannot take, because it has other columns, has the old version's own in its place.

    Args:
        before: None where the spec is new.
        after: as it is.
    """
    samples = after.spec.samples if after.spec.has_recipients else ({},)
    old = before.spec.samples if before is not None else ()
    examples = []
    for number, sample in enumerate(samples[:MAX_EXAMPLES], 1):
        earlier = _picture(before, sample) if before is not None else None
        if before is not None and earlier is not None and earlier.problems and number <= len(old):
            earlier = _picture(before, old[number - 1])
        label = f"sample {number}" if after.spec.has_recipients else "the message"
        examples.append(Example(label, earlier, _picture(after, sample)))
    return tuple(examples)


def difference(example: Example) -> tuple[DiffLine, ...]:
    """Return the fields that differ, line by line; empty where the message stays as it is. Its number is masked."""
    return tuple(_lines(example.before, example.after))


def _lines(before: Picture | None, after: Picture | None) -> Iterator[DiffLine]:
    for sign, picture in (("-", before), ("+", after)):
        if picture is not None:
            yield from (DiffLine(sign, f"cannot be sent: {problem}") for problem in picture.problems)
    old = dict(_fields(before.body)) if before is not None else {}
    new = dict(_fields(after.body)) if after is not None else {}
    for name in dict.fromkeys((*new, *old)):
        if old.get(name) != new.get(name):
            yield from _changed_lines(_written(name, old), _written(name, new))


def _changed_lines(old: list[str], new: list[str]) -> Iterator[DiffLine]:
    from difflib import SequenceMatcher

    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (DiffLine(" ", line) for line in old[start:end])
            continue
        yield from (DiffLine("-", line) for line in old[start:end])
        yield from (DiffLine("+", line) for line in new[new_start:new_end])


def _written(name: str, fields: Mapping[str, str]) -> list[str]:
    if name not in fields:
        return []
    first, *more = fields[name].split("\n")
    return [f"{name}: {first}", *(f"{' ' * (len(name) + 2)}{line}" for line in more)]


def _fields(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _fields(inner, f"{name}.{key}" if name else str(key))
    elif name == "to":
        yield name, mask(str(value))
    elif isinstance(value, str):
        yield name, value
    else:
        import json

        yield name, json.dumps(value, ensure_ascii=False)


def _picture(renderer: Renderer, sample: Mapping[str, object]) -> Picture:
    with inline([sample], renderer.spec.document.file) as source:
        [row] = rendered_rows(source, renderer)
    problems = tuple(f"{problem.rule}: {problem.detail}".rstrip(": ") for problem in row.problems)
    return Picture({} if problems else row.rendered.body, problems)
