"""What the commands about past runs share: which run, at which API, in which ledger, and on whose word."""

from __future__ import annotations

import getpass
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from msgspec_runner.cli.connection import Api, choose_ledger
from msgspec_runner.cli.options import Function, Terminal, show_numbers_flag
from msgspec_runner.cli.overwriting import ledger_files, project_files, refuse_overwriting
from msgspec_runner.config import MAX_TIMEOUT, Config
from msgspec_runner.content.phone import mask
from msgspec_runner.errors import UsageError
from msgspec_runner.ledger import Ledger, Run, open_ledger
from msgspec_runner.model import SANDBOX_ORIGIN, Message
from msgspec_runner.reports.text import count, printable
from msgspec_runner.settings import VARIABLES

KEY_SHOWN = 12
"""Characters of a message's key that are shown: no two messages of a ledger have them in common."""

SHOWN = 50
"""Messages that are listed one by one in a text; JSON has all."""

LATEST = "latest"
"""Names a run, as an id does: the one that began last."""


yes_option = click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=MAX_TIMEOUT),
    metavar="SECONDS",
    envvar=VARIABLES["timeout"],
    help="For one request.",
)
api_key_file_option = click.option(
    "--api-key-file", type=click.Path(path_type=Path), metavar="FILE", help="Instead of SOCIOCS_API_KEY."
)


def asking_options(function: Function) -> Function:
    """Add ``--yes``, ``--api-key-file``, ``--timeout`` and ``--show-numbers``, for commands that ask the API."""
    decorated: Function = yes_option(api_key_file_option(timeout_option(show_numbers_flag(function))))
    return decorated


@contextmanager
def past_ledger(flag: str | None, config: Config, api: Api | None, terminal: Terminal) -> Iterator[Ledger]:
    """Open the ledger in which past runs are, as ``send`` would, and recover what dead runs left.

    Args:
        flag: ``--ledger``.
        config: the project's.
        api: None for the sandbox.
        terminal: is told of messages that turn out to be in doubt.

    Raises:
        LedgerError: there is none, or it is not this project's.
        UsageError: standard output goes into it.
    """
    loopback = api is None or api.loopback
    location = choose_ledger(flag, config)
    book = open_ledger(location, config.root, loopback_or_sandbox=loopback, create=False, say=terminal.warn)
    try:
        refuse_overwriting({}, (*project_files(config), *ledger_files(config, book.location)))
        in_doubt = book.recover()
        if in_doubt:
            terminal.note(f"an earlier run died: {count(in_doubt, 'message')} may or may not have been sent: in doubt")
        yield book
    finally:
        book.close()


def find_run(book: Ledger, text: str) -> Run:
    """Return the run with an id, or with the beginning of one; :data:`LATEST` is the one that began last.

    Raises:
        UsageError: there is none, or several; says what was meant, perhaps. An empty one is a script's variable that
            was never set, and means no run.
    """
    if not text:
        raise UsageError("RUN is empty: `msgspec-runner status` lists the runs. Nothing was done.")
    runs = book.runs()
    if text == LATEST and runs:
        return runs[0]
    found = [run for run in runs if run.id.startswith(text)]
    exact = [run for run in found if run.id == text] or found
    if len(exact) == 1:
        return exact[0]
    if exact:
        raise UsageError(f"{len(exact)} runs begin with {printable(text)}: `msgspec-runner status` lists the runs")
    from difflib import get_close_matches

    close = get_close_matches(text, [run.id for run in runs], n=1)
    hint = f"; did you mean {close[0]}?" if close else ": `msgspec-runner status` lists the runs"
    raise UsageError(f"no run {printable(text)}{hint}")


def check_origin(run: Run, api: Api | None, what: str) -> str:
    """Return the origin that a run and the chosen API have in common.

    Args:
        run: chosen.
        api: chosen; None for the sandbox.
        what: is not done otherwise, as a participle.

    Raises:
        UsageError: they differ.
    """
    origin = api.origin if api is not None else SANDBOX_ORIGIN
    if run.origin == origin:
        return origin
    if run.origin == SANDBOX_ORIGIN:
        hint = "it went to a sandbox of its own"
    else:
        hint = f"it went to {printable(run.origin)}: choose that with --base-url or MSGSPEC_RUNNER_BASE_URL"
    raise UsageError(f"run {run.id} is not {what} at {printable(origin)}: {hint}. Nothing was sent.")


def check_confirmed(question: str, nothing: str, *, yes: bool) -> None:
    """Ask a person, unless there was a yes.

    Args:
        question: to be answered with yes or no.
        nothing: what was not done then: ``nothing was released``.
        yes: given on the command line.

    Raises:
        UsageError: the answer is no, or there is nobody to ask.
    """
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"there is no terminal to confirm at: add --yes. {nothing.capitalize()}.")
    if not click.confirm(question, err=True):
        raise UsageError(f"not confirmed: {nothing}")


def read_moment(flag: str, text: str) -> datetime:
    """Return the moment that a person wrote, in UTC, which it is where no offset is given.

    Args:
        flag: for the error.
        text: ``2031-01-31``, or with a time.

    Raises:
        UsageError: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # at the ends of the calendar, an offset leads out of it
        raise UsageError(f"{flag} is no time: write it like 2031-01-31, or 2031-01-31T18:00:00-05:00") from None


def who() -> str:
    """Return who types and on which machine, for the ledger's record of decisions."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container without a user's name
        name = "person"
    return f"{name}@{socket.gethostname()}"


def message_line(message: Message, words: str, *, show_numbers: bool) -> str:
    """Return a line about one message: its key's beginning, spec and row, number, and words of whomever.

    Numbers in the words are the caller's to mask: an id may look like one, and is needed as it is.
    """
    number = message.to if show_numbers or not message.to else mask(message.to)
    return f"  {message.key[:KEY_SHOWN]}  {message.spec}:{message.row}  {number}  {printable(words)}".rstrip()
