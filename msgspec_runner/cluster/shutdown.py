"""How a worker ends: when it is told to, or by a fault; in order, or without a ledger that does not answer."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec_runner.cluster.brakes import Brakes
from msgspec_runner.cluster.sessions import Sessions
from msgspec_runner.errors import BUG, RunnerError

PARTING = 5.0
"""Seconds that a ledger which does not answer may keep a worker that shall end and has nothing else to do."""

_LOOK = 0.5
"""Seconds between two looks whether it still does."""


class Shutdown:
    """Whether a worker shall end, why, and that it does.

    Args:
        brakes: of the windows that it works on.
        say: is told what people may want to know.

    Attributes:
        stopping: set when it shall end.
        hurry: the same, for who waits for the ledger in a thread.
        gives_up: what is in flight is given up.
        fault: why it ends, where nobody asked it to; the first one counts.
    """

    def __init__(self, brakes: Brakes, say: Callable[[str], None]) -> None:
        self._brakes = brakes
        self._say = say
        self.stopping = asyncio.Event()
        self.hurry = threading.Event()
        self.gives_up = False
        self.fault: Exception | None = None
        self._last_resort: threading.Timer | None = None

    def listen(self) -> None:
        """End with SIGTERM, SIGINT or SIGHUP; the second one gives up what is in flight as in doubt."""
        # As with `send`: who started it with nohup has SIGHUP ignored.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                asyncio.get_running_loop().add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        again = self.gives_up = self.stopping.is_set()
        self._say("giving up what is in flight" if again else "stopping: what is in flight is finished first")
        self.stop()
        if again:
            self._brakes.abort()

    def stop(self, fault: Exception | None = None) -> None:
        """End once what is in flight is finished."""
        self.fault = self.fault or fault
        self.stopping.set()
        self.hurry.set()
        self._brakes.stop()

    def watch(self, what: str, keeper: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside the work. Where it fails for good, all ends: nobody would know that the worker lives."""

        async def watched() -> None:
            try:
                await keeper
            except Exception as error:  # noqa: BLE001 - a bug, or a ledger that is none; raised when all has ended
                if not isinstance(error, RunnerError):
                    self._say(f"{what} failed by a bug in msgspec-runner ({type(error).__name__}): stopping")
                self.stop(error)

        return asyncio.create_task(watched())

    async def see_to_it(self, sessions: Sessions, last_words: Callable[[], None]) -> None:
        """Wait until it shall end, and see to it that it does, whether or not the ledger answers.

        Args:
            sessions: wait for the ledger.
            last_words: says what there is to say at the end; called in another thread.
        """
        await self.stopping.wait()
        while not sessions.is_empty and not self.gives_up:
            sessions.hang_up(PARTING)
            await asyncio.sleep(_LOOK)
        self._last_resort = threading.Timer(PARTING, self._end_at_once, (last_words,))
        self._last_resort.daemon = True
        self._last_resort.start()
        sessions.hang_up(_LOOK)

    def _end_at_once(self, last_words: Callable[[], None]) -> None:
        """End without those who wait for a line on which nothing comes. What counts is in the journal by now."""
        last_words()
        match self.fault:
            case None:
                words, code = "the ledger does not answer: ends without a word to it", 0
            case RunnerError() as error:
                words, code = f"error: {error}", error.exit_code
            case bug:
                words, code = f"error: a bug in msgspec-runner: {type(bug).__name__}", BUG
        self._say(words)
        os._exit(code)

    def over(self) -> None:
        """It has ended in order."""
        if self._last_resort is not None:
            self._last_resort.cancel()
