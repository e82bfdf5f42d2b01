"""When a run's messages were sent, in a bounded number of intervals of time, however long the run took."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from msgspec_runner.model import State

MOST_INTERVALS = 120
"""Intervals of one timeline: as many bars as a chart of 700 pixels can show apart."""

_S, _MIN, _H = 1_000, 60_000, 3_600_000
_FOREVER = 10**15
WIDTHS: Sequence[int] = (
    *(100, 200, _S, 2 * _S, 10 * _S, 30 * _S, _MIN, 2 * _MIN, 10 * _MIN, 30 * _MIN),
    *(_H, 2 * _H, 6 * _H, 24 * _H, 7 * 24 * _H, 28 * 24 * _H),
)
"""Milliseconds that an interval may last. Each divides the next, so that intervals can be joined."""


SHORT = 5 * _S
"""Milliseconds; in a longer timeline no interval is shorter than a second: rates are limits of a second, and parts of
one may be above them although the limit is kept."""


class Fate(StrEnum):
    """What became of a message that was tried, as far as a picture tells it apart."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IN_DOUBT = "in doubt"
    UNDER_WAY = "under way"
    OTHER = "cancelled or released"


FATES = {
    State.ACCEPTED: Fate.ACCEPTED,
    State.REJECTED: Fate.REJECTED,
    State.IN_DOUBT: Fate.IN_DOUBT,
    State.SENDING: Fate.UNDER_WAY,
    State.RELEASED: Fate.OTHER,
    State.CANCELLED: Fate.OTHER,
}
"""Of the states of a message that may have been sent. The others were proven unsent: they have no place in time yet."""


class Interval(NamedTuple):
    """What was sent in one stretch of time.

    Attributes:
        start: milliseconds after the timeline begins.
        counts: messages by what became of them.
    """

    start: int
    counts: Counter[Fate]


@dataclass(frozen=True, slots=True)
class Timeline:
    """What was sent when.

    Attributes:
        width: milliseconds that each interval lasts.
        intervals: from the first to the last in which something was sent, with the empty ones between them.
    """

    width: int
    intervals: tuple[Interval, ...] = ()

    @property
    def peak(self) -> float:
        """Messages a second in the busiest second, or in the busiest interval where those are longer; 0 for none."""
        together = max(1, 1000 // self.width)
        numbers = [interval.counts.total() for interval in self.intervals]
        sums = [sum(numbers[start : start + together]) for start in range(len(numbers))]
        return max(sums, default=0) * 1000 / (self.width * together)


class TimelineBuilder:
    """Counts messages into intervals, which get longer when there would be more than :data:`MOST_INTERVALS`."""

    def __init__(self) -> None:
        self._level = 0
        self._counts: dict[int, Counter[Fate]] = {}
        self._limit = MOST_INTERVALS * WIDTHS[0]

    def add(self, moment: int, fate: Fate) -> None:
        """Count a message.

        Args:
            moment: milliseconds after the timeline begins; before it (a clock was set back) counts as its beginning.
            fate: what became of it.
        """
        if moment >= self._limit:
            self._make_room(moment)
        index = min(max(0, moment) // WIDTHS[self._level], MOST_INTERVALS - 1)
        counts = self._counts.get(index)
        if counts is None:
            counts = self._counts[index] = Counter()
        counts[fate] += 1

    def build(self) -> Timeline:
        """Return what was counted."""
        width, counts = WIDTHS[self._level], self._counts
        if not counts:
            return Timeline(width)
        if width < _S and (max(counts) + 1 - min(counts)) * width > SHORT:
            width, counts = _S, _joined(counts, _S // width)
        reach = range(min(counts), max(counts) + 1)
        return Timeline(width, tuple(Interval(i * width, counts.get(i, Counter())) for i in reach))

    def _make_room(self, moment: int) -> None:
        """Join intervals until a moment fits in; what lies beyond nine years counts to the last interval."""
        level = min(bisect_left(WIDTHS, moment // MOST_INTERVALS + 1), len(WIDTHS) - 1)
        if level > self._level:
            self._counts = _joined(self._counts, WIDTHS[level] // WIDTHS[self._level])
            self._level = level
        self._limit = MOST_INTERVALS * WIDTHS[level] if level < len(WIDTHS) - 1 else _FOREVER


def _joined(counts: Mapping[int, Counter[Fate]], factor: int) -> dict[int, Counter[Fate]]:
    """Return the counts of so many times longer intervals."""
    joined: dict[int, Counter[Fate]] = {}
    for index, each in counts.items():
        joined.setdefault(index // factor, Counter()).update(each)
    return joined
