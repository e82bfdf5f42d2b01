"""An API that answers 429, and who posts to it in simulated time: one process, or workers that share a pace."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from msgspec_runner.cluster.exchange import Grant, Report
from msgspec_runner.cluster.pace import SharedPace, first_state, read, reserve, written
from msgspec_runner.cluster.pacing import GAP, SILENCE
from msgspec_runner.dispatch.pace import Pace
from msgspec_runner.dispatch.retry import backoff

START = 1_000.0
PLENTY = 10_000
"""Messages that wait: there is always something to send."""


class Api(Protocol):
    """Says what it takes."""

    def takes(self, now: float) -> bool:
        """Answer a request."""


@dataclass
class Moody:
    """Takes everything, but at some moments.

    Args:
        outages: seconds after the start at which it begins to refuse all, and for how long it does.
        lone: seconds after the start at which it refuses the next request.
    """

    outages: list[tuple[float, float]] = field(default_factory=list)
    lone: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._left = sorted(self.lone)

    def takes(self, now: float) -> bool:
        time = now - START
        if any(begin <= time < begin + seconds for begin, seconds in self.outages):
            return False
        if self._left and self._left[0] <= time:
            self._left.pop(0)
            return False
        return True


@dataclass
class Grudging:
    """Refuses a share of all requests at random."""

    share: float
    seed: int

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def takes(self, now: float) -> bool:
        return self._random.random() >= self.share


@dataclass
class Limited:
    """Takes ``rate`` messages a second, and ``size`` at once after a rest."""

    rate: float
    size: float

    def __post_init__(self) -> None:
        self._tokens, self._at = self.size, START

    def takes(self, now: float) -> bool:
        self._tokens = min(self.size, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class World:
    """Simulated time, and what the API saw in it.

    Attributes:
        now: the present, in seconds.
        posts: when each request began.
        accepted: when each was accepted.
        refused: answers of 429.
        random: for whatever is not the same each time.
    """

    def __init__(self, api: Api, latency: float, retry_after: float | None, seed: int) -> None:
        self.now = START
        self.posts: list[float] = []
        self.accepted: list[float] = []
        self.refused = 0
        self.random = random.Random(seed)
        self._api, self._latency, self._retry_after = api, latency, retry_after
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something in some seconds."""
        heapq.heappush(self._events, (self.now + seconds, next(self._number), do))

    def soon(self, mean: float, do: Callable[[], None]) -> None:
        """Do something in about so many seconds, from half to one and a half of them."""
        self.later(mean * (0.5 + self.random.random()), do)

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        while self._events and self._events[0][0] < START + seconds:
            self.now, _, do = heapq.heappop(self._events)
            do()

    def post(self, pace: Pace, landed: Callable[[], None]) -> None:
        """Post a message; its answer is told to the pace."""
        began = self.now
        self.posts.append(began)

        def land() -> None:
            if self._api.takes(self.now):
                self.accepted.append(self.now)
                pace.accepted(began, self.now)
            else:
                self.refused += 1
                asked = self._retry_after
                pace.pause(self.now + (backoff(1, self.random.random()) if asked is None else asked))
                pace.throttled(began, self.now)
            landed()

        self.soon(self._latency, land)


class Poster:
    """Posts as fast as a pace and its concurrency let it."""

    def __init__(self, world: World, pace: Pace, concurrency: int) -> None:
        self.world, self.pace = world, pace
        self.idle = concurrency
        self._wakes_at = float("inf")

    def go_on(self) -> None:
        """Post what may be posted now."""
        now = self.world.now
        while self.idle:
            wait = self.pace.take(now)
            if wait:
                if not now < self._wakes_at <= now + wait:
                    self._wakes_at = now + wait
                    self.world.later(wait, self.go_on)
                return
            self.pace.leave(now, self.pace.turn)
            self.idle -= 1
            self.world.post(self.pace, self._landed)

    def _landed(self) -> None:
        self.idle += 1
        self.go_on()


@dataclass
class Row:
    """The shared pace as the database keeps it.

    Attributes:
        state: the pace, written.
        delay: seconds that a report takes to arrive, and so does its answer; from half to one and a half of them.
        loss: share of the reports that do not arrive, and as many answers.
        rates: what was granted.
        slow_downs: moments of the pace's slow-downs.
    """

    state: str
    delay: float
    loss: float
    rates: list[float | None] = field(default_factory=list)
    slow_downs: set[float] = field(default_factory=set)

    def ask(self, report: Report, now: float) -> Grant:
        """Answer a report."""
        pace = read(self.state)
        grant = reserve({"": pace}, {"": report}, now)[""]
        self.state = written(pace)
        self.rates.append(grant.rate)
        self.slow_downs |= {grant.slowed_at} - {float("-inf")}
        return grant


class Worker(Poster):
    """Posts with a shared pace, and keeps that as a window does."""

    def __init__(self, world: World, row: Row, rate: float | None, concurrency: int) -> None:
        self.shared = SharedPace(rate, self._stir)
        super().__init__(world, self.shared, concurrency)
        self._row = row
        self._last = self._patience = float("-inf")
        self._asks = False
        self._looks_at = float("-inf")
        world.later(world.random.random() * GAP, self._look)

    def _stir(self) -> None:
        self.world.later(0.0, self._look)

    def _look(self) -> None:
        if self._asks:
            return
        world, now = self.world, self.world.now
        wish = self.shared.wish(now, self._last, PLENTY, self.idle)
        is_due = now - self._last >= SILENCE or (now >= self._patience and wish)
        if not is_due and not self.shared.is_urgent:
            if self._looks_at <= now:
                self._looks_at = now + GAP
                world.later(GAP, self._look)
            return
        report = self.shared.report(self._last, wish)
        self._asks, self._last = True, now
        world.soon(self._row.delay, lambda: self._arrives(report))

    def _arrives(self, report: Report) -> None:
        fate = self.world.random.random() / max(self._row.loss, 1e-9)
        grant = None if fate < 1 else self._row.ask(report, self.world.now)
        answer = None if fate < 2 else grant
        self.world.soon(self._row.delay, lambda: self._hears(report, answer))

    def _hears(self, report: Report, grant: Grant | None) -> None:
        self._asks = False
        if grant is None:
            self.shared.take_back(report)
        else:
            self.shared.granted(grant, self.world.now)
            self._patience = self._last + grant.next_in
            self.go_on()
        self.world.later(0.0 if self.shared.is_urgent and grant else GAP, self._look)


def alone(world: World, rate: float | None, concurrency: int, seconds: float) -> World:
    """Let one process post for some seconds."""
    Poster(world, Pace(rate), concurrency).go_on()
    world.pass_by(seconds)
    return world


def together(
    world: World, rate: float | None, crew: list[int], seconds: float, *, delay: float = 0.003, loss: float = 0.0
) -> tuple[World, Row]:
    """Let workers post for some seconds, each with its concurrency."""
    row = Row(first_state(rate), delay, loss)
    for concurrency in crew:
        Worker(world, row, rate, concurrency)
    world.pass_by(seconds)
    return world, row


def most_in_a_second(times: list[float]) -> int:
    """Return how many of the times are in the second that holds most of them."""
    times, first, most = sorted(times), 0, 0
    for last, time in enumerate(times):
        while times[first] <= time - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most
