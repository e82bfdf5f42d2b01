"""``msgspec-runner lint``."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from msgspec_runner.cli import completing
from msgspec_runner.cli.options import Terminal, common, paths_argument, recipients_option, var_option
from msgspec_runner.config import Config
from msgspec_runner.diagnostics import Severity
from msgspec_runner.errors import UsageError
from msgspec_runner.linting.linter import Linter, LintResult
from msgspec_runner.linting.parallel import lint_project, sensible_jobs
from msgspec_runner.project import Project, configure, load, recipients_file, standard_input
from msgspec_runner.reports.text import count, printable
from msgspec_runner.source.document import Document, read_document

if TYPE_CHECKING:
    from msgspec_runner.changes.specs import Changes

CI_FORMATS = ("sarif", "github", "gitlab", "junit")
"""Formats that machines read, which know files by their place in the repository."""

FOR_READERS = frozenset(["full", "concise"])
"""Formats that people read; a word more beside them breaks nothing."""

FORMATS = ("full", "concise", "json", *CI_FORMATS)
"""What ``--output`` takes."""


@click.command("lint", short_help="Find what is wrong with specs, for every recipient.")
@paths_argument()
@click.option(
    "--output",
    "outputs",
    metavar="FORMAT[=FILE]",
    multiple=True,
    shell_complete=completing.one_of(dict.fromkeys(FORMATS, "")),
    help=f"{', '.join(FORMATS)}; repeatable. Default: full at a terminal, else concise.",
)
@click.option("--since", metavar="REF", help="Only what changed since the merge base with REF, such as origin/main.")
@click.option(
    "--select",
    metavar="CODES",
    multiple=True,
    shell_complete=completing.rule_codes,
    help="Only these rules: MSG1, MSG203, ALL …",
)
@click.option("--ignore", metavar="CODES", multiple=True, shell_complete=completing.rule_codes, help="Not these rules.")
@click.option("--fail-level", type=click.Choice([level.value for level in Severity]), help="What makes exit code 1.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever is found.")
@click.option("--fix", "repair", is_flag=True, help="Repair what can be repaired without changing what is sent.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: repair what may change what is sent, too.")
@click.option("--diff", "show_diff", is_flag=True, help="Show what --fix would change; exit 1 if anything, else 0.")
@click.option("--baseline", metavar="FILE", type=click.Path(path_type=Path), help="Hide the findings in FILE.")
@click.option("--write-baseline", metavar="FILE", type=click.Path(path_type=Path), help="Write the findings to FILE.")
@click.option("--show-data", is_flag=True, help="Show what cells hold, which is people's data, in every format.")
@click.option("--statistics", is_flag=True, help="Count the findings by rule.")
@recipients_option
@var_option
@click.option("--jobs", metavar="N", type=click.IntRange(1, 256), help="Processes. Default: what is soonest.")
@click.option("--stdin-filename", metavar="FILE", type=click.Path(path_type=Path), help="Lint standard input as FILE.")
@common
def command(
    *,
    paths: tuple[Path, ...],
    outputs: tuple[str, ...],
    since: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_level: str | None,
    exit_zero: bool,
    repair: bool,
    unsafe_fixes: bool,
    show_diff: bool,
    baseline: Path | None,
    write_baseline: Path | None,
    show_data: bool,
    statistics: bool,
    recipients: Path | None,
    variables: Mapping[str, str],
    jobs: int | None,
    stdin_filename: Path | None,
    profile: str | None,
    terminal: Terminal,
) -> int:
    """Find what is wrong with specs, for every recipient.

    PATHS are spec files or folders; none means the configuration's `specs`.

    \b
    Examples:
      msgspec-runner lint
      msgspec-runner lint specs/reminder.yaml --output json
      msgspec-runner lint --output sarif=lint.sarif --output github
      msgspec-runner lint --select MSG2 --statistics
      msgspec-runner lint --diff --unsafe-fixes
      msgspec-runner lint --since origin/main --output github
    """
    if unsafe_fixes and not (repair or show_diff):
        raise UsageError("--unsafe-fixes: add --fix, or --diff to look at them first")
    targets = [_target(output) for output in outputs] or [("full" if sys.stdout.isatty() else "concise", None)]
    changes = None
    if since is not None:
        if stdin_filename is not None or paths == (Path("-"),) or write_baseline is not None:
            raise UsageError(
                "--since looks at some of a project's files: leave out -, --stdin-filename, --write-baseline"
            )
        from msgspec_runner.cli.since import changes_since

        project, changes = changes_since(since, paths, profile, terminal)
        piped = None
    else:
        project, piped = _inputs(paths, stdin_filename, profile)
    config = replace(
        project.config,
        select=_codes(select) or project.config.select,
        ignore=(*project.config.ignore, *_codes(ignore)),
        fail_level=Severity(fail_level) if fail_level else project.config.fail_level,
    )
    for line in _absent_lists(config):
        terminal.warn(line)
    # What is to be repaired is read first: what changes while the recipients come in is not overwritten.
    documents = [piped.document] if piped is not None else []
    if changes is not None:
        documents = [document for document in changes.documents if document.file in changes.files]
    elif piped is None and (repair or show_diff):
        documents = list(project.documents())
    with recipients_file(recipients) as file:
        linter = Linter(config, variables, file, show_data=show_data)
        lint = linter.lint if changes is None else _lint_changes(linter, changes)
        if repair or show_diff:
            from msgspec_runner.cli import fixing
            from msgspec_runner.linting.fixes import fix

            fixed = fix(lint, documents, unsafe=unsafe_fixes)
            if show_diff:
                fixing.show(fixed, terminal, show_data=show_data, unsafe=unsafe_fixes)
                return 1 if fixed.changed and not exit_zero else 0
            fixing.write(fixed, piped.data if piped is not None else None, terminal, unsafe=unsafe_fixes)
            result = fixed.result
        elif piped is not None or changes is not None:
            result = lint(documents)
        else:
            result = lint_project(linter, project, jobs or sensible_jobs(len(project.files)))
    if write_baseline is not None or baseline is not None:
        from msgspec_runner.cli import baselines

        if write_baseline is not None:
            baselines.write(result, write_baseline, config, terminal)
            return 0
        assert baseline is not None
        result = baselines.without_known(result, baseline, config, terminal)
    aside = repair and piped is not None  # standard output is the repaired spec
    for name, target in targets:
        _write(result, name, target, terminal, config.fail_level, aside=aside)
    if statistics:
        printed = {name for name, target in targets if target is None}
        _statistics(result, aside=aside or not printed <= FOR_READERS)  # what a machine reads stays whole
    if any(name in FOR_READERS for name, _ in targets) and (changes is None or changes.specs):
        from msgspec_runner.reports.full import summary

        terminal.note(summary(result, color=terminal.colors(err=True)))
    return 1 if result.fails(config.fail_level) and not exit_zero else 0


def _absent_lists(config: Config) -> Iterator[str]:
    """Yield a warning for each list of numbers that is not here: kept out of git, perhaps, where others lint."""
    configs = [config] if config.profile else [config, *(config.with_profile(name) for name in config.profiles)]
    for file in dict.fromkeys(file for each in configs for file in each.suppressions):
        if not os.path.isfile(config.root / file):  # noqa: PTH113 - is_file() raises for a long name
            yield (
                f"warning: {config.where}: `suppressions` names {printable(file)}, which is not here: "
                "`plan` and `send` will refuse without it"
            )


def _lint_changes(linter: Linter, changes: Changes) -> Callable[[Iterable[Document]], LintResult]:
    """Return what lints the specs that a change touches, repaired or not, beside all others."""
    from msgspec_runner.linting.changed import lint_changed

    def lint(touched: Iterable[Document]) -> LintResult:
        now = {document.file: document for document in touched}
        return lint_changed(linter, [now.get(each.file, each) for each in changes.documents], changes.files)

    return lint


class _Piped(NamedTuple):
    """A spec that came from standard input."""

    document: Document
    data: bytes


def _inputs(paths: tuple[Path, ...], stdin_filename: Path | None, profile: str | None) -> tuple[Project, _Piped | None]:
    """Return the project, and the spec that came from standard input, if one was to."""
    if stdin_filename is None and paths != (Path("-"),):
        return load(paths, profile), None
    if paths and paths != (Path("-"),):
        raise UsageError("--stdin-filename names what comes in on standard input: leave the paths out")
    name = stdin_filename or Path("<stdin>")
    config = configure((name,) if stdin_filename else (), profile)
    data = standard_input().read()
    return Project(config, (name,)), _Piped(read_document(name.as_posix(), data), data)


def _target(output: str) -> tuple[str, Path | None]:
    name, equals, file = output.partition("=")
    if name not in FORMATS or (equals and not file):
        raise UsageError(f"--output {output}: write one of {', '.join(FORMATS)}, or FORMAT=FILE")
    return name, Path(file) if equals else None


def _codes(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(code for item in given for code in item.replace(",", " ").split())


def _write(
    result: LintResult, name: str, target: Path | None, terminal: Terminal, fail_level: Severity, *, aside: bool
) -> None:
    color = terminal.colors(err=aside) and target is None
    text = _ci_report(result, name, fail_level) if name in CI_FORMATS else _report(result, name, color=color)
    if target is None:
        click.echo(text, nl=False, color=color, err=aside)
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--output {name}={target}: cannot be written: {error.strerror}") from error


def _report(result: LintResult, name: str, *, color: bool) -> str:
    if name == "json":
        from msgspec_runner.reports.json_report import json_report

        return json_report(result)
    if name == "concise":
        from msgspec_runner.reports.concise import concise

        return concise(result, color=color)
    from msgspec_runner.reports.full import full

    return full(result, color=color)


def _ci_report(result: LintResult, name: str, fail_level: Severity) -> str:
    from msgspec_runner.reports.repository import in_repository

    result = in_repository(result, Path.cwd())
    if name == "sarif":
        from msgspec_runner.reports.sarif import sarif

        return sarif(result)
    if name == "github":
        from msgspec_runner.reports.github import github

        return github(result)
    if name == "gitlab":
        from msgspec_runner.reports.gitlab import gitlab

        return gitlab(result)
    from msgspec_runner.reports.junit import junit

    return junit(result, fail_level)


def _statistics(result: LintResult, *, aside: bool) -> None:
    by_rule = Counter((item.code, item.name) for item in result.diagnostics)
    for (code, name), number in by_rule.most_common():
        click.echo(f"{number:>7,}  {code} {name}", err=aside)
    click.echo(f"{count(len(result.diagnostics), 'finding')} in {count(len(result.documents), 'spec')}", err=aside)
