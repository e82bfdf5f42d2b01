"""Helpers as the server sees them: ask one, wait with a deadline, end it where nobody needs its answer any more."""

from __future__ import annotations

import asyncio
import logging
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from msgspec_runner.editor.questions import LENGTH, Answer, Question

logger = logging.getLogger(__name__)


class Unanswered(Exception):  # noqa: N818 - a signal between modules, never seen outside
    """A helper took too long, ended, or met a bug: there is no answer. The log says why."""


class Helper:
    """One helper process. It answers one question after the other; a new process takes the place of one that ended.

    Args:
        name: for the log.
        nice: whether everything else on the machine goes first.
    """

    def __init__(self, name: str, *, nice: bool = False) -> None:
        self._name = name
        self._nice = nice
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._warming: asyncio.Task[None] | None = None
        self._asking: Question | None = None

    def warm(self) -> None:
        """Start the process before it is needed: it takes as long to begin as a few words to type."""
        if self._warming is None or self._warming.done():
            self._warming = asyncio.create_task(self._start())

    async def ask(self, question: Question, seconds: float) -> object:
        """Return the answer to a question.

        Whoever is cancelled while waiting leaves the helper at work: what it learns by the way is worth more than the
        time. :meth:`end` ends it.

        Args:
            question: of :mod:`~msgspec_runner.editor.questions`.
            seconds: how long the answer may take, other people's turns not counted.

        Raises:
            Unanswered: there is none.
        """
        exchange = asyncio.create_task(self._in_turn(question, seconds))
        exchange.add_done_callback(_forget)
        try:
            return await asyncio.shield(exchange)
        except asyncio.CancelledError:
            if self._asking is not question:  # its turn has not come: nobody need take it
                exchange.cancel()
            raise

    def end(self) -> None:
        """End the process, whatever it is doing."""
        if self._process is not None:
            self._end(self._process)

    async def close(self) -> None:
        """End the process, and wait until it is gone."""
        if self._warming is not None:
            self._warming.cancel()
            with suppress(asyncio.CancelledError):
                await self._warming
        process = self._process
        self.end()
        if process is not None:
            await process.wait()

    async def _in_turn(self, question: Question, seconds: float) -> object:
        async with self._turn:
            self._asking = question
            process = await self._ready()
            try:
                said = await asyncio.wait_for(_exchange(process, question), seconds)
            except TimeoutError:
                logger.error("%s: %s took more than %g s and was ended", self._name, _kind(question), seconds)
                self._end(process)
                raise Unanswered from None
            except (OSError, EOFError, pickle.UnpicklingError):
                if process is self._process:  # nobody ended it on purpose
                    logger.error("%s: ended while it looked into %s", self._name, _kind(question))
                self._end(process)
                raise Unanswered from None
            except asyncio.CancelledError:
                self._end(process)
                raise
            finally:
                self._asking = None
        if said.bug:
            logger.error("%s: a bug while answering %s; please report it\n%s", self._name, _kind(question), said.bug)
            raise Unanswered
        return said.value

    async def _ready(self) -> Process:
        """Return a process that runs; only :meth:`warm` begins one, so that there is never another beside it."""
        while self._process is None or self._process.returncode is not None:
            self.warm()
            assert self._warming is not None
            await asyncio.shield(self._warming)
        return self._process

    async def _start(self) -> None:
        if self._process is None or self._process.returncode is not None:
            # -P: no module is taken from the working folder, which is somebody's project. Standard error is the
            # server's: a client shows it as the server's log.
            command = (sys.executable, "-P", "-m", "msgspec_runner.editor.helper", *(["--nice"] if self._nice else []))
            self._process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)

    def _end(self, process: Process) -> None:
        if process is self._process:
            self._process = None
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()


async def _exchange(process: Process, question: Question) -> Answer:
    assert process.stdin is not None
    assert process.stdout is not None
    data = pickle.dumps(question, pickle.HIGHEST_PROTOCOL)
    process.stdin.write(LENGTH.pack(len(data)) + data)
    await process.stdin.drain()
    (size,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
    said: Answer = pickle.loads(await process.stdout.readexactly(size))  # noqa: S301 - from our own process
    return said


def _forget(exchange: asyncio.Task[object]) -> None:
    """Take note of how an exchange ended, where whoever asked has gone: its end was logged where it came."""
    if not exchange.cancelled():
        exchange.exception()


def _kind(question: Question) -> str:
    return f"{type(question).__name__} of {question.desk.path}"
