"""A run as a terminal shows it, played by a clock that the program itself turns: started by ``test_recordings.py``.

After each picture it writes a mark, so that who records knows when to look.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec_runner.cli import plainly
from msgspec_runner.cli.bar import Bar
from msgspec_runner.cli.options import Terminal
from msgspec_runner.cli.summary import show_summary
from msgspec_runner.cli.watching import console, draws, watch
from msgspec_runner.dispatch.progress import Progress, RunResult
from msgspec_runner.ledger import Record, Run, RunStatus, Settlement, Totals
from msgspec_runner.model import State
from msgspec_runner.reports.run_summary import summary_lines

MARK = "\x1e"
TOTAL = 12_480


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def news(state: State, number: int, *, waiting: int = 0, attempts: int = 1, note: str | None = None) -> Progress:
    return Progress((Settlement("key", state, attempts=attempts),) * number, 10, waiting, None, note)


def play() -> Iterator[tuple[float, Progress | None]]:
    """Yield the seconds that pass, and what is heard then; None: look."""
    yield 0, None
    for _ in range(4):
        yield 0.5, news(State.ACCEPTED, 24)
    yield 0, None
    yield 0.5, news(State.REJECTED, 4)
    yield 0.5, news(State.ACCEPTED, 12, waiting=3, attempts=2)
    yield 0, None
    yield 0, news(State.RETRY_WAIT, 1, waiting=4, note="HTTP 429 for +16175551212: waiting 30.0 s, then 24/s\x1b[2J")
    yield 30, None
    for _ in range(60):
        yield 1, news(State.ACCEPTED, 100)
    yield 1, news(State.IN_DOUBT, 2)
    yield 0, None
    yield 60, news(State.ACCEPTED, TOTAL - 6_114)
    yield 0, None


def record(spec: str, row: int, state: State, attempts: int = 1, error: str | None = None) -> Record:
    key = f"{row:064x}"[::-1]
    where = ("", "20311123-114501-x7k2", spec, 1, row, "+16175551212", state, None, None, error, attempts, 2, "", "")
    return Record(key, *where)  # type: ignore[arg-type]


RECORDS = [
    *(record("appointment-reminder", row, State.ACCEPTED) for row in range(1, 1205)),
    *(record("appointment-reminder", row, State.REJECTED, error="No channel.") for row in range(1205, 1209)),
    record("welcome", 1, State.IN_DOUBT, attempts=3, error="no answer within the timeout"),
    record("welcome", 2, State.SKIPPED, attempts=0, error="duplicate"),
    record("welcome", 3, State.PLANNED, attempts=0),
]
TOTALS = Totals(accepted=1204, rejected=4, in_doubt=1, planned=1, skipped=1)
RUN = Run(
    "20311123-114501-x7k2",
    "https://api.sociocs.com",
    ("appointment-reminder", "welcome"),
    started_at=datetime(2031, 11, 23, 11, 45, 1, tzinfo=UTC),
    ended_at=datetime(2031, 11, 23, 11, 45, 26, tzinfo=UTC),
    status=RunStatus.FINISHED,
    totals=TOTALS,
)


def main() -> None:
    plainly.register()
    sys.stderr.reconfigure(errors=plainly.NAME)  # type: ignore[union-attr]  # as the command line does
    terminal, clock = Terminal(quiet=False, verbose=False, color="auto"), Clock()

    def look() -> None:
        sys.stderr.write(MARK)
        sys.stderr.flush()

    if draws(terminal):
        with Bar(console(terminal), TOTAL, clock, refreshes=False) as bar:
            for seconds, progress in play():
                clock.now += seconds
                if progress is not None:
                    bar.update(progress)
                else:
                    bar.draw()
                    look()
    else:
        with watch(terminal, TOTAL, clock) as watcher:
            for seconds, progress in play():
                clock.now += seconds
                if progress is not None:
                    watcher(progress)
        look()
    for line in summary_lines(RUN.id, RunResult(TOTALS), RECORDS):
        terminal.warn(line)
    if draws(terminal):
        show_summary(console(terminal), RUN, RECORDS)
    look()


if __name__ == "__main__":
    main()
