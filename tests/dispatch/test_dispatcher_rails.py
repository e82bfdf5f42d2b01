"""Windows, holds and expiries, asked in the moment in which a message is posted."""

from __future__ import annotations

from datetime import time, timedelta

from msgspec_runner.ledger.ledger import RunStatus
from msgspec_runner.model import State
from msgspec_runner.timing import Rules, Window
from tests.dispatch.dispatcher_world import (
    ACCEPTED,
    REJECTED,
    START,
    Make,
    in_turn,
    throttled,
)


def test_outside_of_the_window_a_message_is_posted_with_a_schedule(world: Make) -> None:
    hours = {1: (time(12), time(13)), 2: (time(13), time(14)), 3: (time(9), time(12))}
    w = world(3, lambda _: ACCEPTED, delivery_of=lambda row: Rules(Window(*hours[row], "UTC")))
    assert w.run().totals.accepted == 3
    assert w.schedules == {1: None, 2: "2031-01-02T13:00:00+00:00", 3: "2031-01-03T09:00:00+00:00"}
    stored = w.query("SELECT row, scheduled_for FROM messages ORDER BY row")
    assert stored == list(w.schedules.items())


def test_the_window_is_asked_when_a_message_is_posted_not_when_it_was_planned(world: Make) -> None:
    hours = Window(time(9), time(12, 1), "UTC")
    w = world(120, lambda _: ACCEPTED, rate=1.0, delivery_of=lambda _: Rules(hours))
    assert w.run().totals.accepted == 120
    at_once = [row for row, schedule in w.schedules.items() if schedule is None]
    assert at_once == list(range(1, 61))
    assert {w.schedules[row] for row in range(61, 121)} == {"2031-01-03T09:00:00+00:00"}


def test_rules_that_nobody_can_read_stop_the_run_and_nothing_is_sent(world: Make) -> None:
    w = world(10, lambda _: ACCEPTED, delivery_of=lambda row: Rules(Window(time(9), time(19), "Mars/Olympus")))
    result = w.run()
    assert result.stopped_reason is not None
    assert f"the message with key {w.keys[0][:12]} (spec) cannot be sent" in result.stopped_reason
    assert w.posts == []
    assert w.states() == {State.PLANNED: 10}
    assert w.run_status() is RunStatus.STOPPED


def test_a_held_message_is_held_from_each_attempt(world: Make) -> None:
    w = world(1, in_turn(throttled(30.0)), delivery_of=lambda _: Rules(hold=timedelta(minutes=5)))
    assert w.run().totals.accepted == 1
    assert w.schedules == {1: "2031-01-02T12:05:30+00:00"}
    assert w.query("SELECT scheduled_for FROM messages") == [("2031-01-02T12:05:30+00:00",)]


def test_what_is_rejected_waits_for_nothing(world: Make) -> None:
    w = world(1, lambda _: REJECTED, delivery_of=lambda _: Rules(hold=timedelta(minutes=5)))
    w.run()
    assert w.query("SELECT state, scheduled_for FROM messages") == [("rejected", None)]


def test_what_becomes_too_late_is_left_planned_and_told(world: Make) -> None:
    expires = START + timedelta(seconds=9.5)
    w = world(100, lambda _: ACCEPTED, rate=1.0, delivery_of=lambda _: Rules(expires=expires))
    result = w.run()
    assert (result.totals.accepted, result.totals.planned, result.expired) == (10, 90, 90)
    assert len(w.posts) == 10
    assert (result.stopped_reason, result.interrupted) == (None, False)
    assert w.clock.time < 1020.0, "nobody waits for the turn of what is too late"
    assert w.run_status() is RunStatus.FINISHED


def test_what_becomes_too_late_while_it_waits_for_another_attempt_is_handed_back(world: Make) -> None:
    expires = START + timedelta(seconds=20)
    w = world(3, in_turn(throttled(30.0)), delivery_of=lambda _: Rules(expires=expires))
    result = w.run()
    assert (result.totals.planned, result.expired) == (3, 3)
    assert not [time for _, time in w.posts if time >= 1020.0]
