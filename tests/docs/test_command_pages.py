"""The reference of the commands has every command, every option, and every variable that the program reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from msgspec_runner.cli import main
from msgspec_runner.cli.connection import KEY_VARIABLE
from msgspec_runner.settings import VARIABLES
from tests.docs.command_pages import README, command_reference

ROOT = README.parent


def commands() -> Iterator[tuple[str, click.Command]]:
    def below(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
        if path:
            yield path, command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                part = command.get_command(context, name)
                assert part is not None
                yield from below(part, f"{path} {name}".strip())

    return below(main, "")


COMMANDS = dict(commands())
SECTIONS = dict(re.findall(r"^###+ (.+)\n((?:(?!##).*\n)*)", command_reference(), re.MULTILINE))


def test_every_command_has_a_section_and_nothing_else_has() -> None:
    assert list(SECTIONS) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_once(name: str) -> None:
    common = command_reference().split("\n## ")[1]
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, click.Option) and parameter.name != "help":
            row = re.compile(rf"^\| `{', '.join(map(re.escape, parameter.opts))}[ `\[]", re.MULTILINE)
            rows = row.findall(SECTIONS[name]) + row.findall(common)
            assert len(rows) == 1, parameter.opts


@pytest.mark.parametrize("name", COMMANDS)
def test_no_code_is_left_open(name: str) -> None:
    words = re.sub(r"```.*?```", "", SECTIONS[name], flags=re.DOTALL)
    for paragraph in re.split(r"\n\n|\n(?=\|)", words):
        assert paragraph.count("`") % 2 == 0, paragraph
        assert "``" not in paragraph, paragraph


def test_variables_are_the_ones_that_are_read() -> None:
    told = set(re.findall(r"Environment: `(\w+)`", command_reference()))
    without_a_flag = {VARIABLES[setting] for setting in ("locale", "timezone", "server-errors")}
    assert told == {*VARIABLES.values(), KEY_VARIABLE} - without_a_flag


def test_the_configuration_s_page_has_every_variable() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    told = re.findall(r"^\| `((?:MSGSPEC_RUNNER|SOCIOCS)_\w+)` \|", page, re.MULTILINE)
    assert sorted(told) == sorted([*VARIABLES.values(), KEY_VARIABLE]), "correct the table in docs/configuration.md"
