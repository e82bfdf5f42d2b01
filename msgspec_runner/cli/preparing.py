"""What ``plan`` and ``send`` do first: lint and render everything, then plan everything. Nothing is sent here."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import click

from msgspec_runner.audience import audience_name
from msgspec_runner.cli.options import Terminal, discard
from msgspec_runner.config import Config
from msgspec_runner.dispatch.drafting import Drafts
from msgspec_runner.dispatch.plan import Decision, SpecPlan
from msgspec_runner.dispatch.planner import Plan, Rails, Target, audience_fingerprints, build_plan
from msgspec_runner.errors import NoSpecError, UnsendableError, UsageError
from msgspec_runner.ledger.ledger import Ledger
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.linting.linter import Linter, LintResult
from msgspec_runner.linting.sendable import unsendable
from msgspec_runner.project import Project, others_with
from msgspec_runner.recipients.suppressed import read_suppressed
from msgspec_runner.rendering import Renderer, merged_variables
from msgspec_runner.reports.concise import concise
from msgspec_runner.reports.full import full, summary
from msgspec_runner.reports.text import count, printable
from msgspec_runner.source.document import Document
from msgspec_runner.source.partials import Partials
from msgspec_runner.spec import build_spec
from msgspec_runner.timing import Reason


class NotSound(Exception):  # noqa: N818 - says that findings were printed; not an error of the program
    """The specs have findings at or above the fail level; they were shown."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Specs that were linted.

    Attributes:
        config: the configuration that they were linted under.
        targets: the specs, ready to be rendered.
        fingerprints: of the recipients' files, as they were linted.
        recipients: of ``--recipients``.
        suppressed: numbers that are never texted.
    """

    config: Config
    targets: tuple[Target, ...]
    fingerprints: Mapping[Path, str]
    recipients: Path | None
    suppressed: Collection[str] = frozenset()

    def rails(self) -> Rails:
        """Return what keeps messages from being sent at this moment."""
        return Rails(datetime.now(UTC), self.suppressed)


def sending_config(project: Project) -> Config:
    """Return the one configuration to lint under: without ``--profile`` it is the bare one that sends."""
    return project.config if project.config.profile else replace(project.config, profiles={})


def lint_first(
    project: Project,
    variables: Mapping[str, object],
    recipients: Path | None,
    terminal: Terminal,
    *,
    data_on_stdout: bool = False,
    skip_invalid: bool = False,
    drafts: Drafts | None = None,
) -> Sound:
    """Lint the specs with all their recipients under the one configuration that is to be used.

    Args:
        project: the specs.
        variables: of ``--var``.
        recipients: of ``--recipients``.
        terminal: where findings are shown.
        data_on_stdout: standard output is for JSON or Markdown, so findings go to standard error.
        skip_invalid: leave out the rows that findings blame, instead of refusing them all.
        drafts: where the messages are made as their rows are linted; None: :func:`make_plan` renders them again.

    Raises:
        NotSound: there are findings at or above the fail level, which no row is to blame for where those are left out.
        UsageError: a spec has no recipients to send to.
        ConfigError: a list of ``suppressions`` cannot be read.
    """
    config = sending_config(project)
    suppressed = read_suppressed(config.suppressions, config.root)
    documents = list(project.documents())
    specs = [build_spec(document) for document in documents]
    before = audience_fingerprints(specs, config.root, recipients)
    partials = Partials(config.root)
    through = drafts.through if drafts is not None else None
    # That there is nobody to send to is told with the plan, and is no failure: nothing to send is exit code 0.
    asked = replace(config, ignore=(*config.ignore, "empty-recipients"))
    # One id in two files would be one message to the ledger; the other file need not be sent now.
    beside = tuple(others_with({spec.id for spec in specs}, project))
    linter = Linter(
        asked, variables, recipients, partials=partials, every_row=skip_invalid, through=through, beside=beside
    )
    result = linter.lint(documents)
    blamed = _blamed(result, config) if skip_invalid else None
    if blamed is None and result.fails(config.fail_level):
        color = terminal.colors(err=data_on_stdout)
        show_findings(full(result, color=color) if color else concise(result), color=color, err=data_on_stdout)
        terminal.warn(f"{summary(result, color=terminal.colors(err=True))}; nothing was sent")
        raise NotSound
    refuse_unsendable(documents, config)
    if blamed:  # why somebody gets nothing is shown even to who wants it quiet
        terminal.warn(concise(result).rstrip("\n"))
        terminal.warn(summary(result, color=terminal.colors(err=True)))
    elif result.diagnostics:
        terminal.note(concise(result).rstrip("\n"))
        terminal.note(summary(result, color=terminal.colors(err=True)))
    targets = tuple(
        Target(
            spec,
            Renderer(
                spec,
                merged_variables(config, spec, variables),
                locale=config.locale,
                timezone=config.timezone,
                partials=partials,
            ),
            blamed[spec.document.file] if blamed is not None else None,
            drafts.of(spec.document) if drafts is not None else None,
        )
        for spec in specs
    )
    if not targets:
        raise NoSpecError("no spec to send")
    return Sound(config, targets, before, recipients, suppressed)


def show_findings(text: str, *, color: bool, err: bool) -> None:
    """Write findings; that nobody reads them any more (``| head``) does not make a refusal a success."""
    try:
        click.echo(text, nl=False, color=color, err=err)
    except OSError:
        discard(sys.stderr if err else sys.stdout)


def _blamed(result: LintResult, config: Config) -> defaultdict[str, set[int]] | None:
    """Return the rows of each file without which nothing would fail; None where something still would."""
    blamed: defaultdict[str, set[int]] = defaultdict(set)
    for item in result.diagnostics:
        if item.severity.rank > config.fail_level.rank:
            continue
        # Rows of samples are not kept: they stand in the spec, and are nobody's.
        if item.rows is None or len(item.rows.every) < item.rows.count:
            return None
        blamed[item.file].update(item.rows.every)
    return blamed


def refuse_unsendable(documents: Iterable[Document], config: Config) -> None:
    """Refuse what is ignored or suppressed and must not be sent all the same.

    Raises:
        UnsendableError: there is such a finding.
    """
    for document in documents:
        for rule, finding in unsendable(document, config):
            line, column = finding.span.start
            raise UnsendableError(
                f"{document.file}:{line}:{column}: {rule.code} {finding.message}. It is ignored or suppressed, "
                "but what would be sent is not what is written. Nothing was sent."
            )


def make_plan(sound: Sound, spool: PlanSpool, ledger: Ledger | None, origin: str) -> Plan:
    """Decide what to do with every message, rendered first where that was not done while it was linted.

    Raises:
        UsageError: see :func:`msgspec_runner.dispatch.planner.build_plan`; or a recipients' file was changed since
            it was linted.
    """
    plan = build_plan(
        sound.targets,
        spool,
        ledger,
        origin=origin,
        root=sound.config.root,
        recipients=sound.recipients,
        rails=sound.rails(),
    )
    after = audience_fingerprints([target.spec for target in sound.targets], sound.config.root, sound.recipients)
    for path, digest in after.items():
        if sound.fingerprints.get(path) != digest:
            raise UsageError(f"{path.name} was changed while it was read: run the command again. Nothing was sent.")
    return plan


def refuse_too_many_invalid(plan: Plan, most: int | None) -> None:
    """Refuse a plan that leaves out more rows than ``--skip-invalid=MAX`` allows.

    Raises:
        UnsendableError: it does.
    """
    invalid = plan.count(Decision.INVALID)
    if most is not None and invalid > most:
        raise UnsendableError(
            f"{count(invalid, 'row')} cannot be sent, more than --skip-invalid={most}. Nothing was sent."
        )


def nothing_to_send(sound: Sound, plan: Plan, show: Callable[[str], str] = printable) -> str:
    """Return ``nothing to send``, and whose recipients have no rows where that is a reason.

    Args:
        sound: the specs.
        plan: of them.
        show: how a file's name is written.
    """
    rowless = dict.fromkeys(
        audience_name(target.spec, sound.config.root, sound.recipients)
        for target, spec in zip(sound.targets, plan.specs, strict=True)
        if not spec.decisions.total()
    )
    if not rowless:
        return "nothing to send"
    return f"nothing to send: {', '.join(map(show, rowless))} {'has' if len(rowless) == 1 else 'have'} no rows"


def plan_lines(plan: Plan) -> list[str]:
    """Return the plan as people read it: a line a spec, its decisions, and the total."""
    lines = []
    for spec in plan.specs:
        lines.append(f"{spec.spec} (edition {spec.edition})  {printable(spec.file)}")
        for decision in Decision:
            number = spec.decisions[decision]
            if number or decision is Decision.NEW:
                segments = f"  {count(spec.segments, 'segment')}" if decision is Decision.NEW and spec.segments else ""
                rowless = "" if spec.decisions else ": no rows"
                doubts = spec.changed_in_doubt if decision is Decision.CHANGED else 0
                in_doubt = f", of these {doubts:,} in doubt" if doubts else ""
                lines.append(f"  {number:>9,} {decision.value}{rowless}{segments}{in_doubt}")
                if decision is Decision.NEW:
                    lines += _scheduled_lines(spec)
    return lines


def _scheduled_lines(spec: SpecPlan) -> list[str]:
    """What of it would wait, if it was sent now: a forecast, as each message is asked again when it is posted."""
    words = {
        Reason.SCHEDULE: "as written (schedule)",
        Reason.HOLD: f"{spec.hold} later (hold)",
        Reason.WINDOW: f"for {spec.opens} (window)",
    }
    return [
        f"  {number:>9,} of them scheduled {words[reason]}" for reason in Reason if (number := spec.scheduled[reason])
    ]
