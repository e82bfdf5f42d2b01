"""What the cells of a row mean to a template: names, types, defaults, and the one value that is no value.

A blank cell never becomes an empty string: it is :data:`~msgspec_runner.templates.values.ABSENT`, so that "Hi ," can
not happen by accident.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from msgspec_runner.recipients.rows import Row
from msgspec_runner.templates.values import ABSENT

if TYPE_CHECKING:
    from msgspec_runner.recipients.cells import Converter

ProblemKind = Literal["missing-column", "empty", "invalid", "phone"]

_NO_CELL: Final = -1


class Column(NamedTuple):
    """A column that a spec declares.

    Attributes:
        name: what templates call it.
        type: ``string integer number boolean date datetime phone url``.
        required: whether every recipient needs a value; a default serves as one.
        default: the value of recipients without one, as the spec writes it; None for no default.
        enum: the texts that are allowed, all if empty.
        header: the header of the column in the data, where it is not the name.
        region: the region (ISO 3166-1) whose national phone numbers are read, for ``phone`` only.
        description: for people.
    """

    name: str
    type: str = "string"
    required: bool = True
    default: object = None
    enum: tuple[str, ...] = ()
    header: str | None = None
    region: str | None = None
    description: str = ""

    @property
    def heading(self) -> str:
        """The header of this column in the data."""
        return self.name if self.header is None else self.header


class CellProblem(NamedTuple):
    """Something wrong with a column, or with one recipient's cell of it.

    Attributes:
        column: the name of the declared column.
        kind: ``missing-column`` the data has no such column; ``empty`` a required cell is blank; ``phone`` no phone
            number; ``invalid`` any other text that is no value of the type.
        message: a sentence with the column's name and what to do; never the cell's text.
    """

    column: str
    kind: ProblemKind
    message: str


class _Step(NamedTuple):
    """How one name gets its value."""

    name: str
    heading: str
    cell: int  # its index in the row; _NO_CELL without one
    convert: Converter | None
    column: Column | None
    blank: object  # the value of a blank cell


class Binder:
    """Columns matched to the header of one file; turns its rows into values.

    Attributes:
        names: the names that templates can use, declared ones first.
        unnamed: headers that are no names and that no column maps (``First Name``): map them by ``header:``.
        problems: declared columns that the data does not have.
    """

    __slots__ = ("_direct", "_numbers", "_steps", "_taken", "names", "problems", "unnamed")

    def __init__(self, declared: tuple[Column, ...], header: Sequence[str], *, fixed: bool) -> None:
        cells = {text: index for index, text in enumerate(header) if text}
        self._taken = frozenset(column.heading for column in declared) | frozenset(column.name for column in declared)
        steps = [_step(column, cells.get(column.heading, _NO_CELL)) for column in declared]
        steps += [
            _Step(text, text, index, None, None, ABSENT)
            for text, index in cells.items()
            if text not in self._taken and text.isidentifier()
        ]
        self._steps = tuple(steps)
        self._numbers = {step.name: step.cell + 1 for step in steps if step.cell != _NO_CELL}
        self._direct = (
            tuple(step.name for step in steps)
            if all(step.convert is None and step.column is None for step in steps)
            and [step.cell for step in steps] == list(range(len(header)))
            else None
        )
        self.names = tuple(step.name for step in steps)
        self.unnamed = tuple(text for text in cells if text not in self._taken and not text.isidentifier())
        self.problems = tuple(
            _missing(column, header)
            for column in declared
            if fixed and column.heading not in cells and column.required and column.default is None
        )

    def column_number(self, name: str) -> int:
        """Return the 1-based number of the cell that a name's value comes from, 1 if the data has none."""
        return self._numbers.get(name, 1)

    def cell(self, row: Row, name: str) -> str | None:
        """Return the text of the cell that a name's value comes from; None if there is none, or no text."""
        cells = row.cells
        if isinstance(cells, Mapping):
            heading = next((step.heading for step in self._steps if step.name == name), name)
            return text_of(cells[heading]) if heading in cells else None
        number = self._numbers.get(name)
        return cells[number - 1] if number is not None else None

    def convert(self, row: Row) -> tuple[dict[str, object], tuple[CellProblem, ...]]:
        """Return what templates see of a row, and what is wrong with its cells.

        A cell with a problem has the value ABSENT. A declared column that the data does not have is reported for the
        row only if the row is an object of its own (JSON, rows of a spec); for tables see :attr:`problems`.
        """
        cells = row.cells
        if not isinstance(cells, tuple):
            return self._convert_object(cells)
        if self._direct is not None and all(cells):
            values: dict[str, object] = dict(zip(self._direct, cells, strict=True))
            if not any(map(str.isspace, cells)):
                return values, ()
        return self._convert_cells(cells)

    def _convert_cells(self, cells: Sequence[str]) -> tuple[dict[str, object], tuple[CellProblem, ...]]:
        values: dict[str, object] = {}
        problems: list[CellProblem] = []
        for step in self._steps:
            name, _, cell, convert, column, blank = step
            text = cells[cell] if cell >= 0 else ""
            if not text or text.isspace():
                values[name] = blank
                if blank is ABSENT and cell >= 0 and column is not None and column.required:
                    problems.append(_empty(column))
            elif convert is None:
                values[name] = text
            else:
                try:
                    values[name] = convert(text)
                except ValueError as error:
                    values[name] = _refused(step, error, problems)
        return values, tuple(problems)

    def _convert_object(self, cells: Mapping[str, object]) -> tuple[dict[str, object], tuple[CellProblem, ...]]:
        values: dict[str, object] = {}
        problems: list[CellProblem] = []
        for step in self._steps:
            name, heading, _, convert, column, blank = step
            value = cells.get(heading)
            text = value if isinstance(value, str) else text_of(value)
            if text is None:
                values[name] = _nested(step, value, problems)
            elif not text or text.isspace():
                values[name] = blank
                if blank is ABSENT and column is not None and column.required:
                    problems.append(_empty(column) if heading in cells else _missing(column, cells))
            elif convert is None:
                values[name] = text
            else:
                values[name] = _converted(step, text, problems)
        if len(cells) > len(self._steps) or not values.keys() >= cells.keys():
            for key, value in cells.items():
                if key not in values and key not in self._taken and key.isidentifier():
                    text = text_of(value)
                    values[key] = value if text is None else text if text.strip() else ABSENT
        return values, tuple(problems)


class Columns(NamedTuple):
    """The columns that a spec declares; none if names come from the data and every value is a string."""

    declared: tuple[Column, ...] = ()

    def bind(self, header: Sequence[str], *, fixed: bool = True) -> Binder:
        """Match the columns to a header.

        Args:
            header: the header's cells (:attr:`Source.header <msgspec_runner.recipients.rows.Source>`).
            fixed: whether all rows have exactly these cells (``Source.fixed``); otherwise a missing column is reported
                row by row.
        """
        return Binder(self.declared, header, fixed=fixed)


def default_problem(column: Column) -> str | None:
    """Say why a column's default is no value of its type; None if it is one, or if there is none."""
    if column.default is None:
        return None
    text = text_of(column.default)
    if text is None:
        return f"the default of column “{column.name}” is a list or mapping; write a single value"
    if not text.strip():
        return f"the default of column “{column.name}” is blank; remove it and set required: false"
    convert = _checked(column)
    try:
        if convert is not None:
            convert(text)
    except ValueError as error:
        return f"the default of column “{column.name}” {error}"
    return None


def text_of(value: object) -> str | None:
    """Return a value of JSON or YAML as the text that a CSV cell would have; None for a list or a mapping."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, date):
        return value.isoformat()
    return None if isinstance(value, Mapping | list | tuple) else str(value)


def _step(column: Column, index: int) -> _Step:
    convert = _checked(column)
    blank: object = ABSENT
    text = text_of(column.default)
    if text and text.strip():
        blank = text
        if convert is not None:
            try:
                blank = convert(text)
            except ValueError:
                blank = ABSENT  # default_problem() tells
    return _Step(column.name, column.heading, index, convert, column, blank)


def _checked(column: Column) -> Converter | None:
    """Return the converter of a column's type, which first looks at its enum."""
    if column.type == "string" and not column.enum:
        return None
    from msgspec_runner.recipients.cells import CellError, converter

    convert = converter(column.type, column.region)
    if not column.enum:
        return convert
    allowed = frozenset(column.enum)
    words = f"is none of {', '.join(column.enum)}"

    def one_of(text: str) -> object:
        if text not in allowed:
            raise CellError(words)
        return text if convert is None else convert(text)

    return one_of


def _converted(step: _Step, text: str, problems: list[CellProblem]) -> object:
    try:
        return text if step.convert is None else step.convert(text)
    except ValueError as error:  # a CellError; to name it here would load every pattern with the first lint
        return _refused(step, error, problems)


def _refused(step: _Step, error: ValueError, problems: list[CellProblem]) -> object:
    column = step.column
    kind: ProblemKind = "phone" if column is not None and column.type == "phone" else "invalid"
    problems.append(CellProblem(step.name, kind, f"{_a_cell_of(step.name)} {error}"))
    return ABSENT


def _nested(step: _Step, value: object, problems: list[CellProblem]) -> object:
    """A list or an object is kept for templates that go through it, unless a type was declared."""
    if step.column is None:
        return value
    problems.append(
        CellProblem(
            step.name,
            "invalid",
            f"{_a_cell_of(step.name)} holds a list or an object; write a single {step.column.type}",
        )
    )
    return ABSENT


def _empty(column: Column) -> CellProblem:
    cure = "fill it, or declare the column required: false"
    if column.type == "phone":
        cure = "fill it, leave the recipient out, or declare the column required: false if nobody is texted there"
    return CellProblem(column.name, "empty", f"{_a_cell_of(column.name)} is empty; {cure}")


def _a_cell_of(name: str) -> str:
    return f"a cell of column “{name}”"


def _missing(column: Column, header: Iterable[str]) -> CellProblem:
    near = _nearest(column.heading, [text for text in header if text])
    cure = (
        f"write header: {near} in its declaration if that is the one"
        if near is not None
        else "add it to the data, or declare the column required: false"
    )
    found = f"; did you mean “{near}”?" if near is not None else ";"
    return CellProblem(column.name, "missing-column", f"the data have no column “{column.heading}”{found} {cure}")


def _nearest(wanted: str, headers: list[str]) -> str | None:
    """Return the header that was probably meant: the same letters and digits, or nearly the same text."""
    from difflib import get_close_matches

    folded = {_folded(text): text for text in reversed(headers)}
    if (same := folded.get(_folded(wanted))) is not None:
        return same
    close = get_close_matches(_folded(wanted), folded, n=1, cutoff=0.7)
    return folded[close[0]] if close else None


def _folded(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
