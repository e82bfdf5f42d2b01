"""What came within a second for certain, as far as a server's own standstills let it know."""

from __future__ import annotations

import asyncio

import pytest

from msgspec_runner.chaos.arrivals import Pulse, most_in_a_second, promised_in_a_second

BEATS = [beat / 100 for beat in range(-100, 1000)]
"""Of a loop that is never busy: a hundred a second."""


def test_even_requests() -> None:
    assert most_in_a_second([number / 50 + 0.001 for number in range(250)], BEATS) in (49, 50)


def test_too_many_are_found_whatever_comes_before_and_after() -> None:
    slow = [number / 10 + 0.001 for number in range(80)]
    assert most_in_a_second([*slow, *(4.0 + number / 100 + 0.001 for number in range(70))], BEATS) == 70 + 10


def test_two_bursts_a_second_apart_are_in_no_second_together() -> None:
    assert most_in_a_second([*[1.001] * 5, *[2.002] * 5], BEATS) == 5


def test_what_a_standstill_of_the_server_delayed_is_not_held_against_anybody() -> None:
    """Fifty a second, of which half a second's are read late and at once."""
    moments = [number / 50 + 0.001 for number in range(250)]
    read = [2.5 if 2.0 < moment < 2.5 else moment for moment in moments]
    still = [beat for beat in BEATS if not 2.0 < beat < 2.5]
    assert most_in_a_second(read, BEATS) > 60
    assert most_in_a_second(read, still) <= 50


def test_in_any_order_and_none_at_all() -> None:
    assert most_in_a_second([3.0, 1.0, 2.5], BEATS) == 2
    assert most_in_a_second([], BEATS) == 0
    assert most_in_a_second([1.0], [0.0]) == 0  # nobody can say when that came


@pytest.mark.parametrize(
    ("rate", "most"), [(0.1, 1), (1.0, 1), (5.0, 5), (50.0, 55), (60.0, 66), (75.0, 82), (100, 110)]
)
def test_a_tenth_more_than_the_rate(rate: float, most: int) -> None:
    assert promised_in_a_second(rate) == most


def test_a_pulse_notes_each_round() -> None:
    clock = iter(range(100))
    pulse = Pulse(lambda: float(next(clock)))

    async def run() -> None:
        beating = asyncio.ensure_future(pulse.run())
        while len(pulse.beats) < 3:
            await asyncio.sleep(0)
        beating.cancel()

    asyncio.run(run())
    assert pulse.beats == [0.0, 1.0, 2.0]
