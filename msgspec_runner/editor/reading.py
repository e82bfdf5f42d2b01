"""An open spec as a question about one place sees it: the text around, and what its names mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Final, NamedTuple

from msgspec_runner.audience import bind_columns, open_audience, open_samples
from msgspec_runner.config import Config
from msgspec_runner.editor.expressions import Tag, tag_at
from msgspec_runner.editor.outline import Key, Outline, Place
from msgspec_runner.editor.positions import Extent, Positions, Spot
from msgspec_runner.editor.questions import Desk
from msgspec_runner.editor.workplace import Memory, Workplace
from msgspec_runner.errors import RunnerError
from msgspec_runner.recipients.columns import Column
from msgspec_runner.recipients.rows import Source
from msgspec_runner.source.document import Document, parse_document
from msgspec_runner.spec import Spec, build_spec
from msgspec_runner.templates import RESERVED_NAMES
from msgspec_runner.templates.values import ABSENT

SHOWN_VALUES: Final = 3
"""How many values of a column are shown."""

_TEMPLATES: Final = (("message",), ("recipients", "key"), ("delivery", "window", "timezone"))
"""Below which keys texts are templates (contract, section 1)."""


class Known(NamedTuple):
    """A column.

    Attributes:
        name: what templates call it.
        column: as declared; None where it is not.
        heading: its header in the data.
        values: a few of its values, of samples; of recipients only where the person has asked for it.
        in_data: whether the recipients' data have it; None where there are none that could be looked at.
    """

    name: str
    column: Column | None
    heading: str
    values: tuple[str, ...] = ()
    in_data: bool | None = None


class Var(NamedTuple):
    """A var: its value, and whether ``spec``, ``config`` or a profile (``profile NAME``) says so."""

    value: object
    home: str


class Reading:
    """One place in an open text.

    Args:
        desk: the text.
        spot: the place, as the client has it.
        memory: of the helper.
    """

    def __init__(self, desk: Desk, spot: Spot, memory: Memory) -> None:
        self.desk = desk
        self.memory = memory
        self.workplace = Workplace(desk, memory)
        self.text = desk.text
        self.positions = Positions(desk.text, desk.units)
        self.offset = self.positions.offset(spot)
        self.outline = Outline(desk.text)

    @cached_property
    def place(self) -> Place:
        """What is at the place, by the lines around it."""
        return self.outline.at(self.offset)

    @cached_property
    def tag(self) -> Tag | None:
        """The template's tag that the place lies in; None where it lies in none."""
        key = self.place.key
        if self.place.role != "value" or key is None or not is_template(key):
            return None
        return tag_at(self.text, key.value, max(key.stop, self.place.end), self.offset)

    @property
    def style(self) -> str:
        """How the scalar around is written."""
        return self.place.key.style if self.place.key is not None else "plain"

    @cached_property
    def document(self) -> Document:
        """The spec as it can be parsed: as it is, else without the line that is being typed, else as it last could."""
        own = self.workplace.document
        if own.root is not None:
            self.memory.good[self.desk.path] = own
            return own
        line = self.positions.spot(self.offset).line
        start, end = self.positions.offset(Spot(line, 0)), self.positions.offset(Spot(line + 1, 0))
        blank = "".join(character if character in "\r\n" else " " for character in self.text[start:end])
        mended = parse_document(own.file, self.text[:start] + blank + self.text[end:])
        if mended.root is not None:
            return mended
        return self.memory.good.get(self.desk.path, own)

    @cached_property
    def spec(self) -> Spec:
        """What the spec says."""
        return build_spec(self.document)

    @cached_property
    def columns(self) -> Mapping[str, Known]:
        """The columns that templates may use, declared ones first."""
        found = {column.name: Known(column.name, column, column.heading) for column in self.spec.columns}
        for name, heading, in_data in self._data_names():
            known = found.get(name)
            if known is None:
                known = Known(name, None, heading)
            found[name] = known._replace(in_data=in_data or known.in_data)
        if any(known.in_data for known in found.values()):
            found = {name: known._replace(in_data=bool(known.in_data)) for name, known in found.items()}
        usable = {name: known for name, known in found.items() if name.isidentifier() and name not in RESERVED_NAMES}
        values = self._values(usable)
        return {name: known._replace(values=values.get(name, ())) for name, known in usable.items()}

    @cached_property
    def variables(self) -> Mapping[str, Var]:
        """The vars, by precedence: a profile's over the spec's over the configuration's."""
        config = self.config
        found = {name: Var(value, "config") for name, value in config.vars.items()}
        profile = config.profiles.get(config.profile, {}).get("vars", {})
        for name in profile:
            found.pop(name, None)
        found |= {name: Var(value, "spec") for name, value in self.spec.vars.items()}
        found |= {name: Var(value, f"profile {config.profile}") for name, value in profile.items()}
        return found

    @cached_property
    def config(self) -> Config:
        """The configuration, under the first profile where the project has some and the person chose none."""
        config = self.workplace.config
        if config.profile or not config.profiles:
            return config
        return config.with_profile(next(iter(config.profiles)))

    def extent(self, start: int, end: int) -> Extent:
        """Return a range of the text as the client has it."""
        return self.positions.extent(start, end)

    def word(self, start: int, end: int) -> Extent:
        """Return a range around the place as the client has it, as far as it lies on the place's line."""
        line = self.positions.spot(self.offset).line
        first, last = self.positions.offset(Spot(line, 0)), self.positions.offset(Spot(line, len(self.text)))
        return self.positions.extent(max(first, min(start, self.offset)), min(last, max(end, self.offset)))

    def audience(self) -> Source | None:
        """Open the recipients; None where there are none that can be read."""
        if not self.spec.has_recipients:
            return None
        try:
            return open_audience(self.spec, self.workplace.root)
        except RunnerError:
            return None

    def _data_names(self) -> Iterator[tuple[str, str, bool]]:
        """Yield names that templates may use, with the header of each and whether recipients have it."""
        source = self.audience()
        for each, in_data in ((source, True), (open_samples(self.spec), False)):
            if each is not None:
                with each:
                    binder = bind_columns(self.spec, each)
                    for name in binder.names:
                        declared = next((item for item in self.spec.columns if item.name == name), None)
                        heading = declared.heading if declared is not None else name
                        yield name, heading, in_data and heading in each.header

    def _values(self, names: Mapping[str, Known]) -> dict[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {name: {} for name in names}
        sources = [open_samples(self.spec)]
        if self.desk.settings.show_data and (source := self.audience()) is not None:
            sources.append(source)
        for source in sources:
            with source, suppress(RunnerError):
                binder = bind_columns(self.spec, source)
                for number, row in enumerate(source):
                    if number >= SHOWN_VALUES * 2:
                        break
                    for name, values in found.items():
                        text = binder.cell(row, name)
                        if text and text.strip() and len(values) < SHOWN_VALUES:
                            values[text] = None
        return {name: tuple(values) for name, values in found.items()}


def is_template(key: Key) -> bool:
    """Say whether the value of a key is a template."""
    return any(key.path[: len(path)] == path for path in _TEMPLATES)


def shown_value(value: object) -> str:
    """Return a var's value as people write it."""
    return "" if value is ABSENT else str(value)
