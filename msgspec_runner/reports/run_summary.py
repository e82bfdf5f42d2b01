"""The last words of a run: how many, why, and what to type next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec_runner.content.phone import mask_within
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.ledger.ledger import Record, Totals
from msgspec_runner.model import State
from msgspec_runner.reports.text import printable

SHOWN_ERRORS = 5
"""How many different errors are shown, most frequent first."""


GO_ON = "run the same command again"
"""How what is still planned can be sent, where nothing else is said."""


def summary_lines(run: str, result: RunResult, records: Iterable[Record], go_on: str = GO_ON) -> Iterator[str]:
    """Yield the summary of a run.

    Args:
        run: its id.
        result: how it ended.
        records: its messages; looked at only where something went wrong.
        go_on: how what is still planned can be sent.
    """
    yield f"run {run}: {totals_words(result.totals)}"
    if result.stopped_reason is not None:
        yield f"stopped early: {shown(result.stopped_reason)}"
    if result.interrupted:
        yield "interrupted: what was in flight was recorded, as in doubt where no answer came"
    if result.expired:
        yield f"{result.expired:,} expired while the run went on and were not sent: the next `send` leaves them out"
    if result.totals.rejected or result.totals.in_doubt:
        errors = Counter(
            (record.state, shown(record.error or "no words"))
            for record in records
            if record.state in {State.REJECTED, State.IN_DOUBT}
        )
        for (state, error), number in errors.most_common(SHOWN_ERRORS):
            yield f"  {number:>7,} {state.value.replace('_', ' ')}: {error}"
    if result.totals.rejected:
        yield (
            "rejected means: the API refused it, and nothing was sent. Correct the row or the text and send again, "
            f"or send it again as it was: `msgspec-runner retry {run}`"
        )
    if result.totals.in_doubt:
        yield (
            "in doubt means: it may or may not have been sent, so it is not sent again by itself. "
            f"Ask the API what it got: `msgspec-runner reconcile {run}`"
        )
    if result.totals.planned > result.expired or result.totals.retry_wait:
        yield f"{go_on} to go on: nothing is sent twice"


def shown(words: str) -> str:
    """Return an API's words as a screen may show them: printable, and with every number masked that they quote."""
    return printable(mask_within(words))


def totals_words(totals: Totals) -> str:
    """Return ``12 accepted, 1 rejected``: every state that has messages."""
    parts = [f"{number:,} {state.replace('_', ' ')}" for state, number in totals.as_dict().items() if number]
    return ", ".join(parts) or "no messages"
