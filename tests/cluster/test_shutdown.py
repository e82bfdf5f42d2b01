"""How a worker ends that shall, whatever happens beside its work."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from msgspec_runner.cluster.brakes import Brakes
from msgspec_runner.cluster.shutdown import Shutdown
from msgspec_runner.errors import LedgerError


def watched(error: Exception | None) -> tuple[Shutdown, list[str]]:
    said: list[str] = []

    async def fail() -> None:
        if error is not None:
            raise error

    async def run() -> Shutdown:
        shutdown = Shutdown(Brakes(), said.append)
        await shutdown.watch("keeping house", fail())
        return shutdown

    return asyncio.run(run()), said


def test_a_bug_beside_the_work_is_told_and_ends_all() -> None:
    bug = KeyError("x")
    shutdown, said = watched(bug)
    assert said == ["keeping house failed by a bug in msgspec-runner (KeyError): stopping"]
    assert shutdown.fault is bug
    assert shutdown.stopping.is_set()
    assert shutdown.hurry.is_set()


def test_a_ledger_that_is_none_is_told_with_its_own_words_at_the_end() -> None:
    shutdown, said = watched(LedgerError("it is on a PostgreSQL older than 13"))
    assert isinstance(shutdown.fault, LedgerError)
    assert not said


def test_what_ends_in_order_ends_nothing_else() -> None:
    shutdown, said = watched(None)
    assert not said
    assert not shutdown.stopping.is_set()


def test_the_first_fault_counts() -> None:
    shutdown = Shutdown(Brakes(), lambda _: None)
    first = ValueError()
    shutdown.stop(first)
    shutdown.stop(KeyError())
    shutdown.stop()
    assert shutdown.fault is first


def test_the_second_signal_gives_up_what_is_in_flight() -> None:
    said: list[str] = []

    async def run() -> None:
        shutdown = Shutdown(Brakes(), said.append)
        shutdown.listen()
        os.kill(os.getpid(), signal.SIGTERM)
        await shutdown.stopping.wait()
        assert not shutdown.gives_up
        os.kill(os.getpid(), signal.SIGTERM)
        while not shutdown.gives_up:
            await asyncio.sleep(0)

    asyncio.run(run())
    assert said == ["stopping: what is in flight is finished first", "giving up what is in flight"]


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (None, 0, "the ledger does not answer: ends without a word to it"),
        (LedgerError("out of reach"), 2, "error: out of reach"),
        (KeyError("x"), 70, "error: a bug in msgspec-runner: KeyError"),
    ],
)
def test_who_ends_without_the_ledger_says_why(fault: Exception | None, code: int, words: str) -> None:
    """In a child of its own: it ends the process."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        shutdown = Shutdown(Brakes(), lambda said: os.write(writing, f"{said}\n".encode()) and None)
        shutdown.fault = fault
        shutdown._end_at_once(lambda: os.write(writing, b"last words\n") and None)
    os.close(writing)
    with open(reading, encoding="utf-8") as said:  # noqa: PTH123 - a pipe
        assert said.read() == f"last words\n{words}\n"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code
