"""What people see while a run goes on and when it has ended: a bar and a table at a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from msgspec_runner.cli.options import Terminal, discard
from msgspec_runner.cli.tally import Tally, words
from msgspec_runner.dispatch.progress import Progress
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Ledger, Totals
from msgspec_runner.model import State
from msgspec_runner.reports.run_summary import shown

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_SECONDS = 5.0
"""Seconds between two plain lines: enough for a log to show life, not so many that nobody reads them."""

MOST_MESSAGES = 200_000
"""Messages of a run that are read for the table: in two seconds. ``report`` has the numbers of a larger one."""

_THROTTLED = 429
"""HTTP status "Too Many Requests" (RFC 6585): an API may answer so many times in a second."""

_SHORT_WAIT = re.compile(r"HTTP 429: waiting [0-4]\.")
"""The dispatcher's note of a slow-down that is over before the next plain line. A longer wait is told at once."""

Watcher = Callable[[Progress], None]


@contextmanager
def watch(
    terminal: Terminal,
    total: int,
    clock: Callable[[], float] = time.monotonic,
    before: Mapping[State, int] | None = None,
) -> Iterator[Watcher]:
    """Yield what the dispatcher tells its news to.

    Args:
        terminal: where to show them.
        total: messages in the run.
        clock: returns seconds; for tests.
        before: what was settled before anybody watched.
    """
    if terminal.quiet:
        yield lambda _: None
    elif draws(terminal):
        from msgspec_runner.cli.bar import Bar

        with Bar(console(terminal), total, clock, before, show_numbers=terminal.show_numbers) as bar:
            yield bar.update
    else:
        yield _plain(terminal, total, clock, before)


def draws(terminal: Terminal) -> bool:
    """Say whether standard error can be drawn on: a terminal that can go back, and nobody who wants it plain."""
    if terminal.quiet or terminal.color == "never" or os.environ.get("TERM") in ("dumb", "unknown"):
        return False
    return sys.stderr.isatty()


def console(terminal: Terminal) -> Console:
    """Return what rich draws on: standard error, with colours as they are wanted."""
    from rich.console import Console

    # Whatever rich asks of a stream it gets from the stream itself.
    return Console(
        file=_Watched(sys.stderr),  # type: ignore[arg-type]
        color_system="auto" if terminal.colors(err=True) else None,
        highlight=False,
    )


def show_end(book: Ledger, run_id: str, totals: Totals, terminal: Terminal) -> None:
    """Draw what became of a run, spec by spec, where there is a terminal to draw on; else the summary's lines say it.

    Args:
        book: knows the run.
        run_id: a run that has ended.
        totals: its messages by state; of a very large run, no table is made.
        terminal: where to draw.
    """
    if not draws(terminal) or totals.total > MOST_MESSAGES:
        return
    from msgspec_runner.cli.summary import show_summary

    with suppress(LedgerError):  # the summary's lines have said what is known
        run = book.run(run_id)
        if run is not None:
            show_summary(console(terminal), run, book.messages(run=run_id))


def _plain(terminal: Terminal, total: int, clock: Callable[[], float], before: Mapping[State, int] | None) -> Watcher:
    last = clock()
    tally = Tally(total, last, before)
    notes = Notes()

    def watcher(progress: Progress) -> None:
        nonlocal last
        now = clock()
        tally.add(progress, now)
        for line in notes.lines(progress, now):
            terminal.note(shown(line, show_numbers=terminal.show_numbers))
        if now - last >= PLAIN_SECONDS:
            last = now
            terminal.note(words(tally))

    return watcher


class Notes:
    """The dispatcher's notes as plain lines: each once; of a burst of HTTP 429 the first, and then a count at times."""

    def __init__(self) -> None:
        self._before: str | None = None
        self._answers = 0
        """Messages that got a 429 since the last line about it."""
        self._is_pending = False
        """Whether there was a slow-down since then."""
        self._since = float("-inf")
        """When that line was."""
        self._rate: float | None = None

    def lines(self, progress: Progress, now: float) -> Iterator[str]:
        """Yield what is to be said now.

        Args:
            progress: the news.
            now: seconds, on a clock that only goes forward.
        """
        note, is_new = progress.note, progress.note != self._before
        self._before = note
        self._answers += sum(settlement.http_status == _THROTTLED for settlement in progress.settled)
        is_late = now - self._since >= PLAIN_SECONDS
        if note is not None and _SHORT_WAIT.match(note) and (self._is_pending or not is_late):
            self._is_pending, self._rate = True, progress.rate
        elif note is not None and is_new:
            if note.startswith(f"HTTP {_THROTTLED}"):
                self._is_pending, self._answers, self._since = False, 0, now
                is_late = False
            yield note
        if self._is_pending and is_late:
            often = f"{self._answers:,} times" if self._answers > 1 else "again"
            rate = "" if self._rate is None else f"; now {self._rate:.3g}/s"
            yield f"HTTP {_THROTTLED} {often} in {now - self._since:.0f} s{rate}"
            self._is_pending, self._answers, self._since = False, 0, now


class _Watched:
    """Standard error for as long as somebody watches: a run goes on when its terminal is gone or its disk is full."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            discard(self._stream)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            discard(self._stream)
