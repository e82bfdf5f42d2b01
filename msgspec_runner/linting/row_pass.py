"""One walk over a spec's rows: what is wrong with them, grouped, so that a broken column is one finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec_runner.audience import (
    RenderedRow,
    bind_columns,
    open_audience,
    open_samples,
    recipients_path,
    rendered_rows,
)
from msgspec_runner.conversions import emptied
from msgspec_runner.diagnostics import Related, Rows, Severity
from msgspec_runner.errors import RecipientsError
from msgspec_runner.linting.cell_places import place_in_spec
from msgspec_runner.linting.costs import COSTS, told
from msgspec_runner.linting.identities import Identities
from msgspec_runner.linting.inferred import MISMATCH, judged
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.row_places import place_in_partial, place_of
from msgspec_runner.linting.rule import Finding, RowCheck, RowCheckMaker, Rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.recipients.columns import Binder
from msgspec_runner.recipients.rows import Row, Source
from msgspec_runner.rendering import Renderer, RowProblem
from msgspec_runner.spec import Field, Spec
from msgspec_runner.templates import RESERVED_NAMES

Passage = Callable[[Renderer, Iterator[RenderedRow]], Iterator[RenderedRow]]
"""What a spec's recipients pass, rendered, on their way to the rules; it yields each of them as it came."""

SHOWN_CHARACTERS = 80
"""How much of a cell is shown to who asks for it."""

SHOWN_ROWS = 3
"""How many of the rows that share a finding are shown."""

_EMPTIED = frozenset({"invalid-rendered-field", "bad-template-value"})
"""Verdicts on fields that are never empty: what another field without a value has as ``empty-cell``."""

OF_A_PARTIAL = frozenset({"template-syntax", "unknown-filter"})
"""Verdicts on a partial that is wrong whatever the row has; those on a field's own text are no row's."""

SAID_OF_THE_SPEC = frozenset({"no-content", "invalid-phone-number", "ambiguous-name"})
"""Verdicts that have a rule of the spec: it has said so already, and no row says it again."""


class Group:
    """The rows of one source that share one problem.

    Attributes:
        source: the rows' source.
        binder: its columns.
        problem: what they share.
        count: how many they are.
        rows: the first few of them.
        costs: how many have which :attr:`RowProblem.cost <msgspec_runner.rendering.RowProblem>`.
        first: of the rows that are shown, the number of the earlier row that goes to the same recipient.
        every: the numbers of all of them, where they are kept.
        samples: the numbers of the samples among them, where they are kept; ``every`` has none of those.
    """

    __slots__ = ("binder", "costs", "count", "every", "first", "problem", "rows", "samples", "source")

    def __init__(self, source: Source, binder: Binder, problem: RowProblem) -> None:
        self.source = source
        self.binder = binder
        self.problem = problem
        self.count = 0
        self.rows: list[Row] = []
        self.costs: Counter[tuple[int, int]] = Counter()
        self.first: dict[int, int] = {}
        self.every: list[int] = []
        self.samples: list[int] = []


class RowReport:
    """What a walk over the rows found.

    Attributes:
        columns: names that the templates may use, as far as spec and data tell; None where nothing does.
        groups: problems by their content and source.
        totals: rows read, by source.
        unnamed: headers that are no names, and that no column maps.
        unreadable: why the recipients' file could not be read to its end.
        constant: what is wrong whoever the recipients are: no row is to blame.
        whole: every recipient that the spec names was read.
        rowless: the recipients that were read and have no row, by the source's name; empty where there are some, and
            where samples stand in for them.
        binders: the columns of each source, by its name.
        keeps: whether the number of every row that has a problem is kept, for who leaves those rows out.
        keeps_samples: whether that of every sample is, for who shows them.
    """

    __slots__ = (
        "binders", "columns", "constant", "groups", "keeps", "keeps_samples", "rowless", "totals", "unnamed",
        "unreadable", "whole",
    )  # fmt: skip

    def __init__(self, columns: set[str] | None) -> None:
        self.columns = columns
        self.groups: dict[tuple[str, RowProblem], Group] = {}
        self.totals: dict[str, int] = {}
        self.unreadable: RecipientsError | None = None
        self.unnamed: set[str] = set()
        self.constant: tuple[RowProblem, ...] = ()
        self.whole = False
        self.rowless = ""
        self.binders: dict[str, Binder] = {}
        self.keeps = False
        self.keeps_samples = False

    @property
    def asked_of_text(self) -> tuple[tuple[Field, int, int], ...]:
        """Conditions that rows told MSG405 to ask a text whether it is true: field, start, end."""
        return tuple(
            (problem.field, problem.start, problem.end)
            for _, problem in self.groups
            if problem.rule == "constant-condition" and problem.field is not None
        )

    def add(self, source: Source, binder: Binder, problem: RowProblem, row: Row | None) -> Group:
        """Count a problem, of one row or of the source as a whole; return the rows that share it."""
        cost = problem.cost
        if cost is not None:
            problem = problem._replace(cost=None)
        key = (source.name, problem)
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(source, binder, problem)
        if cost is not None:
            group.costs[cost] += 1
        if row is not None:
            group.count += 1
            if len(group.rows) < SHOWN_ROWS:
                group.rows.append(row)
            if self.keeps:
                group.every.append(row.number)
            if self.keeps_samples:
                group.samples.append(row.number)
        return group


def walk_rows(
    context: RowContext,
    recipients: Path | None,
    rules: Iterable[Rule],
    *,
    every_row: bool = False,
    through: Passage | None = None,
) -> RowReport:
    """Render every recipient that can be read, and every sample.

    Args:
        context: the spec and what stands around it.
        recipients: of ``--recipients``.
        rules: row rules among them look at every row.
        every_row: keep the numbers of all rows that have a problem, not only of the few that are shown.
        through: what the recipients pass on their way to the rules; samples are nobody's, and do not.

    Raises:
        RecipientsError: the file of ``--recipients`` cannot be read; one that the spec names is reported.
    """
    spec, renderer, root = context.spec, context.renderer, context.config.root
    declared = {column.name for column in spec.columns}
    report = RowReport(declared if declared or not spec.has_recipients else None)
    if spec.message is None:
        return report
    makers = [rule.row_check for rule in rules if rule.row_check is not None]
    sources = 0
    try:
        for source, invented in _sources(spec, root, recipients):
            identities = Identities()
            report.keeps, report.keeps_samples = every_row and not invented, every_row and invented
            checks = _checks(context._replace(invented=invented), makers)
            with source:
                _walk(report, source, renderer, checks, identities, None if invented else through)
            sources += 1
            report.rowless = "" if any(report.totals.values()) else source.name
        if sources > bool(spec.samples and recipients is None) and identities.repeat:
            with open_audience(spec, root, recipients) as again:
                _tell_twins(report, again, renderer, identities)
        report.whole = recipients is None and sources > bool(spec.samples)  # the samples come first
    except RecipientsError as error:
        if recipients is not None:
            raise
        report.unreadable = error
    report.constant = tuple(renderer.constant_problems)
    return report


def _checks(context: RowContext, makers: Iterable[RowCheckMaker]) -> list[RowCheck]:
    """Return the checks of the row rules that have something to look for in these rows."""
    made = [maker(context) for maker in makers]
    return [check for check in made if check is not None]


def _sources(spec: Spec, root: Path, recipients: Path | None) -> Iterator[tuple[Source, bool]]:
    """Open one source of rows after the other; say with each whether it is the samples, which are invented."""
    if recipients is not None:
        yield open_audience(spec, root, recipients), False
        return
    if spec.samples:
        yield open_samples(spec), True
    if spec.file is not None:
        try:
            path = recipients_path(spec, root)
        except RecipientsError:
            return  # MSG506 says so
        if path is not None and path.is_file():
            yield open_audience(spec, root), False
    elif spec.rows is not None or not spec.has_recipients:
        yield open_audience(spec, root), False


def _tell_twins(report: RowReport, source: Source, renderer: Renderer, identities: Identities) -> None:
    spec = renderer.spec
    binder = bind_columns(spec, source)
    field = spec.key or spec.field("to")
    together: dict[int, list[int]] = {}
    conflicts: dict[int, Group] = {}
    for twin in identities.twins(rendered_rows(source, renderer, binder)):
        severity = Severity.WARNING if twin.same else Severity.ERROR
        group = report.add(
            source, binder, RowProblem("duplicate-recipient", field, "", severity=severity), twin.row.row
        )
        if len(group.first) < SHOWN_ROWS:
            group.first[twin.row.row.number] = twin.first
        if report.keeps:
            together.setdefault(twin.first, [twin.first]).append(twin.row.row.number)
            if not twin.same:
                conflicts[twin.first] = group
    # Which of several messages is meant for a number nobody can tell, so all of its rows are to blame.
    for first, group in conflicts.items():
        group.every += together[first]


def _walk(
    report: RowReport,
    source: Source,
    renderer: Renderer,
    checks: Sequence[RowCheck],
    identities: Identities,
    through: Passage | None,
) -> None:
    binder = report.binders[source.name] = bind_columns(renderer.spec, source)
    for missing in binder.problems:
        report.add(source, binder, RowProblem("missing-column", None, missing.message, column=missing.column), None)
    absent = {missing.column for missing in binder.problems}
    names = set(binder.names)
    report.unnamed.update(binder.unnamed)
    count = 0
    rows = rendered_rows(source, renderer, binder)
    for rendered_row in rows if through is None else through(renderer, rows):
        count += 1
        if not source.fixed:
            names.update(rendered_row.values)
        for problem in rendered_row.problems:
            if problem in renderer.constant_problems or (problem.rule == "empty-cell" and problem.column in absent):
                continue  # no row is to blame
            report.add(source, binder, problem, rendered_row.row)
        if not rendered_row.problems:
            identities.see(rendered_row)
            for check in checks:
                for problem in check(rendered_row):
                    report.add(source, binder, problem, rendered_row.row)
    report.totals[source.name] = report.totals.get(source.name, 0) + count
    report.columns = (report.columns or set()) | (names - RESERVED_NAMES)


def row_findings(
    report: RowReport, subject: Subject, rules: Iterable[Rule], *, show_data: bool = False
) -> Iterator[tuple[Rule, Finding]]:
    """Yield a finding a group, with the rule that words it; groups without a selected rule are left out.

    Args:
        report: of the walk.
        subject: the spec.
        rules: the selected ones.
        show_data: whether the findings hold what is in the cells, which is people's data.
    """
    by_name: Mapping[str, Rule] = {rule.name: rule for rule in rules}
    known = (report.columns or set()) | set(subject.variables)
    for problem in report.constant:
        rule = by_name.get(problem.rule)
        if _is_nothing(problem):
            continue  # MSG109 has said that nothing is written there
        if rule is not None and rule.wording is not None:
            span, path = place_of(subject, problem)
            yield rule, Finding(span, rule.wording(problem), path)
    for group in report.groups.values():
        problem = group.problem
        total = report.totals.get(group.source.name, group.count)
        if MISMATCH in by_name:
            verdict = judged(problem, group.count, total, subject.flows)
            if verdict is None:
                continue  # MSG404 has said it of the template
            problem = verdict
        rule = by_name.get(problem.rule)
        if _is_absence(problem) and problem.column not in known:
            if _is_written(problem, known):
                continue  # MSG402 has said that there is no such name
            rule = by_name.get("undefined-variable") if problem.column else rule
        if rule is None or problem.rule in SAID_OF_THE_SPEC:
            continue
        message = rule.wording(problem) if rule.wording is not None else problem.detail
        if group.costs:
            message = message.replace(COSTS, told(group.costs))
        span, path = place_of(subject, problem)
        inside = tuple(place_in_partial(problem, subject))
        no_row = problem.rule in OF_A_PARTIAL or (group.count == total and _is_constant(problem))
        if not group.source.header or no_row:  # no data are to blame
            yield rule, Finding(span, message, path, problem.fix, inside, problem.severity)
            continue
        rows = None
        if group.rows:
            rows = Rows(group.count, tuple(row.number for row in group.rows), total, group.every, group.samples)
        related = (*_related(group, problem, subject, show_data=show_data), *inside)
        yield rule, Finding(span, message, path, problem.fix, related, problem.severity, rows)
    if report.unreadable is not None and subject.spec.file is not None and "unreadable-recipients" in by_name:
        error, file = report.unreadable, subject.spec.file
        related = (Related(error.file, error.line, error.column, "reading stopped here"),)
        span = subject.document.span(file.start, file.end)
        yield by_name["unreadable-recipients"], Finding(span, str(error), "recipients.file", related=related)


def _is_nothing(problem: RowProblem) -> bool:
    field = problem.field
    return field is not None and field.node.value is None and problem.rule == "invalid-rendered-field"


def _is_absence(problem: RowProblem) -> bool:
    """Say whether something has no value: of all that rendering says, only that has both a name and a place."""
    if problem.rule == "empty-cell":
        return True
    if problem.rule not in _EMPTIED or problem.start < 0 or problem.field is None:
        return False
    return bool(problem.column) or problem.detail == emptied(problem.field, "", is_var=False).detail


def _is_constant(problem: RowProblem) -> bool:
    """Say whether a problem is that of a field that is the same for everybody."""
    return problem.field is not None and problem.field.template.is_static and not problem.column


def _is_written(problem: RowProblem, known: Collection[str]) -> bool:
    """Say whether a name that nobody has stands in the field itself, rather than in a partial that it includes.

    What the field makes of it (another name's value, an item of a list) has no value either.
    """
    return problem.field is None or any(use.name not in known for use in problem.field.template.names)


def _related(group: Group, problem: RowProblem, subject: Subject, *, show_data: bool) -> Iterator[Related]:
    column = problem.column
    if problem.rule == "duplicate-recipient":
        to = subject.spec.field("to")
        column = to.sole_name if to is not None else ""
    column = column if column not in subject.variables else ""
    for row in group.rows:
        number = group.binder.column_number(column) if column else 1
        what = f"row {row.number}, column `{column}`" if column else f"row {row.number}"
        what += f", after row {group.first[row.number]}" if row.number in group.first else ""
        value = group.binder.cell(row, column) if show_data and column else None
        if value is not None and len(value) > SHOWN_CHARACTERS:
            value = value[: SHOWN_CHARACTERS - 1] + "…"
        at = place_in_spec(row, column, subject.spec)
        yield Related(group.source.name, row.line, number, what, value, at)
    if not group.rows:
        yield Related(group.source.name, 1, 1, "the columns are named here")
