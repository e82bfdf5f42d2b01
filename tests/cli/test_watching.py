"""What is said while a run goes on where there is no terminal."""

from __future__ import annotations

import io
import os
import pty

import pytest

from msgspec_runner.cli.options import Terminal
from msgspec_runner.cli.watching import draws, watch
from msgspec_runner.dispatch.progress import Progress
from msgspec_runner.ledger import Settlement
from msgspec_runner.model import State


def progress(note: str | None) -> Progress:
    settled = (Settlement("key", State.ACCEPTED),)
    return Progress(settled, sending=1, waiting=0, rate=None, note=note)


def test_a_note_is_said_once_and_without_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    with watch(Terminal(quiet=False, verbose=False, color="never"), 10) as watcher:
        for note in (None, "no such number +16175551212\x1b[2J", "no such number +16175551212\x1b[2J", None, "slow"):
            watcher(progress(note))
    assert capsys.readouterr().err == "no such number +1•••••••12<U+001B>[2J\nslow\n"


def test_a_burst_of_429_is_a_line_and_then_a_count(capsys: pytest.CaptureFixture[str]) -> None:
    def throttled(rate: float, answers: int = 1, wait: float = 0.0) -> Progress:
        settled = (Settlement("key", State.RETRY_WAIT, 429),) * answers
        return Progress(settled, 1, 1, rate, f"HTTP 429: waiting {wait:.1f} s, then {rate:.3g}/s")

    now = 100.0
    with watch(Terminal(quiet=False, verbose=False, color="never"), 10, lambda: now) as watcher:

        def say(seconds: float, progress: Progress) -> list[str]:
            nonlocal now
            now += seconds
            watcher(progress)
            return [line for line in capsys.readouterr().err.splitlines() if " of 10" not in line]

        assert say(1, throttled(138)) == ["HTTP 429: waiting 0.0 s, then 138/s"]
        for rate in (120, 110, 110, 100):
            assert say(1, throttled(rate, answers=3)) == []
        assert say(0.5, progress("stopping: 3 in flight")) == ["stopping: 3 in flight"]
        assert say(0.5, progress(None)) == ["HTTP 429 12 times in 5 s; now 100/s"]
        assert say(1, throttled(90)) == []
        assert say(2, throttled(80, wait=30.0)) == ["HTTP 429: waiting 30.0 s, then 80/s"], (
            "a long wait is told at once"
        )
        assert say(30, progress(None)) == []
        assert say(1, throttled(70)) == ["HTTP 429: waiting 0.0 s, then 70/s"], "a new burst"


def test_a_line_now_and_then_shows_life(capsys: pytest.CaptureFixture[str]) -> None:
    now = 100.0
    with watch(Terminal(quiet=False, verbose=False, color="never"), 3, lambda: now) as watcher:
        for seconds in (4.9, 0.1, 4.9, 0.0):
            now += seconds
            watcher(progress(None)._replace(settled=()) if not seconds else progress(None))
    assert capsys.readouterr().err == "2 of 3: 2 accepted\n"


@pytest.mark.parametrize(
    ("color", "quiet", "term", "drawn"),
    [
        ("auto", False, "xterm", True),
        ("always", False, "xterm", True),
        ("never", False, "xterm", False),
        ("auto", True, "xterm", False),
        ("auto", False, "dumb", False),
    ],
)
def test_what_is_drawn_on(color: str, quiet: bool, term: str, drawn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, ours = pty.openpty()
    monkeypatch.setenv("TERM", term)
    with os.fdopen(ours, "w", encoding="utf-8") as stderr, os.fdopen(terminal, "rb"):
        monkeypatch.setattr("sys.stderr", stderr)
        assert draws(Terminal(quiet=quiet, verbose=False, color=color)) is drawn
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert not draws(Terminal(quiet=quiet, verbose=False, color=color))


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
