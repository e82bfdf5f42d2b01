"""Completion as people have it: real shells, with the script that the installed command prints."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pyte
import pytest

from tests.programs import program

PATIENCE = 60.0
"""Seconds until a test that waits for a shell gives up; nothing is expected to take that long."""

COMMAND = Path(sys.executable).with_name("msgspec-runner")
START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config"],
}
SETTINGS = {
    "bash": "bind 'set bell-style none'; bind 'set show-all-if-ambiguous on'; bind 'set enable-bracketed-paste off'",
    "zsh": "autoload -U compinit; compinit -u -D; unsetopt beep",
}


def shell(name: str) -> list[str]:
    """Return how to start a shell."""
    _, *arguments = START[name]
    return [program(name), *arguments]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A project in ``tmp_path``, and what a shell needs to find the command."""
    (tmp_path / "specs").mkdir()
    for name in ("appointment", "order", "welcome"):
        (tmp_path / "specs" / f"{name}.yaml").touch()
    (tmp_path / "msgspec-runner.toml").write_text("[profiles.staging]\nrate = '1/s'\n", encoding="utf-8")
    path = f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(tmp_path), "TERM": "xterm", "LC_ALL": "C.UTF-8"}


class Prompt:
    """A shell at a terminal of 100 columns, as it looks."""

    def __init__(self, child: pexpect.spawn[bytes]) -> None:
        self._child = child
        self._screen = pyte.Screen(100, 40)
        self._stream = pyte.ByteStream(self._screen)

    def type(self, text: str) -> None:
        self._child.send(text)

    def wait_for(self, words: str) -> None:
        """Wait until the screen shows some words."""
        while words not in (shown := "\n".join(line.rstrip() + " " for line in self._screen.display)):
            try:
                self._stream.feed(self._child.read_nonblocking(4096, PATIENCE))
            except (pexpect.TIMEOUT, pexpect.EOF):
                pytest.fail(f"{words!r} never showed:\n{shown}")


@pytest.fixture
def prompt(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[[str], Prompt]]:
    """Start a shell that has read the script, as a person's ~/.bashrc does."""
    children: list[pexpect.spawn[bytes]] = []

    def start(name: str) -> Prompt:
        start, *arguments = shell(name)
        env = {**environment, "PS1": "ready> "}
        child = pexpect.spawn(start, arguments, cwd=str(tmp_path), env=env, dimensions=(40, 100), timeout=PATIENCE)
        children.append(child)
        prompt = Prompt(child)
        prompt.wait_for("ready> ")
        prompt.type(f'{SETTINGS[name]}; eval "$(msgspec-runner completion {name})"; echo $((40 + 2)) settled\r')
        prompt.wait_for("42 settled")
        return prompt

    yield start
    for child in children:
        child.close(force=True)


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_tab_completes_commands_options_and_values(prompt: Callable[[str], Prompt], name: str) -> None:
    screen = prompt(name)
    screen.type("msgspec-runner compl\t")
    screen.wait_for("msgspec-runner completion ")
    screen.type("\x15msgspec-runner lint specs/w\t")
    screen.wait_for("msgspec-runner lint specs/welcome.yaml ")
    screen.type("--prof\t")
    screen.wait_for("specs/welcome.yaml --profile ")
    screen.type("st\t")
    screen.wait_for("--profile staging ")
    screen.type("\x15msgspec-runner rule sever\t\r")
    screen.wait_for("MSG202 several-media (warning)")


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_tab_shows_what_there_is(prompt: Callable[[str], Prompt], name: str) -> None:
    screen = prompt(name)
    screen.type("msgspec-runner plan \t\t")
    for spec in ("appointment", "order", "welcome"):
        screen.wait_for(f"specs/{spec}.yaml ")


def test_fish_offers_the_same(tmp_path: Path, environment: dict[str, str]) -> None:
    asked = {
        "msgspec-runner compl": "completion",
        "msgspec-runner lint specs/w": "specs/welcome.yaml",
        "msgspec-runner lint --profile ": "staging",
        "msgspec-runner rule sever": "several-media",
    }
    script = ["msgspec-runner completion fish | source", *(f'complete -C "{words}"; echo ---' for words in asked)]
    done = subprocess.run(
        [*shell("fish"), "-c", "; ".join(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stderr == ""
    offered = [part.split("\t")[0].strip() for part in done.stdout.split("---\n")[:-1]]
    assert offered == list(asked.values())


@pytest.mark.parametrize("name", START)
def test_the_shell_can_read_the_script(tmp_path: Path, environment: dict[str, str], name: str) -> None:
    printed = subprocess.run(
        [COMMAND, "completion", name], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert printed.stderr == ""
    (tmp_path / "script").write_text(printed.stdout, encoding="utf-8")
    subprocess.run([shell(name)[0], "-n", "script"], cwd=tmp_path, env=environment, timeout=PATIENCE, check=True)


def test_a_shell_that_is_none(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [COMMAND, "completion", "tcsh"], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 2
    assert "'bash', 'zsh', 'fish'" in done.stderr
