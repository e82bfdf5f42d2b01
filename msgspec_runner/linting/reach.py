"""How far the rows of a spec came into its templates: which branches no recipient and no sample took."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec_runner.diagnostics import Related
from msgspec_runner.linting.row_pass import RowReport
from msgspec_runner.recipients.columns import Binder
from msgspec_runner.spec import Field, Spec

if TYPE_CHECKING:
    from msgspec_runner.templates.coverage import Coverage, Missed


class Reach(NamedTuple):
    """What a walk over the rows tells of the templates' branches.

    Attributes:
        missed: branches that no row took, with their fields; of partials nothing is known.
        rows: recipients that were read.
        samples: samples that were read.
        doubtful: columns with cells that could not be read: what a condition makes of them is not known.
        constant: conditions of which the rows told MSG405 that they are always the same: field, start, end.
        file: the recipients' file; empty where they stand in the spec.
        binder: the columns of the file; None without one.
    """

    missed: tuple[tuple[Field, Missed], ...]
    rows: int
    samples: int
    doubtful: frozenset[str]
    constant: tuple[tuple[Field, int, int], ...] = ()
    file: str = ""
    binder: Binder | None = None

    @property
    def everybody(self) -> str:
        """Who was looked at, in words: ``all 12,480 rows and 2 samples``, ``the only sample``."""
        if self.rows + self.samples == 1:
            return "the only row" if self.rows else "the only sample"
        parts = [(self.rows, "row"), (self.samples, "sample")]
        if (self.rows, self.samples) in ((2, 0), (0, 2)):
            return "both rows" if self.rows else "both samples"
        words = " and ".join(f"{number:,} {noun}{'' if number == 1 else 's'}" for number, noun in parts if number)
        return words if 1 in (self.rows, self.samples) else f"all {words}"

    def related(self, names: frozenset[str]) -> tuple[Related, ...]:
        """Return the place of the data, where they are a file: of a column, if only one of the names is one."""
        if self.binder is None:
            return ()
        columns = names.intersection(self.binder.names)
        rows = f"{self.rows:,} row{'' if self.rows == 1 else 's'}"
        if len(columns) != 1:
            return (Related(self.file, 1, 1, f"{rows} were looked at" if self.rows != 1 else "1 row was looked at"),)
        (name,) = columns
        return (Related(self.file, 1, self.binder.column_number(name), f"column `{name}` of {rows}"),)


def reach(report: RowReport, spec: Spec, coverage: Coverage) -> Reach | None:
    """Return what is known of the branches after a walk; None where not all rows could be read.

    Args:
        report: of the walk.
        spec: the spec that was rendered.
        coverage: what noted the branches in this walk, and perhaps in those of other profiles.
    """
    if report.unreadable is not None:
        return None
    missed = tuple((field, each) for field in spec.templates for each in coverage.missed(field.template))
    doubtful = frozenset(problem.column for _, problem in report.groups if problem.field is None)
    own = spec.document.file
    file = next((name for name in report.binders if name != own), "")
    samples = min(len(spec.samples), report.totals.get(own, 0))
    rows = sum(report.totals.values()) - samples
    return Reach(missed, rows, samples, doubtful, report.asked_of_text, file, report.binders.get(file))
