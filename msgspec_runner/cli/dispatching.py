"""How a planned run is carried out, and what is told of it: the same for ``send``, ``retry`` and a test message."""

from __future__ import annotations

import functools
import os
import shlex
import signal
import socket
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from msgspec_runner._version import __version__
from msgspec_runner.cli.connection import Api, choose_api, read_api_key, shown_ledger
from msgspec_runner.cli.options import Function, Terminal, check_writable
from msgspec_runner.cli.outputs import readable, skipped_rows, summary_json, write_outputs
from msgspec_runner.cli.runs import api_key_file_option, timeout_option, yes_option
from msgspec_runner.cli.watching import show_end, watch
from msgspec_runner.config import Config
from msgspec_runner.dispatch.progress import ENDS, Progress, RunResult
from msgspec_runner.errors import INTERRUPTED, LedgerError, UsageError
from msgspec_runner.ledger import Ledger, Run, new_run_id
from msgspec_runner.ledger.ledger import Totals
from msgspec_runner.model import SANDBOX_ORIGIN, State
from msgspec_runner.rates import parse_rate
from msgspec_runner.reports.run_summary import Afterwards, summary_lines
from msgspec_runner.settings import VARIABLES


@dataclass(frozen=True, slots=True)
class Manner:
    """How to send: the flags that ``send`` and ``retry`` share.

    Attributes:
        yes: do not ask.
        concurrency: requests under way at once; None: the configuration's.
        rate: as written; None: the configuration's.
        timeout: seconds for one request; None: the configuration's.
        results: file for every message's outcome.
        junit: file for the run as a test report.
        api_key_file: instead of the environment.
        output: form of the summary, ``text`` or ``json``.
    """

    yes: bool
    concurrency: int | None
    rate: str | None
    timeout: float | None
    results: Path | None
    junit: Path | None
    api_key_file: Path | None
    output: str

    @property
    def files(self) -> dict[str, Path | None]:
        """The files to write, by flag."""
        return {"--results": self.results, "--junit": self.junit}

    def check(self) -> None:
        """Find out early whether all of it can be done.

        Raises:
            UsageError: the rate is none, or a file cannot be written.
        """
        if self.rate is not None:
            parse_rate(self.rate)
        for flag, path in self.files.items():
            if path is not None:
                check_writable(path, flag)

    def per_second(self, config: Config) -> float | None:
        """Return the rate of the whole run; None: as fast as the concurrency allows."""
        asked = self.rate or config.rate
        return parse_rate(asked).per_second if asked else None


def manner_options(function: Function) -> Function:
    """Add the flags of :class:`Manner`; the command gets ``manner``."""

    @yes_option
    @click.option(
        "--concurrency",
        type=click.IntRange(1, 1000),
        metavar="N",
        envvar=VARIABLES["concurrency"],
        help="Requests under way at once.",
    )
    @click.option("--rate", metavar="RATE", envvar=VARIABLES["rate"], help="No faster than this: 20/s, 300/min.")
    @timeout_option
    @click.option("--results", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Every message's outcome.")
    @click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="The run as a test report.")
    @api_key_file_option
    @click.option("--output", type=click.Choice(["text", "json"]), default="text", help="Form of the summary.")
    @functools.wraps(function)
    def wrapper(*args: Any, **given: Any) -> Any:
        manner = Manner(**{name: given.pop(name) for name in Manner.__slots__})
        return function(*args, manner=manner, **given)

    return wrapper


@dataclass(frozen=True, slots=True)
class Destination:
    """Where messages go.

    Attributes:
        api: None for a sandbox that is there as long as it is needed.
        key: the API's.
    """

    api: Api | None
    key: str

    @property
    def origin(self) -> str:
        """As identities have it."""
        return self.api.origin if self.api is not None else SANDBOX_ORIGIN

    @contextmanager
    def server(self) -> Iterator[str]:
        """Yield the base URL of what listens there."""
        if self.api is not None:
            yield self.api.base_url
            return
        from msgspec_runner.sandbox.server import RunningSandbox

        with RunningSandbox() as sandbox:
            yield sandbox.url


def choose_destination(
    base_url: str | None, api_key_file: Path | None, *, sandbox: bool, posts: bool = True
) -> Destination:
    """Return where messages go, as flags and environment say.

    Args:
        base_url: of the flag.
        api_key_file: of the flag.
        sandbox: to one of its own.
        posts: this process posts them itself, so it needs the key.

    Raises:
        UsageError: there is no key, or something on the way to the API is not as it must be.
    """
    if sandbox:
        return Destination(None, "sandbox")
    from msgspec_runner.sociocs.network import check_network  # urllib.request: 10 ms that `--help` need not wait for

    api = choose_api(base_url)
    check_network(api.base_url)
    return Destination(api, read_api_key(api_key_file, sandbox=True) if posts else "")


def confirmed(question: str, terminal: Terminal) -> bool:
    """Ask a person.

    Raises:
        UsageError: there is nobody to ask.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("there is no terminal to confirm at: add --yes. Nothing was sent.")
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        terminal.warn("\nnothing was sent")
        raise


def afterwards(
    base_url: str | None, ledger: str | None, book: Ledger, destination: Destination, *, is_retry: bool = False
) -> Afterwards:
    """Return what can be done about a run of this command, as it is typed: with the flags that lead there.

    Args:
        base_url: of the flag.
        ledger: of the flag.
        book: where the run is.
        destination: where it goes.
        is_retry: the command is ``retry``.
    """
    place = shown_ledger(ledger, book.location)
    sandbox = destination.api is None
    api = "--sandbox" if sandbox else f"--base-url {shlex.quote(base_url)}" if base_url else ""
    return Afterwards(
        ledger=f"--ledger {shlex.quote(place)}" if place is not None else "",
        api=api,
        is_retry=is_retry,
        answers=not sandbox,
        is_kept=is_retry or not sandbox or ledger is not None,
    )


def new_run(origin: str, specs: Sequence[str]) -> Run:
    """Return a run of this process, to be entered into a ledger."""
    return Run(new_run_id(), origin, tuple(specs), __version__, socket.gethostname(), os.getpid())


def dispatch(
    book: Ledger,
    run: str,
    messages: int,
    destination: Destination,
    config: Config,
    manner: Manner,
    terminal: Terminal,
    rates: Mapping[str, float],
) -> RunResult:
    """Carry out a run that was begun and planned; return how it ended.

    A ledger that fails in the middle is a reason to stop like others: what was sent cannot be taken back by an error
    that says "nothing was sent". The totals are then what the ledger still says, else what it had confirmed.

    Args:
        book: knows the run.
        run: its id.
        messages: how many were planned, for the progress.
        destination: where they go.
        config: the project's.
        manner: over the configuration.
        terminal: where the progress is shown.
        rates: messages a second of specs that have a rate of their own.
    """
    from msgspec_runner.dispatch.running import run_dispatcher

    recorded: Counter[str] = Counter()
    with destination.server() as url, watch(terminal, messages) as show, _same_signals():

        def on_event(progress: Progress) -> None:
            recorded.update(each.state.value for each in progress.settled if each.state in ENDS)
            show(progress)

        try:
            return run_dispatcher(
                book,
                run,
                base_url=url,
                api_key=destination.key,
                concurrency=manner.concurrency or config.concurrency,
                timeout=manner.timeout or config.timeout,
                rate=manner.per_second(config),
                rates=rates,
                retry_server_errors=config.server_errors == "retry",
                on_event=on_event,
            )
        except LedgerError as error:
            totals = Totals(**recorded)
            with suppress(LedgerError):
                totals = book.totals(run)
            return RunResult(totals, f"{error}. {_LEDGER_FAILED}")


@contextmanager
def _same_signals() -> Iterator[None]:
    """Have signals do afterwards what they did before: the loop that listened leaves the system's way behind it, which
    is to end the process at once, results half written."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


_LEDGER_FAILED = (
    "Nothing more was sent. What was sent and could not be recorded is in doubt. See to the ledger before anything else"
)


def conclude(
    book: Ledger,
    run: str,
    specs: Sequence[str],
    result: RunResult,
    manner: Manner,
    terminal: Terminal,
    after: Afterwards | None = None,
) -> None:
    """Tell how a run ended, in files and on the screen; nothing that goes wrong here changes how it ended.

    Args:
        book: knows the run.
        run: its id.
        specs: the ids of its specs, in the order of the test report.
        result: how it ended.
        manner: names the files, and the form of the summary.
        terminal: where the summary goes.
        after: what can be done about it; see :func:`~msgspec_runner.reports.run_summary.summary_lines`.
    """
    write_outputs(book, run, specs, manner.results, manner.junit, terminal, after)
    if manner.output == "json":
        skipped = skipped_rows(readable(book.messages(run=run, state=State.SKIPPED), terminal))
        terminal.report(summary_json(run, result, skipped))
    records = readable(book.messages(run=run), terminal)
    for line in summary_lines(run, result, records, after, show_numbers=terminal.show_numbers):
        terminal.warn(line)
    if manner.output == "text":
        show_end(book, run, result.totals, terminal)


def exit_code(result: RunResult, *, earlier_doubts: int = 0, left_out: int = 0) -> int:
    """Return the exit code of a run; where several hold: 130, 5, 3, 1 (contract, section 2).

    Args:
        result: how the run ended.
        earlier_doubts: messages of this plan that an earlier run left in doubt.
        left_out: rows that were wrong, and that nobody was texted for.
    """
    if result.interrupted:
        return INTERRUPTED
    if result.stopped_reason is not None:
        return 5
    if result.totals.in_doubt or earlier_doubts:
        return 3
    return 1 if result.totals.rejected or left_out else 0
