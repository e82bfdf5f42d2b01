"""The last line of defence: whatever goes wrong in a command becomes a sentence and an exit code."""

from __future__ import annotations

import sys
from types import ModuleType

import click
import pytest

from msgspec_runner import cli
from msgspec_runner._version import __version__
from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.errors import LedgerError, NoSpecError, RunStoppedError


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A command that raises what the test puts into the list."""
    errors: list[BaseException] = []

    @click.command("failing")
    @common
    def command(*, profile: str | None, terminal: Terminal) -> int:
        raise errors.pop()

    module = ModuleType("msgspec_runner.cli.failing")
    module.command = command  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(cli.COMMANDS, "failing", next(iter(cli.COMMANDS.values())))
    return errors


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (LedgerError("the ledger is locked"), 2, "error: the ledger is locked\n"),
        (NoSpecError("no spec found"), 4, "error: no spec found\n"),
        (RunStoppedError("HTTP 401\nthe rest stays planned"), 5, "error: HTTP 401\nthe rest stays planned\n"),
        (click.UsageError("wrong"), 2, "error: wrong\nTry `msgspec-runner failing --help`.\n"),
        (KeyboardInterrupt(), 130, "\nerror: interrupted\n"),
        (EOFError(), 130, "\nerror: interrupted\n"),
        (click.Abort(), 130, "error: interrupted\n"),
        (LedgerError("\x1b[2Jgone"), 2, "error: <U+001B>[2Jgone\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_errors(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    failing.append(error)
    assert cli.run(["failing"]) == code
    assert capsys.readouterr() == ("", words)


def test_a_bug_shows_its_traceback_only_when_asked(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(ZeroDivisionError("people's data"))
    assert cli.run(["failing"]) == 70
    said = capsys.readouterr().err
    assert (
        said
        == "error: a bug in msgspec-runner: ZeroDivisionError. Run again with --verbose for the place, and report it.\n"
    )
    failing.append(ZeroDivisionError("people's data"))
    assert cli.run(["failing", "--verbose"]) == 70
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["ledger"]])
def test_a_group_alone_shows_its_help(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert cli.run(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Usage: msgspec-runner")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == f"msgspec-runner, version {__version__}\n"


@pytest.mark.parametrize("arguments", [["send", "--no-such-flag"], ["send", "--limit", "many"], ["explode"]])
def test_bad_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert cli.run(arguments) == 2
    assert "msgspec-runner" in capsys.readouterr().err
