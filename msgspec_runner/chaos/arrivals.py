"""How many requests came within a second, as far as the server can know.

A busy machine lets a server read late what came in time, and all of it at once. So its event loop is asked to note,
again and again, that it got round to its sockets: what is read has come since it did so before. Only what came within a
second for certain is counted.
"""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

BEAT = 0.005
"""Seconds between two notes, where the machine is not busy."""

EXCESS = 1.1
"""No second holds more than so many times the rate."""


class Pulse:
    """The moments at which an event loop got round to its sockets.

    Args:
        clock: that of the requests' moments; it is never set back.

    Attributes:
        beats: the moments, in order.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.beats: list[float] = []
        self._clock = clock

    async def run(self) -> None:
        """Note them, until this is cancelled."""
        while True:
            self.beats.append(self._clock())
            await asyncio.sleep(BEAT)


def most_in_a_second(read: Iterable[float], beats: Sequence[float]) -> int:
    """Return how many requests came within one second, at most, and for certain.

    Args:
        read: when each was read, in seconds, in any order.
        beats: of the loop that read them, from before the first.
    """
    moments = sorted(read)
    # The last beat before may be of the very round in which it was read. In the one before that it was not there.
    earliest = [beats[max(0, bisect_left(beats, moment) - 2)] for moment in moments]
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - earliest[first] >= 1.0:
            first += 1
            if first > last:
                break
        most = max(most, last - first + 1)
    return most


def promised_in_a_second(rate: float) -> int:
    """Return how many requests a second may hold.

    Args:
        rate: messages a second.
    """
    return max(1, math.floor(EXCESS * rate + 1e-9))
