"""Outcomes that are known and not recorded yet: they wait for company, but not for long."""

from __future__ import annotations

from msgspec_runner.dispatch.job import Job
from msgspec_runner.ledger.ledger import Settlement

LINGER = 0.005
"""Seconds that a known outcome waits to be recorded together with others, as long as no worker is idle: a transaction
costs nearly as much for one message as for fifty. A crash meanwhile leaves it in doubt, within the bound."""


class Outcomes:
    """What the next transaction settles, in the order in which it became known."""

    def __init__(self) -> None:
        self._known: list[tuple[Job, Settlement]] = []
        self._since = 0.0

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, job: Job) -> bool:
        return any(known is job for known, _ in self._known)

    def add(self, job: Job, settlement: Settlement, now: float) -> None:
        """Take note of an outcome."""
        if not self._known:
            self._since = now
        self._known.append((job, settlement))

    def patience(self, now: float) -> float | None:
        """Return the seconds that the oldest outcome may still wait; None where there is none."""
        return self._since + LINGER - now if self._known else None

    def all(self) -> list[tuple[Job, Settlement]]:
        """Return what is known by now."""
        return self._known.copy()

    def forget(self, number: int) -> None:
        """Drop so many of the oldest: they are recorded."""
        del self._known[:number]
