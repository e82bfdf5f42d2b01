"""What a worker and the shared pace tell each other. Frozen values; times are numbers."""

from __future__ import annotations

from typing import NamedTuple


class Answer(NamedTuple):
    """What a worker tells of an answer of the API.

    A worker that has not heard of a slow-down goes as fast as before. So what is answered to a request is of the burst
    that began the first slow-down its worker had not heard of, however long after the first 429 it was.

    Attributes:
        heard: the last slow-down that the worker had heard of when the request began, see :attr:`Grant.slowed_at`;
            -inf: of none.
        ended: when the answer came.
    """

    heard: float
    ended: float


class Report(NamedTuple):
    """What a worker tells of a pace since its last report, and what it asks for.

    Attributes:
        wanted: turns to reserve.
        taken: messages posted without a turn, because there was no limit.
        since: when the first of them may have gone, at the earliest.
        accepted: the requests that were accepted.
        throttled: those that were answered with 429.
        paused_until: the API asked to wait so long; -inf: it did not.
    """

    wanted: int = 0
    taken: int = 0
    since: float = float("-inf")
    accepted: tuple[Answer, ...] = ()
    throttled: tuple[Answer, ...] = ()
    paused_until: float = float("-inf")

    def moved(self, offset: float) -> Report:
        """Return the same on another clock, which shows ``offset`` seconds more."""
        return self._replace(
            since=self.since + offset,
            accepted=tuple(Answer(heard, ended + offset) for heard, ended in self.accepted),
            throttled=tuple(Answer(heard, ended + offset) for heard, ended in self.throttled),
            paused_until=self.paused_until + offset,
        )


class Grant(NamedTuple):
    """What the shared pace answers.

    Attributes:
        rate: messages a second at present; None: not limited.
        paused_until: nothing may go before.
        turns: the moments that were reserved.
        next_in: seconds until there may be another turn to reserve.
        slowed_at: the last slow-down, by its moment; -inf: there was none. It is a name that the worker gives back, so
            it stays on the clock of the shared pace.
    """

    rate: float | None
    paused_until: float
    turns: tuple[float, ...]
    next_in: float
    slowed_at: float

    def moved(self, offset: float) -> Grant:
        """Return the same on another clock, which shows ``offset`` seconds more."""
        moved = tuple(turn + offset for turn in self.turns)
        return self._replace(paused_until=self.paused_until + offset, turns=moved)
