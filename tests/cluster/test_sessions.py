"""Seats, and the sessions that have them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from msgspec_runner.cluster.sessions import ASIDE, SESSIONS, Sessions
from msgspec_runner.ledger.postgres_address import parse_address
from msgspec_runner.ledger.postgres_connection import Patience
from msgspec_runner.ledger.postgres_worker import WorkerSession

NOWHERE = parse_address("postgresql://nobody@127.0.0.1:9/none")


@pytest.fixture
def make(tmp_path: Path):
    return lambda: WorkerSession(NOWHERE, "ledger", "w", tmp_path, Patience())


@pytest.mark.parametrize(("concurrency", "shares"), [(1, [1]), (2, [1, 1]), (7, [4, 3])])
def test_all_posts_at_once_are_given_to_seats(make, concurrency: int, shares: list[int]) -> None:
    async def take() -> None:
        sessions = Sessions(concurrency, make)
        assert sessions.seats == len(shares) <= SESSIONS
        assert sessions.is_empty
        seats = [await sessions.take() for _ in shares]
        assert [seat.share for seat in seats] == shares
        assert not sessions.is_idle
        await sessions.give_back(seats[0])
        assert sessions.is_idle
        assert sessions.is_empty == (len(shares) == 1)

    asyncio.run(take())


def test_a_seat_keeps_its_session_until_that_is_fenced(make) -> None:
    async def use() -> None:
        sessions = Sessions(2, make)
        seat = await sessions.take()
        first = await sessions.able(seat)
        assert await sessions.able(seat) is first
        first.fenced = True
        second = await sessions.able(seat)
        assert second is not first
        assert sessions.known == {first, second}, "people are to be told of the first"
        sessions.told([first])
        assert sessions.known == {second}
        sessions.told([second])
        assert sessions.known == {second}, "it is in use"

    asyncio.run(use())


def seats_for(make: Callable[[], WorkerSession], concurrency: int, *rates: float | None) -> list[tuple[bool, int]]:
    """Return the seats that windows with these rates get, one after the other: whether aside, and how many posts."""

    async def take() -> list[tuple[bool, int]]:
        sessions = Sessions(concurrency, make)
        return [(seat.aside, seat.share) for seat in [await sessions.take(rate) for rate in rates]]

    return asyncio.run(asyncio.wait_for(take(), 60))


def test_a_slow_window_sits_aside_with_as_many_posts_as_it_needs(make: Callable[[], WorkerSession]) -> None:
    """An answer may take two seconds."""
    assert seats_for(make, 40, 1 / 3600, 0.5, 0.6, 2.5, None) == [
        (True, 1),
        (True, 1),
        (True, 2),
        (True, 5),
        (False, 20),
    ]


def test_one_that_needs_many_posts_is_no_slow_one(make: Callable[[], WorkerSession]) -> None:
    """An eighth of a worker's posts is many."""
    assert seats_for(make, 40, 2.6, 1000.0) == [(False, 20), (False, 20)]
    assert seats_for(make, 7, 0.001, 0.001) == [(False, 4), (False, 3)], "of a small worker one is too many"


def test_when_the_seats_aside_are_taken_slow_windows_take_the_others(make: Callable[[], WorkerSession]) -> None:
    assert seats_for(make, 16, *[0.1] * (ASIDE + 1)) == [*[(True, 1)] * ASIDE, (False, 8)]


def test_no_more_posts_at_once_than_there_are(make: Callable[[], WorkerSession]) -> None:
    """What a crash leaves in doubt is bounded by them, however many windows there are."""

    async def take() -> None:
        sessions = Sessions(20, make)
        first, second = await sessions.take(), await sessions.take()
        assert (first.share, second.share) == (10, 10)
        waiting = asyncio.ensure_future(sessions.take(0.1))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not waiting.done(), "there are none left"
        assert not sessions.is_empty
        await sessions.give_back(first)
        slow = await waiting
        assert (slow.aside, slow.share) == (True, 1)
        third = await sessions.take()
        assert (third.aside, third.share) == (False, 9)
        for seat in (second, slow, third):
            await sessions.give_back(seat)
        assert sessions.is_empty
        assert [(await sessions.take()).share for _ in range(2)] == [10, 10]

    asyncio.run(asyncio.wait_for(take(), 60))
