"""What a run left open, and what to type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec_runner.ledger.ledger import RunStatus
from msgspec_runner.model import SANDBOX_ORIGIN
from msgspec_runner.reports.commands import Commands
from msgspec_runner.reports.run_report.figures import Figures
from msgspec_runner.reports.text import count, released


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is left to do.

    Attributes:
        words: what is open, and why.
        command: what to type; None where no single command does it.
    """

    words: str
    command: str | None = None


def next_steps(figures: Figures, commands: Commands) -> Iterator[Step]:
    """Yield what a run left open, the most urgent first; nothing where all is well."""
    totals, status = figures.totals, figures.run.status
    reachable = figures.run.origin != SANDBOX_ORIGIN  # a throw-away sandbox is gone
    if totals.sending and status is RunStatus.DIED:
        yield Step(f"{count(totals.sending, 'message')} under way when the run died: in doubt with the next `send`.")
    if totals.in_doubt:
        doubt = (
            f"{count(totals.in_doubt, 'message')} in doubt: perhaps sent, perhaps not; none is sent again by itself."
        )
        yield Step(f"{doubt} Ask the API what it got:", commands.ask()) if reachable else Step(doubt)
    left = totals.planned + totals.retry_wait
    if left and status is not RunStatus.RUNNING:
        yield Step(f"{count(left, 'message')} not sent yet. Run the same `send` again: nothing is sent twice.")
    if totals.rejected:
        rejected = f"{count(totals.rejected, 'message')} rejected. Correct the spec or the rows and `send` again"
        yield Step(f"{rejected}, or send them as they were:", commands.retry()) if reachable else Step(f"{rejected}.")
    if totals.released:
        yield Step(f"{released(totals.released)}.")
    if figures.scheduled and reachable:
        yield Step(
            f"{count(figures.scheduled, 'message')} still scheduled. To take back what can be:", commands.cancel()
        )
