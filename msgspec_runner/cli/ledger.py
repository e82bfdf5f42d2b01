"""``msgspec-runner ledger``."""

from __future__ import annotations

from contextlib import closing

import click

from msgspec_runner.cli.connection import choose_ledger
from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.ledger import LEDGER_ID_FILE, init_ledger, open_ledger, read_ledger_id
from msgspec_runner.project import configure
from msgspec_runner.reports.run_summary import totals_words
from msgspec_runner.reports.text import printable


@click.group("ledger", short_help="Look after the ledger of what was sent.")
def command() -> None:
    """Look after the ledger: the record of what was sent, which is why nothing is sent twice.

    \b
    Examples:
      msgspec-runner ledger init
      msgspec-runner ledger info
    """


@command.command("init")
@click.option("--ledger", metavar="PATH", help="The ledger; default .msgspec-runner/ledger.db.")
@click.option("--new", is_flag=True, help="The project's ledger is lost: start another, and send everything again.")
@common
def init(*, ledger: str | None, new: bool, profile: str | None, terminal: Terminal) -> int:
    """Make this project's ledger, and write its id into a file that you commit.

    \b
    Example:
      msgspec-runner ledger init
    """
    config = configure((), profile)
    with closing(init_ledger(choose_ledger(ledger, config), config.root, new=new)) as book:
        click.echo(f"ledger {printable(book.location)}")
        click.echo(f"its id {book.id} is in {LEDGER_ID_FILE}: commit that file, so that nobody sends with another one")
    return 0


@command.command("info")
@click.option("--ledger", metavar="PATH", help="The ledger; default .msgspec-runner/ledger.db.")
@common
def info(*, ledger: str | None, profile: str | None, terminal: Terminal) -> int:
    """Show where the ledger is, its id, and what it holds.

    \b
    Example:
      msgspec-runner ledger info
    """
    config = configure((), profile)
    location = choose_ledger(ledger, config)
    with closing(open_ledger(location, config.root, loopback_or_sandbox=True, create=False)) as book:
        expected = read_ledger_id(config.root)
        verdict = "the project's" if expected == book.id else "NOT the project's" if expected else "not committed yet"
        click.echo(f"ledger  {printable(book.location)}")
        click.echo(f"id      {book.id} ({verdict})")
        click.echo(f"runs    {len(book.runs()):,}")
        click.echo(f"holds   {totals_words(book.totals())}")
    return 0
