"""The plots of a run: what to draw, and what to say of it to who does not see it. :mod:`.charts` draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

from msgspec_runner.reports.run_report.charts import Bar, Tick, bar_plot
from msgspec_runner.reports.run_report.figures import Figures
from msgspec_runner.reports.run_report.latency import EDGES, Latencies
from msgspec_runner.reports.run_report.timeline import Fate, Interval, Timeline
from msgspec_runner.reports.run_report.units import duration, moment, pace
from msgspec_runner.reports.text import count

KINDS = {
    Fate.ACCEPTED: "accepted",
    Fate.REJECTED: "rejected",
    Fate.IN_DOUBT: "doubt",
    Fate.UNDER_WAY: "scheduled",
    Fate.OTHER: "skipped",
}
"""The class of each fate's colour in ``pages/assets/base.css``."""

_FEWEST_BARS = 9
"""Places for bars, at least: one bar as wide as the page says less than a narrow one."""

_MOST_TICKS = 5
"""Labels below a plot: on a telephone there is no place for more."""

_STEPS = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200),
    *(86_400, 2 * 86_400, 7 * 86_400, 28 * 86_400, 91 * 86_400, 364 * 86_400),
)
"""Seconds between two labels: what people count in."""

_SHORT = 10
"""Seconds below which a plot's labels count from its beginning, instead of telling the time of day."""

_DAY = 86_400


def sent_plot(figures: Figures) -> Markup:
    """Return what was sent over time, by what became of it; the timeline has an interval at least."""
    return _over_time("sent", f"Messages sent over time: {pace(figures)}.", figures, tuple(Fate), height=150)


def trouble_plot(figures: Figures) -> Markup | None:
    """Return what was not accepted over time, on a scale of its own; None where all was, or nothing."""
    troubles = (Fate.IN_DOUBT, Fate.REJECTED, Fate.OTHER)
    numbers = {fate: sum(interval.counts[fate] for interval in figures.timeline.intervals) for fate in Fate}
    parts = [f"{numbers[fate]:,} {fate.value}" for fate in troubles if numbers[fate]]
    if not parts or not numbers[Fate.ACCEPTED]:
        return None
    return _over_time("trouble", f"What was not accepted over time: {', '.join(parts)}.", figures, troubles, height=80)


def answers_plot(latencies: Latencies) -> Markup:
    """Return how long answers took; at least one was timed."""
    numbers = {above: number for above, _, number in latencies.bars()}
    edges = _wide_enough(list(numbers))
    bars = []
    for above, most in zip(edges, [*edges[1:], _next_edge(edges[-1])], strict=True):
        reach = (
            f"{duration(above / 1000)} to {duration(most / 1000)}" if most else f"more than {duration(above / 1000)}"
        )
        bars.append(Bar((("accent", numbers.get(above, 0)),), f"{reach}: {count(numbers.get(above, 0), 'answer')}"))
    every = -(-(len(edges) + 1) // _MOST_TICKS)
    ticks = [Tick(index / len(bars), duration(edges[index] / 1000)) for index in range(0, len(edges), every)]
    half, nearly = (duration(latencies.percentile(part) / 1000) for part in (50, 99))
    words = f"How long answers took: half of {latencies.total:,} within {half}, 99 % within {nearly}."
    return bar_plot("answers", words, bars, ticks, "", 120)


def interval_rows(figures: Figures) -> Iterator[tuple[str, Interval]]:
    """Yield the intervals with the time at which each begins, for a table."""
    start = _begin(figures)
    for interval in figures.timeline.intervals:
        yield moment(start + timedelta(milliseconds=interval.start)), interval


def _wide_enough(edges: list[int]) -> list[int]:
    """Return where the bars of a histogram begin, with empty bars at both sides of few."""
    places = (0, *EDGES)
    first, last = places.index(edges[0]), places.index(edges[-1])
    missing = max(0, _FEWEST_BARS - len(edges))
    first = max(0, min(first - missing // 2, len(places) - _FEWEST_BARS))
    return list(places[first : max(last + 1, first + _FEWEST_BARS)])


def _next_edge(edge: int) -> int | None:
    return next((other for other in EDGES if other > edge), None)


def _over_time(name: str, words: str, figures: Figures, fates: Sequence[Fate], height: int) -> Markup:
    timeline, begin = figures.timeline, _begin(figures)
    factor, unit = _unit(max(sum(i.counts[fate] for fate in fates) for i in timeline.intervals) * 1000 / timeline.width)
    per_interval = factor * 1000 / timeline.width
    bars, intervals = [], _long_enough(timeline)
    for interval in intervals:
        start = begin + timedelta(milliseconds=interval.start)
        counts = ", ".join(f"{interval.counts[fate]:,} {fate.value}" for fate in fates if interval.counts[fate])
        parts = tuple((KINDS[fate], interval.counts[fate] * per_interval) for fate in fates)
        bars.append(Bar(parts, f"{moment(start)}, {duration(timeline.width / 1000)}: {counts or 'nothing'}"))
    return bar_plot(name, words, bars, _time_ticks(begin, intervals, timeline.width), unit, height)


def _begin(figures: Figures) -> datetime:
    return figures.run.started_at or figures.as_of


def _unit(per_second: float) -> tuple[int, str]:
    """Return what a rate is multiplied with so that it is a number people can see, and the unit that it has then."""
    return next((pair for pair in ((1, "/s"), (60, "/min")) if per_second * pair[0] >= 1), (3_600, "/h"))


def _long_enough(timeline: Timeline) -> list[Interval]:
    """Return the intervals, with empty ones behind few."""
    found = list(timeline.intervals)
    while len(found) < _FEWEST_BARS:
        found.append(Interval(found[-1].start + timeline.width, Counter()))
    return found


def _time_ticks(begin: datetime, intervals: Sequence[Interval], width: int) -> Iterator[Tick]:
    """Yield labels at round times, in UTC."""
    first = intervals[0].start / 1000
    span = len(intervals) * width / 1000
    if span < _SHORT:
        step = next(size for size in (0.1, 0.2, 0.5, 1, 2, 5) if span / size <= _MOST_TICKS)
        for index in range(int(span / step) + 1):
            yield Tick(index * step / span, duration(index * step) if index else "0")
        return
    step = next((size for size in _STEPS if span / size <= _MOST_TICKS), _STEPS[-1])
    start = begin.timestamp() + first
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < _DAY else "%d %b"
    at = -(-start // step) * step
    while at <= start + span:
        yield Tick((at - start) / span, datetime.fromtimestamp(at, UTC).strftime(form))
        at += step
