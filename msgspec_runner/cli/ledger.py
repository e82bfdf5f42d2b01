"""``msgspec-runner ledger``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import click

from msgspec_runner.cli.clustering import is_server, make_queue, migrate_queue
from msgspec_runner.cli.connection import choose_ledger, ledger_option
from msgspec_runner.cli.options import Terminal, common, show_numbers_option
from msgspec_runner.cli.runs import check_confirmed, read_moment, who, yes_option
from msgspec_runner.errors import UsageError
from msgspec_runner.ledger import (
    LEDGER_ID_FILE,
    Ledger,
    RunStatus,
    init_ledger,
    ledger_exists,
    open_ledger,
    read_ledger_id,
)
from msgspec_runner.project import configure
from msgspec_runner.reports.run_summary import totals_words
from msgspec_runner.reports.text import count, printable


@click.group("ledger", short_help="Look after the ledger of what was sent.")
def command() -> None:
    """Look after the ledger: the record of what was sent, which is why nothing is sent twice.

    \b
    Examples:
      msgspec-runner ledger init
      msgspec-runner ledger info
    """


@command.command("init", short_help="Make this project's ledger, and its id file.")
@ledger_option
@click.option("--new", is_flag=True, help="The project's ledger is lost: start another, and send everything again.")
@common
def init(*, ledger: str | None, new: bool, profile: str | None, terminal: Terminal) -> int:
    """Make this project's ledger, and write its id into a file that you commit.

    In PostgreSQL it also makes the queue that workers take their work from, where the extra `cluster` is installed.

    \b
    Example:
      msgspec-runner ledger init
    """
    config = configure((), profile)
    with closing(init_ledger(choose_ledger(ledger, config), config.root, new=new)) as book:
        click.echo(f"ledger {printable(book.location)}")
        click.echo(f"its id {book.id} is in {LEDGER_ID_FILE}: commit that file, so that nobody sends with another one")
        if make_queue(book):
            click.echo("it has a queue for workers: `send --cluster`")
    return 0


@command.command("info", short_help="Show where it is, its id, and what it holds.")
@ledger_option
@common
def info(*, ledger: str | None, profile: str | None, terminal: Terminal) -> int:
    """Show where the ledger is, its id, and what it holds.

    \b
    Example:
      msgspec-runner ledger info
    """
    with _opened(ledger, profile, terminal) as book:
        expected = read_ledger_id(configure((), profile).root)
        verdict = "the project's" if expected == book.id else "NOT the project's" if expected else "not committed yet"
        click.echo(f"ledger  {printable(book.location)}")
        click.echo(f"id      {book.id} ({verdict})")
        click.echo(f"runs    {len(book.runs()):,}")
        click.echo(f"holds   {totals_words(book.totals())}")
    return 0


@command.command("migrate", short_help="Bring it to the schema of this version.")
@ledger_option
@common
def migrate(*, ledger: str | None, profile: str | None, terminal: Terminal) -> int:
    """Bring the ledger to the schema of this version, as every command does that opens it.

    Older versions refuse a ledger of a newer schema, so upgrade all who use it. In PostgreSQL it also makes, or
    upgrades, the queue that workers take their work from (`send --cluster`), and makes the ledger where there is none;
    `ledger init` in the project then takes it for the project's.

    \b
    Example:
      msgspec-runner ledger migrate
    """
    config = configure((), profile)
    location = choose_ledger(ledger, config)
    # A project that has a ledger gets no second one: the address is misspelt, or the ledger is lost.
    makes = is_server(location) and read_ledger_id(config.root) is None
    made = makes and not ledger_exists(location, config.root)
    with closing(open_ledger(location, config.root, loopback_or_sandbox=True, create=makes)) as book:
        state = "was made" if made else "is up to date"
        click.echo(f"ledger {printable(book.location)} {state}, with schema {book.schema}")
        queue = migrate_queue(book)
        if queue is not None:
            tables = f": it has Procrastinate's tables of {queue.version}" if terminal.verbose else ""
            click.echo(f"its queue for workers {'was made' if queue.made else 'is up to date'}{tables}")
        if made:
            terminal.note(f"run `msgspec-runner ledger init` in the project, and commit {LEDGER_ID_FILE}")
    return 0


@command.command("prune", short_help="Erase people's data of a time gone by.")
@click.option("--before", required=True, metavar="DATE", help="2031-01-31, or with a time; UTC without an offset.")
@yes_option
@ledger_option
@common
def prune(*, before: str, yes: bool, ledger: str | None, profile: str | None, terminal: Terminal) -> int:
    """Erase people's data from what came to rest before a date: numbers, texts, names and errors.

    Identities, states, times and the API's ids stay: nothing is sent again because it was forgotten. What is in doubt
    or still planned is left as it is, and so is every message of a run that is under way.

    \b
    Example:
      msgspec-runner ledger prune --before 2031-01-31 --yes
    """
    moment = read_moment("--before", before)
    with _opened(ledger, profile, terminal) as book:
        book.recover()
        _confirm(f"Erase people's data from everything that came to rest before {moment:%Y-%m-%d %H:%M} UTC?", yes=yes)
        erased = book.erase(before=moment, by=who())
        words = f"people's data was erased from {count(erased, 'message')}"
        _say_erased(book, words if erased else f"nothing to erase from before {moment:%Y-%m-%d %H:%M} UTC", terminal)
    return 0


@command.command("forget", short_help="Erase one person's data.")
@click.argument("number")
@yes_option
@ledger_option
@common
@show_numbers_option
def forget(*, number: str, yes: bool, ledger: str | None, profile: str | None, terminal: Terminal) -> int:
    """Erase one person's data: everything that the ledger holds of NUMBER, but for the identities.

    Nothing is sent again because it was forgotten, and nothing is sent to NUMBER from what was left planned. Messages
    of a run that is under way are left as they are; if there are no others, the exit code is 2.

    \b
    Example:
      msgspec-runner ledger forget +16175551212 --yes
    """
    from msgspec_runner.content.phone import canonical, mask, problem

    to = canonical(number)
    if to is None:
        raise UsageError(f"NUMBER {problem(number)}")
    said = to if terminal.show_numbers else mask(to)
    with _opened(ledger, profile, terminal) as book:
        book.recover()
        _confirm(f"Erase everything that the ledger holds of {said}?", yes=yes)
        erased = book.erase(number=to, by=who())
        live = _live_run_of(book, to)
        part = f"{said} is part of run {live}, which is under way"
        again = f"Run this again when it has ended: `msgspec-runner status {live} --watch` waits for that"
        if live is not None and not erased:
            raise UsageError(printable(f"{part}. {again}. Nothing was erased."))
        words = f"{said} was erased from {count(erased, 'message')}"
        unknown = f"nobody with the number {said} was found: was its country code typed, as in +16175551212?"
        click.echo(words if erased else unknown)
        if live is not None:
            terminal.warn(printable(f"{part}: that was left as it is. {again}"))
    return 0


def _live_run_of(book: Ledger, number: str) -> str | None:
    """Return a run that is under way and holds messages to a number."""
    live = (run.id for run in book.runs() if run.status is RunStatus.RUNNING)
    return next((run for run in live if any(record.to == number for record in book.messages(run=run))), None)


@contextmanager
def _opened(ledger: str | None, profile: str | None, terminal: Terminal) -> Iterator[Ledger]:
    """Open an existing ledger, whether or not it is the project's."""
    config = configure((), profile)
    location = choose_ledger(ledger, config)
    opened = open_ledger(location, config.root, loopback_or_sandbox=True, create=False, say=terminal.warn)
    with closing(opened) as book:
        yield book


def _confirm(question: str, *, yes: bool) -> None:
    check_confirmed(f"{question} It cannot be undone.", "nothing was erased", yes=yes)


def _say_erased(book: Ledger, words: str, terminal: Terminal) -> None:
    click.echo(words)
    if any(run.status is RunStatus.RUNNING for run in book.runs()):
        terminal.warn("a run is under way: its messages were left as they are. Run this again when it has ended")
