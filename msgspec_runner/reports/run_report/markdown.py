"""``report --output markdown``: the summary of a CI job. A team reads it, so it holds keys and no numbers.

What an API or a person said stands in code, in which nothing is markup: no link, no mention, no HTML
(:mod:`~msgspec_runner.reports.markdown`). Most of it is in lists, where code can be read at a terminal too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec_runner.ledger.ledger import RunStatus
from msgspec_runner.model import State
from msgspec_runner.reports.commands import Commands
from msgspec_runner.reports.markdown import MAX_WORDS, code, cut, fenced
from msgspec_runner.reports.run_report.error_groups import folded
from msgspec_runner.reports.run_report.figures import Figures
from msgspec_runner.reports.run_report.next_steps import next_steps
from msgspec_runner.reports.run_report.units import duration, moment, moment_of, pace
from msgspec_runner.reports.run_summary import shown, totals_words
from msgspec_runner.reports.text import count, printable

LISTED = 20
"""Errors, messages in doubt and decisions that are listed, each; a job's summary has a limit, and a reader too."""

_TICKS = re.compile("`+")


def markdown(figures: Figures, commands: Commands) -> Iterator[str]:
    """Yield the report line by line.

    Args:
        figures: of the run.
        commands: what to type next.
    """
    run = figures.run
    yield f"## Run {span(run.id)}: {run.status.value}"
    yield ""
    yield f"**{totals_words(figures.totals)}**"
    if run.reason:
        yield ""
        yield f"Stopped: {span(folded(run.reason))}"
    for step in next_steps(figures, commands):
        yield ""
        yield step.words
        if step.command is not None:
            yield from ("", *fenced([step.command], "sh"))
    yield from _section("Specs", _specs(figures))
    yield from _section("Times", _times(figures))
    yield from _section("Errors", _errors(figures, commands))
    yield from _section("In doubt", _doubts(figures, commands))
    yield from _section("Left out", (f"- {count(skip.count, 'row')}: {span(skip.reason)}" for skip in figures.skips))
    yield from _section("Decided afterwards", _decisions(figures))
    yield ""
    yield _where(figures)


def span(text: str) -> str:
    """Return text as code between backticks, in a line that is no row of a table: ``|`` would end a cell even there."""
    text = cut(printable(text), MAX_WORDS)
    ticks = "`" * (max((len(run) for run in _TICKS.findall(text)), default=0) + 1)
    pad = " " if text[:1] in "` " or text[-1:] in "` " else ""
    return f"{ticks}{pad}{text}{pad}{ticks}" if text.strip() else "–"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield from ("", f"### {title}", "", *found)


def _specs(figures: Figures) -> Iterator[str]:
    if not figures.specs:
        return
    yield "| spec | accepted | rejected | in doubt | other | skipped | segments |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for spec in figures.specs:
        named = (State.ACCEPTED, State.REJECTED, State.IN_DOUBT, State.SKIPPED)
        accepted, rejected, doubt, skipped = (spec.states.get(state, 0) for state in named)
        rest = sum(spec.states.values()) - accepted - rejected - doubt - skipped
        numbers = (accepted, rejected, doubt, rest, skipped, spec.segments)
        cells = " | ".join(f"{number:,}" for number in numbers)
        yield f"| {code(spec.spec)} (edition {spec.edition}) | {cells} |"


def _times(figures: Figures) -> Iterator[str]:
    if figures.seconds:
        yield f"- {pace(figures)}"
    if figures.latencies.total:
        half, most, nearly = (duration(figures.latencies.percentile(part) / 1000) for part in (50, 95, 99))
        yield f"- half of the answers within {half}, 95 % within {most}, 99 % within {nearly}"
    if figures.retries:
        yield f"- {count(figures.retries, 'further attempt')} for {count(figures.retried, 'message')}"
    if figures.throttled:
        yield f"- {count(figures.throttled, 'message')} with HTTP 429 as the last answer"


def _errors(figures: Figures, commands: Commands) -> Iterator[str]:
    for group in figures.errors[:LISTED]:
        status = f", HTTP {group.http_status}" if group.http_status is not None else ""
        example = f"{group.example.spec}:{group.example.row}"
        yield (
            f"- **{group.count:,} {group.state.value.replace('_', ' ')}**{status}: {span(group.words)}, "
            f"such as {span(example)} (key {span(commands.short(group.example.key))})"
        )
    rest = sum(group.count for group in figures.errors[LISTED:]) + figures.other_errors
    if rest:
        yield f"- {count(rest, 'message')} with other errors"


def _doubts(figures: Figures, commands: Commands) -> Iterator[str]:
    for doubt in figures.doubts[:LISTED]:
        tried = f", tried {moment_of(doubt.tried_at)}" if doubt.tried_at else ""
        record = doubt.record
        yield f"- key {span(commands.short(record.key))}, {span(f'{record.spec}:{record.row}')}{tried}"
    if figures.totals.in_doubt > LISTED:
        yield f"- and {figures.totals.in_doubt - LISTED:,} more"
    if figures.doubts:
        yield ""
        yield "Once it is known that one was not sent, give it up to be sent again:"
        yield from ("", *fenced([commands.release(figures.doubts[0].record.key)], "sh"))


def _decisions(figures: Figures) -> Iterator[str]:
    for group in figures.decisions[:LISTED]:
        what, messages = span(group.what.replace("_", " ")), count(group.count, "message")
        yield f"- {messages} {what} by {span(group.by)}, {moment_of(group.last)}: {span(shown(group.reason))}"
    if len(figures.decisions) > LISTED:
        yield f"- and {len(figures.decisions) - LISTED:,} more"
    if figures.moved:
        yield f"- {count(figures.moved, 'message')} taken over by later runs"


def _where(figures: Figures) -> str:
    run = figures.run
    started = f" from {moment(run.started_at)}" if run.started_at is not None else ""
    if run.ended_at is not None:
        started += f" to {moment(run.ended_at)}"
    elif run.status is RunStatus.RUNNING:
        started += f", still running at {moment(figures.as_of)}"
    host = f" on {span(run.host)}" if run.host else ""
    return f"Sent to {span(run.origin)}{started}{host} by msgspec-runner {span(run.version)}"
