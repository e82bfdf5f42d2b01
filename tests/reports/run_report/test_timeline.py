from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.reports.run_report.timeline import MOST_INTERVALS, WIDTHS, Fate, Timeline, TimelineBuilder

MOMENTS = st.lists(st.tuples(st.integers(-1000, 10**11), st.sampled_from(Fate)), max_size=50)


def built(moments: list[tuple[int, Fate]]) -> Timeline:
    builder = TimelineBuilder()
    for moment, fate in moments:
        builder.add(moment, fate)
    return builder.build()


@given(MOMENTS)
def test_everything_is_counted_once_in_few_intervals_whatever_the_order(moments: list[tuple[int, Fate]]) -> None:
    timeline = built(moments)
    assert sum((i.counts for i in timeline.intervals), Counter()) == Counter(fate for _, fate in moments)
    assert len(timeline.intervals) <= MOST_INTERVALS
    assert timeline == built(moments[::-1])
    starts = [interval.start for interval in timeline.intervals]
    assert starts == list(range(starts[0], starts[-1] + 1, timeline.width) if starts else [])


@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=30))
def test_a_message_is_counted_where_it_belongs(moments: list[int]) -> None:
    timeline = built([(moment, Fate.ACCEPTED) for moment in moments])
    found = {interval.start: interval.counts.total() for interval in timeline.intervals if interval.counts}
    assert found == Counter(moment // timeline.width * timeline.width for moment in moments)


def test_each_width_divides_the_next() -> None:
    assert all(later % earlier == 0 for earlier, later in itertools.pairwise(WIDTHS))


@pytest.mark.parametrize(
    ("last", "width"),
    [
        (0, 100),
        (4_999, 100),
        (5_000, 1000),
        (12_000, 1000),
        (119_999, 1000),
        (120_000, 2000),
        (3_600_000, 60_000),
        (10**13, WIDTHS[-1]),
    ],
)
def test_intervals_are_no_longer_than_they_must_be(last: int, width: int) -> None:
    assert built([(0, Fate.ACCEPTED), (last, Fate.ACCEPTED)]).width == width


def test_the_peak_is_of_the_busiest_second_or_interval() -> None:
    assert built([(10, Fate.ACCEPTED), (20, Fate.REJECTED), (450, Fate.ACCEPTED), (1400, Fate.ACCEPTED)]).peak == 3
    assert built([(0, Fate.ACCEPTED)] * 4 + [(30_000, Fate.ACCEPTED)]).peak == 4
    assert built([(0, Fate.ACCEPTED)] * 40 + [(200_000, Fate.ACCEPTED)]).peak == 20  # of two seconds
    assert built([]).peak == 0
