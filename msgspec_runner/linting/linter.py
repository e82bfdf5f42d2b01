"""The walk: files to specs, specs to findings, rows to grouped findings. Reads files, sends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec_runner.config import Config
from msgspec_runner.diagnostics import Diagnostic, Related, Severity, Span
from msgspec_runner.linting.fingerprints import with_fingerprints
from msgspec_runner.linting.flows import Flows
from msgspec_runner.linting.review import review, without_suppressed
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.row_pass import Passage, RowReport, row_findings, walk_rows
from msgspec_runner.linting.rule import Finding, Rule, SpecFacts
from msgspec_runner.linting.rules import RULES
from msgspec_runner.linting.selection import configured_severity, ignored_in_file, selected
from msgspec_runner.linting.subject import Subject
from msgspec_runner.linting.suppressions import MARK
from msgspec_runner.providers.catalog import NO_CATALOGS, Catalogs
from msgspec_runner.rendering import Renderer, merged_variables
from msgspec_runner.source.document import Document
from msgspec_runner.source.partials import Partials
from msgspec_runner.spec import Spec, build_spec

if TYPE_CHECKING:
    from msgspec_runner.linting.reach import Reach
    from msgspec_runner.templates.coverage import Coverage

Found = tuple[Rule, Finding]
_Key = tuple[str, Span, str, tuple[Related, ...]]


@dataclass(frozen=True)
class LintResult:
    """What the linter found.

    Attributes:
        diagnostics: sorted by file and place.
        documents: the files that were looked at, by name; reports show their lines.
    """

    diagnostics: tuple[Diagnostic, ...]
    documents: Mapping[str, Document]

    def count(self, severity: Severity) -> int:
        """Return the number of findings of one severity."""
        return sum(diagnostic.severity is severity for diagnostic in self.diagnostics)

    def fails(self, level: Severity) -> bool:
        """Say whether any finding is as bad as ``level`` or worse."""
        return any(diagnostic.severity.rank <= level.rank for diagnostic in self.diagnostics)


class Examined(NamedTuple):
    """One document, linted by itself.

    Attributes:
        document: it.
        facts: what project rules need to know of it.
        diagnostics: what was found, nothing suppressed yet.
        marked: the spec, where it has comments that may suppress findings, those across documents too.
    """

    document: Document
    facts: SpecFacts
    diagnostics: tuple[Diagnostic, ...]
    marked: Subject | None


@dataclass(frozen=True)
class Linter:
    """Lints documents under one configuration.

    Attributes:
        config: the project's; where it has profiles and none is chosen, a spec is linted under each.
        variables: of ``--var``, over all others.
        recipients: of ``--recipients``; stands in for every spec's own.
        partials: to read partials with, where what is linted is rendered again; they are read once.
        rows: whether to render recipients; without, only the specs as written are looked at.
        show_data: whether findings hold what is in the cells that they blame: people's data.
        every_row: whether findings know all the rows that they blame, for who leaves those out.
        through: what the recipients of each spec pass on their way to the rules, once for every profile.
        beside: specs that are not linted, and that those that are may be at odds with.
    """

    config: Config
    variables: Mapping[str, object] = field(default_factory=dict)
    recipients: Path | None = None
    rows: bool = True
    partials: Partials | None = None
    now: datetime | None = None
    show_data: bool = False
    every_row: bool = False
    through: Passage | None = None
    beside: Sequence[Document] = ()

    def lint(self, documents: Iterable[Document]) -> LintResult:
        """Return every finding in the documents, and across them.

        Raises:
            UsageError: ``select`` or ``ignore`` names no rule.
            RecipientsError: the file of ``--recipients`` cannot be read.
            ConfigError: a template catalog cannot be read.
        """
        return self.conclude(self.examine(documents))

    def examine(self, documents: Iterable[Document]) -> Iterator[Examined]:
        """Lint each document by itself; see :meth:`lint` for what is raised."""
        rules = selected(self.config)
        partials = self.partials or Partials(self.config.root)
        catalogs: dict[tuple[str, ...], Catalogs] = {}
        for document in documents:
            subject, found = self._lint_one(document, partials, catalogs, rules)
            diagnostics = tuple(self._diagnostic(rule, finding, document.file) for rule, finding in found)
            yield Examined(document, subject.facts, diagnostics, subject if MARK in document.text else None)

    def conclude(self, examined: Iterable[Examined]) -> LintResult:
        """Add what is to be said across all documents, and take away what is suppressed."""
        rules = selected(self.config)
        specs = list(examined)
        kept = {spec.document.file: spec.document for spec in specs}
        diagnostics = [item for spec in specs for item in spec.diagnostics]
        # Those that are not linted come first: who comes later is blamed.
        facts = [*map(self._facts, self.beside), *(spec.facts for spec in specs)]
        for rule in rules:
            if rule.check_project is not None:
                found = rule.check_project(facts)
                diagnostics += [self._diagnostic(rule, finding, file) for file, finding in found if file in kept]
        for spec in specs:
            if spec.marked is not None:
                diagnostics = self._reviewed(spec.marked, diagnostics, rules)
        wanted = [item for item in diagnostics if not ignored_in_file(item, self.config)]
        wanted.sort(key=lambda item: item.sort_key)
        return LintResult(tuple(with_fingerprints(wanted, kept, self.config.root)) if wanted else (), kept)

    def _lint_one(
        self,
        document: Document,
        partials: Partials,
        read: dict[tuple[str, ...], Catalogs],
        rules: Sequence[Rule],
    ) -> tuple[Subject, list[Found]]:
        """Lint one document under every profile; a finding of some profiles only names them."""
        spec = build_spec(document)
        subjects: list[Subject] = []
        by_profile: dict[str, list[Found]] = {}
        rows = self.rows and any(rule.check_project is None for rule in rules)  # of other specs' rows no rule asks
        coverage = _coverage(spec, rules) if rows else None
        walks = []
        now = self.now or datetime.now(UTC)
        for config in self._profiles():
            variables = merged_variables(config, spec, self.variables)
            renderer = Renderer(
                spec,
                variables,
                locale=config.locale,
                timezone=config.timezone,
                partials=partials,
                coverage=coverage,
            )
            catalogs = _catalogs(config, read)
            flows = Flows(spec, variables)
            context = RowContext(spec, renderer, config, catalogs, flows, now)
            report = RowReport(None)
            if rows:
                report = walk_rows(context, self.recipients, rules, every_row=self.every_row, through=self.through)
            walks.append((config, variables, catalogs, flows, report))
        for config, variables, catalogs, flows, report in walks:  # what one profile never writes, another may
            columns = frozenset(report.columns) if report.columns is not None else None
            subject = Subject(
                document,
                spec,
                config,
                partials,
                variables,
                columns,
                recipients_replaced=self.recipients is not None,
                unnamed=frozenset(report.unnamed),
                rows_seen=report.whole,
                rowless=report.rowless,
                as_committed=not self.config.profile and not self.variables,
                catalogs=catalogs,
                now=now,
                reach=_reach(report, spec, coverage),
                asked_of_text=report.asked_of_text,
                typed=flows,
            )
            subjects.append(subject)
            by_rows = row_findings(report, subject, rules, show_data=self.show_data)
            by_profile[config.profile] = [*_spec_findings(subject, rules), *by_rows]
        return subjects[0], _merge(by_profile)

    def _facts(self, document: Document) -> SpecFacts:
        return Subject(document, build_spec(document), self.config, Partials(self.config.root), {}, None).facts

    def _reviewed(self, subject: Subject, diagnostics: Iterable[Diagnostic], rules: Sequence[Rule]) -> list[Diagnostic]:
        """Drop what a spec's suppressions cover, and add what is to be said of them."""
        file = subject.document.file
        mine: list[Diagnostic] = []
        others: list[Diagnostic] = []
        for item in diagnostics:
            (mine if item.file == file else others).append(item)
        reviewed = review(subject, mine, rules, RULES)
        for rule in rules:
            if rule.check_suppressions is not None:
                mine += [self._diagnostic(rule, finding, file) for finding in rule.check_suppressions(reviewed)]
        return others + without_suppressed(mine, reviewed.suppressions)

    def _profiles(self) -> Sequence[Config]:
        if self.config.profile or not self.config.profiles:
            return (self.config,)
        return tuple(self.config.with_profile(name) for name in self.config.profiles)

    def _diagnostic(self, rule: Rule, finding: Finding, file: str) -> Diagnostic:
        severity = configured_severity(rule, self.config) or finding.severity or rule.severity
        return Diagnostic(
            file=file,
            code=rule.code,
            name=rule.name,
            severity=severity,
            message=finding.message,
            span=finding.span,
            path=finding.path,
            related=finding.related,
            rows=finding.rows,
            fix=finding.fix,
        )


def _coverage(spec: Spec, rules: Iterable[Rule]) -> Coverage | None:
    """Return what notes the branches of a spec's templates, where it may have some and anybody asks."""
    if all(field.template.tree is None for field in spec.templates):
        return None
    if all(rule.name != "branch-never-rendered" for rule in rules):
        return None
    from msgspec_runner.templates.coverage import Coverage  # looks into Jinja's trees

    return Coverage()


def _reach(report: RowReport, spec: Spec, coverage: Coverage | None) -> Reach | None:
    if coverage is None:
        return None
    from msgspec_runner.linting.reach import reach

    return reach(report, spec, coverage)


def _catalogs(config: Config, read: dict[tuple[str, ...], Catalogs]) -> Catalogs:
    """Return the templates that a configuration names; ``read`` keeps those of this run, so none is read twice."""
    if not config.catalogs:
        return NO_CATALOGS
    if config.catalogs not in read:
        from msgspec_runner.providers.catalog_files import read_catalogs  # 2 ms that most lints do without

        read[config.catalogs] = read_catalogs(config.root, config.catalogs)
    return read[config.catalogs]


def _spec_findings(subject: Subject, rules: Iterable[Rule]) -> Iterator[Found]:
    for rule in rules:
        if rule.check is not None:
            for finding in rule.check(subject):
                yield rule, finding


def _merge(by_profile: Mapping[str, list[Found]]) -> list[Found]:
    """Say once what is found under every profile, or through several aliases; add the profiles' names to what is not.

    What two sources of rows share (samples and a file) stays two findings: each has its own rows to show.
    """
    first: dict[_Key, Found] = {}
    profiles: dict[_Key, list[str]] = {}
    for name, found in by_profile.items():
        for rule, finding in found:
            key = (rule.code, finding.span, finding.message, finding.related)
            known = first.setdefault(key, (rule, finding))[1]
            if known is not finding and known.rows is not None and finding.rows is not None and finding.rows.every:
                rows = replace(known.rows, every=[*known.rows.every, *finding.rows.every])
                first[key] = (rule, known._replace(rows=rows))
            if name not in profiles.setdefault(key, []):
                profiles[key].append(name)
    if len(by_profile) > 1:
        _unite(first, profiles, tuple(by_profile))
    merged = []
    for key, (rule, finding) in first.items():
        names = profiles[key]
        if len(names) < len(by_profile):
            plural = "profile" if len(names) == 1 else "profiles"
            finding = finding._replace(message=f"{finding.message} ({plural} {', '.join(names)})")
        merged.append((rule, finding))
    return merged


def _unite(first: dict[_Key, Found], profiles: dict[_Key, list[str]], names: tuple[str, ...]) -> None:
    """Make one of findings that every profile has once at one place in words of its own (the names that it knows)."""
    together: dict[tuple[str, Span, tuple[Related, ...]], list[_Key]] = {}
    for key in first:
        together.setdefault((key[0], key[1], key[3]), []).append(key)
    for keys in together.values():
        if len(keys) > 1 and sorted(name for key in keys for name in profiles[key]) == sorted(names):
            profiles[keys[0]] = list(names)
            for key in keys[1:]:
                del first[key]
