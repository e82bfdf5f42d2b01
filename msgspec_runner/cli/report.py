"""``msgspec-runner report``."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import click

from msgspec_runner.cli import completing_runs
from msgspec_runner.cli.connection import DEFAULT_BASE_URL, choose_ledger, ledger_option, shown_ledger
from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.cli.overwriting import ledger_files, project_files, refuse_overwriting
from msgspec_runner.cli.runs import KEY_SHOWN, find_run
from msgspec_runner.cli.status import decisions_about
from msgspec_runner.errors import UsageError
from msgspec_runner.ledger import Ledger, Record, Run, open_ledger
from msgspec_runner.model import SANDBOX_ORIGIN
from msgspec_runner.project import configure
from msgspec_runner.reports.commands import Commands
from msgspec_runner.reports.files import PRIVATE, whole_file
from msgspec_runner.reports.results import csv_lines
from msgspec_runner.reports.run_junit import run_junit
from msgspec_runner.reports.run_report.figures import Figures
from msgspec_runner.reports.run_report.gathering import gather
from msgspec_runner.reports.run_summary import totals_words

FORMS = ("html", "markdown", "junit", "csv")

_SUFFIXES = {
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".xml": "junit",
    ".csv": "csv",
}
"""What a file's name says of its form."""

_LINES_AT_ONCE = 1_000
"""Lines that are printed in one go."""


@click.command("report", short_help="Show how a run went: HTML, Markdown, JUnit or CSV.")
@click.argument("run", shell_complete=completing_runs.runs)
@click.option(
    "-o",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Write it there, for you alone to read, instead of printing it.",
)
@click.option(
    "--output", type=click.Choice(FORMS), help="Form of the output. Default: what FILE's name says, else markdown."
)
@click.option("--show-numbers", is_flag=True, help="Show phone numbers in full in the HTML.")
@ledger_option
@common
def command(
    *,
    run: str,
    file: Path | None,
    output: str | None,
    show_numbers: bool,
    ledger: str | None,
    profile: str | None,
    terminal: Terminal,
) -> int:
    """Show how RUN went: what was sent when, how long answers took, what went wrong, and what to type next. RUN is a
    run's id, the beginning of one, or `latest`.

    HTML is one page that loads nothing and needs no JavaScript. Markdown is for the summary of a CI job: it holds no
    numbers. JUnit and CSV list the messages one by one. CSV is data, and holds numbers in full; HTML, Markdown and
    JUnit are made to be shared, and mask them, in a file too.

    \b
    Examples:
      msgspec-runner report latest -o report.html
      msgspec-runner report 20261123-114501-x7k2 >> "$GITHUB_STEP_SUMMARY"
      msgspec-runner report latest -o results.csv
    """
    path = None if file is None or str(file) == "-" else file
    form = output or (_form(path) if path is not None else "markdown")
    config = configure((), profile)
    # Looking is allowed from anywhere, as with `status`.
    location = choose_ledger(ledger, config)
    with closing(open_ledger(location, config.root, loopback_or_sandbox=True, create=False)) as book:
        read = (*project_files(config), *ledger_files(config, book.location))
        refuse_overwriting({"-o": path}, read, sends=False)
        chosen = find_run(book, run)
        commands = _commands(chosen, ledger, book.location)
        lines = _lines(book, chosen, form, commands, show_numbers=show_numbers)
        if path is None:
            _print(lines)
            return 0
        try:
            with whole_file(path, PRIVATE) as opened:
                opened.writelines(lines)
        except OSError as error:
            raise UsageError(f"-o {path}: cannot be written: {error.strerror}") from error
        terminal.note(f"{path}: run {chosen.id}, {totals_words(book.totals(chosen.id))}")
    return 0


def _form(path: Path) -> str:
    """Return the form that a file's name asks for.

    Raises:
        UsageError: its name says nothing.
    """
    form = _SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise UsageError(f"-o {path}: which form? End the name in {', '.join(_SUFFIXES)}, or add --output html")
    return form


def _lines(book: Ledger, run: Run, form: str, commands: Commands, *, show_numbers: bool) -> Iterator[str]:
    if form == "csv":
        yield from csv_lines(book.messages(run=run.id))
    elif form == "junit":

        def messages(spec: str) -> Iterable[Record]:
            return book.messages(run=run.id, spec=spec)

        yield from run_junit(run.specs, messages)
    elif form == "markdown":
        from msgspec_runner.reports.run_report.markdown import markdown

        yield from (f"{line}\n" for line in markdown(_figures(book, run), commands))
    else:
        from msgspec_runner.reports.run_report.page import html  # draws: 0.1 s that the other forms need not wait for

        yield html(_figures(book, run), commands, show_numbers=show_numbers)


def _figures(book: Ledger, run: Run) -> Figures:
    return gather(
        run, book.messages(run=run.id), book.stored(run.id), decisions_about(book, run), as_of=datetime.now(UTC)
    )


def _commands(run: Run, ledger: str | None, location: str) -> Commands:
    """Return what to type about a run, with the flags that lead to its ledger and its API."""
    ledger = shown_ledger(ledger, location)
    return Commands(
        run.id,
        ledger=f"--ledger {shlex.quote(ledger)}" if ledger is not None else "",
        api="" if run.origin in (SANDBOX_ORIGIN, DEFAULT_BASE_URL) else f"--base-url {shlex.quote(run.origin)}",
        key_digits=KEY_SHOWN,
    )


def _print(lines: Iterator[str]) -> None:
    """Print in UTF-8, which HTML and XML say they are, whatever the terminal's own encoding."""
    while chunk := "".join(islice(lines, _LINES_AT_ONCE)):
        click.echo(chunk.encode("utf-8", "backslashreplace"), nl=False)
