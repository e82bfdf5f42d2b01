from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from msgspec_runner.ledger import RunStatus
from msgspec_runner.model import State
from msgspec_runner.reports.run_report.figures import Figures
from msgspec_runner.reports.run_report.plots import answers_plot, interval_rows, sent_plot, trouble_plot
from tests.reports.run_report.examples import RUN, START, figures, message, mixed


def labels(plot: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", plot)


def spread(*seconds: float) -> Figures:
    run = replace(RUN, status=RunStatus.RUNNING, ended_at=None)
    return figures([message(row, at=at) for row, at in enumerate(seconds, 1)], run)


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        ((0.0,), ["0", "200 ms", "400 ms", "600 ms", "800 ms"]),
        ((0.0, 0.35), ["0", "200 ms", "400 ms", "600 ms", "800 ms"]),
        ((0.0, 3.0), ["0", "1 s", "2 s", "3 s"]),
        ((0.0, 30.0), ["11:45:10", "11:45:20", "11:45:30"]),
        ((0.0, 600.0), ["11:50", "11:55"]),
        ((0.0, 30_000.0), ["12:00", "14:00", "16:00", "18:00", "20:00"]),
        ((0.0, 86_400.0 * 6), ["25 Nov", "27 Nov", "29 Nov"]),
    ],
)
def test_labels_are_at_round_times_and_few(seconds: tuple[float, ...], found: list[str]) -> None:
    every = labels(sent_plot(spread(*seconds)))
    assert every[-len(found) :] == found
    assert every[-len(found) - 1].endswith(("/s", "/min", "/h"))  # the topmost line of the scale


def test_bars_say_what_they_are() -> None:
    plot = sent_plot(mixed())
    assert "<title>2031-11-23 11:45:13 UTC, 1 s: 2 accepted, 2 rejected</title>" in plot
    assert "Messages sent over time: 67 messages in 30 s, on average 2.3/s, at most 4/s." in plot


def test_the_highest_bar_is_what_the_words_say() -> None:
    """A burst of 30 in a tenth of a second is 30 messages in a second, as a limit of so many a second allows."""
    plot = sent_plot(spread(*(0.1 + n / 1000 for n in range(30)), *(float(n) for n in range(1, 8))))
    assert "at most 30/s" in plot
    assert not [label for label in labels(plot) if label.endswith("/s") and float(label.removesuffix("/s")) > 50]
    assert ", 1 s: 30 accepted" in plot


def test_a_slow_run_is_told_by_the_minute_or_the_hour() -> None:
    assert "6/min" in labels(sent_plot(spread(*(float(at) for at in range(0, 1200, 15)))))
    assert any(label.endswith("/h") for label in labels(sent_plot(spread(0.0, 7200.0, 14_400.0))))


def test_trouble_has_a_scale_of_its_own() -> None:
    plot = trouble_plot(mixed())
    assert plot is not None
    assert "What was not accepted over time: 2 in doubt, 3 rejected, 1 cancelled or released." in plot
    assert 'class="accepted"' not in plot
    assert trouble_plot(figures([message(1)])) is None
    assert trouble_plot(figures([message(1), message(2, State.SENDING)])) is None  # it may go well yet
    assert trouble_plot(figures([message(1, State.REJECTED)])) is None  # the first plot shows it all


def test_answers() -> None:
    latencies = figures([message(row, took=took) for row, took in enumerate((0.012, 0.2, 0.2, 0.9, 80.0))]).latencies
    plot = answers_plot(latencies)
    assert "<title>150 ms to 200 ms: 2 answers</title>" in plot
    assert "<title>500 ms to 700 ms: 0 answers</title>" in plot
    assert "How long answers took: half of 5 within 200 ms, 99 % within 1 min 20 s." in plot
    assert len([label for label in labels(plot) if label.endswith("s")]) <= 5


def test_few_bars_are_no_broader_than_many() -> None:
    for plot in (sent_plot(spread(0.0)), answers_plot(figures([message(1)]).latencies)):
        assert plot.count('class="reach"') == 9
    for took in (0.001, 69.0, 500.0):
        plot = answers_plot(figures([message(1, took=took)]).latencies)
        assert plot.count('class="reach"') == 9
        assert plot.count(": 1 answer<") == 1


def test_intervals_begin_with_the_run() -> None:
    rows = list(interval_rows(spread(2.0, 4.0)))
    assert rows[0][0] == f"{START + timedelta(seconds=2):%Y-%m-%d %H:%M:%S} UTC"
    assert len(rows) == 21
