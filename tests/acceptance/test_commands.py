"""What holds for every command: exit codes, help, and pipes that are closed early."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from msgspec_runner.cli import COMMANDS, main
from tests.acceptance.project import COMMAND, Project
from tests.acceptance.server import Server

StartServer = Callable[..., Server]

GALLERY = Path(__file__).parents[1] / "gallery"

RUN_ID = "20261123-114501-x7k2"
"""The run that stands in the examples."""


def helps() -> Iterator[tuple[str, str]]:
    """Yield each command's name and the text of its help, groups and their commands alike."""

    def below(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
        context = click.Context(command, info_name=name)
        yield name, command.get_help(context)
        if isinstance(command, click.Group):
            for part in command.list_commands(context):
                found = command.get_command(context, part)
                assert found is not None
                yield from below(found, f"{name} {part}")

    return below(main, "msgspec-runner")


HELPS = dict(helps())


NEEDS_WORKERS = re.compile(r"msgspec-runner (worker|cluster)\b")
"""Commands whose examples are run in cluster/test_runs.py, because they need a PostgreSQL server; all others in
test_help_examples.py."""


def examples(text: str) -> list[str]:
    """Return the lines of a help's examples."""
    found = re.search(r"^  Examples?:\n((?:    .+\n)+)", text, re.MULTILINE)
    return [line.strip() for line in found[1].splitlines()] if found else []


def test_the_commands_are_in_sections(project: Project) -> None:
    shown = project.run("--help").out
    sections = re.findall(r"^(\w+):$", shown, re.MULTILINE)
    assert [section for section in sections if section != "Options"] == ["Write", "Send", "Afterwards", "Operate"]
    for name in COMMANDS:
        assert re.search(rf"^  {name}  ", shown, re.MULTILINE), name


def test_every_command_has_the_common_options() -> None:
    for name, text in HELPS.items():
        if name not in {f"msgspec-runner{group}" for group in ("", " catalog", " cluster", " ledger")}:
            for option in ("--quiet", "--verbose", "--color", "--profile", "--help"):
                assert option in text, f"{name} has no {option}"


def test_no_spec_is_exit_4_and_no_such_path_exit_2(project: Project) -> None:
    (project.root / "specs").mkdir()
    for command in ("lint", "plan", "render", "send"):
        empty = project.run(command, "specs")
        assert empty.code == 4, command
        assert "no spec found in specs" in empty.err
        absent = project.run(command, "specs/helo.yaml")
        assert absent.code == 2, command
        assert "specs/helo.yaml" in absent.err


def test_a_command_that_is_none(project: Project) -> None:
    refusal = project.run("sned")
    assert refusal.code == 2
    assert "did you mean `send`?" in refusal.err


def test_a_command_works_in_any_folder_of_the_project(project: Project) -> None:
    project.spec(2).write("msgspec-runner.toml", 'specs = ["specs"]\n')
    project.root /= "specs"
    assert project.run("plan", "--output", "json").json["totals"]["new"] == 2


@pytest.mark.parametrize("command", ["render", "rule", "schema"])
def test_a_reader_that_has_seen_enough_is_no_error(project: Project, command: str) -> None:
    project.spec(500)
    line = f"{COMMAND} {command} | head -c 1 > /dev/null; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=project.root,
        env=project.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_encoding_that_lacks_a_character_is_no_error(project: Project) -> None:
    project.spec(1).replace("specs/hello.yaml", "Hi {{ name }}", "Grüße {{ nmae }}")
    assert project.run("lint", "--output", "full", env={"PYTHONIOENCODING": "ascii"}).code == 1
