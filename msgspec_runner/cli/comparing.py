"""``plan --since``: both versions of every spec that a change touches, linted, planned, and shown side by side."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from msgspec_runner.audience import recipients_path
from msgspec_runner.changes.messages import Example, sample_examples
from msgspec_runner.changes.specs import SpecChange, Version, catalog_names
from msgspec_runner.cli.preparing import sending_config
from msgspec_runner.cli.since import Compared
from msgspec_runner.config import Config
from msgspec_runner.diagnostics import Diagnostic
from msgspec_runner.dispatch import comparison
from msgspec_runner.dispatch.planner import Rails
from msgspec_runner.errors import ConfigError, RecipientsError
from msgspec_runner.ledger.ledger import Ledger
from msgspec_runner.linting.changed import lint_changed
from msgspec_runner.linting.linter import Linter
from msgspec_runner.linting.sendable import unsendable
from msgspec_runner.recipients.suppressed import read_suppressed
from msgspec_runner.rendering import Renderer, merged_variables
from msgspec_runner.reports.plan_changes import ChangedSpec, PlanChanges
from msgspec_runner.source.document import Document
from msgspec_runner.source.partials import Partials
from msgspec_runner.spec import Spec

_ABSENT = "its recipients are not here (kept out of git?): samples only"
_NAMED_LATER = "its recipients are named with `send --recipients`: samples only"
_KEPT_OUT = "git does not keep its recipients: both versions are planned for those that are here"
_NO_SAMPLES = "no samples to show its words with: add `recipients.samples`"
_ROWS = f"{_NO_SAMPLES}, or see real rows with --show-data"


class _SamplesOnly(Exception):  # noqa: N818 - says why a version has nobody to be planned for
    """A version's recipients are not here."""


def compare_plans(
    found: Compared,
    ledger: Ledger | None,
    origin: str,
    variables: Mapping[str, object],
    recipients: Path | None,
    *,
    show_data: bool,
) -> PlanChanges:
    """Plan both versions of the specs that a change touches.

    What is wrong with one spec, in either version, is told in the report and hides no other.

    Args:
        found: the project and the version before.
        ledger: None takes everything as new.
        origin: of the messages.
        variables: of ``--var``.
        recipients: of ``--recipients``; for both versions.
        show_data: whether the report may hold rendered rows.

    Raises:
        ConfigError: the configuration is wrong, or a list of ``suppressions``.
        LedgerError: the ledger cannot be read.
    """
    comparing = _Comparing(found, ledger, origin, variables, recipients, show_data=show_data)
    changes = found.changes
    specs = tuple(comparing.compare(change) for change in (*changes.specs, *changes.deleted))
    return PlanChanges(
        changes.since.ref,
        changes.since.commit,
        ledger is not None,
        len(changes.documents),
        specs,
        (*changes.notes, *comparing.notes),
        tuple(comparing.blocked()),
    )


@dataclass(frozen=True, slots=True)
class _Half:
    """One version of a project, linted: what its specs are made with.

    Attributes:
        config: its configuration.
        partials: its partials.
        rails: what keeps its messages from being sent.
        found: by the linter in the touched specs.
    """

    config: Config
    partials: Partials
    rails: Rails
    found: tuple[Diagnostic, ...]

    def renderer(self, spec: Spec, variables: Mapping[str, object]) -> Renderer:
        config = self.config
        return Renderer(
            spec,
            merged_variables(config, spec, variables),
            locale=config.locale,
            timezone=config.timezone,
            partials=self.partials,
        )

    def problem(self, document: Document) -> str:
        """Say why a spec cannot be sent; empty where it can."""
        level = self.config.fail_level.rank
        failing = [item for item in self.found if item.file == document.file and item.severity.rank <= level]
        if failing:
            more = f" (and {len(failing) - 1:,} more)" if len(failing) > 1 else ""
            return f"{_words(failing[0])}{more}"
        for rule, finding in unsendable(document, self.config):
            return f"{document.file}:{finding.span.start.line}: {rule.code} {finding.message}"
        return ""


def _words(item: Diagnostic) -> str:
    return f"{item.file}:{item.span.start.line}:{item.span.start.col}: {item.code} {item.message}"


def _linted(linter: Linter, documents: Iterable[tuple[Document, Path | None]]) -> tuple[Diagnostic, ...]:
    """Lint documents, each with the recipients that stand in for its own, if any do."""
    by_recipients: dict[Path | None, list[Document]] = {}
    for document, recipients in documents:
        by_recipients.setdefault(recipients or linter.recipients, []).append(document)
    return tuple(
        item
        for recipients, those in by_recipients.items()
        for item in replace(linter, recipients=recipients).lint(those).diagnostics
    )


class _Comparing:
    def __init__(
        self,
        found: Compared,
        ledger: Ledger | None,
        origin: str,
        variables: Mapping[str, object],
        recipients: Path | None,
        *,
        show_data: bool,
    ) -> None:
        self.notes: list[str] = []
        self._found = found
        self._before = found.before
        self._ledger = ledger
        self._origin = origin
        self._variables = variables
        self._recipients = recipients
        self._show_data = show_data
        self._time = datetime.now(UTC)
        self._now = self._half_now()
        self._then = self._half_before()

    def compare(self, change: SpecChange) -> ChangedSpec:
        """Return what a change means for one spec."""
        was, now = change.before, change.after
        notes: list[str] = []
        broken = self._now.problem(now.spec.document) if now is not None else ""
        trouble = self._then.problem(was.spec.document) if was is not None else ""
        after = self._version(now, notes) if now is not None and not broken else None
        before = self._version_before(was, notes) if was is not None and not trouble else None
        planned = comparison.compare(before, after, self._ledger, self._origin)
        trouble = self._before.shown(trouble or planned.trouble_before)
        planned = replace(planned, trouble_before=trouble, trouble_after=broken or planned.trouble_after)
        examples: tuple[Example, ...] = ()
        hint = ""
        if now is not None and not broken:
            renderer = self._now.renderer(now.spec, self._variables)
            earlier = self._then.renderer(was.spec, self._variables) if was is not None and not trouble else None
            examples = sample_examples(earlier, renderer)
            if not examples:
                hint = _ROWS if planned.shift is not None and not self._show_data else _NO_SAMPLES
        if self._show_data and planned.shift is not None:
            examples += planned.shift.examples
            hint = ""
        return ChangedSpec(
            change, planned, broken or planned.trouble_after, tuple(dict.fromkeys(notes)), examples, hint
        )

    def blocked(self) -> Iterator[str]:
        """Yield the findings in other specs that a change causes: two specs with one id, say."""
        touched = self._found.changes.files
        for item in self._now.found:
            if item.file not in touched and item.severity.rank <= self._now.config.fail_level.rank:
                yield _words(item)

    def _half_now(self) -> _Half:
        config = sending_config(self._found.project)
        root = config.root
        here = tuple(name for name in config.suppressions if (root / name).is_file())
        for name in config.suppressions:
            if name not in here:
                self.notes.append(f"{name} is not here (kept out of git?): nobody on it is left out of these numbers")
        rails = Rails(self._time, read_suppressed(here, root))
        linter = Linter(config, self._variables, self._recipients)
        result = lint_changed(linter, self._found.changes.documents, self._found.changes.files)
        return _Half(config, Partials(root), rails, result.diagnostics)

    def _half_before(self) -> _Half:
        changes = self._found.changes
        config = changes.config if changes.config.profile else replace(changes.config, profiles={})
        config = self._with_lists(config)
        versions = [change.before for change in (*changes.specs, *changes.deleted) if change.before is not None]
        self._bring_partials(version.spec for version in versions)
        for version in versions:
            self._bring_recipients(version)
        documents = [(version.spec.document, self._borrowed(version)) for version in versions]
        linter = Linter(config, self._variables, self._recipients)
        try:
            result = _linted(linter, documents)
        except ConfigError as error:
            self.notes.append(f"the template catalogs before could not be read ({self._before.shown(str(error))})")
            config = replace(config, catalogs=())
            result = _linted(replace(linter, config=config), documents)
        return _Half(config, Partials(self._before.folder), self._rails_before(config), result)

    def _with_lists(self, config: Config) -> Config:
        """Bring the catalogs and the lists of ``suppressions``, and leave out those that are nowhere."""
        names = [posixpath.normpath(name) for name in config.suppressions]
        self._before.take([*names, *catalog_names(config, self._before)])
        here = tuple(name for name in names if (self._before.folder / name).is_file())
        return replace(config, suppressions=here)

    def _rails_before(self, config: Config) -> Rails:
        files = self._before.files
        now = self._now.config.suppressions
        if config.suppressions == now and not any(map(files.changed, now)):
            return self._now.rails  # a long list is in memory once
        try:
            return Rails(self._time, read_suppressed(config.suppressions, self._before.folder))
        except ConfigError as error:
            self.notes.append(f"the suppressions before could not be read ({error}): those of now are taken")
            return self._now.rails

    def _bring_partials(self, specs: Iterable[Spec]) -> None:
        from msgspec_runner.templates import parse

        wanted = {use.name for spec in specs for field in spec.templates for use in field.template.includes}
        seen: set[str] = set()
        while wanted - seen:
            seen |= wanted
            self._before.take([posixpath.normpath(f"partials/{name}") for name in wanted])
            texts = map(Partials(self._before.folder), wanted)
            wanted = {use.name for text in texts if text is not None for use in parse(text).includes}

    def _bring_recipients(self, version: Version) -> None:
        name = self._recipients_name(version)
        if name is not None and self._recipients is None and not self._before.files.is_kept_out(name):
            self._before.bring([name])

    def _recipients_name(self, version: Version) -> str | None:
        """Return the file that a version before names, relative to the root; None where it names none inside of it."""
        if version.spec.file is None:
            return None
        name = posixpath.normpath(posixpath.join(posixpath.dirname(version.file), version.spec.file.text))
        return None if name.startswith(("/", "../")) or name == ".." or "\0" in name else name

    def _version(self, version: Version, notes: list[str]) -> comparison.Version | None:
        half = self._now
        try:
            override = self._audience(version.spec, half.config.root)
        except _SamplesOnly as reason:
            notes.append(str(reason))
            return None
        except RecipientsError:  # the linter has said so
            return None
        return self._ready(half, version, override)

    def _version_before(self, version: Version, notes: list[str]) -> comparison.Version | None:
        half, borrowed = self._then, self._borrowed(version)
        try:
            override = borrowed or self._audience(version.spec, half.config.root)
        except _SamplesOnly as reason:
            notes.append(str(reason))
            return None
        except RecipientsError:
            return None
        if borrowed is not None:
            notes.append(_KEPT_OUT)
        return self._ready(half, version, override)

    def _borrowed(self, version: Version) -> Path | None:
        """Return the recipients that are here where git does not keep those of a version before."""
        name = self._recipients_name(version)
        if name is None or self._recipients is not None or not self._before.files.is_kept_out(name):
            return None
        root = self._now.config.root
        here = (root / name).resolve()
        return root / name if here.is_file() and here.is_relative_to(root.resolve()) else None

    def _audience(self, spec: Spec, root: Path) -> Path | None:
        """Return the file that stands in for a spec's recipients; None where it has its own.

        Raises:
            _SamplesOnly: there are none here.
            RecipientsError: they lie outside the project.
        """
        if self._recipients is not None:
            return self._recipients
        path = recipients_path(spec, root)
        if path is not None and not path.is_file():
            raise _SamplesOnly(_ABSENT)
        if path is None and spec.rows is None and spec.has_recipients:
            raise _SamplesOnly(_NAMED_LATER)
        return None

    def _ready(self, half: _Half, version: Version, recipients: Path | None) -> comparison.Version:
        return comparison.Version(
            version.spec,
            lambda spec: half.renderer(spec, self._variables),
            half.config.root,
            recipients,
            half.rails,
        )
