from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.reports.run_report.units import duration, moment_of, pace, rate
from tests.reports.run_report.examples import figures, message


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.0004, "0 ms"),
        (0.34, "340 ms"),
        (0.9996, "1 s"),
        (4.21, "4.2 s"),
        (9.99, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3_600, "1 h"),
        (7_500, "2 h 5 min"),
        (90_000, "1 d 1 h"),
        (864_000_000, "10,000 d"),
    ],
)
def test_a_length_of_time(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("per_second", "words"),
    [
        (0, "0/s"),
        (480.3, "480/s"),
        (12_480, "12,480/s"),
        (4.24, "4.2/s"),
        (1, "1/s"),
        (0.5, "30/min"),
        (0.02, "1.2/min"),
        (0.001, "3.6/h"),
        (1e-9, "3.6e-06/h"),
    ],
)
def test_a_rate(per_second: float, words: str) -> None:
    assert rate(per_second) == words


@given(st.floats(0, 10**10))
def test_every_length_and_rate_has_words(number: float) -> None:
    assert duration(number)
    assert rate(number)


def test_a_moment() -> None:
    assert moment_of("2031-11-23T11:45:02.999Z") == "2031-11-23 11:45:02 UTC"
    assert moment_of(None) == ""


def test_a_pace() -> None:
    assert pace(figures([])) == "0 messages"
    assert pace(figures([message(1, took=0)])) == "1 message"
    assert pace(figures([message(1, at=0), message(2, at=0.5)])) == "2 messages in 700 ms"
    assert pace(figures([message(1, at=0), message(2, at=2.8)])) == "2 messages in 3 s, on average 40/min"
    run = figures([message(row, at=row / 4) for row in range(41)])
    assert pace(run) == "41 messages in 10 s, on average 4/s, at most 4/s"
