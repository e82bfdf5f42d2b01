"""Lanes: whatever the plan and the rates, each message goes once, in its order, and none holds another lane up."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.dispatch.job import Job
from msgspec_runner.dispatch.lanes import HORIZON, Lanes
from msgspec_runner.ledger.ledger import Planned

RATES = {"slow": 5.0, "brisk": 50.0}


def planned(position: int, spec: str) -> Planned:
    return Planned(position, f"key-{position}", spec, position, "+16175551212", b"{}")


def page(messages: list[Planned], after: int, size: int) -> list[Planned]:
    return [message for message in messages if message.position > after][:size]


def fed(lanes: Lanes, messages: list[Planned], size: int) -> int:
    """Feed whoever is hungry, as the dispatcher does; return the number of pages that it took."""
    pages = 0
    while (lane := lanes.hungry()) is not None:
        start = lane.position
        read = page(messages, start, size)
        lanes.feed(start, read, last=len(read) < size)
        pages += 1
    return pages


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["slow", "brisk", "free", "other"]), st.integers(1, 25)), max_size=6),
    st.integers(1, 12),
    st.integers(1, 6),
    st.sampled_from([None, 20.0, 200.0]),
)
def test_every_message_goes_once_in_order_and_at_its_rate(
    runs: list[tuple[str, int]], size: int, concurrency: int, rate: float | None
) -> None:
    specs = [spec for spec, number in runs for _ in range(number)]
    messages = [planned(position, spec) for position, spec in enumerate(specs, 1)]
    lanes = Lanes(rate, RATES, concurrency)
    now, gone = 1000.0, list[tuple[float, Planned]]()
    while True:
        fed(lanes, messages, size)
        assert sum(len(lane.backlog) for lane in lanes._lanes) <= len(lanes._lanes) * (concurrency + size)
        for job in lanes.choose(now, lanes.lined_up):
            lanes.line_up(job)
        assert lanes.lined_up <= 2 * concurrency
        turn = lanes.next_turn(now)
        if turn is not None and turn[0] == 0:
            gone.append((now, lanes.take(turn[1], now).message))
        elif turn is not None:
            assert turn[0] <= 2 * HORIZON
            now += max(turn[0], 1e-4)
        elif lanes.is_empty:
            break
        else:
            now += max(lanes.seconds_to_next(now) or 0.0, 1e-4)
    assert sorted(message.position for _, message in gone) == list(range(1, len(messages) + 1))
    for spec in (*RATES, "free", "other"):
        mine = [(time, message.position) for time, message in gone if message.spec == spec]
        assert mine == sorted(mine, key=lambda each: each[1])
        if spec in RATES:
            assert all(later - earlier >= 1 / RATES[spec] - 0.05 for (earlier, _), (later, _) in pairwise(mine))


def test_pages_of_others_are_read_once_on_the_way_to_a_lanes_first_message() -> None:
    messages = [planned(position, "slow" if position <= 90 else "free") for position in range(1, 101)]
    lanes = Lanes(None, {"slow": 1.0}, 4)
    assert fed(lanes, messages, 10) == 10
    assert [len(lane.backlog) for lane in lanes._lanes] == [10, 10]


def test_small_specs_share_their_pages() -> None:
    names = [f"spec-{number}" for number in range(50)]
    messages = [planned(position, names[position // 2 % 50]) for position in range(1, 101)]
    assert fed(Lanes(None, dict.fromkeys(names, 1.0), 4), messages, 500) == 1


def test_a_lane_that_may_not_go_is_passed_over() -> None:
    messages = [planned(1, "slow"), planned(2, "slow"), planned(3, "free"), planned(4, "free")]
    lanes = Lanes(None, {"slow": 1.0}, 4)
    fed(lanes, messages, 500)
    jobs = lanes.choose(0.0, 0)
    assert [job.message.position for job in jobs] == [1, 3, 4]
    for job in jobs:
        lanes.line_up(job)
    taken = []
    while (turn := lanes.next_turn(0.0)) is not None:
        assert turn[0] == 0
        taken.append(lanes.take(turn[1], 0.0).message.position)
    assert taken == [1, 3, 4]
    assert lanes.choose(0.0, 0) == []
    assert lanes.seconds_to_next(0.0) == pytest.approx(1.0 - HORIZON)
    assert [job.message.position for job in lanes.choose(0.95, 0)] == [2]


def test_what_is_due_again_but_not_at_its_specs_rate_waits_on() -> None:
    lanes = Lanes(None, {"slow": 1.0}, 4)
    fed(lanes, [planned(1, "slow")], 500)
    (first,) = lanes.choose(0.0, 0)
    lanes.line_up(first)
    lanes.take(lanes._lanes[1], 0.0)
    again = Job(planned(2, "slow"), due=0.2)
    lanes.wait(again)
    assert lanes.choose(0.3, 0) == []
    assert lanes.waiting == 1
    assert again.due == pytest.approx(1.0 - HORIZON)
    assert lanes.choose(again.due + 0.001, 0) == [again]


def test_what_is_lost_is_dropped_from_the_heads() -> None:
    lanes = Lanes(None, {"slow": 1.0}, 4)
    fed(lanes, [planned(position, "slow" if position % 2 else "free") for position in range(1, 9)], 500)
    assert lanes.drop(lambda message: message.position < 4) == 3
    assert [[message.position for message in lane.backlog] for lane in lanes._lanes] == [[4, 6, 8], [5, 7]]


def test_demand_is_what_is_ready_to_go_by_pace() -> None:
    lanes = Lanes(None, {"slow": 1.0}, 4)
    assert lanes.demand(0.0) == {"": 0, "slow": 0}
    fed(lanes, [planned(position, "slow" if position % 3 == 0 else "fast") for position in range(1, 10)], 10)
    assert lanes.demand(0.0) == {"": 6, "slow": 3}
