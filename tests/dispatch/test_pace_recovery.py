"""The pace against servers with a limit and servers with a grudge, in simulated minutes.

Run it as a program for the whole table: ``python -m tests.dispatch.test_pace_recovery``.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple, Protocol

import pytest

from msgspec_runner.dispatch.pace import Pace
from msgspec_runner.dispatch.retry import backoff

SECONDS = 120.0
ROUND_TRIP = 0.05


class Server(Protocol):
    def takes(self, now: float, rand: random.Random) -> bool: ...


class Bucket:
    """Takes ``rate`` messages a second, and ``size`` at once after a rest."""

    def __init__(self, rate: float, size: float) -> None:
        self.rate, self.size, self.tokens, self.at = rate, size, size, 0.0

    def takes(self, now: float, rand: random.Random) -> bool:
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Moody:
    """Refuses a share of all messages, however slowly they come."""

    def __init__(self, share: float) -> None:
        self.share = share

    def takes(self, now: float, rand: random.Random) -> bool:
        return rand.random() >= self.share


class Result(NamedTuple):
    """What came of it.

    Attributes:
        posts: when each request began.
        per_second: accepted in a second, in the second half of the time.
        refused: answers of 429.
    """

    posts: list[float]
    per_second: float
    refused: int


def simulate(
    server: Server, *, rate: float | None = None, concurrency: int = 20, retry_after: float | None = None, seed: int = 1
) -> Result:
    """Post as fast as the pace and the concurrency let it; a round trip takes half to one and a half its time."""
    pace, rand, now = Pace(rate), random.Random(seed), 0.0
    posts: list[float] = []
    accepted: list[float] = []
    refused = 0
    flights: list[tuple[float, float]] = []
    while now < SECONDS:
        while len(flights) < concurrency and not pace.take(now):
            posts.append(now)
            heapq.heappush(flights, (now + ROUND_TRIP * (0.5 + rand.random()), now))
        turn = now + pace.wait(now) if len(flights) < concurrency else float("inf")
        if not flights or turn < flights[0][0]:
            now = turn
            continue
        now, started = heapq.heappop(flights)
        if server.takes(now, rand):
            accepted.append(now)
            pace.accepted(started, now)
        else:
            refused += 1
            pace.pause(now + (backoff(1, rand.random()) if retry_after is None else retry_after))
            pace.throttled(started, now)
    late = [time for time in accepted if time > SECONDS / 2]
    return Result(posts, len(late) / (SECONDS / 2), refused)


CASES: dict[str, tuple[Callable[[], Server], float | None]] = {
    "50/s, bucket of 50, Retry-After 2": (lambda: Bucket(50, 50), 2.0),
    "50/s, bucket of 5, Retry-After 2": (lambda: Bucket(50, 5), 2.0),
    "50/s, bucket of 50": (lambda: Bucket(50, 50), None),
    "20 % at random": (lambda: Moody(0.2), None),
    "20 % at random, Retry-After 2": (lambda: Moody(0.2), 2.0),
    "5 % at random": (lambda: Moody(0.05), None),
}
LEAST = {
    "50/s, bucket of 50, Retry-After 2": 30.0,
    "50/s, bucket of 5, Retry-After 2": 27.0,
    "50/s, bucket of 50": 45.0,
    "20 % at random": 6.0,
    "20 % at random, Retry-After 2": 5.0,
    "5 % at random": 50.0,
}
"""Messages a second without ``--rate``, with 20 or 50 at once, the mean of some seeds. Where each 429 asks for 2 s, all
wait that long. A 429 at random with few requests in flight looks like a limit, so there the pace is low."""


@pytest.mark.parametrize("concurrency", [20, 50])
@pytest.mark.parametrize("case", CASES)
def test_most_of_what_the_server_takes_is_used(case: str, concurrency: int) -> None:
    make, retry_after = CASES[case]
    found = [simulate(make(), concurrency=concurrency, retry_after=retry_after, seed=seed) for seed in range(4)]
    assert fmean(each.per_second for each in found) >= LEAST[case]


@pytest.mark.parametrize("concurrency", [20, 50])
@pytest.mark.parametrize("case", list(CASES)[:3])
def test_a_limit_is_met_seldom(case: str, concurrency: int) -> None:
    make, retry_after = CASES[case]
    found = simulate(make(), concurrency=concurrency, retry_after=retry_after)
    assert found.refused <= 0.06 * len(found.posts)


@pytest.mark.parametrize("rate", [20.0, 100.0])
@pytest.mark.parametrize("case", CASES)
def test_no_second_holds_more_than_a_tenth_above_the_rate(case: str, rate: float) -> None:
    make, retry_after = CASES[case]
    posts = simulate(make(), rate=rate, retry_after=retry_after).posts
    first = 0
    for last, time in enumerate(posts):
        while posts[first] <= time - 1.0 + 1e-9:
            first += 1
        assert last - first + 1 <= 1.1 * rate


@pytest.mark.parametrize("case", [case for case in CASES if "Retry-After" in case])
def test_nobody_posts_while_the_api_asks_to_wait(case: str) -> None:
    make, _ = CASES[case]
    server, asked = make(), []

    class Watched:
        def takes(self, now: float, rand: random.Random) -> bool:
            taken = server.takes(now, rand)
            if not taken:
                asked.append(now)
            return taken

    posts = simulate(Watched(), retry_after=2.0).posts
    gaps = [(a, b) for a, b in pairwise(posts) if b - a >= 2.0 - 1e-9]
    assert all(any(a <= told and b >= told + 2.0 - 1e-9 for a, b in gaps) for told in asked if told + 2.0 < posts[-1])


if __name__ == "__main__":
    settings = [(1, None), (20, None), (50, None), (20, 20.0), (20, 100.0)]
    print(f"{'':34}", *(f"{f'{c} at once' + (f', {rate:g}/s' if rate else ''):>20}" for c, rate in settings))
    for name, (make, retry_after) in CASES.items():
        cells = []
        for c, rate in settings:
            found = [simulate(make(), concurrency=c, rate=rate, retry_after=retry_after, seed=n) for n in range(4)]
            cells.append(f"{fmean(r.per_second for r in found):>10.1f}/s {fmean(r.refused for r in found):>5.0f} 429")
        print(f"{name:34}", *cells)
