"""Where the rows and samples that stand in a spec have their cells: an editor goes there, as for any finding."""

from __future__ import annotations

from msgspec_runner.diagnostics import Position
from msgspec_runner.recipients.rows import Row
from msgspec_runner.source.document import Mapping, Sequence
from msgspec_runner.spec import Spec


def place_in_spec(row: Row, column: str, spec: Spec) -> Position | None:
    """Return where a cell begins, or its row if it has no such cell; None for the row of a file.

    Args:
        row: one that was read.
        column: the name that templates use; empty means the row.
        spec: whose rows or samples it may be of.
    """
    for name, rows in (("rows", spec.rows or ()), ("samples", spec.samples)):
        listed = spec.document.node(("recipients", name))
        if not isinstance(listed, Sequence) or row.number > len(rows) or rows[row.number - 1] is not row.cells:
            continue
        item = [item for item in listed.items if isinstance(item, Mapping)][row.number - 1]
        heading = next((each.heading for each in spec.columns if each.name == column), column)
        cell = item.get(heading) if column else None
        return spec.document.position(item.start if cell is None else cell.start)
    return None
