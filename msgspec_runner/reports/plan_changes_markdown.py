"""``plan --since --output markdown``: what a pull request's page shows; foreign words stand in code only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.reports.change_words import change_kind, change_words
from msgspec_runner.reports.markdown import code, fenced
from msgspec_runner.reports.plan_changes import (
    NO_LEDGER,
    WORDS,
    ChangedSpec,
    PlanChanges,
    Sum,
    new_words,
    pictures,
    remarks,
    sentence,
    shift_words,
    summed,
)
from msgspec_runner.reports.text import count

MAX_CHARACTERS: Final = 500_000
"""Of the details: GitHub takes a summary of 1 MiB for a step, in bytes, and drops a larger one."""
MAX_ROWS: Final = 1_000
"""Of the table."""
OPEN: Final = 3
"""Details of so many specs are shown unfolded."""


def plan_changes_markdown(changes: PlanChanges) -> str:
    """Return the report as Markdown."""
    return "\n".join(_lines(changes))


def _lines(changes: PlanChanges) -> Iterator[str]:
    where = f"since {code(changes.ref)} (merge base {code(changes.commit[:10])})"
    if not changes.specs:
        yield f"**No message changes** {where}."
        return
    total = summed(changes.specs)
    here = sum(spec.change.after is not None for spec in changes.specs)
    yield f"**{sentence(total)}**"
    yield ""
    gone = len(changes.specs) - here
    deleted = f", {gone:,} deleted" if gone else ""
    yield f"{here:,} of {count(changes.total, 'spec')} changed{deleted} {where}."
    if not changes.ledger:
        yield f"There is {NO_LEDGER}."
    for note in changes.notes:
        yield f"- {code(note)}"
    for words in changes.blocked:
        yield f"- **Nothing can be sent**: {code(words)}"
    yield ""
    yield from _table(changes, total)
    yield from _details(changes)


def _table(changes: PlanChanges, total: Sum) -> Iterator[str]:
    after = total.after or Counter[Decision]()
    seen = [decision for decision in WORDS if after[decision]]
    sms = total.segments != (None, None)
    heads = ["spec", "change", "new", *(WORDS[decision] for decision in seen), *(["segments"] if sms else [])]
    yield f"| {' | '.join(heads)} |"
    yield "| --- | --- |" + " ---: |" * (len(heads) - 2)
    for spec in changes.specs[:MAX_ROWS]:
        yield f"| {' | '.join(_cells(spec, seen, sms=sms))} |"
    if len(changes.specs) > MAX_ROWS:
        yield f"\n{count(len(changes.specs) - MAX_ROWS, 'spec')} more: run it with `--output json`."


def _cells(spec: ChangedSpec, seen: list[Decision], *, sms: bool) -> Iterator[str]:
    numbers = summed([spec])
    yield code(spec.name)
    yield "**broken**" if spec.broken else change_kind(spec.change)
    if numbers.before is None and numbers.after is None:
        yield from ["–"] * (1 + len(seen) + sms)
        return
    before, after = numbers.before or Counter[Decision](), numbers.after or Counter[Decision]()
    yield new_words(before[Decision.NEW], after[Decision.NEW]).replace(" new", "")
    yield from (f"{after[decision]:,}" for decision in seen)
    if sms:
        was, now = numbers.segments
        yield "" if was is None and now is None else f"{now or 0:,}" if was == now else f"{was or 0:,} → {now or 0:,}"


def _details(changes: PlanChanges) -> Iterator[str]:
    left = MAX_CHARACTERS
    unfolded = " open" if len(changes.specs) <= OPEN else ""
    for number, spec in enumerate(changes.specs):
        lines = ["", f"<details{unfolded}><summary>{_summary(spec)}</summary>", "", *_body(spec), "", "</details>"]
        left -= sum(len(line.encode()) + 1 for line in lines)
        if left < 0:
            yield ""
            yield f"{count(len(changes.specs) - number, 'spec')} more: `msgspec-runner plan --since` shows them."
            return
        yield from lines


def _summary(spec: ChangedSpec) -> str:
    return f"{code(spec.name, html=True)} {change_kind(spec.change)}"


def _body(spec: ChangedSpec) -> Iterator[str]:
    yield f"- {change_words(spec.change, code)}"
    if shift_words(spec):
        yield f"- {shift_words(spec)}"
    yield from (f"- {remark}" for remark in remarks(spec, code))
    for title, lines in pictures(spec):
        yield ""
        yield title
        if lines:
            yield ""
            yield from fenced(lines, "diff")
    if spec.hint:
        yield ""
        yield spec.hint
