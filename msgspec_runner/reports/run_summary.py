"""The last words of a run: how many, why, and what to type next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from msgspec_runner.content.phone import mask_within
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.ledger.ledger import Record, Totals
from msgspec_runner.model import State
from msgspec_runner.reports.commands import Commands
from msgspec_runner.reports.text import printable

SHOWN_ERRORS = 5
"""How many different errors are shown, most frequent first."""


@dataclass(frozen=True, slots=True)
class Afterwards:
    """What can be done about a run when it has ended, whichever run it is.

    Attributes:
        ledger: as :class:`~msgspec_runner.reports.commands.Commands` has it.
        api: as there.
        is_retry: ``retry`` carried it out, and goes on with it too; else the same command does.
        answers: what it went to is still there to be asked; a sandbox of its own has ended with it.
        is_kept: its ledger is still there; else no command finds the run.
    """

    ledger: str = ""
    api: str = ""
    is_retry: bool = False
    answers: bool = True
    is_kept: bool = True

    def commands(self, run: str = "") -> Commands:
        """Return what can be typed about one run; where none is named, about all."""
        return Commands(run, self.ledger, self.api)

    def of_rejected(self, run: str) -> str:
        """Say what is to be done about messages that were refused."""
        words = "rejected means: the API refused it, and nothing was sent. Correct the row or the text and send again"
        return f"{words}, or send it again as it was: `{self.commands(run).retry()}`" if self.is_kept else words

    def of_in_doubt(self, run: str) -> str:
        """Say what is to be done about messages in doubt."""
        words = "in doubt means: it may or may not have been sent"
        if not self.is_kept:
            return f"{words}. The sandbox has ended and cannot be asked: send again, to a new one"
        words += ", so it is not sent again by itself"
        if not self.answers:
            return f"{words}. The sandbox has ended and cannot be asked: send to a new one with another --ledger"
        return f"{words}. Ask the API what it got: `{self.commands(run).ask()}`"

    def of_earlier_doubts(self, number: int) -> str:
        """Say what is to be done about so many messages that earlier runs left in doubt."""
        if not self.answers:
            whose = "its" if number == 1 else "their"
            return f"{whose} sandbox has ended and cannot be asked: send to a new one with another --ledger"
        return f"settle {'it' if number == 1 else 'them'} with `{self.commands().ask()}`"

    def of_planned(self, run: str) -> str:
        """Say how to send what was not sent."""
        if not self.is_kept:
            return "run the same command again: it begins anew"
        go_on = f"`{self.commands(run).retry()}`" if self.is_retry else "run the same command again"
        return f"{go_on} to go on: nothing is sent twice"


NOT_KEPT = "this run is not kept: `--ledger FILE` keeps the next one, for `status`, `report` and `retry --sandbox`"


def summary_lines(
    run: str,
    result: RunResult,
    records: Iterable[Record],
    after: Afterwards | None = None,
    *,
    show_numbers: bool = False,
) -> Iterator[str]:
    """Yield the summary of a run.

    Args:
        run: its id.
        result: how it ended.
        records: its messages; looked at only where something went wrong.
        after: what can be done about it; None: what can be done about a run of ``send`` in the project's own ledger.
        show_numbers: phone numbers in full that the API's words quote, instead of masked.
    """
    after = after or Afterwards()
    yield f"run {run}: {totals_words(result.totals)}"
    if result.stopped_reason is not None:
        yield f"stopped early: {shown(result.stopped_reason, show_numbers=show_numbers)}"
    if result.interrupted:
        yield "interrupted: what was in flight was recorded, as in doubt where no answer came"
    if result.expired:
        yield f"{result.expired:,} expired while the run went on and were not sent: the next `send` leaves them out"
    if result.totals.rejected or result.totals.in_doubt:
        errors = Counter(
            (record.state, shown(record.error or "no words", show_numbers=show_numbers))
            for record in records
            if record.state in {State.REJECTED, State.IN_DOUBT}
        )
        for (state, error), number in errors.most_common(SHOWN_ERRORS):
            yield f"  {number:>7,} {state.value.replace('_', ' ')}: {error}"
    left = result.totals.planned > result.expired or result.totals.retry_wait
    if result.totals.rejected:
        yield after.of_rejected(run)
    if result.totals.in_doubt:
        yield after.of_in_doubt(run)
    if left:
        yield after.of_planned(run)
    if not after.is_kept and (result.totals.rejected or result.totals.in_doubt or left):
        yield NOT_KEPT


def shown(words: str, *, show_numbers: bool = False) -> str:
    """Return an API's words as a screen may show them: printable, and with every number masked that they quote."""
    return printable(words if show_numbers else mask_within(words))


def totals_words(totals: Totals) -> str:
    """Return ``12 accepted, 1 rejected``: every state that has messages."""
    parts = [f"{number:,} {state.replace('_', ' ')}" for state, number in totals.as_dict().items() if number]
    return ", ".join(parts) or "no messages"
