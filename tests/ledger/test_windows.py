"""How a plan is cut into windows, and when each has its turn."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.ledger.windows import (
    LARGEST_WINDOW,
    LONGEST_WINDOW,
    SMALLEST_WINDOW,
    WINDOWS,
    Cut,
    Stretch,
    Window,
    cuts,
    starts,
)


def plan(*counts: tuple[str, int]) -> list[Stretch]:
    """Return the stretches of a plan with so many messages of each spec, one spec after the other."""
    ends = [*accumulate(count for _, count in counts)]
    return [Stretch(spec, end - count + 1, end, count) for (spec, count), end in zip(counts, ends, strict=True)]


def cut(*counts: tuple[str, int], **rates: float) -> list[Cut]:
    return [*cuts(plan(*counts), {"" if spec == "whole" else spec: rate for spec, rate in rates.items()})]


def test_without_rates_all_is_one_piece() -> None:
    assert cut(("a", 60), ("b", 70), ("c", 1)) == [Cut(1, 131, SMALLEST_WINDOW)]


@pytest.mark.parametrize(
    ("messages", "size"),
    [(1, 50), (50 * WINDOWS, 50), (50 * WINDOWS + 1, 51), (400 * WINDOWS, 400), (1_000_000, LARGEST_WINDOW)],
)
def test_a_small_run_too_is_for_all_workers(messages: int, size: int) -> None:
    assert cut(("a", messages)) == [Cut(1, messages, size)]


def test_a_spec_with_a_rate_shares_no_window() -> None:
    assert cut(("a", 60), ("slow", 100), ("b", 10), ("c", 5), ("slower", 7), slow=2.0, slower=0.5) == [
        Cut(1, 60, 50),
        Cut(61, 160, 40, "slow", 2.0),
        Cut(161, 175, 50),
        Cut(176, 182, 10, "slower", 0.5),
    ]


def test_slow_windows_are_short() -> None:
    """One keeps its place at a worker until it is done: as long as twenty seconds, or one message."""
    sizes = {rate: cut(("a", 100_000), a=rate)[0].size for rate in (1 / 3600, 0.05, 1.0, 3.33, 19.0, 20.0, 1000.0)}
    assert sizes == {1 / 3600: 1, 0.05: 1, 1.0: 20, 3.33: 66, 19.0: 380, 20.0: 400, 1000.0: 400}


def test_the_run_s_own_rate_holds_for_each_spec() -> None:
    assert cut(("a", 60), ("b", 60), ("fast", 60), whole=2.0, b=0.5, fast=100.0) == [
        Cut(1, 60, 40, "", 2.0),
        Cut(61, 120, 10, "b", 0.5),
        Cut(121, 180, 40, "fast", 2.0),
    ]


def test_specs_that_take_turns_stay_together() -> None:
    stretches = [Stretch("a", 1, 199, 100), Stretch("b", 2, 200, 100), Stretch("c", 201, 300, 100)]
    assert [*cuts(stretches, {"b": 1.0, "c": 1.0})] == [Cut(1, 300, 50)]
    assert [*cuts(stretches, {"": 2.0, "c": 1.0})] == [Cut(1, 300, 40, "", 2.0)]


def test_an_empty_plan_is_not_cut() -> None:
    assert [*cuts([], {"": 1.0})] == []


RATES = st.floats(1e-4, 1e4)
SPECS = st.lists(st.tuples(st.integers(1, 3000), st.none() | RATES), min_size=1, max_size=8)


@given(SPECS, st.none() | RATES)
def test_nothing_is_left_out_nor_cut_twice(specs: list[tuple[int, float | None]], whole: float | None) -> None:
    counts = [(f"s{number}", count) for number, (count, _) in enumerate(specs)]
    rates = {f"s{number}": rate for number, (_, rate) in enumerate(specs) if rate is not None}
    found = [*cuts(plan(*counts), rates if whole is None else {"": whole, **rates})]
    assert [piece.first for piece in found] == [1, *(piece.last + 1 for piece in found[:-1])]
    assert found[-1].last == sum(count for _, count in counts)
    for piece in found:
        assert 1 <= piece.size <= LARGEST_WINDOW
        assert piece.rate is None or piece.size == 1 or piece.size / piece.rate <= LONGEST_WINDOW
        assert piece.rate == min((rate for rate in (rates.get(piece.spec), whole) if rate), default=None)
    assert all(before.spec or after.spec for before, after in pairwise(found)), "neighbours without a rate are one"


def test_those_of_one_rate_follow_each_other() -> None:
    windows = [
        Window(1, 50),
        Window(51, 60, "slow", 1.0),
        Window(61, 70, "slow", 1.0),
        Window(71, 71, "slower", 0.01),
        Window(72, 75, "slow", 1.0),
        Window(76, 125),
        Window(126, 126, "slower", 0.01),
    ]
    assert starts(windows) == [0, 0, 10, 0, 20, 0, 100]


def test_those_of_a_run_with_a_rate_too() -> None:
    assert starts([Window(1, 30, "", 3.0), Window(31, 60, "", 3.0), Window(61, 90, "", 3.0)]) == [0, 10, 20]
