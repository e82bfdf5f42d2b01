"""Numbers, times and rates as a report writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec_runner.reports.run_report.figures import Figures
from msgspec_runner.reports.text import count

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def duration(seconds: float) -> str:
    """Return a length of time in at most two units: ``340 ms``, ``4.2 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms"
    if seconds < 10:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    for size, unit, smaller, part in ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min"), (_MINUTE, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size:,} {unit}" + (f" {rest} {part}" if rest else "")
    raise AssertionError(whole)


def rate(per_second: float) -> str:
    """Return a rate in the unit that makes it a number people can see: ``480/s``, ``0.5/s``, ``12/min``, ``3/h``."""
    for factor, unit in ((1, "s"), (_MINUTE, "min"), (_HOUR, "h")):
        number = per_second * factor
        if number >= 1 or not number or unit == "h":
            break
    return f"{number:,.0f}/{unit}" if number >= 10 else f"{number:.2g}/{unit}"


def pace(figures: Figures) -> str:
    """Return how many messages were sent in which time, and how fast; of less than a second, a rate says nothing."""
    seconds, sent = figures.seconds, sum(interval.counts.total() for interval in figures.timeline.intervals)
    if not seconds:
        return count(sent, "message")
    words = f"{count(sent, 'message')} in {duration(seconds)}"
    if seconds < 1:
        return words
    words += f", on average {rate(sent / seconds)}"
    # The highest bar of the plot: where bars are shorter than a second, it would be another number than is drawn.
    return words if figures.timeline.width < 1000 else f"{words}, at most {rate(figures.timeline.peak)}"


def moment(time: datetime) -> str:
    """Return a time to the second: ``2031-11-23 11:45:01 UTC``."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def moment_of(text: str | None) -> str:
    """Return a time that the ledger wrote, to the second; empty where there is none."""
    return moment(datetime.fromisoformat(text)) if text else ""
