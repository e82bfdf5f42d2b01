"""How the plan of a shared run is cut into windows: the pieces that workers take, one after the other.

No I/O. A window is short where its messages may only go slowly, because it keeps a place at a worker until it is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

SMALLEST_WINDOW, LARGEST_WINDOW = 50, 400
"""Messages. No more than two windows' worth of them can be under way at a worker, so small ones would hold it back;
what a worker that dies leaves to be looked for is one window for each of its sessions."""

WINDOWS = 64
"""A run is cut into so many at least, as far as the smallest one allows: a small run too is for all workers."""

LONGEST_WINDOW = 20.0
"""Seconds that a window takes whose messages have a rate, about; one message may take longer."""


class Window(NamedTuple):
    """A piece of a run's plan: the messages from position ``first`` to ``last``.

    Attributes:
        first: position of its first message.
        last: position of its last message.
        spec: that all of them are of, if it has a rate of its own; else empty.
        rate: messages a second that may go of it, at most; None: no limit.
    """

    first: int
    last: int
    spec: str = ""
    rate: float | None = None

    @property
    def seconds(self) -> float:
        """How long its rate makes it take."""
        return (self.last - self.first + 1) / self.rate if self.rate else 0.0


class Stretch(NamedTuple):
    """Where the messages of a spec are in a run's plan: so many of them from position ``first`` to ``last``."""

    spec: str
    first: int
    last: int
    messages: int


class Cut(NamedTuple):
    """A stretch of the plan that is cut into windows of ``size`` messages; see :class:`Window` for the others."""

    first: int
    last: int
    size: int
    spec: str = ""
    rate: float | None = None


def cuts(stretches: Sequence[Stretch], rates: Mapping[str, float]) -> Iterator[Cut]:
    """Yield how a plan is to be cut, in its order: a spec with a rate of its own shares no window with others.

    Where such specs take turns in the plan, their messages stay together, whatever their rates.

    Args:
        stretches: of the plan's specs, by position.
        rates: messages a second, by spec; the run's own is under the empty name.
    """
    total = sum(stretch.messages for stretch in stretches)
    size = min(LARGEST_WINDOW, max(SMALLEST_WINDOW, -(-total // WINDOWS)))
    whole = rates.get("")
    takes_turns = any(after.first <= before.last for before, after in pairwise(stretches))
    own = {} if takes_turns else {stretch.spec: rates[stretch.spec] for stretch in stretches if stretch.spec in rates}
    for spec, first, last in _joined(stretches, own):
        rate = min((rate for rate in (own.get(spec), whole) if rate is not None), default=None)
        fitting = size if rate is None else min(size, max(1, int(rate * LONGEST_WINDOW)))
        yield Cut(first, last, fitting, spec, rate)


def _joined(stretches: Sequence[Stretch], own: Mapping[str, float]) -> Iterator[tuple[str, int, int]]:
    """Yield stretches, neighbours without a rate of their own as one, under the empty name."""
    joined: list[tuple[str, int, int]] = []
    for stretch in stretches:
        spec = stretch.spec if stretch.spec in own else ""
        if not spec and joined and not joined[-1][0]:
            joined[-1] = ("", joined[-1][1], max(joined[-1][2], stretch.last))
        else:
            joined.append((spec, stretch.first, stretch.last))
    yield from joined


def starts(windows: Sequence[Window]) -> list[float]:
    """Return in how many seconds each of some windows has its turn, if those of one rate follow each other."""
    spent: dict[str, float] = {}
    found = []
    for window in windows:
        found.append(spent.get(window.spec, 0.0))
        spent[window.spec] = found[-1] + window.seconds
    return found
