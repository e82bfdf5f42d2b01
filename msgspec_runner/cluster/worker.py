"""A worker: takes windows from the queue and carries them out, until it is told to stop.

When it is told to stop, each window finishes what is in flight, records it, and goes back into the queue.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from procrastinate.exceptions import ProcrastinateException

from msgspec_runner.cluster.carrying import Carrier, Manner
from msgspec_runner.cluster.clients import Clients, Kind
from msgspec_runner.cluster.desk import Desk
from msgspec_runner.cluster.housekeeping import Housekeeper
from msgspec_runner.cluster.jobs import Jobs
from msgspec_runner.cluster.metrics import Metrics
from msgspec_runner.cluster.pace import Unreadable
from msgspec_runner.cluster.parts import Parts
from msgspec_runner.cluster.sessions import Sessions
from msgspec_runner.cluster.shutdown import Shutdown
from msgspec_runner.cluster.signs import Signs
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_shared import Window, ongoing
from msgspec_runner.ledger.postgres_worker import WorkerSession

SESSIONS = 2
"""Windows at once: while the last messages of one are under way, the other keeps the connections busy."""

_RESTART = 1.0
"""Seconds until the queue is asked again after the database went away."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker needs to know.

    Attributes:
        address: of the ledger.
        ledger_id: its id.
        journals: folder of this machine for outcomes that wait while the database is away.
        base_url: of the API.
        origin: as identities have it: it works for runs to this origin only.
        api_key: of the API.
        queues: to take windows from.
        concurrency: requests under way at once.
        timeout: seconds for one request; None: as the run says.
        terms: of leases.
        metrics: counts.
        say: is told what people may want to know.
        greeting: is said when it listens to signals.
    """

    address: Address
    ledger_id: str
    journals: Path
    base_url: str
    origin: str
    api_key: str
    queues: tuple[str, ...]
    concurrency: int
    timeout: float | None
    terms: Terms
    metrics: Metrics
    say: Callable[[str], None]
    greeting: str


def run_worker(work: Work) -> None:
    """Work until SIGTERM, SIGINT or SIGHUP; the second one gives up what is in flight as in doubt.

    Once it shall end, it does not wait for a database that is away: what that does not hear is in the journal.

    Raises:
        LedgerError: the database was out of reach for too long, or when it was to hear what was in flight at the end.
    """
    # Procrastinate logs tracebacks of what is expected here: a database that restarts.
    logging.getLogger("procrastinate").addHandler(logging.NullHandler())
    logging.getLogger("procrastinate").propagate = False
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    logging.getLogger("psycopg").propagate = False
    worker = _Worker(work)
    try:
        asyncio.run(worker.run())
    finally:
        worker.shutdown.is_over()


class _Worker:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        shares = [share for share in (work.concurrency // SESSIONS, -(-work.concurrency // SESSIONS)) if share]
        self.shutdown = Shutdown(work.say, self._last_words)
        self._sessions = Sessions(shares, self._session)
        self._parts = Parts(work.say)
        self._clients = Clients(work.base_url, work.api_key, work.concurrency)
        self._signs = Signs(work.address, work.say)
        self._desk = Desk(work.address)
        self._carrier = Carrier(self._desk, work.terms, self._name.rpartition(":")[0], work.metrics.on_event)
        self._jobs = Jobs(work.address, work.queues, self._name, len(shares), work.terms, self._carry, work.say)

    async def run(self) -> None:
        """Work until told to stop, or until something fails; whatever that is, all is closed."""
        asyncio.get_running_loop().set_exception_handler(self._unexpected)
        self.shutdown.listen()
        self._work.say(self._work.greeting)
        async with AsyncExitStack() as stack:
            self._beside(stack, self.shutdown.hasten(self._hang_up, lambda: self._sessions.all_free))
            stack.callback(self._last_words)
            self._beside(stack, self._show_life())
            stack.push_async_callback(self._signs.close)
            stack.push_async_callback(self._leave)
            stack.push_async_callback(self._clients.close)
            stack.push_async_callback(self._desk.close)
            keeper = Housekeeper(self._work.address, self._work.terms, self._work.say)
            self._beside(stack, self._keep_house(keeper))
            stack.callback(keeper.close)
            try:
                await self._serve()
            except Exception as error:  # noqa: BLE001 - raised when all has ended
                self.shutdown.fail(error)
        if self.shutdown.fault is not None:
            raise self.shutdown.fault

    def _beside(self, stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the windows until the stack is left; if it fails, the worker ends."""
        task = asyncio.ensure_future(work)
        self.shutdown.watch(task)

        async def end() -> None:
            task.cancel()
            await asyncio.wait({task})

        stack.push_async_callback(end)

    async def _serve(self) -> None:
        """Take windows from the queue until told to stop."""
        while not self.shutdown.begun.is_set():
            await self._jobs.serve(self.shutdown.begun)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.shutdown.begun.wait(), _RESTART)

    def _hang_up(self, seconds: float) -> None:
        self._desk.hang_up()
        self._sessions.hang_up(seconds)

    async def _leave(self) -> None:
        """Say good-bye, and tell which runs are over: some may be since anybody looked."""
        if self._parts.known:
            going = await self._sessions.ask(ongoing)
            if going is not None:
                self._parts.end(self._parts.known.difference(going))
        await self._sessions.leave()

    def _last_words(self) -> None:
        """Tell what is left to do, and by whom."""
        self._parts.leave()
        if self._sessions.have_noted:
            folder = self._work.journals
            self._work.say(f"what the ledger has not heard of is noted in {folder}: start the next worker here")

    def _unexpected(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, ProcrastinateException | OSError):
            return  # a job whose end could not be noted: it comes again, and finds nothing to do
        self._work.say(f"unexpected: {context['message']} ({type(error).__name__})")

    # -- a window ----------------------------------------------------------------------------------------

    async def _carry(self, run_id: str, window: Window) -> bool:
        """Work on a window; return whether it is to go back to others, as this worker stops."""
        if self.shutdown.begun.is_set():
            return True
        try:
            done = await self._carry_on(run_id, window)
        except Exception as error:  # noqa: BLE001 - the ledger is out of reach, or a bug; raised when all has ended
            self.shutdown.fail(error)
            return False  # it is given back when the session is buried that has it open
        finally:
            self._work.metrics.windows += 1
        return not done and self.shutdown.begun.is_set()

    async def _carry_on(self, run_id: str, window: Window) -> bool:
        """Work on a window; return whether nothing is left to do about it by whoever gets it next."""
        async with self._sessions.one() as seat:
            for _ in range(2):  # who was taken for dead since its last window begins anew with this one
                session = await seat.living()
                done = await self._carry_with(session, seat.share, run_id, window)
                if done or not session.fenced or self.shutdown.begun.is_set():
                    break
        return done

    def _session(self) -> WorkerSession:
        work = self._work
        return WorkerSession(work.address, work.ledger_id, self._name, work.journals, self.shutdown.patience)

    async def _carry_with(self, session: WorkerSession, share: int, run_id: str, window: Window) -> bool:
        text = await asyncio.to_thread(session.open_window, run_id, self._work.origin, window)
        if text is None:
            return not session.fenced  # else nothing for us, now or ever; if it is not done, it gets another job
        expired = 0
        with self._parts.window(run_id) as part:
            try:
                manner = Manner.read(text)
                kind = Kind(self._work.timeout or manner.timeout, manner.retry_server_errors)
                client = await self._clients.of(run_id, kind)
                brakes = self.shutdown.brakes
                result = await self._carrier.carry(session, run_id, window, manner, client, share, part, brakes)
                expired = result.expired
                if result.stopped_reason is not None:
                    self._work.say(f"run {run_id}: {result.stopped_reason}")
            except Unreadable as error:
                self._parts.leave_alone(run_id, str(error))
            finally:
                done = await asyncio.to_thread(session.close_window, window, expired)
        return done

    # -- beside it ---------------------------------------------------------------------------------------

    async def _show_life(self) -> None:
        while True:
            sessions = self._sessions.known
            there = await self._signs.show(sessions)
            self._work.metrics.connected(there)
            if there:
                self._sessions.told(sessions)
            await asyncio.sleep(self._work.terms.heartbeat)

    async def _keep_house(self, keeper: Housekeeper) -> None:
        while True:
            known = self._parts.known
            idle = self._sessions.any_free and not self.shutdown.begun.is_set()
            looked = await asyncio.to_thread(
                keeper.round, unbroken=self._signs.unbroken, idle=idle, leave=self._parts.left_alone
            )
            if looked is not None:
                self.shutdown.brakes.stop_runs(looked.held)
                for run_id in self._parts.end(known - looked.going):
                    await self._clients.forget(run_id)
                await self._jobs.retry_stalled()
            await asyncio.sleep(self._work.terms.heartbeat)
