"""The workers of an experiment: processes, each in a folder of its own as on a machine of its own."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

from msgspec_runner.chaos.commands import Commands, end, ended, ends_within, words
from msgspec_runner.errors import UsageError

GRACE = 30.0
"""Seconds that workers get to finish when they are told to. Who does not is killed, and what it had counts as lost."""


@dataclass(slots=True)
class _Member:
    process: subprocess.Popen[bytes]
    out: IO[bytes]
    err: IO[bytes]
    folder: Path
    stopped: bool = False


class Team:
    """As many workers as asked for: who is killed is replaced, as a machine's service manager does. A context manager.

    Args:
        commands: start them.
        folder: for theirs.
        arguments: of each.
        number: how many.

    Attributes:
        killed: process ids of those that were.
        stops: how many were stopped.
    """

    def __init__(self, commands: Commands, folder: Path, arguments: Sequence[str], number: int) -> None:
        self._commands = commands
        self._folder = folder
        self._arguments = arguments
        self._number = number
        self._members: dict[int, _Member] = {}
        self.killed: set[int] = set()
        self.stops = 0

    def __enter__(self) -> Team:
        try:
            for name in range(self._number):
                folder = self._folder / f"worker-{name}"
                folder.mkdir()
                self._hire(folder)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for member in self._members.values():
            end(member.process)
            member.out.close()
            member.err.close()
        self._members.clear()

    def _hire(self, folder: Path) -> None:
        out, err = (folder / "out").open("w+b"), (folder / "err").open("w+b")
        process = self._commands.start(["worker", *self._arguments], out, err, folder)
        self._members[process.pid] = _Member(process, out, err, folder)

    def running(self) -> list[int]:
        """Return the process ids of those that are not stopped."""
        return [pid for pid, member in self._members.items() if not member.stopped]

    @property
    def stopped(self) -> list[int]:
        """The process ids of those that are."""
        return [pid for pid, member in self._members.items() if member.stopped]

    def check(self) -> None:
        """Make sure that none has ended by itself.

        Raises:
            UsageError: one has; says what it said.
        """
        for member in self._members.values():
            if member.process.poll() is not None:
                _refuse(member)

    def kill(self, pid: int) -> None:
        """Kill one, and put another in its place."""
        member = self._members.pop(pid)
        end(member.process)
        member.out.close()
        member.err.close()
        self.killed.add(pid)
        self._hire(member.folder)

    def stop(self, pid: int) -> None:
        """Let one stand still, as a machine that is suspended."""
        member = self._members[pid]
        member.process.send_signal(signal.SIGSTOP)
        member.stopped = True
        self.stops += 1

    def go_on(self, pids: Collection[int]) -> None:
        """Let those that stand still go on."""
        for pid in pids:
            member = self._members[pid]
            member.process.send_signal(signal.SIGCONT)
            member.stopped = False

    def retire(self) -> None:
        """Tell all to end, and wait until they have.

        Raises:
            UsageError: one said that something went wrong.
        """
        self.go_on(self.stopped)
        for member in self._members.values():
            member.process.terminate()
        deadline = time.monotonic() + GRACE
        for member in self._members.values():
            if not ends_within(member.process, max(0.0, deadline - time.monotonic())):
                end(member.process)
            elif member.process.returncode:
                _refuse(member)


def _refuse(member: _Member) -> NoReturn:
    said = words(ended(member.process, member.out, member.err)).splitlines()
    raise UsageError(f"a worker ended by itself: {said[-1].removeprefix('error: ')}")
