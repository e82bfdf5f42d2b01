"""What the linter says: immutable values, ordered by place, equal by content.

Here and in what else every lint imports they are named tuples rather than frozen dataclasses: one of these takes
0.5 ms to define, and there are many.

The shape of the JSON report (contract, section 3) is the shape of these classes; a report only
chooses a notation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How bad a finding is. The order of the members is the order of badness, worst first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for an error, 1 for a warning, 2 for an info: the smaller, the worse."""
        return tuple(Severity).index(self)


class Position(NamedTuple):
    """A place in a file: 1-based line, 1-based column in code points."""

    line: int
    col: int


class Span(NamedTuple):
    """A range of characters; ``end`` is exclusive."""

    start: Position
    end: Position


START = Span(Position(1, 1), Position(1, 1))
"""The place of a finding about the file as a whole (it cannot be read, say)."""


class Edit(NamedTuple):
    """Replace the characters of ``span`` with ``text``."""

    span: Span
    text: str


class Fix(NamedTuple):
    """A repair of one finding.

    Attributes:
        safety: ``"safe"`` writes what was meant beyond doubt; ``"unsafe"`` is a guess, or changes a recipient's words.
        edits: the replacements, none overlapping another.
    """

    safety: str
    edits: tuple[Edit, ...]


class Related(NamedTuple):
    """A second location of a finding: usually the cell that caused it.

    Attributes:
        file: path as shown to the user, relative to the project.
        row: the row as the file itself counts: the line of a text file, the row of a sheet (a header is row 1).
        column: 1-based number of the cell in its row (not of a character); of a partial, of the character in its line.
        message: what this place has to do with it; never holds a cell's value (people's data).
        value: the beginning of what the cell holds; None unless it was asked for, and where no cell is to blame.
        at: where the cell begins, if it stands in a spec, and the place in a partial; people are shown that, as an
            editor would go there.
    """

    file: str
    row: int
    column: int
    message: str
    value: str | None = None
    at: Position | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Which recipients share a finding.

    Attributes:
        count: how many.
        sample: the numbers of the first few, 1-based, a header not counted.
        total: how many there are in all; for people, not in the JSON report.
        every: the numbers of all that must be left out for this finding to go away, in any order; only where the
            linter was asked to keep them, and never those of samples.
        samples: the numbers of the samples that share it, in any order; only where the linter was asked to keep them.
    """

    count: int
    sample: tuple[int, ...]
    total: int = 0
    every: Sequence[int] = field(default=(), compare=False, repr=False)
    samples: Sequence[int] = field(default=(), compare=False, repr=False)


class Diagnostic(NamedTuple):
    """One finding.

    Attributes:
        file: the spec, relative to where the command runs, with ``/``.
        code: ``MSG`` and three digits; stable for ever.
        name: kebab-case name of the bad pattern.
        severity: after the configuration was applied.
        message: what is wrong and what to type next, one sentence or two.
        span: the offending characters.
        path: dotted key path in the spec (``message.template.id``), empty for the whole file.
        related: other places that have to do with it.
        rows: which recipients, where data is the cause.
        fix: a repair, where one is known.
        fingerprint: stays the same when lines are added above; filled in by the linter.
    """

    file: str
    code: str
    name: str
    severity: Severity
    message: str
    span: Span
    path: str = ""
    related: tuple[Related, ...] = ()
    rows: Rows | None = None
    fix: Fix | None = None
    fingerprint: str = ""

    @property
    def sort_key(self) -> tuple[str, Span, str, str]:
        """Findings are shown by file, then place, then code."""
        return (self.file, self.span, self.code, self.message)
