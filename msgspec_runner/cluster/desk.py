"""Where a worker reserves turns: the shared paces of a run, in the database."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress

import psycopg

from msgspec_runner.boottime import boot_time
from msgspec_runner.cluster.exchange import Grant, Report
from msgspec_runner.cluster.pace import AHEAD, LATE, Unreadable, read, reserve, written
from msgspec_runner.ledger import postgres_shared_statements as shared
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import break_line, connect_async

_ANSWERS = 50
"""Answers of which the quickest tells how the clocks stand."""

_ATTEMPTS = 4
"""How often to read again where another worker was faster; after that, the next report is soon enough."""

Link = psycopg.AsyncConnection[tuple[object, ...]]


class Desk:
    """A worker's connection for its paces; one exchange at a time.

    Args:
        address: of the ledger.
        boot: tells the time of this machine, in seconds; for tests.
    """

    def __init__(self, address: Address, boot: Callable[[], float] = boot_time) -> None:
        self._address = address
        self._boot = boot
        self._link: Link | None = None
        self._queue = asyncio.Lock()
        self._ahead: deque[float] = deque(maxlen=_ANSWERS)
        """Seconds that our clock was ahead of the server's time when its answers came."""
        self._resume_at = float("-inf")
        """Nothing is reserved before."""

    async def exchange(self, run_id: str, reports: Mapping[str, Report]) -> dict[str, Grant]:
        """Report and reserve, for the run (under no name) and its specs; return what was granted, on our clock.

        An empty answer says that nothing was reported: the server is out of reach, or others were faster, or its clock
        was set forward. To a pace that time has passed; the turns that it gave before are used up first.

        Raises:
            Unreadable: the run's paces are not in the ledger, or not as they were written.
        """
        async with self._queue:
            try:
                if self._link is None:
                    self._link = await connect_async(self._address)
                    # What is lost with a crash of the server is a few turns.
                    await self._link.execute("SET synchronous_commit = off")
                return await self._exchange(self._link, run_id, reports)
            except (psycopg.Error, OSError):
                await self._hang_up()
                return {}

    async def _exchange(self, link: Link, run_id: str, reports: Mapping[str, Report]) -> dict[str, Grant]:
        for _ in range(_ATTEMPTS):
            found = await (await link.execute(shared.PACES, (run_id,))).fetchall()
            before = {str(spec): str(state) for spec, state, _ in found}
            if not before.keys() >= {"", *reports}:
                raise Unreadable("the ledger holds no rate for this run any more: something else has deleted it")
            server_now = float(str(found[0][2]))
            # The server said its time before now, so what it grants is never too early on our clock. How long before
            # differs; of late it was never less than in the quickest answer, and turns must not be moved to and fro.
            now, known = self._boot(), min(self._ahead, default=float("-inf"))
            self._ahead.append(now - server_now)
            ahead = min(self._ahead)
            if ahead < known - LATE:
                self._resume_at = now + AHEAD + LATE
            if now < self._resume_at:
                return {}
            paces = {spec: read(state) for spec, state in before.items()}
            moved = {spec: report.moved(-ahead) for spec, report in reports.items() if spec in paces}
            grants = reserve(paces, moved, server_now)
            values = {
                "run": run_id,
                "specs": [*before],
                "before": [*before.values()],
                "after": [written(pace) for pace in paces.values()],
            }
            if (await link.execute(shared.SWAP_PACES, values)).rowcount:
                return {spec: grant.moved(ahead) for spec, grant in grants.items()}
        return {}

    async def _hang_up(self) -> None:
        if self._link is not None:
            with suppress(psycopg.Error, OSError):
                await self._link.close()
            self._link = None

    def break_off(self) -> None:
        """Let fail what is under way: it is waited for no longer."""
        if self._link is not None and self._queue.locked():
            break_line(self._link)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._hang_up()
