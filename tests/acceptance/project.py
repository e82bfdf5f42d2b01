"""The installed command, and projects to run it in. Whatever a test runs is also held to what holds always: no
traceback, no bug, no key in any output, no number in full among the words for people."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from msgspec_runner.sandbox.server import RunningSandbox
from tests.acceptance.server import PATIENCE, Server

COMMAND = Path(sys.executable).with_name("msgspec-runner")
KEY = "sk-live-7f3d9a51c0"
NUMBER = re.compile(r"\+?1617555\d{4}")
EXAMPLE = "like +16175551212"
"""How a number is to be written; nobody's in these tests."""


class Result(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Running:
    """A command under way, in a process group of its own."""

    def __init__(self, arguments: Sequence[str], folder: Path, env: dict[str, str], inside: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [*inside, COMMAND, *arguments],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._read = b""

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, as a terminal does."""
        os.killpg(self._process.pid, number)

    def read_until(self, words: str) -> None:
        """Wait until standard error has said so."""
        assert self._process.stderr is not None
        deadline = time.monotonic() + PATIENCE
        while words.encode() not in self._read:
            ready, _, _ = select.select([self._process.stderr], [], [], max(0.0, deadline - time.monotonic()))
            more = self._process.stderr.read(1) if ready else b""
            assert more, f"{words!r} was never said: {self._read!r}"
            self._read += more

    @property
    def said(self) -> str:
        """What :meth:`read_until` has read so far."""
        return self._read.decode()

    def stop_reading(self) -> None:
        """Close our ends of standard output and error, as ``head`` does when it has seen enough."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._process.stdout.close()
        self._process.stderr.close()

    def wait(self) -> Result:
        out, err = self._process.communicate(timeout=PATIENCE)
        return checked(Result(self._process.returncode, (out or b"").decode(), (self._read + (err or b"")).decode()))

    def end(self) -> None:
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
        self._process.communicate()


def checked(result: Result) -> Result:
    assert "Traceback" not in result.err, result.err
    assert result.code != 70, result.err
    assert KEY not in result.out + result.err
    assert not NUMBER.search(result.err.replace(EXAMPLE, "")), result.err
    return result


class Project:
    """A project on the disk, and the command run in it."""

    def __init__(self, root: Path, home: Path, stack: ExitStack) -> None:
        self.root = root
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "SOCIOCS_API_KEY": KEY, "PYTHONWARNINGS": "error"}
        self._stack = stack

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def spec(self, rows: int = 3, *, text: str = "Hi {{ name }}", name: str = "hello", more: str = "") -> Project:
        """Write a spec and as many recipients: +16175550001 is called P1, and so on."""
        self.write(
            f"specs/{name}.yaml",
            f"spec: {name}\nedition: 1\n{more}"
            f'message: {{provider: twlo, channel_key: ch, to: "{{{{ phone }}}}", text: "{text}"}}\n'
            f"recipients: {{columns: {{phone: {{type: phone}}}}, file: {name}.csv}}\n",
        )
        lines = [f"{number(row)},P{row}" for row in range(1, rows + 1)]
        self.write(f"specs/{name}.csv", "\n".join(["phone,name", *lines]) + "\n")
        return self

    def towards(self, api: Server | RunningSandbox | str) -> Project:
        """Take an API for all that follows."""
        self.env["MSGSPEC_RUNNER_BASE_URL"] = api if isinstance(api, str) else api.url
        return self

    def run(self, *arguments: str, given: str | None = None, env: dict[str, str] | None = None) -> Result:
        """Run the command to its end; without ``given``, standard input is empty."""
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=self.root,
            env={**self.env, **(env or {})},
            input=given or "",
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        return checked(Result(done.returncode, done.stdout, done.stderr))

    def send(self, *arguments: str, given: str | None = None, env: dict[str, str] | None = None) -> Result:
        """Run ``send specs --yes``."""
        return self.run("send", "specs", "--yes", *arguments, given=given, env=env)

    def start(self, *arguments: str) -> Running:
        running = Running(arguments, self.root, self.env)
        self._stack.callback(running.end)
        return running

    def start_in(self, folder: Path, *arguments: str, inside: Sequence[str] = ()) -> Running:
        """Start the command in another folder; ``inside`` are the words of a command that runs commands elsewhere."""
        running = Running(arguments, folder, self.env, inside)
        self._stack.callback(running.end)
        return running

    def messages(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the message objects of ``status``."""
        result = self.run("status", "--output", "json", *arguments)
        assert result.code == 0, result.err
        messages: list[dict[str, Any]] = result.json["messages"]
        return messages

    def states(self) -> dict[int, str]:
        """Return the state of each row that the ledger knows."""
        return {message["row"]: message["state"] for message in self.messages()}


def number(row: int) -> str:
    """Return the phone number of a row."""
    return f"+1617555{row:04d}"
