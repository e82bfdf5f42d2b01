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
from msgspec_runner.cli.overwriting import audience_files, project_files, refuse_overwriting
from msgspec_runner.config import Config
from msgspec_runner.diagnostics import Severity
from msgspec_runner.errors import UsageError
from msgspec_runner.linting.linter import Linter
from msgspec_runner.messages import message_maker
from msgspec_runner.model import SANDBOX_ORIGIN, Message
from msgspec_runner.project import load, recipients_file
from msgspec_runner.recipients.rows import Source
from msgspec_runner.rendering import Renderer, merged_variables
from msgspec_runner.reports.code_samples import KINDS, code_sample
from msgspec_runner.reports.concise import concise
from msgspec_runner.reports.text import count
from msgspec_runner.source.partials import Partials
from msgspec_runner.spec import Spec, build_spec

SANDBOX_URL = "http://127.0.0.1:8025"
"""Where ``msgspec-runner sandbox`` is, unless told otherwise."""


@click.command("render", short_help="Print the exact JSON bodies, one a line.")
@paths_argument()
@click.option("--row", type=click.IntRange(min=1), metavar="N", help="Only recipient N of each spec.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N recipients of each spec.")
@click.option(
    "--as",
    "form",
    type=click.Choice(["jsonl", "json", *KINDS]),
    default="jsonl",
    show_default=True,
    help="Lines, one JSON array, or a program that sends the message.",
)
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
    error, and makes exit code 1. A program (curl, python …) is for one recipient of each spec, unless --limit says
    otherwise; it takes the key from SOCIOCS_API_KEY, and knows neither the ledger nor `delivery`: it sends each time.

    \b
    Examples:
      msgspec-runner render specs/reminder.yaml --row 1
      msgspec-runner render --limit 3 --as json
      msgspec-runner render specs/reminder.yaml --as curl
    """
    project = load(paths, profile)
    config = project.config if project.config.profile else replace(project.config, profiles={})
    api = None if sandbox else choose_api(base_url)
    origin = api.origin if api else SANDBOX_ORIGIN
    writer = _Writer(form, f"{api.base_url if api else SANDBOX_URL}/message")
    if form in KINDS and row is None and limit is None:
        limit = 1
    documents = list(project.documents())
    audience = audience_files(map(build_spec, documents), config.root, recipients)
    refuse_overwriting({}, (*project_files(config), *project.files, *audience), sends=False)
    result = Linter(config, variables, rows=False).lint(documents)
    broken = {item.file for item in result.diagnostics if item.severity is Severity.ERROR}
    if broken:
        click.echo(concise(result), nl=False, err=True)
    failed = bool(broken)
    missing: list[str] = []
    with recipients_file(recipients) as file:
        for document in documents:
            if document.file in broken:
                continue
            spec = build_spec(document)
            for message in _messages(spec, config, variables, file, origin, terminal, missing, only=row, limit=limit):
                if message is None:
                    failed = True
                else:
                    writer.write(message)
    if missing and not failed and not writer.written:
        raise UsageError("\n".join(missing))
    for words in missing:
        terminal.warn(words)
    writer.end()
    return 1 if failed else 0


class _Writer:
    """Writes messages to standard output, one after the other.

    Args:
        form: of ``--as``.
        url: where a program posts to.
    """

    def __init__(self, form: str, url: str) -> None:
        self._form = form
        self._url = url
        self._written = 0

    @property
    def written(self) -> int:
        """How many messages were written."""
        return self._written

    def write(self, message: Message) -> None:
        """Write one message."""
        if self._form in KINDS:
            if self._written:
                self._out(b"\n")
            comment = f"{KINDS[self._form].comment} {message.spec}, row {message.row}\n"
            sample = code_sample(self._form, self._url, message.body)
            opening, newline, rest = sample.partition("\n")
            # PHP's first line is no code yet, where a comment would be printed.
            text = f"{opening}{newline}{comment}{rest}" if opening == "<?php" else comment + sample
            self._out(text.encode())
        else:
            head = {"spec": message.spec, "edition": message.edition, "row": message.row, "key": message.key}
            line = json.dumps(head)[:-1].encode() + b', "body": ' + message.body + b"}"
            if self._form == "jsonl":
                self._out(line + b"\n")
            else:
                self._out((b",\n  " if self._written else b"[\n  ") + line)
        self._written += 1

    def end(self) -> None:
        """Write what comes after the last one."""
        if self._form == "json":
            self._out(b"\n]\n" if self._written else b"[]\n")

    @staticmethod
    def _out(data: bytes) -> None:
        sys.stdout.buffer.write(data)


def _messages(
    spec: Spec,
    config: Config,
    variables: Mapping[str, object],
    recipients: Path | None,
    origin: str,
    terminal: Terminal,
    missing: list[str],
    *,
    only: int | None,
    limit: int | None,
) -> Iterator[Message | None]:
    """Yield the message of each recipient; None for one that cannot be sent, which is told on standard error.

    What to say of a recipient that was asked for and does not exist goes into ``missing``.
    """
    renderer = Renderer(
        spec,
        merged_variables(config, spec, variables),
        locale=config.locale,
        timezone=config.timezone,
        partials=Partials(config.root),
    )
    make = message_maker(spec, origin)
    number = shown = 0
    with _source(spec, config, recipients, terminal) as source:
        for row in rendered_rows(source, renderer):
            number = row.row.number
            if only is not None and row.row.number != only:
                if row.row.number > only:
                    return
                continue
            if limit is not None and shown == limit:
                return
            shown += 1
            if row.problems:
                problem = row.problems[0]
                terminal.warn(f"{spec.document.file}: row {row.row.number}: {problem.rule}: {problem.detail}")
                yield None
                continue
            yield make(row.rendered, row.row.number, None, None)
    if only is not None and number < only:
        missing.append(f"{spec.document.file}: there is no row {only}; it has {count(number, 'recipient')}")


def _source(spec: Spec, config: Config, recipients: Path | None, terminal: Terminal) -> Source:
    if recipients is None and spec.has_recipients and spec.rows is None:
        path = recipients_path(spec, config.root)
        if path is None or not path.is_file():
            if not spec.samples:
                raise UsageError(f"{spec.document.file}: no recipients and no samples here: add --recipients FILE")
            terminal.note(f"{spec.document.file}: no recipients here, showing the samples")
            return open_samples(spec)
    return open_audience(spec, config.root, recipients)
