"""``msgspec-runner render``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import click

from msgspec_runner.audience import open_audience, open_samples, recipients_path, rendered_rows
from msgspec_runner.cli.connection import choose_api
from msgspec_runner.cli.options import Terminal, common, paths_argument, recipients_option, var_option
from msgspec_runner.config import Config
from msgspec_runner.diagnostics import Severity
from msgspec_runner.errors import UsageError
from msgspec_runner.linting.linter import Linter
from msgspec_runner.model import SANDBOX_ORIGIN
from msgspec_runner.project import load, recipients_file
from msgspec_runner.recipients.rows import Source
from msgspec_runner.rendering import Renderer, merged_variables, to_message
from msgspec_runner.reports.concise import concise
from msgspec_runner.source.partials import Partials
from msgspec_runner.spec import Spec, build_spec


@click.command("render", short_help="Print the exact JSON bodies, one a line.")
@paths_argument()
@click.option("--row", type=click.IntRange(min=1), metavar="N", help="Only recipient N of each spec.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N recipients of each spec.")
@click.option("--as", "form", type=click.Choice(["jsonl", "json"]), default="jsonl", help="Lines, or one JSON array.")
@click.option("--base-url", metavar="URL", help="The API whose identities are shown.")
@click.option("--sandbox", is_flag=True, help="Show the sandbox's identities.")
@recipients_option
@var_option
@common
def command(
    *,
    paths: tuple[Path, ...],
    row: int | None,
    limit: int | None,
    form: str,
    base_url: str | None,
    sandbox: bool,
    recipients: Path | None,
    variables: Mapping[str, str],
    profile: str | None,
    terminal: Terminal,
) -> int:
    """Print the exact JSON bodies: {"spec","edition","row","key","body"}, one line each.

    Where a spec's recipients are not here, its samples are shown. A row that cannot be sent is named on standard
    error, and makes exit code 1.

    \b
    Examples:
      msgspec-runner render specs/reminder.yaml --row 1
      msgspec-runner render --limit 3 --as json
    """
    project = load(paths, profile)
    config = project.config if project.config.profile else replace(project.config, profiles={})
    origin = SANDBOX_ORIGIN if sandbox else choose_api(base_url).origin
    documents = list(project.documents())
    result = Linter(config, variables, rows=False).lint(documents)
    broken = {item.file for item in result.diagnostics if item.severity is Severity.ERROR}
    if broken:
        click.echo(concise(result), nl=False, err=True)
    failed = bool(broken)
    separator = "["
    with recipients_file(recipients) as file:
        for document in documents:
            if document.file in broken:
                continue
            spec = build_spec(document)
            for line in _lines(spec, config, variables, file, origin, terminal, only=row, limit=limit):
                if line is None:
                    failed = True
                elif form == "jsonl":
                    _write(line + b"\n")
                else:
                    _write(separator.encode() + b"\n  " + line)
                    separator = ","
    if form == "json":
        _write(b"[]\n" if separator == "[" else b"\n]\n")
    return 1 if failed else 0


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)


def _lines(
    spec: Spec,
    config: Config,
    variables: Mapping[str, object],
    recipients: Path | None,
    origin: str,
    terminal: Terminal,
    *,
    only: int | None,
    limit: int | None,
) -> Iterator[bytes | None]:
    """Yield a line for each recipient; None for one that cannot be sent, which is told on standard error."""
    renderer = Renderer(
        spec,
        merged_variables(config, spec, variables),
        locale=config.locale,
        timezone=config.timezone,
        partials=Partials(config.root),
    )
    count = 0
    with _source(spec, config, recipients, terminal) as source:
        for row in rendered_rows(source, renderer):
            if only is not None and row.row.number != only:
                if row.row.number > only:
                    return
                continue
            if limit is not None and count == limit:
                return
            count += 1
            if row.problems:
                problem = row.problems[0]
                terminal.warn(f"{spec.document.file}: row {row.row.number}: {problem.rule}: {problem.detail}")
                yield None
                continue
            message = to_message(spec, row.rendered, row.row.number, origin, segments=None)
            head = {"spec": spec.id, "edition": spec.edition, "row": message.row, "key": message.key}
            yield json.dumps(head)[:-1].encode() + b', "body": ' + message.body + b"}"


def _source(spec: Spec, config: Config, recipients: Path | None, terminal: Terminal) -> Source:
    if recipients is None and spec.has_recipients and spec.rows is None:
        path = recipients_path(spec, config.root)
        if path is None or not path.is_file():
            if not spec.samples:
                raise UsageError(f"{spec.document.file}: no recipients and no samples here: add --recipients FILE")
            terminal.note(f"{spec.document.file}: no recipients here, showing the samples")
            return open_samples(spec)
    return open_audience(spec, config.root, recipients)
