"""``msgspec-runner preview``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import click

from msgspec_runner.audience import RenderedRow
from msgspec_runner.cli.connection import choose_api
from msgspec_runner.cli.options import Terminal, common, paths_argument, recipients_option, var_option
from msgspec_runner.cli.overwriting import audience_files, project_files, refuse_overwriting
from msgspec_runner.config import Config
from msgspec_runner.errors import UsageError
from msgspec_runner.linting.linter import Linter
from msgspec_runner.linting.row_pass import Passage
from msgspec_runner.model import SANDBOX_ORIGIN
from msgspec_runner.project import load, recipients_file
from msgspec_runner.providers.catalog import NO_CATALOGS, Catalogs
from msgspec_runner.rendering import Renderer
from msgspec_runner.reports.files import PRIVATE, PUBLIC, whole_file
from msgspec_runner.reports.preview.gathering import Choice, gather
from msgspec_runner.reports.preview.page import preview_page
from msgspec_runner.reports.preview.values import Preview
from msgspec_runner.reports.text import count, printable
from msgspec_runner.spec import build_spec

MOST_ROWS = 10_000
"""Rows of each spec without ``--limit``: 4 MB of page, on which a search takes a tenth of a second (measured)."""

SILENT_SECONDS = 5.0
"""How long people wait for a page without a word: all recipients are linted, however few of them are shown."""

ROWS_A_LOOK = 1_000
"""Rows between two looks at the clock."""


@click.command("preview", short_help="Make a page that shows messages as phones do.")
@paths_argument()
@click.option(
    "-o",
    "--output",
    "output",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="The page to write.",
)
@click.option("--open", "show", is_flag=True, help="Open it in the browser.")
@click.option("--show-data", is_flag=True, help="Show the recipients, which are people's data, instead of samples.")
@click.option("--row", type=click.IntRange(min=1), metavar="N", help="Only sample or recipient N of each spec.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    default=MOST_ROWS,
    help=f"At most N recipients of each spec. Default: {MOST_ROWS:,}.",
)
@click.option("--base-url", metavar="URL", help="The API whose identities are shown.")
@click.option("--sandbox", is_flag=True, help="Show the sandbox's identities.")
@recipients_option
@var_option
@common
def command(
    *,
    paths: tuple[Path, ...],
    output: Path,
    show: bool,
    show_data: bool,
    row: int | None,
    limit: int,
    base_url: str | None,
    sandbox: bool,
    recipients: Path | None,
    variables: Mapping[str, str],
    profile: str | None,
    terminal: Terminal,
) -> int:
    """Make one page that shows each message as a phone would, beside what the linter says of it.

    It shows a spec's samples; where it has none, the rows that are written in the spec. Recipients from a file are
    linted, every one of them, but shown with --show-data only, and the page is then for nobody else to read (mode
    0600). The page is whole in itself: it loads nothing, and no picture or video of a message is ever fetched.

    Exit code 1 says that there are findings at the fail level, or messages that would not be sent. The page shows
    them.

    \b
    Examples:
      msgspec-runner preview -o preview.html --open
      msgspec-runner preview specs/reminder.yaml -o reminder.html --show-data
    """
    project = load(paths, profile)
    config = project.config if project.config.profile else replace(project.config, profiles={})
    origin = SANDBOX_ORIGIN if sandbox else choose_api(base_url).origin
    documents = list(project.documents())
    with recipients_file(recipients) as file:
        audience = audience_files(map(build_spec, documents), config.root, file)
        refuse_overwriting({"-o": output}, (*project_files(config), *project.files, *audience), sends=False)
        told = told_rows(terminal)
        result = Linter(config, variables, file, show_data=show_data, every_row=True, through=told).lint(documents)
        choice = Choice(file, variables, origin, show_data, row, limit)
        preview = gather(documents, result, config, choice, _catalogs(config))
    if row is not None and not preview.messages:
        raise UsageError(f"--row {row}: no spec has so many {'recipients' if show_data else 'samples'}")
    if recipients is not None and not show_data:
        terminal.note("the recipients were linted, the page shows samples: add --show-data to see the recipients")
    _write(output, preview)
    terminal.note(_summary(preview, output))
    if show:
        _open(output, terminal)
    return 1 if result.fails(config.fail_level) or preview.unsendable else 0


def told_rows(terminal: Terminal, clock: Callable[[], float] = time.monotonic) -> Passage:
    """Return what the recipients pass while they are linted: it says now and then how many there were.

    Args:
        terminal: where it is said.
        clock: returns seconds; for tests.
    """
    last = clock()

    def through(renderer: Renderer, rows: Iterator[RenderedRow]) -> Iterator[RenderedRow]:
        nonlocal last
        for number, row in enumerate(rows, 1):
            if number % ROWS_A_LOOK == 0 and (now := clock()) - last >= SILENT_SECONDS:
                last = now
                terminal.note(f"{printable(renderer.spec.document.file)}: {number:,} recipients linted so far")
            yield row

    return through


def _catalogs(config: Config) -> Catalogs:
    if not config.catalogs:
        return NO_CATALOGS
    from msgspec_runner.providers.catalog_files import read_catalogs

    return read_catalogs(config.root, config.catalogs)


def _write(output: Path, preview: Preview) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(output, PRIVATE if preview.personal else PUBLIC) as page:
            page.writelines(preview_page(preview))
    except OSError as error:
        raise UsageError(f"-o {output}: cannot be written: {error.strerror}") from error


def _summary(preview: Preview, output: Path) -> str:
    found = [count(number, severity.value) for severity, number in preview.counts.items() if number]
    parts = [count(preview.messages, "message") + " of " + count(len(preview.specs), "spec"), *found]
    if preview.unsendable:
        parts.append(f"{preview.unsendable:,} would not be sent")
    private = "; it holds people's data: keep it private" if preview.personal else ""
    return f"{output}: {', '.join(parts)}{private}"


def _open(output: Path, terminal: Terminal) -> None:
    import webbrowser

    if not webbrowser.open(output.resolve().as_uri()):
        terminal.warn(f"no browser found: open {output} yourself")
