"""This program as processes, in an environment that leads to the sandbox and the ledger of the experiment only."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from msgspec_runner.chaos import leash
from msgspec_runner.errors import UsageError

ENTRY = (sys.executable, "-m", "msgspec_runner")
"""What is run: this very program."""

_ON_LEASH = (sys.executable, "-I", "-S", leash.__file__)
"""What runs it, so that it ends when this process is gone: without Python's own start-up files, which take longer."""


class Ended(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: bytes
    err: str


@dataclass(frozen=True, slots=True)
class Commands:
    """Starts commands.

    Attributes:
        entry: the program and its first arguments.
        url: of the sandbox.
        ledger: of the experiment. It may hold a password, so it is no argument, which everybody on the machine could
            read.
        more: further variables of the environment.
    """

    entry: tuple[str, ...]
    url: str
    ledger: str
    more: Mapping[str, str] = field(default_factory=dict)

    def start(
        self, arguments: Sequence[str], out: IO[bytes], err: IO[bytes], folder: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a command that ends with this process, to be ended by :func:`end` in any case.

        It has a session of its own (:mod:`.leash`): Ctrl-C at the terminal is for the experiment, which ends it then.

        Args:
            arguments: from the command's name on.
            out: where standard output goes.
            err: where standard error goes.
            folder: where it works; None: here.
        """
        return subprocess.Popen(  # noqa: S603 - this very program
            [*_ON_LEASH, *self.entry, *arguments],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=err,
            cwd=folder,
            env=self._environment(),
        )

    def to_end(self, *arguments: str) -> Ended:
        """Run a command to its end."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self.start(arguments, out, err)
            try:
                return ended(process, out, err)
            finally:
                end(process)

    def succeed(self, *arguments: str) -> bytes:
        """Run a command to its end, and return what it wrote.

        Raises:
            UsageError: it failed; says what it said.
        """
        found = self.to_end(*arguments)
        if found.code:
            raise UsageError(words(found))
        return found.out

    def _environment(self) -> dict[str, str]:
        """Return the environment: nothing in it leads to a real API, or to another ledger."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MSGSPEC_RUNNER_")}
        return {
            **kept,
            "MSGSPEC_RUNNER_BASE_URL": self.url,
            "MSGSPEC_RUNNER_LEDGER": self.ledger,
            "SOCIOCS_API_KEY": "chaos",
            "NO_COLOR": "1",
            **self.more,
        }


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that may have ended already, and let go of its leash, so that nobody waits beside it any more."""
    process.kill()
    process.wait()
    assert process.stdin is not None
    process.stdin.close()


def ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait so long at most; return whether the process has ended."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
        return True
    return False


def ended(process: subprocess.Popen[bytes], out: IO[bytes], err: IO[bytes]) -> Ended:
    """Wait for a process; return how it ended, and what it wrote."""
    return Ended(process.wait(), content(out), content(err).decode(errors="replace"))


def content(file: IO[bytes]) -> bytes:
    """Return all that was written to a file."""
    file.seek(0)
    return file.read()


def words(found: Ended) -> str:
    """Return what a command said when it refused, as this program's own words."""
    said = (found.err or found.out.decode(errors="replace")).strip().removeprefix("error: ")
    return said or f"the command ended with exit code {found.code} and no words"
