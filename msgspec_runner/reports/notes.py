"""What a report says beside a finding's message: the cells that caused it, and how many rows share it.

Row and column only. What a cell holds is somebody's data, and a CI shows its reports to many: it is in a finding, and
then in every report, only where `lint --show-data` asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Diagnostic, Related
from msgspec_runner.reports.text import count, printable


def place(item: Diagnostic) -> str:
    """Return ``path:line:col``, which editors and CI logs make a link of."""
    return f"{printable(item.file)}:{item.span.start.line}:{item.span.start.col}"


def cells(item: Diagnostic) -> Iterator[str]:
    """Yield a line for every other place of a finding: ``recipients/patients.csv:14:1  row 13, column `phone```."""
    for related in item.related:
        yield f"{spot(related)}  {printable(words(related))}"


def spot(related: Related) -> str:
    """Return ``recipients/patients.csv:14:1``: row and number of a cell; in a spec, its own line and column."""
    first, second = related.at if related.at is not None else (related.row, related.column)
    return f"{printable(related.file)}:{first}:{second}"


def words(related: Related) -> str:
    """Return what another place has to do with a finding, with what the cell holds where that was asked for."""
    return related.message if related.value is None else f'{related.message}: "{printable(related.value)}"'


def rows(item: Diagnostic) -> str:
    """Return ``37 of 12,480 rows``; empty where one row is all there is, or no row is to blame."""
    if item.rows is None or (item.rows.count <= 1 and item.rows.total <= 1):
        return ""
    return f"{item.rows.count:,} of {count(item.rows.total or item.rows.count, 'row')}"


def last_line(item: Diagnostic) -> int:
    """Return the line of a finding's last character; its range's end may be the line below, before the first one."""
    start, end = item.span
    return end.line - 1 if end.col == 1 and end.line > start.line else end.line
