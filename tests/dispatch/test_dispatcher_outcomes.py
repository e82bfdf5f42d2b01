"""What the dispatcher makes of rejections, outages and requests to slow down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable
from itertools import pairwise

import pytest

from msgspec_runner.dispatch.lanes import Lanes
from msgspec_runner.dispatch.pace import Pace
from msgspec_runner.dispatch.retry import MAX_ATTEMPTS, MAX_ELAPSED
from msgspec_runner.ledger.ledger import RunStatus
from msgspec_runner.model import Outcome, State
from tests.dispatch.dispatcher_world import (
    ACCEPTED,
    IN_DOUBT,
    REJECTED,
    STOP,
    UNSENT,
    Make,
    in_turn,
    throttled,
)


def test_a_rejection_is_recorded_and_the_run_goes_on(world: Make) -> None:
    w = world(6, lambda row: REJECTED if row == 2 else ACCEPTED)
    assert w.run().totals.accepted == 5
    record = w.records()[2]
    assert (record.state, record.http_status, record.error) == (State.REJECTED, 200, "Invalid number.")


def test_twenty_rejections_alike_stop_the_run(world: Make) -> None:
    w = world(100, lambda _: REJECTED)
    result = w.run()
    assert "20 messages in a row were rejected alike" in (result.stopped_reason or "")
    assert 20 <= result.totals.rejected <= 23
    assert result.totals.planned == 100 - result.totals.rejected
    assert w.run_status() is RunStatus.STOPPED


def test_a_refused_key_stops_the_run_and_leaves_the_rest_planned(world: Make) -> None:
    w = world(50, lambda _: STOP)
    result = w.run()
    assert result.stopped_reason == "HTTP 401: the API refused the key"
    assert result.totals.planned == 50
    assert len(w.posts) <= 4
    assert w.run_status() is RunStatus.STOPPED


def test_an_outage_puts_few_messages_in_doubt(world: Make) -> None:
    w = world(1000, lambda _: IN_DOUBT)
    result = w.run()
    assert 5 <= result.totals.in_doubt <= 5 + 3
    assert result.totals.planned == 1000 - result.totals.in_doubt
    assert len({row for row, _ in w.posts}) == len(w.posts), "nothing in doubt is ever posted again"


def test_what_is_proven_unsent_is_tried_again(world: Make) -> None:
    w = world(10, in_turn(UNSENT, UNSENT))
    result = w.run()
    assert result.totals.accepted == 10
    assert {record.attempts for record in w.records().values()} == {3}


def test_what_stays_unsent_stops_the_run_and_is_planned_again(world: Make) -> None:
    waiting = []

    def script(row: int) -> Outcome:
        waiting.append(w.query("SELECT count(*) FROM messages WHERE state = 'retry_wait'")[0][0])
        return UNSENT

    w = world(100, script)
    result = w.run()
    assert result.stopped_reason == "no connection to the API (6 attempts in 8 s)"
    assert result.totals.planned == 100
    assert max(Counter(row for row, _ in w.posts).values()) == MAX_ATTEMPTS
    assert w.posts[-1][1] - w.posts[0][1] <= MAX_ELAPSED
    assert max(waiting) <= 8, "an outage does not pull the whole plan into retry_wait"
    assert w.records()[1].error == "no connection to the API"


def test_a_429_pauses_the_whole_run_for_as_long_as_the_api_says(world: Make) -> None:
    tries: Counter[int] = Counter()

    def script(row: int) -> Outcome:
        tries[row] += 1
        return throttled(retry_after=30.0) if row == 5 and tries[5] == 1 else ACCEPTED

    w = world(40, script)
    result = w.run()
    assert result.totals.accepted == 40
    told = next(time for row, time in w.posts if row == 5)
    assert not [time for _, time in w.posts if told < time < told + 30.0]
    assert any("HTTP 429: waiting 30.0 s" in (event.note or "") for event in w.events)


@pytest.mark.parametrize(("slowed", "then"), [(10.0, ", then 10/s"), (None, "")])
def test_a_429_tells_people_a_rate_where_it_is_known(world: Make, slowed: float | None, then: str) -> None:
    class Heard(Pace):
        """A shared pace hears of its new rate only later."""

        @property
        def slowed(self) -> float | None:
            return super().slowed if slowed else None

    lanes = Lanes(20.0, {}, 4, lambda _, rate: Heard(rate))
    w = world(4, in_turn(throttled(30.0)), lanes=lanes, concurrency=4)
    w.run()
    notes = {event.note for event in w.events if event.note}
    assert f"HTTP 429: waiting 30.0 s{then}" in notes


def test_in_a_long_pause_nothing_is_left_sending(world: Make) -> None:
    def script(row: int) -> Outcome | Awaitable[Outcome]:
        if row == 1 and len(w.posts) <= 4:
            return throttled(retry_after=600.0)
        return ACCEPTED

    w = world(40, script)
    assert w.run().totals.accepted == 40
    in_pause = [event for event, time in zip(w.events, w.event_times, strict=True) if time < 1500.0]
    assert in_pause[-1].sending == 0


SIX_TIMES = "the API answered 429 to the last of 6 attempts for one message"


def test_a_number_that_always_gets_429_stops_the_run_though_others_get_through(world: Make) -> None:
    w = world(200, lambda row: throttled(1.0) if row == 1 else ACCEPTED, concurrency=2)
    result = w.run()
    assert SIX_TIMES in (result.stopped_reason or "")
    assert Counter(row for row, _ in w.posts)[1] == MAX_ATTEMPTS
    record = w.records()[1]
    assert (record.state, record.attempts, record.http_status) == (State.PLANNED, MAX_ATTEMPTS, 429)
    assert w.states() == {State.ACCEPTED: len(w.posts) - MAX_ATTEMPTS, State.PLANNED: 206 - len(w.posts)}


def test_waits_for_429_do_not_count_against_the_sixty_seconds(world: Make) -> None:
    """Neither against the message that was answered so, nor against one that waits for its own backoff meanwhile."""
    said = {1: [UNSENT, UNSENT, UNSENT], 2: [throttled(100.0), UNSENT, throttled(100.0), UNSENT]}

    def script(row: int) -> Outcome:
        return said[row].pop(0) if said[row] else ACCEPTED

    w = world(2, script)
    assert w.run().totals.accepted == 2
    assert w.posts[-1][1] - w.posts[0][1] > 2 * 100.0 > MAX_ELAPSED


@pytest.mark.parametrize("rate", [None, 4.0])
@pytest.mark.parametrize("retry_after", [None, 0.05, 1.0])
@pytest.mark.parametrize(("rows", "concurrency", "times"), [(60, 20, 1), (10, 10, 2), (10, 1, 2), (10, 2, 5)])
def test_if_each_message_is_refused_a_few_times_all_get_through(
    world: Make, rows: int, concurrency: int, times: int, retry_after: float | None, rate: float | None
) -> None:
    w = world(rows, in_turn(*[throttled(retry_after)] * times), concurrency=concurrency, rate=rate)
    assert w.run().totals.accepted == rows
    assert {record.attempts for record in w.records().values()} == {times + 1}


@pytest.mark.parametrize("retry_after", [None, 0.05, 20.0])
@pytest.mark.parametrize("concurrency", [1, 4, 20])
def test_after_a_pause_the_message_that_waits_longest_goes_first(
    world: Make, concurrency: int, retry_after: float | None
) -> None:
    """So an API that throttles everything is not asked for ever: the first message soon had its attempts."""
    w = world(100, lambda _: throttled(retry_after), concurrency=concurrency)
    result = w.run()
    assert SIX_TIMES in (result.stopped_reason or "")
    assert result.totals.planned == 100
    assert [row for (_, last), (row, now) in pairwise(w.posts) if now > last] == [1] * 5
    assert len(w.posts) <= concurrency + 100


def test_the_429_slows_the_run_down(world: Make) -> None:
    tries: Counter[int] = Counter()

    def script(row: int) -> Outcome:
        tries[row] += 1
        return throttled(1.0) if row % 20 == 0 and tries[row] == 1 else ACCEPTED

    w = world(60, script, concurrency=5, rate=100.0)
    assert w.run().totals.accepted == 60
    assert min(event.rate or 0 for event in w.events) <= 50.0
