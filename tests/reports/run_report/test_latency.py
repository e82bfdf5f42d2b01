from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.reports.run_report.latency import EDGES, Latencies, LatencyBuilder


def built(values: list[int]) -> Latencies:
    builder = LatencyBuilder()
    for value in values:
        builder.add(value)
    return builder.build()


@given(st.lists(st.integers(0, 4_000_000), min_size=1))
def test_a_percentile_is_an_upper_bound_and_a_close_one(values: list[int]) -> None:
    latencies = built(values)
    for percent in (1, 50, 95, 99, 100):
        exact = sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]
        found = latencies.percentile(percent)
        assert min(exact, 3_600_000) <= found <= exact * 1.011 + 1


@given(st.lists(st.integers(0, 4_000_000)))
def test_every_answer_is_in_the_bar_that_its_time_is_in(values: list[int]) -> None:
    bars = list(built(values).bars())
    assert sum(number for _, _, number in bars) == len(values)
    assert [above for above, _, _ in bars[1:]] == [most for _, most, _ in bars[:-1]]
    for above, most, number in bars:
        assert number == sum(above < max(value, 1) and (most is None or value <= most) for value in values)


def test_counters_are_few_whatever_there_is_to_count() -> None:
    assert len(built(list(range(0, 4_000_000, 7))).counts) < 7_000


def test_no_answers_and_answers_before_their_request() -> None:
    assert list(built([]).bars()) == []
    assert built([]).percentile(50) == 0
    assert built([-1, 5]).total == 1


def test_bars_are_about_even_on_a_logarithmic_scale() -> None:
    assert all(1.3 <= later / earlier <= 1.7 for earlier, later in itertools.pairwise(EDGES))


@pytest.mark.parametrize(("value", "counted"), [(0, 0), (999, 999), (1001, 1010), (10_001, 10_100), (100_001, 101_000)])
def test_steps(value: int, counted: int) -> None:
    assert list(built([value]).counts) == [counted]
