"""What the dispatcher tells: news while it runs, and how it ended. Frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from msgspec_runner.ledger.ledger import Settlement, Totals
from msgspec_runner.model import State

ENDS = (State.ACCEPTED, State.REJECTED, State.IN_DOUBT)
"""States with which a run is done with a message that it posted."""


class Progress(NamedTuple):
    """News for whoever watches, after each transaction.

    Attributes:
        settled: what was recorded durably just now, ``retry_wait`` and ``planned`` (handed back) included.
        sending: messages claimed at present.
        waiting: messages that wait for another attempt.
        rate: messages a second at present; None: not limited.
        note: one line for people (a pause, a stop); None: nothing special.
    """

    settled: tuple[Settlement, ...]
    sending: int
    waiting: int
    rate: float | None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    Attributes:
        totals: the run's messages by state.
        stopped_reason: why it stopped early, for people; None: it did not.
        interrupted: somebody asked it to stop.
        expired: messages that became too late while it ran; they stay planned, and the next ``send`` skips them.
    """

    totals: Totals
    stopped_reason: str | None = None
    interrupted: bool = False
    expired: int = 0
