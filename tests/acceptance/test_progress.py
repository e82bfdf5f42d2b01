"""A run at a terminal, from the first bar to the table: the installed command. ``tests/cli/test_recordings.py`` has the
pictures."""

from __future__ import annotations

from collections.abc import Callable

import pexpect
import pyte
import pytest

from tests.acceptance.project import COMMAND, Project
from tests.acceptance.server import PATIENCE, Posted, Server, accepted, answer, refused

StartServer = Callable[..., Server]


async def say(posted: Posted) -> bytes:
    match posted.to:
        case "+16175550002":
            return refused("No.")
        case "+16175550003":
            return answer(500)
    return accepted(posted)


def sent(project: Project, *arguments: str, columns: int = 100, **env: str) -> list[str]:
    """Run ``send specs --yes`` at a terminal and return the lines that are on it in the end."""
    child = pexpect.spawn(
        str(COMMAND),
        ["send", "specs", "--yes", *arguments],
        cwd=str(project.root),
        env={**project.env, "TERM": "xterm-256color", **env},
        encoding="utf-8",
        dimensions=(40, columns),
        timeout=PATIENCE,
    )
    written = child.read()
    child.close()
    assert child.exitstatus == 3, written
    screen = pyte.Screen(columns, 40)
    pyte.Stream(screen).feed(written)
    return [line.rstrip() for line in screen.display if line.strip()]


@pytest.fixture
def two(project: Project, serve: StartServer) -> Project:
    return project.spec(3, name="one").spec(4, name="two").towards(serve(say))


def test_in_the_end_there_is_a_table_and_no_bar(two: Project) -> None:
    lines = sent(two)
    assert [line.split() for line in lines[-5:-1]] == [
        ["spec", "accepted", "rejected", "in", "doubt", "segments"],
        ["one", "1", "1", "1", "1"],
        ["two", "2", "1", "1", "2"],
        ["all", "3", "2", "2", "3"],
    ]
    assert lines[-1].startswith("7 messages in ")
    assert not [line for line in lines if "━" in line]
    assert [line for line in lines if line.endswith(": 3 accepted, 2 rejected, 2 in doubt")]


def test_a_narrow_terminal_gets_a_line_for_each_spec(two: Project) -> None:
    lines = sent(two, columns=40)
    assert lines[-3:-1] == ["one: 1 accepted, 1 rejected, 1 in doubt", "two: 2 accepted, 1 rejected, 1 in doubt"]


@pytest.mark.parametrize(
    ("arguments", "env"),
    [(["--quiet"], {}), (["--color", "never"], {}), ([], {"TERM": "dumb"})],
    ids=["quiet", "never", "dumb"],
)
def test_where_nobody_wants_pictures_there_are_none(two: Project, arguments: list[str], env: dict[str, str]) -> None:
    lines = sent(two, *arguments, **env)
    assert not [line for line in lines if line.startswith(("spec ", "7 messages")) or "━" in line]
    assert [line for line in lines if "3 accepted, 2 rejected, 2 in doubt" in line]


def test_json_on_standard_output_has_no_table_beside_it(two: Project) -> None:
    assert not [line for line in sent(two, "--output", "json") if line.startswith("spec ")]
