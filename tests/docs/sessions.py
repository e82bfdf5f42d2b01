"""Pages that are run: the commands of README.md and docs/*.md, and what they print.

A fenced block's first word says what it is:

* ``console``: a session; a line that begins with ``$ `` is typed, ``> `` continues it, the rest is what was printed
  and is generated. A command that ends in ``&`` stays in the background until the page ends; its first line is shown.
* ``sh``: typed as it stands; what it prints is not shown.
* ``python``: a program, run in the session's folder.
* any language with ``file=NAME`` behind it: written into the session's folder before the next block.
* with ``illustration`` behind it: shown, and not run, because it needs what a test has not (a registry, a clone).

All blocks of a page are one session, in one shell, in a folder of its own. A command must succeed, unless the session
goes on with ``$ echo $?``, so that a reader sees the exit code too.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

BLOCK = re.compile(r"^```(?P<kind>\w+)(?P<words>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = ("console", "sh", "python")
SANDBOX_PORT = "8025"
"""The sandbox's port as pages have it; a free one stands in for it."""

_SEPARATOR = "\x1e"
_ASKS = "echo $?"
_STABLE = (
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "0f8fad5b-d9cb-469f-a165-70867728950e"),  # a ledger
    (r"\b[0-9a-f]{16}\b", "535121b3be86799e"),  # a message
    (r"(?m)(?:(?<=^  )|(?<=--release )|(?<=key `))[0-9a-f]{12}\b", "9f2b7c1d4e05"),  # the beginning of a key
    (r"(?:(?<=merge base )|(?<=merge base `))[0-9a-f]{10}\b", "1f0c5d9a7e"),  # a commit
    (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "2031-11-23T11:45:02.120Z"),  # now
    (r"\b20\d\d-\d\d-\d\dT\d\d:\d\dZ", "2031-11-23T11:45Z"),
    (r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", "2031-11-23 11:45:02 UTC"),
)
"""What differs from run to run, and what pages have in its place. Runs are numbered, see :func:`_stable`."""
_RUN = re.compile(r"\b20\d{6}-\d{6}-[a-z0-9]{4}\b")

_PRELUDE = f"""\
__pids=
trap 'kill $__pids 2>/dev/null' EXIT
__end() {{ __code=$?; printf '{_SEPARATOR}%s{_SEPARATOR}' "$__code"; return "$__code"; }}
__background() {{
  local fd line
  exec {{fd}}< <(exec "$@" 2>&1)
  __pids="$__pids $!"
  IFS= read -r line <&"$fd" && printf '%s\\n' "$line"
}}
"""


class PageError(AssertionError):
    """A command of a page failed."""


@dataclass(frozen=True)
class _Command:
    """One command: as the page has it, and as the shell gets it."""

    typed: str
    shell: str


def refreshed(text: str, folder: Path) -> str:
    """Run a page in an empty folder, and return it with what its sessions print now.

    Raises:
        PageError: a command failed that the page does not show as failing.
    """
    home, steps = folder.resolve() / "ann", folder.resolve() / "steps"
    home.mkdir()
    steps.mkdir()
    blocks = list(BLOCK.finditer(text))
    commands: list[list[_Command]] = [_commands(block, steps, number) for number, block in enumerate(blocks)]
    port = free_port()
    outputs = iter(_run([command.shell for block in commands for command in block], home, steps, port))
    new, end = [], 0
    for block, typed in zip(blocks, commands, strict=True):
        printed = [next(outputs) for _ in typed]
        for index, (command, (_, code)) in enumerate(zip(typed, printed, strict=True)):
            if code and [after.typed for after in typed[index + 1 : index + 2]] != [_ASKS]:
                raise PageError(f"exit code {code} from `{command.typed}`:\n{printed[index][0]}")
        if block["kind"] == "console" and typed:
            new += [text[end : block.start("body")], _session(typed, [output for output, _ in printed])]
            end = block.end("body")
    return "".join([*new, text[end:]]).replace(f"127.0.0.1:{port}", f"127.0.0.1:{SANDBOX_PORT}")


def _commands(block: re.Match[str], steps: Path, number: int) -> list[_Command]:
    kind, words, body = block["kind"], block["words"].split(), block["body"]
    if "illustration" in words:
        return []
    target = next((word.removeprefix("file=") for word in words if word.startswith("file=")), None)
    if target is not None or kind == "python":
        source = steps / f"{number}"
        source.write_text(body, encoding="utf-8")
        if target is None:
            return [_Command(f"python: block {number}", f"{shlex.quote(sys.executable)} {shlex.quote(str(source))}")]
        name = shlex.quote(target)
        return [_Command(f"write {target}", f'mkdir -p "$(dirname {name})" && cp {shlex.quote(str(source))} {name}')]
    if kind == "sh":
        return [_command(line) for line in body.replace("\\\n", " ").splitlines() if line.strip()]
    if kind == "console":
        typed = re.findall(r"^\$ (.*(?:\n> .*)*)", body, re.MULTILINE)
        return [_command(command) for command in typed]
    return []


def _command(typed: str) -> _Command:
    shell = typed.replace("\n> ", "\n")
    background = re.fullmatch(r"(.*\S)\s+&", shell, re.DOTALL)
    return _Command(typed, f"__background {background[1]}" if background else shell)


def _run(commands: list[str], home: Path, steps: Path, port: int) -> list[tuple[str, int]]:
    """Return what each command printed, on both streams as a terminal would show them, and its exit code."""
    script = _PRELUDE + "".join(f"{command}\n__end\n" for command in commands)
    (steps / "session").write_text(script.replace(SANDBOX_PORT, str(port)), encoding="utf-8")
    done = subprocess.run(
        ["bash", str(steps / "session")],
        cwd=home,
        env=_environment(steps),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    parts = done.stdout.split(_SEPARATOR)
    seen: dict[str, str] = {}
    outputs = [_stable(part, home, seen) for part in parts[0:-1:2]]
    if len(outputs) != len(commands):
        raise PageError(f"the session ended early:\n{done.stdout[-2000:]}")
    return list(zip(outputs, map(int, parts[1::2]), strict=True))


def _environment(home: Path) -> dict[str, str]:
    foreign = ("MSGSPEC_RUNNER_", "SOCIOCS_", "GIT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "COLUMNS": "100",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.com",
        "GIT_COMMITTER_NAME": "Ann",
        "GIT_COMMITTER_EMAIL": "ann@example.com",
    }


def _stable(output: str, home: Path, runs: dict[str, str]) -> str:
    output = output.replace(str(home), "/home/ann")
    output = _RUN.sub(lambda run: runs.setdefault(run[0], f"20311123-1145{len(runs) + 1:02}-x7k2"), output)
    for changing, stable in _STABLE:
        output = re.sub(changing, stable, output)
    return output


def _session(typed: list[_Command], outputs: list[str]) -> str:
    lines = []
    for command, output in zip(typed, outputs, strict=True):
        lines.append(f"$ {command.typed}\n")
        lines.append(output if not output or output.endswith("\n") else f"{output}\n")
    return "".join(lines)
