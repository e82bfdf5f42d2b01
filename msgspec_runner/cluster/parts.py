"""The parts that a worker takes in runs: what it keeps of a run, and says of it, for as long as that goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from msgspec_runner.dispatch.breaker import Breaker
from msgspec_runner.dispatch.progress import ENDS
from msgspec_runner.ledger.values import Totals
from msgspec_runner.model import State
from msgspec_runner.reports.run_summary import totals_words


@dataclass(slots=True, eq=False)
class Part:
    """A worker's part in one run.

    Attributes:
        run_id: the run.
        breaker: what the outcomes were like so far: a window is too small to tell an outage from bad luck.
        settled: what this worker settled, by state.
        windows: that it works on now.
        is_left_alone: the worker cannot read the run, and said so.
    """

    run_id: str
    breaker: Breaker = field(default_factory=Breaker)
    settled: Counter[State] = field(default_factory=Counter)
    windows: int = 0
    is_left_alone: bool = False

    @property
    def totals(self) -> Totals:
        """What this worker settled for good."""
        return Totals(**{state.value: self.settled[state] for state in ENDS})


class Parts:
    """All of them. Nothing is kept of a run that is over.

    Args:
        say: is told what people may want to know.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._by_run: dict[str, Part] = {}

    @property
    def runs(self) -> frozenset[str]:
        """The runs that this worker takes part in, and has not heard that they are over."""
        return frozenset(self._by_run)

    @property
    def left_alone(self) -> frozenset[str]:
        """Those of them that it cannot read."""
        return frozenset(run_id for run_id, part in self._by_run.items() if part.is_left_alone)

    @contextmanager
    def working(self, run_id: str) -> Iterator[Part]:
        """Work on a window of a run as long as the block lasts."""
        part = self._by_run.get(run_id)
        if part is None:
            part = self._by_run[run_id] = Part(run_id)
            self._say(f"run {run_id}: takes part in it")
        part.windows += 1
        try:
            yield part
        finally:
            part.windows -= 1

    def leave_alone(self, part: Part, why: str) -> None:
        """Tell once why a run is left to others."""
        if not part.is_left_alone:
            part.is_left_alone = True
            self._say(f"run {part.run_id} {why}")

    def end(self, over: Collection[str]) -> list[str]:
        """Tell that runs are over, and forget them; return which. One with a window at work here is not over yet."""
        ended = sorted(run_id for run_id in over if run_id in self._by_run and not self._by_run[run_id].windows)
        for run_id in ended:
            self._say_end(run_id, "is over")
        return ended

    def leave(self, ongoing: Collection[str] | None) -> None:
        """Tell that this worker takes part in nothing any more.

        Args:
            ongoing: the runs that go on; None: nobody knows.
        """
        for run_id in sorted(self._by_run):
            self._say_end(run_id, "left to others" if ongoing is None or run_id in ongoing else "is over")

    def _say_end(self, run_id: str, how: str) -> None:
        self._say(f"run {run_id}: {how}; by this worker: {totals_words(self._by_run.pop(run_id).totals)}")
