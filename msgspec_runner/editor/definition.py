"""Where the word under the cursor comes from: a declaration, a header, a var, a partial, a file, a catalog."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec_runner.audience import recipients_path
from msgspec_runner.config import CONFIG_FILE
from msgspec_runner.editor.cells import cells_at
from msgspec_runner.editor.completion import templates_of
from msgspec_runner.editor.expressions import word_at
from msgspec_runner.editor.positions import NOWHERE, Extent, Positions, Spot
from msgspec_runner.editor.questions import Target
from msgspec_runner.editor.reading import Reading
from msgspec_runner.editor.workplace import PARTIALS
from msgspec_runner.errors import RecipientsError

_ROWS: Final = (("recipients", "samples"), ("recipients", "rows"))
_TABLE: Final = re.compile(r"^[ \t]*\[\[?([^\]\r\n]+)\]\]?", re.MULTILINE)


def targets(reading: Reading) -> tuple[Target, ...]:
    """Return where what is at a reading's place comes from; several where it is declared and stands in the data."""
    return tuple(dict.fromkeys(_targets(reading)))


def _targets(reading: Reading) -> Iterator[Target]:
    place, key = reading.place, reading.place.key
    if key is None or place.role == "comment":
        return
    path = key.path
    if place.role == "key":
        if path[:2] == ("recipients", "columns") and len(path) == 3:
            yield from _header(reading, str(path[2]))
        elif path[:2] in _ROWS and len(path) == 4:
            known = next((item for item in reading.columns.values() if item.heading == path[3]), None)
            if known is not None:
                yield from _column(reading, known.name)
        elif path[:3] == ("message", "template", "variables"):
            yield from _catalog(reading)
    elif reading.tag is not None:
        found = word_at(reading.text, reading.tag, reading.offset, reading.style)
        if found is not None and found[0] == "string":
            yield from _partial(reading, found[1].text.strip("\"'\\"))
        elif found is not None and found[0] == "name":
            name = found[1].text
            yield from _column(reading, name) if name in reading.columns else _var(reading, name)
    elif path == ("recipients", "file"):
        file = _recipients(reading)
        if file is not None:
            yield Target(file, NOWHERE)
    elif path[:2] == ("message", "template"):
        yield from _catalog(reading)


def _column(reading: Reading, name: str) -> Iterator[Target]:
    key = reading.outline.key("recipients", "columns", name)
    if key is not None:
        yield Target(reading.desk.path, reading.extent(key.start, key.end))
    yield from _header(reading, name)
    if key is None and _recipients(reading) is None:
        heading = reading.columns[name].heading
        for key in reading.outline.keys:
            if key.path[:2] in _ROWS and key.path[3:] == (heading,):
                yield Target(reading.desk.path, reading.extent(key.start, key.end))
                return


def _header(reading: Reading, name: str) -> Iterator[Target]:
    """Yield the header of a column in the recipients' file; of a file without lines of cells, the file."""
    file, known = _recipients(reading), reading.columns.get(name)
    source = reading.audience()
    if file is None or known is None or source is None:
        return
    with source:
        if known.heading in source.header:
            number = source.column_number(known.heading)
            yield Target(file, cells_at(Path(file), [(1, number)], reading.desk.units)[(1, number)])


def _recipients(reading: Reading) -> str | None:
    try:
        path = recipients_path(reading.spec, reading.workplace.root)
    except RecipientsError:
        return None
    return os.path.abspath(path) if path is not None and path.is_file() else None  # noqa: PTH100 - symlinks stay


def _var(reading: Reading, name: str) -> Iterator[Target]:
    var = reading.variables.get(name)
    if var is None:
        return
    if var.home == "spec":
        key = reading.outline.key("vars", name)
        if key is not None:
            yield Target(reading.desk.path, reading.extent(key.start, key.end))
        return
    config = reading.config
    if config.file is None:
        return
    table = "vars" if var.home == "config" else f"profiles.{config.profile}.vars"
    path = os.path.abspath(config.file)  # noqa: PTH100
    text = reading.desk.open.get(path) or config.file.read_text(encoding="utf-8", errors="replace")
    if config.file.name != CONFIG_FILE:
        table = f"tool.msgspec-runner.{table}"
    yield Target(path, _assignment(text, table, name, reading) or NOWHERE)


def _assignment(text: str, table: str, name: str, reading: Reading) -> Extent | None:
    """Return where a name of a table of TOML is written: below the table's head, or dotted above it."""
    positions = Positions(text, reading.desk.units)
    word = re.compile(rf"^[ \t]*[\"']?({re.escape(name)})[\"']?[ \t]*=", re.MULTILINE)
    heads = list(_TABLE.finditer(text))
    for number, head in enumerate(heads):
        if re.sub(r"[\s\"']", "", head[1]) == table:
            end = heads[number + 1].start() if number + 1 < len(heads) else len(text)
            found = word.search(text, head.end(), end)
            if found is not None:
                return positions.extent(*found.span(1))
    anywhere = re.search(rf"(?<![\w-])({re.escape(name)})[\"']?[ \t]*=", text)
    return positions.extent(*anywhere.span(1)) if anywhere is not None else None


def _partial(reading: Reading, name: str) -> Iterator[Target]:
    if reading.workplace.partials(name) is not None:
        yield Target(os.path.abspath(reading.workplace.root / PARTIALS / name), NOWHERE)  # noqa: PTH100


def _catalog(reading: Reading) -> Iterator[Target]:
    for entry in templates_of(reading):
        spot = Spot(max(entry.line - 1, 0), 0)
        yield Target(os.path.abspath(entry.file), Extent(spot, spot))  # noqa: PTH100
