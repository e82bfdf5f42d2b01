"""How far a run is, from the dispatcher's news and a clock. No terminal, no colours."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping

from msgspec_runner.dispatch.progress import ENDS, Progress
from msgspec_runner.model import State

RATE_SECONDS = 10.0
"""How far back the present rate looks: long enough to be steady, short enough to tell a pause."""

_STEP = 0.25
"""Seconds between two points that the rate is measured between, at least: memory stays small at any speed."""


class Tally:
    """What was settled so far, and how fast.

    Args:
        total: messages in the run.
        now: seconds, on a clock that only goes forward.
        before: what was settled before anybody watched; the rate does not take it for done in a moment.
    """

    def __init__(self, total: int, now: float, before: Mapping[State, int] | None = None) -> None:
        self.total = total
        self.sending = 0
        """Messages under way."""
        self.waiting = 0
        """Messages that wait for another attempt."""
        self.retries = 0
        """Attempts beyond the first, of the messages that the run is done with."""
        self._counts = Counter(before or {})
        self._points = deque([(now, self.done)])

    def add(self, progress: Progress, now: float) -> None:
        """Take news."""
        for settlement in progress.settled:
            self._counts[settlement.state] += 1
            if settlement.state in ENDS and settlement.attempts is not None:
                self.retries += max(0, settlement.attempts - 1)
        self.sending, self.waiting = progress.sending, progress.waiting
        if now - self._points[-1][0] >= _STEP:
            self._points.append((now, self.done))
        while len(self._points) > 1 and self._points[1][0] <= now - RATE_SECONDS:
            self._points.popleft()

    def number(self, state: State) -> int:
        """Return how many messages went to a state."""
        return self._counts[state]

    @property
    def done(self) -> int:
        """Messages that the run is done with."""
        return sum(self._counts[state] for state in ENDS)

    def rate(self, now: float) -> float:
        """Return the messages a second of the last :data:`RATE_SECONDS`; 0 where too little time has passed to tell."""
        start, done = self._points[0]
        # A pause has no news, so points that lie too far back may still be here: what was done by then is the base.
        for at, number in self._points:
            if at <= now - RATE_SECONDS:
                start, done = now - RATE_SECONDS, number
        seconds = now - start
        return (self.done - done) / seconds if seconds >= _STEP else 0.0

    def seconds_left(self, now: float) -> float | None:
        """Return how long the rest takes at the present rate; None where nothing moves."""
        if self.done >= self.total:
            return 0.0
        rate = self.rate(now)
        return (self.total - self.done) / rate if rate > 0 else None


def words(tally: Tally) -> str:
    """Return the state of a run in one line: ``1,204 of 12,480: 1,200 accepted, 4 rejected``."""
    parts = [f"{tally.number(state):,} {state.value.replace('_', ' ')}" for state in ENDS if tally.number(state)]
    if tally.waiting:
        parts.append(f"{tally.waiting:,} waiting for another attempt")
    return f"{tally.done:,} of {tally.total:,}" + (f": {', '.join(parts)}" if parts else "")
