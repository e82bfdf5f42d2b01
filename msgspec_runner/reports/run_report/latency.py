"""How long answers took, to about three digits, in a bounded number of counters.

What the ledger knows is when a message was claimed and when its outcome was recorded. Between the two lie up to 0.1 s
of waiting for its turn (``dispatch.lanes.HORIZON``), the request itself, and the transaction that recorded it together
with others. So each figure is an **upper bound** of the API's own time: it was never slower than this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

EDGES: Sequence[int] = tuple(
    tens * step // 10
    for tens in (10, 100, 1_000, 10_000)
    for step in (10, 15, 20, 30, 50, 70)  # about even on a logarithmic scale
)
"""Milliseconds at which a bar of the histogram ends, and the next begins."""

_FINEST = ((1_000, 1), (10_000, 10), (100_000, 100))
"""Below so many milliseconds, counted in steps of so many."""

_COARSEST = 1_000
_LONGEST = 3_600_000
"""An hour: no request takes longer than its timeout; what does all the same counts as an hour."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """How long answers took, as counters.

    Attributes:
        counts: messages by milliseconds, rounded up to a step.
    """

    counts: Counter[int]

    @property
    def total(self) -> int:
        """Messages whose answer was timed."""
        return self.counts.total()

    def percentile(self, percent: float) -> int:
        """Return the milliseconds within which so many percent of the answers came; 0 where there are none."""
        wanted, seen = self.total * percent / 100, 0
        for milliseconds in sorted(self.counts):
            seen += self.counts[milliseconds]
            if seen >= wanted:
                return milliseconds
        return 0

    def bars(self) -> Iterator[tuple[int, int | None, int]]:
        """Yield the histogram: above how many milliseconds, up to how many (None: any), and messages.

        From the first bar that has any to the last.
        """
        edges = (0, *EDGES)
        numbers = [0] * len(edges)
        for milliseconds, number in self.counts.items():
            numbers[sum(milliseconds > edge for edge in EDGES)] += number
        filled = [index for index, number in enumerate(numbers) if number]
        if filled:
            for index in range(filled[0], filled[-1] + 1):
                yield edges[index], EDGES[index] if index < len(EDGES) else None, numbers[index]


class LatencyBuilder:
    """Counts how long answers took."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, milliseconds: int) -> None:
        """Count an answer; one before its request (a clock was set back) says nothing."""
        if milliseconds >= 0:
            self._counts[_rounded(milliseconds)] += 1

    def build(self) -> Latencies:
        """Return what was counted."""
        return Latencies(Counter(self._counts))


def _rounded(milliseconds: int) -> int:
    """Round up to a step of about a hundredth."""
    for below, step in _FINEST:
        if milliseconds <= below:
            return -(-milliseconds // step) * step
    return min(-(-milliseconds // _COARSEST) * _COARSEST, _LONGEST)
