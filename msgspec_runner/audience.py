"""Who gets a spec's message: its recipients as a stream of rendered rows, the same for lint, render and send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec_runner.errors import RecipientsError, UsageError
from msgspec_runner.recipients.columns import Binder, CellProblem, Columns
from msgspec_runner.recipients.readers import inline, is_spooled, open_recipients
from msgspec_runner.recipients.rows import Row, Source
from msgspec_runner.rendering import Rendered, Renderer, RowProblem
from msgspec_runner.spec import Spec


class RenderedRow(NamedTuple):
    """One recipient.

    Attributes:
        row: where it stands in its file.
        values: its columns, converted.
        rendered: what it would get.
        problems: why not to send to it: of its cells, then of its message.
        header: the source's, which names the cells of ``row``.
    """

    row: Row
    values: dict[str, object]
    rendered: Rendered
    problems: tuple[RowProblem, ...]
    header: tuple[str, ...]


def shown_path(path: Path, base: Path) -> str:
    """Return a path as people are shown it: relative to ``base`` where it lies in it, with ``/``.

    Recipients that were piped in are ``<stdin>``, wherever they were spooled.
    """
    if is_spooled(path):
        return "<stdin>"
    try:
        return path.resolve().relative_to(base.resolve()).as_posix()
    except ValueError:
        return path.as_posix()


def recipients_path(spec: Spec, root: Path) -> Path | None:
    """Return the file that ``recipients.file`` names, or None where the spec names none.

    Raises:
        RecipientsError: it lies outside the project's root, symlinks resolved, or can be no file.
    """
    if spec.file is None:
        return None
    document = spec.document
    path = Path(document.file).parent / spec.file.text
    try:
        is_inside = path.resolve().is_relative_to(root.resolve())
        is_folder = path.is_dir()
    except (OSError, RuntimeError, ValueError):  # too long, a circle of links, a NUL
        problem = "recipients.file is no path that can exist; write the path of a file, relative to this spec"
    else:
        if is_inside and not is_folder:
            return path
        problem = "recipients.file is a folder; name a file in it"
        if not is_inside:
            cure = "copy the file into the project, or use --recipients"
            problem = f"recipients.file must lie inside the project's root; {cure}"
    place = document.position(spec.file.start)
    raise RecipientsError(problem, file=document.file, line=place.line, column=place.col)


def open_audience(spec: Spec, root: Path, override: Path | None = None) -> Source:
    """Open the recipients that ``send`` would send to: ``--recipients``, the spec's file, or its rows.

    A spec without ``recipients`` has one recipient without columns.

    Raises:
        RecipientsError: the file cannot be read, or lies outside the project.
        UsageError: the spec names no recipients.
    """
    cwd = Path.cwd()
    if override is not None:
        return open_recipients(override, shown_path(override, cwd))
    path = recipients_path(spec, root)
    if path is not None:
        return open_recipients(path, shown_path(path, cwd))
    if spec.rows is not None:
        return inline(spec.rows, spec.document.file, spec.row_lines("rows"))
    if not spec.has_recipients:
        return inline([{}], spec.document.file)
    raise UsageError(f"{spec.document.file}: the spec names no recipients: add --recipients FILE")


def audience_name(spec: Spec, root: Path, override: Path | None = None) -> str:
    """Return the name of the source that :func:`open_audience` would open, which is not read."""
    path = override if override is not None else recipients_path(spec, root)
    return shown_path(path, Path.cwd()) if path is not None else spec.document.file


def open_samples(spec: Spec) -> Source:
    """Open the spec's samples, as invented recipients for lint and preview."""
    return inline(spec.samples, spec.document.file, spec.row_lines("samples"))


def bind_columns(spec: Spec, source: Source) -> Binder:
    """Match a spec's columns to what a source has."""
    return Columns(spec.columns).bind(source.header, fixed=source.fixed)


def rendered_rows(source: Source, renderer: Renderer, binder: Binder | None = None) -> Iterator[RenderedRow]:
    """Convert and render every row of a source, one at a time.

    Args:
        source: from :func:`open_audience` or :func:`open_samples`.
        renderer: of the spec.
        binder: the spec's columns bound to the source's header; None binds them here.

    Raises:
        RecipientsError: the source cannot be read on.
    """
    if binder is None:
        binder = bind_columns(renderer.spec, source)
    convert, render, header = binder.convert, renderer.render, source.header
    variables = renderer.variables
    # Rows of objects may each have other columns; those of a table are asked once for all.
    may_share = bool(variables) and not (source.fixed and variables.keys().isdisjoint(binder.names))
    for row in source:
        values, cell_problems = convert(row)
        rendered = render(values)
        if may_share and not variables.keys().isdisjoint(values):
            shared = tuple(_shared_name(name) for name in values if name in variables)
            yield RenderedRow(row, values, rendered, shared, header)
            continue
        if not cell_problems:
            yield RenderedRow(row, values, rendered, rendered.problems, header)
            continue
        blamed = {problem.column for problem in cell_problems}
        # A bad cell is no value; what the message lacks without it is no problem of its own.
        problems = tuple(map(_cell_row_problem, cell_problems)) + tuple(
            problem for problem in rendered.problems if problem.column not in blamed and problem.rule != "renders-empty"
        )
        yield RenderedRow(row, values, rendered, problems, header)


def _shared_name(name: str) -> RowProblem:
    return RowProblem("ambiguous-name", None, f"`{name}` is a column and a var: rename one of them", column=name)


_CELL_RULES = {
    "missing-column": "missing-column",
    "empty": "empty-cell",
    "invalid": "invalid-cell",
    "phone": "invalid-phone-cell",
}


def _cell_row_problem(problem: CellProblem) -> RowProblem:
    return RowProblem(_CELL_RULES[problem.kind], None, problem.message, column=problem.column)
