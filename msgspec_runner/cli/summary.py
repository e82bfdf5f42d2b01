"""The end of a run at a terminal: a table of its specs, below the lines that every log has."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from msgspec_runner.ledger.ledger import Record, Run
from msgspec_runner.model import State
from msgspec_runner.reports.run_report.figures import SpecFigures
from msgspec_runner.reports.run_report.gathering import Messages
from msgspec_runner.reports.run_report.units import duration, rate
from msgspec_runner.reports.text import count, printable

_COLUMNS = (State.ACCEPTED, State.REJECTED, State.IN_DOUBT)
"""States that the table always has; the others where there are any."""

_ANY_WIDTH = 10_000
"""Columns in which every table has room: what it takes there is what it needs."""

_STYLES = {State.ACCEPTED: "green", State.REJECTED: "red", State.IN_DOUBT: "yellow"}


def show_summary(console: Console, run: Run, records: Iterable[Record]) -> None:
    """Draw what became of a run's messages, spec by spec, and how long it took.

    Args:
        console: of standard error; on a narrow one there is a line for each spec.
        run: as it ended.
        records: its messages and skipped rows.
    """
    messages = Messages()
    for record in records:
        messages.add(record)
    specs = messages.specs(run.specs)
    if not specs:
        return
    table = _table(specs)
    console.print()
    if Measurement.get(console, console.options.update(max_width=_ANY_WIDTH), table).maximum <= console.width:
        console.print(table)
    else:
        for spec in specs:
            console.print(_spec_line(spec), soft_wrap=True)
    console.print(_took(run, messages), style="dim", soft_wrap=True)


def _table(specs: Iterable[SpecFigures]) -> Table:
    specs = list(specs)
    present = {state for spec in specs for state, number in spec.states.items() if number}
    states = [*_COLUMNS, *(state for state in State if state in present and state not in _COLUMNS)]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("spec", no_wrap=True)
    for state in states:
        table.add_column(_words(state), justify="right", no_wrap=True)
    if segments := any(spec.segments for spec in specs):
        table.add_column("segments", justify="right", no_wrap=True)
    for spec in specs:
        cells = [_number(spec.states.get(state, 0), state) for state in states]
        table.add_row(Text(_name(spec)), *cells, *([Text(f"{spec.segments:,}")] if segments else []))
    if len(specs) > 1:
        sums = [_number(sum(spec.states.get(state, 0) for spec in specs), state) for state in states]
        last = [Text(f"{sum(spec.segments for spec in specs):,}")] if segments else []
        table.add_row(Text("all"), *sums, *last, style="bold")
    return table


def _spec_line(spec: SpecFigures) -> Text:
    parts = [f"{spec.states[state]:,} {_words(state)}" for state in State if spec.states.get(state)]
    return Text(f"{_name(spec)}: {', '.join(parts)}")


def _name(spec: SpecFigures) -> str:
    return printable(spec.spec) if spec.edition == 1 else f"{printable(spec.spec)} (edition {spec.edition})"


def _words(state: State) -> str:
    return state.value.replace("_", " ")


def _number(number: int, state: State) -> Text:
    return Text(f"{number:,}", style=_STYLES.get(state, "") if number else "dim")


def _took(run: Run, messages: Messages) -> Text:
    parts = []
    if run.started_at is not None and run.ended_at is not None:
        seconds = (run.ended_at - run.started_at).total_seconds()
        tried = sum(messages.attempts.values())
        parts.append(f"{count(tried, 'message')} in {duration(max(seconds, 0))}")
        if seconds >= 1 and tried:
            parts.append(rate(tried / seconds))
    retries = sum((attempts - 1) * number for attempts, number in messages.attempts.items())
    if retries:
        parts.append(f"{retries:,} {'retries' if retries > 1 else 'retry'}")
    return Text(", ".join(parts))
