"""``report --output html``: one page that holds everything, asks no network, and runs no script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from msgspec_runner.content.phone import mask, mask_within
from msgspec_runner.ledger.ledger import Record, RunStatus
from msgspec_runner.model import SANDBOX_ORIGIN, State
from msgspec_runner.pages.shell import asset, page
from msgspec_runner.reports.commands import Commands
from msgspec_runner.reports.run_report.charts import share_bar
from msgspec_runner.reports.run_report.figures import Figures
from msgspec_runner.reports.run_report.next_steps import next_steps
from msgspec_runner.reports.run_report.plots import KINDS, answers_plot, interval_rows, sent_plot, trouble_plot
from msgspec_runner.reports.run_report.timeline import Fate
from msgspec_runner.reports.run_report.units import duration, moment, moment_of, pace
from msgspec_runner.reports.run_summary import totals_words
from msgspec_runner.reports.text import count, printable

OPEN_DOUBTS = 10
"""Messages in doubt that are shown at once; the others are folded away."""

LISTED_ERRORS = 50
"""Groups of errors that are shown one by one."""

_CODE = re.compile("`([^`]+)`")
_HERE = "msgspec_runner.reports.run_report"

_STATUS_KINDS = {
    RunStatus.FINISHED: "accepted",
    RunStatus.RUNNING: "scheduled",
    RunStatus.INTERRUPTED: "doubt",
    RunStatus.STOPPED: "rejected",
    RunStatus.DIED: "rejected",
}
_STATE_KINDS = {
    State.ACCEPTED: "accepted",
    State.REJECTED: "rejected",
    State.IN_DOUBT: "doubt",
    State.PLANNED: "scheduled",
    State.SENDING: "scheduled",
    State.RETRY_WAIT: "scheduled",
}
_STATE_WORDS = {
    State.PLANNED: "not sent yet",
    State.SENDING: "under way",
    State.RETRY_WAIT: "waiting for another attempt",
}
_IN_SPECS = (State.ACCEPTED, State.REJECTED, State.IN_DOUBT)
"""States that every table of specs has; the others appear where they are needed."""


def html(figures: Figures, commands: Commands, *, show_numbers: bool = False) -> str:
    """Return the page.

    Args:
        figures: of the run.
        commands: what to type next.
        show_numbers: phone numbers in full, instead of masked.
    """
    run, totals, timeline = figures.run, figures.totals, figures.timeline
    words = _Words(show_numbers=show_numbers)
    timed = figures.latencies.total
    tried = sum(interval.counts.total() for interval in timeline.intervals)
    specs = [printable(spec) for spec in run.specs]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(asset("page.html.jinja", _HERE))
    body = template.render(
        figures=figures,
        run=run,
        totals=totals,
        commands=commands,
        status_kind=_STATUS_KINDS[run.status],
        specs=", ".join(specs[:5]) + (f" and {len(specs) - 5:,} more" if len(specs) > 5 else ""),
        origin="a sandbox" if run.origin == SANDBOX_ORIGIN else printable(run.origin),
        sandbox=run.origin == SANDBOX_ORIGIN,
        took=_took(figures),
        reason=words.quoted(run.reason) if run.reason else "",
        open_doubts=OPEN_DOUBTS,
        share=_share(figures) if totals.total else None,
        others=[(getattr(totals, state.value), words.state(state)) for state in State if state not in _IN_SPECS],
        segments=sum(spec.segments for spec in figures.specs),
        steps=list(next_steps(figures, commands)),
        fates=_fates(figures),
        pace=pace(figures),
        width=duration(timeline.width / 1000),
        sent=sent_plot(figures) if timeline.intervals else None,
        trouble=trouble_plot(figures) if timeline.intervals else None,
        intervals=interval_rows(figures),
        answers=answers_plot(figures.latencies) if timed else None,
        percentiles=_percentiles(figures),
        untimed=tried - timed,
        errors=figures.errors[:LISTED_ERRORS],
        other_errors=sum(group.count for group in figures.errors[LISTED_ERRORS:]) + figures.other_errors,
        states=[*_IN_SPECS, *(state for state in State if state not in _IN_SPECS and getattr(totals, state.value))],
        facts=list(_facts(figures)),
        moment=moment,
        moment_of=moment_of,
        duration=duration,
        printable=printable,
        spans=_spans,
        count=count,
        messages=lambda number: count(number, "message"),
        kind_of=lambda state: _STATE_KINDS.get(state, "skipped"),
        words_of=words.state,
        quoted=words.quoted,
        place=words.place,
        who=words.who,
        said=words.said,
        short=commands.short,
    )
    title = f"Run {run.id}: {totals_words(totals)}"
    return page(title, Markup(body), styles=[asset("page.css", _HERE)])  # noqa: S704 - the template escapes


class _Words:
    """What people and APIs said, printable, with numbers masked or not."""

    def __init__(self, *, show_numbers: bool) -> None:
        self._show_numbers = show_numbers

    def quoted(self, text: str) -> str:
        """Return words that may hold a number."""
        return printable(text if self._show_numbers else mask_within(text))

    def said(self, record: Record) -> str:
        """Return a message's error."""
        return self.quoted(record.error or "no words")

    def who(self, record: Record) -> str:
        """Return whom a message was for."""
        if not record.to:
            return "number erased"
        return printable(record.to) if self._show_numbers else mask(record.to)

    def place(self, record: Record) -> str:
        """Return which message it is, for people."""
        return printable(f"{record.spec}:{record.row}")

    def state(self, state: State) -> str:
        """Return the name of a state, for people."""
        return _STATE_WORDS.get(state, state.value.replace("_", " "))


def _spans(words: str) -> Markup:
    """Return our own words with what stands in backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(words))))  # noqa: S704 - escaped, and then marked up


def _took(figures: Figures) -> str:
    run = figures.run
    if run.started_at is None:
        return ""
    if run.ended_at is None:
        so_far = duration(max(timedelta(), figures.as_of - run.started_at).total_seconds())
        return f"{so_far} so far" if run.status is RunStatus.RUNNING else ""
    if run.status is RunStatus.DIED:  # its end is when that was found out
        return ""
    return duration(max(timedelta(), run.ended_at - run.started_at).total_seconds())


def _share(figures: Figures) -> Markup:
    totals = figures.totals
    waiting = totals.planned + totals.sending + totals.retry_wait
    rest = totals.skipped + totals.released + totals.cancelled
    parts = (
        ("accepted", totals.accepted),
        ("rejected", totals.rejected),
        ("doubt", totals.in_doubt),
        ("scheduled", waiting),
        ("skipped", rest),
    )
    return share_bar("share", f"What became of {totals.total:,}: {totals_words(totals)}.", parts)


def _fates(figures: Figures) -> list[tuple[Fate, str, int]]:
    """Return the fates that occur, with the class of their colour and their number."""
    numbers = {fate: sum(interval.counts[fate] for interval in figures.timeline.intervals) for fate in Fate}
    return [(fate, KINDS[fate], numbers[fate]) for fate in Fate if numbers[fate]]


def _percentiles(figures: Figures) -> list[tuple[str, str]]:
    parts = (("half within", 50), ("95 % within", 95), ("99 % within", 99), ("the slowest", 100))
    return [(words, duration(figures.latencies.percentile(percent) / 1000)) for words, percent in parts]


def _facts(figures: Figures) -> Iterator[tuple[str, str]]:
    run = figures.run
    yield "Sent to", "a throw-away sandbox" if run.origin == SANDBOX_ORIGIN else printable(run.origin)
    if run.started_at is not None:
        yield "Started", moment(run.started_at)
    if run.ended_at is not None:
        yield "Found dead" if run.status is RunStatus.DIED else "Ended", moment(run.ended_at)
    if run.host:
        yield "By", printable(f"process {run.pid} on {run.host}")
    yield "Version", printable(f"msgspec-runner {run.version}")
    if run.totals is not None:
        yield "When it ended", totals_words(run.totals)
    yield "This report is of", moment(figures.as_of)
