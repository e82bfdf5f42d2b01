"""What people see while a run goes on: a progress bar at a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from msgspec_runner.cli.options import Terminal, discard
from msgspec_runner.dispatch.progress import Progress
from msgspec_runner.model import State
from msgspec_runner.reports.run_summary import shown

PLAIN_SECONDS = 5.0
"""Seconds between two plain lines: enough for a log to show life, not so many that nobody reads them."""

Watcher = Callable[[Progress], None]

_ENDS = (State.ACCEPTED, State.REJECTED, State.IN_DOUBT)


@contextmanager
def watch(terminal: Terminal, total: int) -> Iterator[Watcher]:
    """Yield what the dispatcher tells its news to.

    Args:
        terminal: where to show them.
        total: messages in the run.
    """
    if terminal.quiet:
        yield lambda _: None
    elif sys.stderr.isatty() and terminal.color != "never":
        with _bar(total, colors=terminal.colors(err=True)) as watcher:
            yield watcher
    else:
        yield _plain(terminal, total)


def words(counts: Counter[State], total: int, waiting: int) -> str:
    """Return the state of a run in one line: ``1,204 of 12,480: 1,200 accepted, 4 rejected``."""
    done = sum(counts[state] for state in _ENDS)
    parts = [f"{counts[state]:,} {state.value.replace('_', ' ')}" for state in _ENDS if counts[state]]
    if waiting:
        parts.append(f"{waiting:,} waiting for another attempt")
    return f"{done:,} of {total:,}" + (f": {', '.join(parts)}" if parts else "")


def _plain(terminal: Terminal, total: int) -> Watcher:
    counts: Counter[State] = Counter()
    last = time.monotonic()
    note: str | None = None

    def watcher(progress: Progress) -> None:
        nonlocal last, note
        counts.update(settlement.state for settlement in progress.settled)
        now = time.monotonic()
        if progress.note is not None and progress.note != note:
            terminal.note(shown(progress.note))
        note = progress.note
        if now - last >= PLAIN_SECONDS:
            last = now
            terminal.note(words(counts, total, progress.waiting))

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


@contextmanager
def _bar(total: int, *, colors: bool) -> Iterator[Watcher]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    # Whatever rich asks of a stream it gets from the stream itself.
    console = Console(file=_Watched(sys.stderr), no_color=not colors, highlight=False)  # type: ignore[arg-type]
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[state]}"), TimeRemainingColumn())
    counts: Counter[State] = Counter()
    note: str | None = None
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("sending", total=total, state="")

        def watcher(progress: Progress) -> None:
            nonlocal note
            counts.update(settlement.state for settlement in progress.settled)
            if progress.note is not None and progress.note != note:
                console.print(shown(progress.note), markup=False, soft_wrap=True)
            note = progress.note
            state = words(counts, total, progress.waiting).partition(": ")[2]
            bar.update(task, completed=sum(counts[end] for end in _ENDS), state=state)

        yield watcher
