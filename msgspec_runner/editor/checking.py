"""Lint for an editor: the spec as it is written at once, and its recipients as soon as they have been read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Diagnostic, Related
from msgspec_runner.editor.cells import DELIMITERS, cells_at
from msgspec_runner.editor.positions import Extent, Positions
from msgspec_runner.editor.questions import Checked, Desk, Others, Shown, Target
from msgspec_runner.editor.workplace import Memory, Workplace
from msgspec_runner.errors import RunnerError
from msgspec_runner.linting.linter import Examined, Linter
from msgspec_runner.linting.rule import SpecFacts
from msgspec_runner.rendering import Renderer
from msgspec_runner.reports.notes import words
from msgspec_runner.source.document import Document
from msgspec_runner.spec import build_spec

OF_ALL_ROWS: Final = ("MSG411", "MSG508", "MSG901")
"""Rules that say what no recipient has: only who has read all of them knows."""


def check(desk: Desk, memory: Memory) -> Checked:
    """Lint a spec without its recipients, beside the other specs of its project."""
    workplace = Workplace(desk, memory)
    try:
        if not workplace.is_spec():
            return Checked(is_spec=False)
        return _checked(workplace, workplace.others(), rows=False)
    except RunnerError as error:
        return Checked(is_spec=True, trouble=str(error))


def check_rows(desk: Desk, others: Others, memory: Memory) -> Checked:
    """Lint a spec with every recipient.

    Args:
        desk: the spec.
        others: what is known of the other specs.
        memory: of the helper.
    """
    try:
        return _checked(Workplace(desk, memory), others, rows=True)
    except RunnerError as error:
        return Checked(is_spec=True, trouble=str(error))


def _checked(workplace: Workplace, others: Others, *, rows: bool) -> Checked:
    document = workplace.document
    linter = Linter(
        workplace.config,
        partials=workplace.partials,
        show_data=workplace.desk.settings.show_data,
    )
    if not rows:
        linter = _without_rows(linter, document)
    (examined,) = linter.examine([document])
    specs = [*_known(others.before), examined, *_known(others.after)]
    found = [item for item in linter.conclude(specs).diagnostics if item.file == document.file]
    places = tuple(shown(workplace.desk, document, found))
    return Checked(is_spec=True, found=places, others=others)


def _without_rows(linter: Linter, document: Document) -> Linter:
    """Return a linter that takes the columns' names from the recipients' header, and no recipient.

    What only all recipients can tell it does not say. Only tables name all their columns before the first row; of
    other files nothing is read.
    """
    file = build_spec(document).file
    if file is not None and not file.text.lower().endswith(tuple(DELIMITERS)):
        return replace(linter, rows=False)
    config = replace(linter.config, ignore=(*linter.config.ignore, *OF_ALL_ROWS))
    return replace(linter, config=config, through=_nobody)


def _nobody(_: Renderer, __: Iterator[RenderedRow]) -> Iterator[RenderedRow]:
    return iter(())


def _known(specs: Iterable[SpecFacts]) -> Iterable[Examined]:
    """Yield specs of which only the facts are known: enough for the rules across specs."""
    return (Examined(Document(facts.file, "", None, ()), facts, (), None) for facts in specs)


def shown(desk: Desk, document: Document, found: Sequence[Diagnostic]) -> Iterable[Shown]:
    """Yield findings with their places as the client counts them."""
    positions = Positions(desk.text, desk.units)
    cells = _cells(desk, found)
    for item in found:
        start, end = (document.offset(position) + document.bom for position in item.span)
        places = []
        for related in item.related:
            path = os.path.abspath(related.file)  # noqa: PTH100 - symlinks stay
            extent = cells[(related.file, related.row, related.column)]
            places.append((Target(path, extent), words(related)))
        yield Shown(item, positions.extent(start, end), tuple(places))


def _cells(desk: Desk, found: Iterable[Diagnostic]) -> dict[tuple[str, int, int], Extent]:
    """Return the places of all cells that findings blame; each file is read once."""
    files: dict[str, list[Related]] = {}
    for item in found:
        for related in item.related:
            files.setdefault(related.file, []).append(related)
    places: dict[tuple[str, int, int], Extent] = {}
    for file, wanted in files.items():
        extents = cells_at(Path(file), [(each.row, each.column) for each in wanted], desk.units)
        places |= {(file, row, column): extent for (row, column), extent in extents.items()}
    return places
