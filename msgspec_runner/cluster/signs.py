"""A worker's signs of life, on a connection of their own: whatever keeps its other connections waiting, it is not dead.

Where somebody has locked a session's row, its sign cannot be written, and it is not dead for that: nobody fences it
meanwhile either, and its sign is the next to be written when the row is free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

import psycopg

from msgspec_runner.cluster.sessions import Sessions
from msgspec_runner.cluster.troubles import Faults, Reach
from msgspec_runner.ledger import postgres_shared_statements as shared
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import break_line, connect_async, is_hindered, is_lost
from msgspec_runner.ledger.postgres_worker import WorkerSession

_LINE = "signs"

Link = psycopg.AsyncConnection[tuple[object, ...]]


class Signs:
    """Shows that sessions live, and finds out which were fenced. One question at a time.

    Args:
        address: of the ledger.
        terms: how often.
        reach: hears whether the ledger can be reached.
        say: is told what people may want to know.
    """

    def __init__(self, address: Address, terms: Terms, reach: Reach, say: Callable[[str], None]) -> None:
        self._address = address
        self._terms = terms
        self._reach = reach
        self._say = say
        self._faults = Faults(address, say)
        self._link: Link | None = None
        self._connecting: asyncio.Task[Link] | None = None
        self._over = asyncio.Event()
        self._told: set[int] = set()
        """Fenced sessions that people were told of."""

    async def keep(self, sessions: Sessions) -> None:
        """Show signs until :meth:`end`."""
        try:
            while not self._over.is_set():
                known = sessions.known
                was_shown = await self.show(known)
                if was_shown:
                    sessions.told(known)
                # Who just waited for somebody's lock is in line again at once.
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._over.wait(), 0.0 if was_shown is None else self._terms.heartbeat)
        finally:
            await self._let_go()

    async def show(self, sessions: Collection[WorkerSession]) -> bool | None:
        """Show a sign of each; one that was fenced is told so.

        Returns:
            Whether the ledger heard it; None: somebody's lock was in the way, and was waited for.
        """
        try:
            if self._link is None:
                self._link = await self._connected()
            was_heard = await self._show(self._link, {session.id: session for session in sessions if session.id})
        except (psycopg.Error, OSError) as error:
            if self._link is None or not isinstance(error, psycopg.Error) or is_lost(error, self._link):
                await self._let_go()
                if not self._over.is_set():
                    self._reach.lost(_LINE)
                return False
            self._faults.note("show signs of life", error)
            was_heard = None if is_hindered(error) else False
        self._reach.found(_LINE)
        self._faults.round_over()
        return was_heard

    async def _show(self, link: Link, mine: dict[int, WorkerSession]) -> bool | None:
        missing = mine.keys() - await _ids(link, shared.BEAT, mine)
        locked = await _ids(link, shared.ALIVE, missing) if missing else set()
        fenced = missing - locked
        for session_id in fenced:
            mine[session_id].fenced = True
        if fenced - self._told:
            self._say("this worker was silent for too long and was taken for dead: it begins anew")
        self._told = fenced
        if not locked:
            return True
        # Stand in line for them; the others' next sign is due in one heartbeat all the same.
        await self._wait_at_most(link, self._terms.heartbeat / len(locked))
        for session_id in sorted(locked):
            with suppress(psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
                await link.execute(shared.BEAT_LOCKED, (session_id,))
        await self._wait_at_most(link, self._terms.heartbeat)
        return None

    async def _connected(self) -> Link:
        self._connecting = asyncio.ensure_future(connect_async(self._address))
        try:
            link = self._link = await self._connecting
        finally:
            self._connecting = None
        # What a crash of the server would lose is not worth waiting for its disk, or for its standby.
        await link.execute("SET synchronous_commit = off")
        await self._wait_at_most(link, self._terms.heartbeat)
        return link

    async def _wait_at_most(self, link: Link, seconds: float) -> None:
        """Let a statement wait for locks no longer; 0 would be without end."""
        await link.execute("SELECT set_config('lock_timeout', %s, false)", (f"{max(1, round(seconds * 1000))}ms",))

    async def _let_go(self) -> None:
        if self._link is not None:
            with suppress(psycopg.Error, OSError):
                await self._link.close()
            self._link = None

    def end(self) -> None:
        """Show no more; whatever is under way fails, as there may be nobody who answers."""
        self._over.set()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._link is not None:
            break_line(self._link)


async def _ids(link: Link, statement: str, ids: Collection[int]) -> set[int]:
    found: Any = await (await link.execute(statement.encode(), ([*ids],))).fetchall()
    return {session_id for (session_id,) in found}
