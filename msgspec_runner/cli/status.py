"""``msgspec-runner status``."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING

import click

from msgspec_runner.cli import completing_runs
from msgspec_runner.cli.connection import choose_ledger, ledger_option, shown_ledger
from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.cli.overwriting import ledger_files, project_files, refuse_overwriting
from msgspec_runner.cli.runs import find_run
from msgspec_runner.content.phone import mask, mask_within
from msgspec_runner.errors import INTERRUPTED, UsageError
from msgspec_runner.ledger import Decided, Ledger, Record, Run, RunStatus, open_ledger, timestamp
from msgspec_runner.model import SANDBOX_ORIGIN, State
from msgspec_runner.project import configure
from msgspec_runner.reports.paint import Paint, painter
from msgspec_runner.reports.results import csv_lines
from msgspec_runner.reports.run_report.units import duration, moment
from msgspec_runner.reports.run_summary import Afterwards, summary_lines, totals_words
from msgspec_runner.reports.text import plain_json, printable

if TYPE_CHECKING:
    from msgspec_runner.cli.clustering import Held

SHOWN_RUNS = 20
"""Runs that are listed, newest first."""

LISTED = 100
"""Messages in one state that the text of a run lists, at most; of more it lists :data:`FIRST`, and how to see all."""

FIRST = 20

BY_NEED = (
    State.IN_DOUBT,
    State.REJECTED,
    State.SENDING,
    State.RETRY_WAIT,
    State.PLANNED,
    State.RELEASED,
    State.SKIPPED,
    State.CANCELLED,
    State.ACCEPTED,
)
"""The states in the order in which a run's messages are listed: what needs somebody comes first."""

COLORS = {State.ACCEPTED: "green", State.REJECTED: "red", State.IN_DOUBT: "yellow"}
"""Of the states of messages that were posted."""

DECISIONS_AT_ONCE = 500
"""Decisions that are looked up in one go."""


@click.command("status", short_help="Show runs, or one run's messages.")
@click.argument("run", required=False, shell_complete=completing_runs.runs)
@click.option(
    "--state",
    type=click.Choice([state.value for state in State]),
    metavar="STATE",
    help=f"Only messages in this state: {', '.join(state.value for state in State)}.",
)
@click.option("--spec", metavar="ID", shell_complete=completing_runs.sent_specs, help="Only messages of this spec.")
@click.option("--output", type=click.Choice(["text", "json", "csv"]), default="text", help="Form of the output.")
@click.option("--show-numbers", is_flag=True, help="Show phone numbers in full in the text.")
@click.option("--watch", is_flag=True, help="Watch RUN until it has ended; the exit code is then that of `send`.")
@ledger_option
@common
def command(
    *,
    run: str | None,
    state: str | None,
    spec: str | None,
    output: str,
    show_numbers: bool,
    watch: bool,
    ledger: str | None,
    profile: str | None,
    terminal: Terminal,
) -> int:
    """Show runs, or one run's messages by state. RUN is a run's id, the beginning of one, or `latest`.

    Without RUN, --state and --spec select over the whole ledger. CSV is one table, that of the messages: without RUN
    it has those of all runs, each with its run, where the text lists the runs. JSON has runs, totals and messages.
    The text masks phone numbers; JSON and CSV are data, and hold them in full.

    Of a state with more than a hundred messages, the text of a run lists the first twenty; with --state or --spec it
    lists all, as JSON and CSV do.

    \b
    Examples:
      msgspec-runner status
      msgspec-runner status latest
      msgspec-runner status 20261123-114501-x7k2 --state rejected
      msgspec-runner status --state in_doubt --output csv
    """
    config = configure((), profile)
    # Looking is allowed from anywhere: the committed id guards sending only.
    location = choose_ledger(ledger, config)
    with closing(open_ledger(location, config.root, loopback_or_sandbox=True, create=False)) as book:
        refuse_overwriting({}, (*project_files(config), *ledger_files(config, book.location)), sends=False)
        chosen = find_run(book, run) if run else None
        if watch:
            return _watch(book, chosen, shown_ledger(ledger, book.location), terminal)
        wanted = State(state) if state else None
        paint = painter(color=terminal.colors())

        def records() -> Iterator[Record]:
            return book.messages(run=chosen.id if chosen else None, state=wanted, spec=spec)

        if output == "json":
            _json(book, chosen, records)
        elif output == "csv":
            for line in csv_lines(records()):
                click.echo(line, nl=False)
        elif chosen is None and wanted is None and spec is None:
            _list_runs(book, show_numbers=show_numbers)
        else:
            if chosen is not None:
                click.echo(printable(_run_line(chosen, book, _held(book, [chosen]), show_numbers=show_numbers)))
            if chosen is not None and wanted is None and spec is None:
                _show_run(book, chosen, shown_ledger(ledger, book.location), paint, show_numbers=show_numbers)
            else:
                for record in records():
                    click.echo(_record_line(record, paint, show_numbers=show_numbers), color=True)
    return 0


def _show_run(book: Ledger, run: Run, ledger: str | None, paint: Paint, *, show_numbers: bool) -> None:
    """Show when a run was and how each spec fared, and list its messages by state.

    Args:
        book: knows the run.
        run: the run.
        ledger: of ``--ledger``, as it may be shown.
        paint: colours the states.
        show_numbers: in full.
    """
    if run.started_at is not None:
        took = duration(max(0.0, (run.ended_at - run.started_at).total_seconds())) if run.ended_at is not None else ""
        click.echo(f"began {moment(run.started_at)}{f', took {took}' if took else ''}")
    specs = book.totals_by_spec(run.id)
    if len(specs) > 1:
        for spec, of_spec in specs.items():
            click.echo(printable(f"{spec}: {totals_words(of_spec)}"))
    totals = book.totals(run.id).as_dict()
    for state in BY_NEED:
        number = totals[state.value]
        listed = number if number <= LISTED else FIRST
        for record in islice(book.messages(run=run.id, state=state), listed) if listed else ():
            click.echo(_record_line(record, paint, show_numbers=show_numbers), color=True)
        if number > listed:
            where = f" --ledger {shlex.quote(ledger)}" if ledger is not None else ""
            more = f"{number - listed:,} more {state.value.replace('_', ' ')}"
            click.echo(printable(f"… and {more}: `msgspec-runner status {run.id} --state {state.value}{where}`"))


def _watch(book: Ledger, chosen: Run | None, ledger: str | None, terminal: Terminal) -> int:
    """Watch a run until it has ended, and tell how; return the exit code.

    Args:
        book: knows the run.
        chosen: the run; None: none was named.
        ledger: of ``--ledger``, as it may be shown.
        terminal: where the progress is shown.

    Raises:
        UsageError: no run was named.
    """
    from msgspec_runner.cli.clustering import follow
    from msgspec_runner.cli.dispatching import exit_code

    if chosen is None:
        raise UsageError("--watch is for one run: `msgspec-runner status RUN --watch`, or `latest` for the last one")
    result = follow(book, chosen.id, terminal)
    if result is None:
        return INTERRUPTED
    sandbox = chosen.origin == SANDBOX_ORIGIN
    place = f"--ledger {shlex.quote(ledger)}" if ledger is not None else ""
    after = Afterwards(place, "--sandbox" if sandbox else "", answers=not sandbox)
    for line in summary_lines(chosen.id, result, book.messages(run=chosen.id), after):
        click.echo(printable(line))
    return exit_code(result)


def _list_runs(book: Ledger, *, show_numbers: bool) -> None:
    runs = book.runs(limit=SHOWN_RUNS)
    if not runs:
        click.echo("no runs yet")
    held = _held(book, runs)
    for run in runs:
        click.echo(printable(_run_line(run, book, held, show_numbers=show_numbers)))


def _held(book: Ledger, runs: Iterable[Run]) -> dict[str, Held]:
    """Return which of the runs are paused or about to stop."""
    if not any(run.status is RunStatus.RUNNING for run in runs):
        return {}
    from msgspec_runner.cli.clustering import held_runs

    return held_runs(book)


def _run_line(run: Run, book: Ledger, held: Mapping[str, Held], *, show_numbers: bool) -> str:
    totals = totals_words(book.totals(run.id))
    status, why = held.get(run.id) or (run.status.value, run.reason)
    reason = f" ({_words(why, show_numbers=show_numbers)})" if why else ""
    return f"{run.id}  {status:<11}  {run.origin}  {', '.join(run.specs)}: {totals}{reason}"


def _record_line(record: Record, paint: Paint, *, show_numbers: bool) -> str:
    details = [record.message_id or "", _words(record.error or "", show_numbers=show_numbers)]
    number = record.to if show_numbers or not record.to else mask(record.to)
    row = f"{record.spec}:{record.row}"
    state = f"{record.state.value:<10}"
    color = COLORS.get(record.state)
    line = printable(f"{row:<24}  {number:<16}  {'  '.join(filter(None, details))}".rstrip())
    return f"{paint(state, color) if color else state}  {line}"


def _words(text: str, *, show_numbers: bool) -> str:
    """Words of the API's, which may quote a number."""
    return text if show_numbers else mask_within(text)


def _json(book: Ledger, chosen: Run | None, records: Callable[[], Iterable[Record]]) -> None:
    """Write the report as a stream: a ledger may hold millions of messages."""
    runs = [chosen] if chosen is not None else book.runs()
    head = {
        "version": 1,
        "runs": [_run_dict(run, book) for run in runs],
        "totals": book.totals(chosen.id if chosen else None).as_dict(),
        "decisions": [decided._asdict() for decided in decisions_about(book, chosen)],
    }
    click.echo(plain_json(json.dumps(head, ensure_ascii=False, indent=2))[:-2] + ',\n  "messages": [', nl=False)
    separator = "\n    "
    for record in records():
        click.echo(separator + plain_json(json.dumps(record.as_dict(), ensure_ascii=False)), nl=False)
        separator = ",\n    "
    click.echo("\n  ]\n}")


def decisions_about(book: Ledger, chosen: Run | None) -> Iterator[Decided]:
    """Yield who decided what outside of runs, and why: about a run's messages, or about all."""
    decisions = book.decisions()
    while page := list(islice(decisions, DECISIONS_AT_ONCE)):
        entries = book.entries([decided.key for decided in page]) if chosen is not None else {}
        for decided in page:
            if chosen is None or (decided.key in entries and entries[decided.key].run == chosen.id):
                yield decided


def _run_dict(run: Run, book: Ledger) -> dict[str, object]:
    return {
        "run": run.id,
        "status": run.status.value,
        "origin": run.origin,
        "specs": list(run.specs),
        "started_at": timestamp(run.started_at) if run.started_at else None,
        "ended_at": timestamp(run.ended_at) if run.ended_at else None,
        "reason": run.reason,
        "totals": book.totals(run.id).as_dict(),
    }
