"""What people see while a run goes on and when it has ended: a bar and a table at a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from msgspec_runner.cli.options import Terminal, discard
from msgspec_runner.cli.tally import Tally, words
from msgspec_runner.dispatch.progress import Progress
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Ledger, Totals
from msgspec_runner.reports.run_summary import shown

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_SECONDS = 5.0
"""Seconds between two plain lines: enough for a log to show life, not so many that nobody reads them."""

MOST_MESSAGES = 200_000
"""Messages of a run that are read for the table: in two seconds. ``report`` has the numbers of a larger one."""

Watcher = Callable[[Progress], None]


@contextmanager
def watch(terminal: Terminal, total: int, clock: Callable[[], float] = time.monotonic) -> Iterator[Watcher]:
    """Yield what the dispatcher tells its news to.

    Args:
        terminal: where to show them.
        total: messages in the run.
        clock: returns seconds; for tests.
    """
    if terminal.quiet:
        yield lambda _: None
    elif draws(terminal):
        from msgspec_runner.cli.bar import Bar

        with Bar(console(terminal), total, clock) as bar:
            yield bar.update
    else:
        yield _plain(terminal, total, clock)


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


def _plain(terminal: Terminal, total: int, clock: Callable[[], float]) -> Watcher:
    last = clock()
    tally = Tally(total, last)
    note: str | None = None

    def watcher(progress: Progress) -> None:
        nonlocal last, note
        now = clock()
        tally.add(progress, now)
        if progress.note is not None and progress.note != note:
            terminal.note(shown(progress.note))
        note = progress.note
        if now - last >= PLAIN_SECONDS:
            last = now
            terminal.note(words(tally))

    return watcher


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
