"""The thread in which a run asks its ledger: that may wait for a disk or a server, which the event loop must not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

PATIENCE = 3.0
"""Seconds that a question may take before people are told :data:`WAITING`."""

WAITING = "waiting for the ledger, which does not answer: nothing new is sent meanwhile, and nothing is lost"

T = TypeVar("T")


class LedgerThread:
    """Asks the ledger, one question at a time.

    Args:
        executor: of one thread.
        say: is told :data:`WAITING`, in the event loop.
    """

    def __init__(self, executor: Executor, say: Callable[[str], None]) -> None:
        self._executor = executor
        self._say = say

    async def ask(self, question: Callable[[], T]) -> T:
        """Return what a question returns; raises what it raises."""
        loop = asyncio.get_running_loop()
        alarm = loop.call_later(PATIENCE, self._say, WAITING)
        try:
            return await loop.run_in_executor(self._executor, question)
        finally:
            alarm.cancel()
