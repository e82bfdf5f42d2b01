"""What is said while a run goes on where there is no terminal."""

from __future__ import annotations

import os
import pty
from collections import Counter

import pytest

from msgspec_runner.cli.options import Terminal
from msgspec_runner.cli.watching import watch, words
from msgspec_runner.dispatch.progress import Progress
from msgspec_runner.ledger import Settlement
from msgspec_runner.model import State


@pytest.mark.parametrize(
    ("counts", "waiting", "line"),
    [
        ({}, 0, "0 of 12,480"),
        ({State.ACCEPTED: 1200, State.REJECTED: 4}, 0, "1,204 of 12,480: 1,200 accepted, 4 rejected"),
        ({State.ACCEPTED: 1, State.IN_DOUBT: 2}, 0, "3 of 12,480: 1 accepted, 2 in doubt"),
        ({State.RETRY_WAIT: 7}, 7, "0 of 12,480: 7 waiting for another attempt"),
        ({State.PLANNED: 3}, 0, "0 of 12,480"),
    ],
)
def test_the_state_of_a_run_in_one_line(counts: dict[State, int], waiting: int, line: str) -> None:
    assert words(Counter(counts), 12_480, waiting) == line


def progress(note: str | None) -> Progress:
    settled = (Settlement("key", State.ACCEPTED),)
    return Progress(settled, sending=1, waiting=0, rate=None, note=note)


def test_a_note_is_said_once_and_without_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    with watch(Terminal(quiet=False, verbose=False, color="never"), 10) as watcher:
        for note in (None, "no such number +16175551212\x1b[2J", "no such number +16175551212\x1b[2J", None, "slow"):
            watcher(progress(note))
    assert capsys.readouterr().err == "no such number +1•••••••12<U+001B>[2J\nslow\n"


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with watch(Terminal(quiet=True, verbose=False, color="never"), 10) as watcher:
        watcher(progress("slow"))
    assert capsys.readouterr() == ("", "")


def test_a_run_goes_on_when_its_terminal_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, ours = pty.openpty()
    with os.fdopen(ours, "w", encoding="utf-8") as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        with watch(Terminal(quiet=False, verbose=False, color="always"), 10) as watcher:
            watcher(progress(None))
            os.close(terminal)
            watcher(progress("slow"))
            watcher(progress("stopping"))
