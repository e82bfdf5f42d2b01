"""Colours, and words for people."""

from __future__ import annotations

import io
import os
import sys

import click
import pytest

from msgspec_runner.cli.options import Terminal, var_option


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("asked", "environment", "at_terminal", "elsewhere"),
    [
        ("auto", {}, True, False),
        ("auto", {"NO_COLOR": "1"}, False, False),
        ("auto", {"NO_COLOR": ""}, True, False),
        ("auto", {"TERM": "dumb"}, False, False),
        ("always", {"NO_COLOR": "1"}, True, True),
        ("never", {}, False, False),
    ],
)
def test_colours(
    monkeypatch: pytest.MonkeyPatch, asked: str, environment: dict[str, str], at_terminal: bool, elsewhere: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal(quiet=False, verbose=False, color=asked)
    monkeypatch.setattr(sys, "stdout", Screen())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert (terminal.colors(), terminal.colors(err=True)) == (at_terminal, elsewhere)


def test_quiet_leaves_out_notes_only(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(quiet=True, verbose=False, color="never")
    terminal.note("a note")
    terminal.warn("a warning")
    terminal.report("a result")
    assert capsys.readouterr() == ("a result\n", "a warning\n")


def test_a_reader_that_has_gone_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(quiet=False, verbose=False, color="never")
    for name, write in (("stdout", terminal.report), ("stderr", terminal.warn)):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "w", encoding="utf-8") as stream:
            monkeypatch.setattr(sys, name, stream)
            write("nobody reads this")
            write("nor this")
            monkeypatch.undo()


@click.command
@var_option
def show(variables: dict[str, str]) -> dict[str, str]:
    return variables


def test_vars() -> None:
    def given(*arguments: str) -> object:
        return show.main(list(arguments), standalone_mode=False)

    assert given() == {}
    assert given("--var", "clinic=Elm", "--var", "sum=1=1", "--var", "empty=") == {
        "clinic": "Elm",
        "sum": "1=1",
        "empty": "",
    }
    for wrong in ("clinic", "=Elm", "no name=1"):
        with pytest.raises(click.BadParameter, match="NAME=VALUE"):
            given("--var", wrong)
