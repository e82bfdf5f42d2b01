"""When to kill. Pure: a seed makes a list, and the list says of each kill where in a run it strikes.

A kill cannot be repeated to the microsecond. What repeats is the share of the work that is done by then.
"""

from __future__ import annotations

from enum import StrEnum
from random import Random
from typing import NamedTuple

PLANNING_SHARE = 0.25
"""Of all kills: before the first request, while the run lints, renders, and writes its plan into the ledger."""

JITTER = 0.02
"""Seconds at most between the request that a kill waits for and the kill: long enough for an answer to come back, for
its outcome to be committed, and for the next messages to be claimed."""


class Moment(StrEnum):
    """What a run does when it is killed."""

    PLANNING = "planning"
    SENDING = "sending"


class Kill(NamedTuple):
    """One kill.

    Attributes:
        moment: what the run is at.
        share: in (0, 1): of the time until the first request, or of the requests until the next kill.
        jitter: seconds to wait beyond that; only while it is sending.
    """

    moment: Moment
    share: float
    jitter: float

    def after_seconds(self, first_request: float) -> float:
        """Return when to strike while it plans, in seconds from the start of the run.

        Args:
            first_request: seconds that a run needs to its first request.
        """
        return self.share * first_request

    def after_requests(self, remaining: int, kills_left: int) -> int:
        """Return the number of requests of this run that the kill waits for, 1 or more.

        Args:
            remaining: messages that are still to be sent.
            kills_left: kills to come, this one included; something has to be left for each.
        """
        return max(1, int(self.share * remaining / (kills_left + 1)))


def kills(seed: int, number: int) -> list[Kill]:
    """Return so many kills; the same seed gives the same.

    The second strikes right after the first claims: one request, no jitter.
    """
    random = Random(seed)  # noqa: S311 - no secret
    drawn = [
        Kill(
            Moment.PLANNING if random.random() < PLANNING_SHARE else Moment.SENDING,
            random.uniform(0.05, 1.0),
            random.uniform(0.0, JITTER),
        )
        for _ in range(number)
    ]
    if number > 1:
        drawn[1] = Kill(Moment.SENDING, 0.0, 0.0)
    return drawn
