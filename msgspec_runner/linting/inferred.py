"""Rows that could not be rendered although no cell is bad: their template asks for what no row has.

Rendering gives one verdict for both (``invalid-rendered-field``); what is known of the template's types tells them
apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec_runner.linting.flows import FieldFlow
from msgspec_runner.rendering import RowProblem

FAILED: Final = "invalid-rendered-field"
MISMATCH: Final = "filter-type-mismatch"
_WRITTEN: Final = {
    "a date": "write dates as 2031-01-02",
    "a date with a time": "write the time too, as 2031-01-02T15:04,",
    "a number": "write numbers as 3.50",
}
"""What to do where a filter can read no row, by what it needs."""


def judged(problem: RowProblem, count: int, total: int, flows: Iterable[FieldFlow]) -> RowProblem | None:
    """Return what a problem of rows is: itself, a mismatch of types, or nothing more where MSG404 has told it already.

    A filter that reads a column's text, and cannot in any row, is a mismatch: the column is not what it takes. If some
    rows do well, the others have bad cells. Of what is in a partial only the rows tell.

    Args:
        problem: of rendering.
        count: rows that have it.
        total: rows that were read from the same source.
        flows: what is known of the spec's templates.
    """
    if problem.rule == MISMATCH and count < total:
        return problem._replace(rule=FAILED)
    if problem.rule != FAILED or problem.field is None or problem.start < 0:
        return problem
    place = (problem.start, problem.end)
    for field, flow in flows:
        if field.path != problem.field.path:
            continue
        if any(mismatch.whole == place for mismatch in flow.mismatches):
            return None
        for reading in flow.readings:
            if reading.whole == place and problem.detail in reading.says and count >= max(total, 1):
                needs = reading.needs
                detail = (
                    f"`{reading.column}` holds {needs.replace('a ', 'no ', 1)} in any row; `{reading.filter}` takes "
                    f"{needs}: remove the filter, or {_WRITTEN[needs]} in the data"
                )
                return problem._replace(
                    rule=MISMATCH, detail=detail, start=reading.start, end=reading.end, column=reading.column
                )
    return problem
