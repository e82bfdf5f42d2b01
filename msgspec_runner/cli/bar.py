"""The progress at a terminal: a bar, and below it what happens at present. Loaded only where there is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from threading import Lock

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from msgspec_runner.cli.tally import Tally
from msgspec_runner.dispatch.progress import Progress
from msgspec_runner.model import State
from msgspec_runner.reports.run_summary import shown

REFRESHES = 8
"""Drawings a second."""

_WIDEST = 120
"""Columns of the bar with its numbers: on a wider terminal the eye would have to travel."""


class Bar:
    """Draws how far a run is, until it is closed; then nothing of it is left.

    Args:
        console: of standard error.
        total: messages in the run.
        clock: returns seconds.
        before: what was settled before anybody watched.
        refreshes: whether it draws by itself, several times a second; else :meth:`draw` does.
        show_numbers: phone numbers in full in the notes, instead of masked.
    """

    def __init__(
        self,
        console: Console,
        total: int,
        clock: Callable[[], float],
        before: Mapping[State, int] | None = None,
        *,
        refreshes: bool = True,
        show_numbers: bool = False,
    ) -> None:
        self._show_numbers = show_numbers
        self._console = console
        self._clock = clock
        self._tally = Tally(total, clock(), before)
        self._note: str | None = None
        self._lock = Lock()
        """News come from the event loop; a thread draws."""
        self._live = Live(
            console=console,
            auto_refresh=refreshes,
            refresh_per_second=REFRESHES,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=self._drawn,
        )

    def __enter__(self) -> Bar:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, progress: Progress) -> None:
        """Take news; a note stays above the bar."""
        if progress.note is not None and progress.note != self._note:
            note = shown(progress.note, show_numbers=self._show_numbers)
            self._console.print(note, markup=False, highlight=False, soft_wrap=True)
        self._note = progress.note
        with self._lock:
            self._tally.add(progress, self._clock())

    def draw(self) -> None:
        """Draw now."""
        self._live.refresh()

    def _drawn(self) -> Group:
        with self._lock:
            now, width = self._clock(), min(self._console.width, _WIDEST)
            return Group(_line(self._tally, now, width), _present(self._tally, now, width))


def _line(tally: Tally, now: float, width: int) -> Table:
    """Return the bar, how many are done of how many, and the time that is left."""
    left = tally.seconds_left(now)
    counted = f"{tally.done:,}/{tally.total:,}"
    line = Table.grid(padding=(0, 1), pad_edge=False)
    bar = ProgressBar(
        total=max(tally.total, 1),
        completed=tally.done,
        width=max(4, width - len(counted) - len(_clock_time(left)) - 2),
        complete_style="green",
        finished_style="green",
        style="bright_black",
    )
    line.add_row(bar, Text(counted, no_wrap=True), Text(_clock_time(left), style="cyan", no_wrap=True))
    return line


def _present(tally: Tally, now: float, width: int) -> Text:
    """Return what happens at present, as much of it as a line holds, the most telling first."""
    line = Text(no_wrap=True, overflow="crop")
    for part in _parts(tally, now):
        gap = "  " if line else ""
        if line.cell_len + len(gap) + part.cell_len > width:
            break
        line.append(gap).append_text(part)
    return line


def _parts(tally: Tally, now: float) -> Iterator[Text]:
    rate = tally.rate(now)
    yield Text(f"{rate:,.0f}/s" if rate >= 10 or not rate else f"{rate:.1f}/s")
    for state, style in ((State.REJECTED, "red"), (State.IN_DOUBT, "yellow")):
        if tally.number(state):
            yield Text(f"{tally.number(state):,} {state.value.replace('_', ' ')}", style=style)
    yield Text(f"{tally.sending:,} in flight")
    if tally.waiting:
        yield Text(f"{tally.waiting:,} waiting", style="yellow")
    if tally.retries:
        yield Text(f"{tally.retries:,} retries" if tally.retries > 1 else "1 retry")
    if tally.number(State.ACCEPTED):
        yield Text(f"{tally.number(State.ACCEPTED):,} accepted", style="green")


def _clock_time(seconds: float | None) -> str:
    """Return the time that is left: ``3:55``, ``2:03:55``; ``-:--`` where it cannot be told."""
    if seconds is None:
        return "-:--"
    whole = min(round(seconds), 359_999)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
