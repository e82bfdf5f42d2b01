"""Invented recipients for a spec: as many as wanted, each with a number of its own, otherwise like those it has.

Their numbers are valid and lead nowhere: they go to the sandbox, which sends nothing to anybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import orjson

from msgspec_runner.audience import open_audience, open_samples
from msgspec_runner.content.phone import canonical, is_valid
from msgspec_runner.errors import RecipientsError, UsageError
from msgspec_runner.recipients.rows import Source
from msgspec_runner.spec import Spec

MOST = 100_000
"""Recipients of one experiment: the sandbox holds so many messages in full."""

_MODELS = 50
"""Rows of the spec whose cells are taken by turns."""

_FIRST_NUMBER = 16172000000
"""An area code of Boston, whose seven digits begin with 2 to 9: eight million numbers."""

_VALUES: Mapping[str, object] = {
    "string": "Ann",
    "integer": 7,
    "number": 7.5,
    "boolean": True,
    "date": "2031-03-10",
    "datetime": "2031-03-10 19:30",
    "url": "https://example.com/a",
}
"""A value of each type, for a spec that has neither recipients nor samples; a phone gets its number anyway."""


def write_recipients(spec: Spec, root: Path, number: int, file: Path) -> None:
    """Write so many invented recipients as JSON lines.

    Args:
        spec: whose samples or recipients are taken as models; its declared types where it has neither.
        root: the project's root.
        number: how many.
        file: a new ``.jsonl`` file.

    Raises:
        UsageError: no column holds a phone number, so that all of them would be one recipient.
    """
    models = _models(spec, root)
    phones = _phone_columns(spec, models)
    if not phones:
        raise UsageError(
            f"{spec.document.file}: no column holds a phone number, so no recipients can be invented: "
            "declare one with type: phone, or leave --recipients out"
        )
    with file.open("wb") as out:
        for row in range(number):
            cells = {**models[row % len(models)], **dict.fromkeys(phones, f"+{_FIRST_NUMBER + row}")}
            out.write(orjson.dumps(cells) + b"\n")


def _models(spec: Spec, root: Path) -> list[dict[str, object]]:
    for source in _sources(spec, root):
        with source:
            rows = [_cells(source, row.cells) for row in islice(source, _MODELS)]
        if rows:
            return rows
    typed = {column.heading: column.enum[0] if column.enum else _VALUES.get(column.type) for column in spec.columns}
    return [typed]


def _sources(spec: Spec, root: Path) -> Iterator[Source]:
    if spec.samples:
        yield open_samples(spec)
    elif spec.rows is not None or spec.file is not None:
        try:
            yield open_audience(spec, root)
        except RecipientsError:  # kept out of git: the types have to do
            return


def _cells(source: Source, cells: tuple[str, ...] | Mapping[str, object]) -> dict[str, object]:
    if isinstance(cells, tuple):
        return dict(zip(source.header, cells, strict=True))
    return dict(cells)


def _phone_columns(spec: Spec, models: list[dict[str, object]]) -> list[str]:
    declared = [column.heading for column in spec.columns if column.type == "phone"]
    return declared or [name for name, value in models[0].items() if _is_phone(value)]


def _is_phone(value: object) -> bool:
    number = canonical(value) if isinstance(value, str) else None
    return number is not None and is_valid(number)
