"""One rate for many: the arithmetic alone, with workers that a clock of numbers drives."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.cluster import pace as shared_pace
from msgspec_runner.cluster.exchange import Answer, Grant, Report
from msgspec_runner.cluster.pace import AHEAD, LATE, SharedPace, first_state, read, written
from msgspec_runner.dispatch.lanes import HORIZON
from msgspec_runner.dispatch.pace import Pace
from msgspec_runner.dispatch.retry import MAX_PAUSE

NOW = 1_000_000.0


def reserve(pace: Pace, report: Report, now: float) -> Grant:
    """Reserve from a run without specs that have rates of their own."""
    return shared_pace.reserve({"": pace}, {"": report}, now)[""]


def nothing() -> None:
    """Nobody is waiting."""


class Crew:
    """Workers that share one pace, each with posts that take a while; time goes in small steps."""

    def __init__(self, rate: float | None, workers: int, concurrency: int, latency: float, seed: int) -> None:
        self.state = first_state(rate)
        self.random = random.Random(seed)
        self.paces = [SharedPace(rate, nothing) for _ in range(workers)]
        self.last = [float("-inf")] * workers
        self.next = [NOW + self.random.random() * 0.08 for _ in range(workers)]
        self.flying: list[list[tuple[float, float]]] = [[] for _ in range(workers)]
        self.concurrency = concurrency
        self.latency = latency
        self.sent: list[float] = []
        self.connecting: list[list[tuple[float, float, float]]] = [[] for _ in range(workers)]
        """When each connection will be there, the turn that its post has had, and when it began."""
        self.told: set[tuple[float, float]] = set()
        self.connect: Callable[[float], float] = lambda _: 0.0
        """Seconds that a connection takes, by when it is begun."""

    def run(self, seconds: float, step: float = 0.004) -> list[float]:
        for tick in range(int(seconds / step)):
            now = NOW + tick * step
            for number in range(len(self.paces)):
                self._work(number, now)
        return self.sent

    def _work(self, number: int, now: float) -> None:
        pace, flying = self.paces[number], self.flying[number]
        for began, ends in [flight for flight in flying if flight[1] <= now]:
            flying.remove((began, ends))
            pace.accepted(began, now)
        busy = self.connecting[number]
        idle = self.concurrency - len(flying) - len(busy) + pace.queue
        if now >= self.next[number]:
            wanted = pace.wish(now, self.last[number], 1000, idle)
            shared = read(self.state)
            grant = reserve(shared, pace.report(self.last[number], wanted), now)
            self.state = written(shared)
            pace.granted(grant, now)
            self.last[number] = now
            self.next[number] = now + 0.08
        while len(flying) + len(busy) < self.concurrency and not pace.take(now):
            busy.append((now + self.connect(now), pace.turn, now))
        pace.queue = 0
        for ready, turn, began in sorted(each for each in busy if each[0] <= now):
            if (began, ready) not in self.told:
                self.told.add((began, ready))
                pace.connected(ready - began)
            if pace.leaving(now, turn):
                pace.queue += turn <= ready
                continue
            pace.leave(now, turn)
            busy.remove((ready, turn, began))
            flying.append((now, now + self.latency * (0.5 + self.random.random())))
            self.sent.append(now)


def most_in_a_second(times: list[float]) -> int:
    times = sorted(times)
    return max(sum(1 for each in times if moment <= each < moment + 1.0) for moment in times)


@pytest.mark.parametrize("rate", [2.0, 5.0, 10.0, 30.0, 200.0])
@pytest.mark.parametrize("workers", [1, 6])
def test_no_second_holds_more_than_a_tenth_above_the_rate(rate: float, workers: int) -> None:
    sent = Crew(rate, workers, concurrency=8, latency=0.02, seed=7).run(8.0)
    assert most_in_a_second(sent) <= math.floor(1.1 * rate + 0.5)
    assert len(sent) > 0.85 * rate * 8


@given(
    rate=st.floats(1.0, 300.0),
    workers=st.integers(1, 5),
    concurrency=st.integers(1, 10),
    latency=st.floats(0.01, 1.0),
    seed=st.integers(0, 99),
)
def test_whoever_works_how_fast(rate: float, workers: int, concurrency: int, latency: float, seed: int) -> None:
    sent = Crew(rate, workers, concurrency, latency, seed).run(3.0, step=0.01)
    assert not sent or most_in_a_second(sent) <= math.floor(1.1 * rate + 1.0)


@given(
    rate=st.floats(1.0, 300.0),
    workers=st.integers(1, 4),
    concurrency=st.integers(1, 30),
    begin=st.floats(0.0, 1.0),
    stop=st.floats(0.1, 2.0),
    usual=st.floats(0.0, 0.2),
    seed=st.integers(0, 99),
)
def test_a_standstill_of_the_server_is_not_made_up_for(
    rate: float, workers: int, concurrency: int, begin: float, stop: float, usual: float, seed: int
) -> None:
    """Turns that went by while connections were made are lost."""
    crew = Crew(rate, workers, concurrency, 0.05, seed)
    crew.connect = lambda now: max(begin + stop - (now - NOW), usual) if begin <= now - NOW else usual
    sent = crew.run(begin + stop + 1.5, step=0.01)
    assert not sent or most_in_a_second(sent) <= math.floor(1.1 * rate + 1.0)


def test_after_a_standstill_it_goes_on_at_once() -> None:
    crew = Crew(50.0, 2, 20, 0.05, 7)
    crew.connect = lambda now: 3.0 - (now - NOW) if 1.0 <= now - NOW < 3.0 else 0.0
    sent = crew.run(6.0)
    assert sum(NOW + 3.0 <= moment < NOW + 6.0 for moment in sent) > 0.85 * 3 * 50


def test_a_slow_rate_survives_slow_connections() -> None:
    """They are made before the turn; longer ones are used with the next turn, or a little late where that is far."""
    for rate, seconds, share in (
        *((0.5, 0.4, 0.95), (1.0, 0.1, 0.85), (3.0, 0.1, 0.85), (50.0, 0.1, 0.8)),
        *((1.0, 0.4, 0.45), (3.0, 0.4, 0.45), (50.0, 0.4, 0.45)),
    ):
        crew = Crew(rate, 3, 30, 0.05, 7)
        crew.connect = lambda _, seconds=seconds: seconds  # type: ignore[misc]
        assert len(crew.run(20.0, step=0.02)) >= share * rate * 20, (rate, seconds)


def test_a_slow_worker_wastes_little() -> None:
    """Beside one whose posts take a second, the others still get nearly all of the rate."""
    crew = Crew(100.0, 3, concurrency=20, latency=0.05, seed=3)
    flying = crew.flying[0]
    slow = crew._work

    def work(number: int, now: float) -> None:
        before = len(flying)
        slow(number, now)
        if number == 0:
            flying[before:] = [(began, began + 1.0) for began, _ in flying[before:]]

    crew._work = work  # type: ignore[method-assign]
    assert len(crew.run(6.0)) > 0.85 * 100 * 6


def test_turns_are_not_saved_up() -> None:
    pace = SharedPace(100.0, nothing)
    shared = read(first_state(100.0))
    pace.granted(reserve(shared, Report(wanted=20), NOW), NOW)
    assert pace.allowance(NOW, HORIZON, 50) > 5
    assert pace.allowance(NOW + 1.0, HORIZON, 50) == 0
    assert pace.wait(NOW + 1.0) > HORIZON


@pytest.mark.parametrize(
    ("rate", "late", "is_there"),
    [(1 / 3600, 3000.0, True), (1 / 3600, 3600.0, False), (0.5, 0.9, True), (0.5, 1.1, False), (2.0, 0.1, False)],
)
def test_the_turn_of_a_slow_rate_waits_for_who_comes_late(rate: float, late: float, *, is_there: bool) -> None:
    """The next one may be an hour away; there is a second between them all the same."""
    pace = SharedPace(rate, nothing)
    pace.granted(reserve(read(first_state(rate)), Report(wanted=1), NOW), NOW)
    assert (pace.take(NOW + late) == 0) is is_there


def test_turns_lie_ahead_a_little_only() -> None:
    shared = read(first_state(10.0))
    grant = reserve(shared, Report(wanted=1000), NOW)
    assert len(grant.turns) == pytest.approx(10.0 * AHEAD, abs=2)
    assert max(grant.turns) <= NOW + AHEAD
    late = reserve(shared, Report(wanted=1000), NOW)
    assert (late.turns, late.next_in > 0) == ((), True)


def test_before_the_first_grant_nothing_goes() -> None:
    assert SharedPace(None, nothing).wait(NOW) > 0
    assert SharedPace(None, nothing).allowance(NOW, HORIZON, 5) == 0


def test_a_429_is_everybodys() -> None:
    """Who gets it pauses at once; who asks next hears of it; the rate is halved once for a burst."""
    stirred: list[int] = []
    first, second = SharedPace(100.0, lambda: stirred.append(1)), SharedPace(100.0, nothing)
    shared = read(first_state(100.0))
    for pace in (first, second):
        pace.granted(reserve(shared, pace.report(NOW, 5), NOW), NOW)
    first.pause(NOW + 2.0)
    assert first.throttled(NOW - 0.1, NOW)
    assert not first.throttled(NOW - 0.1, NOW)
    assert stirred
    assert first.is_urgent
    assert first.wait(NOW) == pytest.approx(2.0)
    grant = reserve(shared, first.report(NOW, 5), NOW + 0.01)
    first.granted(grant, NOW)
    assert (grant.rate, grant.turns) == (50.0, ())
    assert not first.is_urgent
    second.throttled(NOW - 0.1, NOW + 0.01)
    second.granted(reserve(shared, second.report(NOW, 5), NOW + 0.02), NOW)
    assert second.rate == 50.0
    assert second.wait(NOW + 0.02) == pytest.approx(1.98)


def test_without_a_limit_a_429_makes_one() -> None:
    pace = SharedPace(None, nothing)
    shared = read(first_state(None))
    pace.granted(reserve(shared, pace.report(float("-inf"), 8), NOW), NOW)
    for number in range(40):
        assert pace.take(NOW + number / 40) == 0.0
        pace.leave(NOW + number / 40, pace.turn)
    pace.throttled(NOW + 0.9, NOW + 1.0)
    pace.granted(reserve(shared, pace.report(NOW, 8), NOW + 1.0), NOW)
    assert pace.rate == pytest.approx(20.0, rel=0.1)


def test_what_could_not_be_reported_is_reported_again() -> None:
    pace = SharedPace(100.0, nothing)
    pace.granted(reserve(read(first_state(100.0)), Report(), NOW), NOW)
    pace.throttled(NOW, NOW + 0.1)
    pace.accepted(NOW, NOW + 0.1)
    report = pace.report(NOW, 3)
    pace.take_back(report)
    assert pace.is_urgent
    assert pace.report(NOW, 0)[3:5] == report[3:5]


def test_clocks_that_differ() -> None:
    report = Report(1, 2, NOW, (Answer(NOW, NOW + 1),), (Answer(NOW, NOW + 2),), NOW + 2)
    moved = Report(1, 2, NOW + 5, (Answer(NOW, NOW + 6),), (Answer(NOW, NOW + 7),), NOW + 7)
    assert report.moved(5.0) == moved, "a slow-down keeps its name"
    grant = reserve(read(first_state(50.0)), Report(wanted=3), NOW)
    assert grant.moved(-NOW).turns == pytest.approx([turn - NOW for turn in grant.turns])


def test_a_clock_that_is_set_back_blocks_nobody() -> None:
    shared = read(first_state(50.0))
    reserve(shared, Report(wanted=10, paused_until=NOW + 5), NOW)
    grant = reserve(shared, Report(wanted=10), NOW - MAX_PAUSE - 3600)
    assert grant.turns


@given(st.floats(0.1, 1000) | st.none(), st.integers(0, 50))
def test_the_state_survives_the_database(rate: float | None, messages: int) -> None:
    pace = Pace(rate)
    for number in range(messages):
        pace.take(NOW + number)
    pace.throttled(NOW, NOW + 1)
    pace.pause(NOW + 3)
    text = written(pace)
    assert read(text).state == pace.state
    assert json.loads(text)[1] == pace.rate


@given(st.floats(1.0, 100.0), st.floats(1.0, 100.0), st.integers(0, 30), st.integers(0, 30))
def test_a_specs_turn_comes_with_one_of_the_run(whole: float, own: float, common: int, special: int) -> None:
    """At one moment; and neither rate is exceeded by both together."""
    paces = {"": Pace(whole), "slow": Pace(own)}
    sent: dict[str, list[float]] = {"": [], "slow": []}
    for tick in range(30):
        now = NOW + tick / 10
        grants = shared_pace.reserve(paces, {"": Report(common), "slow": Report(special)}, now)
        assert set(grants["slow"].turns) <= set(grants[""].turns)
        for spec, turns in sent.items():
            turns += grants[spec].turns
    for spec, rate in (("", whole), ("slow", own)):
        assert not sent[spec] or most_in_a_second(sent[spec]) <= math.floor(1.1 * rate + 1)
    if special and not common:
        assert len(sent["slow"]) > 0.7 * 3 * min(whole, own, special * 2) - 2


def test_a_run_without_a_limit_keeps_its_specs_limits() -> None:
    paces = {"": Pace(None), "slow": Pace(20.0)}
    grants = shared_pace.reserve(paces, {"": Report(5), "slow": Report(50)}, NOW)
    assert (grants[""].rate, grants[""].turns) == (None, ())
    assert 5 < len(grants["slow"].turns) < 12


def test_low_rates_are_a_little_lower() -> None:
    assert read(first_state(5.0)).rate == pytest.approx(5.0 / (1 + LATE))
    assert read(first_state(0.5)).rate == 0.5
    assert read(first_state(20.0)).rate == 20.0
