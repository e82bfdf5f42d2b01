"""A program ends when the other end of its standard input is closed; real processes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from msgspec_runner.chaos import leash
from tests.acceptance.server import PATIENCE

FAMILY = """
import os, sys, time
child = os.fork()
if child:
    print(os.getpid(), child, len(sys.stdin.read()), *sys.argv[1:], flush=True)
time.sleep(60)
"""
"""Says who it is, what it has started, and how much there was to read; then both stay."""


class Led(NamedTuple):
    """A program on a leash, and the other end of a pipe that all of its session hold: it says when all are gone."""

    process: subprocess.Popen[bytes]
    alive: int

    def let_go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def wait_for_the_last(self) -> None:
        # Nobody writes there, so there is something to read when the last one is gone who could.
        ended, _, _ = select.select([self.alive], [], [], PATIENCE)
        os.close(self.alive)
        assert ended, "somebody stays"


def start(program: str, *arguments: str) -> Led:
    alive, held = os.pipe()
    process = subprocess.Popen(
        [sys.executable, leash.__file__, sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[held],
    )
    os.close(held)
    return Led(process, alive)


@pytest.fixture
def led() -> Iterator[Led]:
    led = start(FAMILY, "a b")
    yield led
    led.process.kill()
    led.process.wait(PATIENCE)
    led.let_go()
    assert led.process.stdout is not None
    led.process.stdout.close()


def said(led: Led) -> list[str]:
    assert led.process.stdout is not None
    assert select.select([led.process.stdout], [], [], PATIENCE)[0], "it says nothing"
    return led.process.stdout.readline().decode().split()


def test_a_program_has_its_own_number_and_arguments_and_nothing_to_read(led: Led) -> None:
    pid, _, length, *arguments = said(led)
    assert (int(pid), length, arguments) == (led.process.pid, "0", ["a", "b"])
    led.let_go()
    led.wait_for_the_last()


@pytest.mark.parametrize("stands_still", [False, True])
def test_who_lets_go_ends_it_and_what_it_started(led: Led, *, stands_still: bool) -> None:
    said(led)
    if stands_still:
        led.process.send_signal(signal.SIGSTOP)
    led.let_go()
    led.wait_for_the_last()
    assert led.process.wait(PATIENCE) == -signal.SIGKILL


def test_a_leash_without_a_program_holds_what_the_program_started(led: Led) -> None:
    _, child, *_ = said(led)
    led.process.kill()
    assert led.process.wait(PATIENCE) == -signal.SIGKILL
    os.kill(int(child), 0)
    led.let_go()
    led.wait_for_the_last()


def test_a_program_that_has_ended_by_itself_leaves_nobody_when_it_is_let_go(tmp_path: Path) -> None:
    led = start("import sys; sys.exit(7)")
    assert led.process.wait(PATIENCE) == 7
    led.let_go()
    led.wait_for_the_last()
    assert led.process.stdout is not None
    led.process.stdout.close()
