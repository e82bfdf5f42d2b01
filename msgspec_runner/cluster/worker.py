"""A worker: takes windows from the queue and carries them out, until it is told to stop.

When it is told to stop, each window finishes what is in flight, records it, and goes back into the queue.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from procrastinate.exceptions import ProcrastinateException

from msgspec_runner.cluster.carrying import Brakes, Carrier, Manner
from msgspec_runner.cluster.desk import Desk
from msgspec_runner.cluster.housekeeping import Housekeeper
from msgspec_runner.cluster.jobs import Jobs
from msgspec_runner.cluster.metrics import Metrics
from msgspec_runner.cluster.pace import Unreadable
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import Patience
from msgspec_runner.ledger.postgres_shared import Window
from msgspec_runner.ledger.postgres_worker import WorkerSession
from msgspec_runner.reports.run_summary import totals_words
from msgspec_runner.sociocs.client import Client

SESSIONS = 2
"""Windows at once: while the last messages of one are under way, the other keeps the connections busy."""

PARTING = 5.0
"""Seconds that a ledger which does not answer may keep a worker that shall end and has nothing else to do."""

_LOOK = 0.5
"""Seconds between two looks whether it still does."""

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
        worker.last_resort.cancel()


class _Worker:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        shares = [work.concurrency // SESSIONS, work.concurrency - work.concurrency // SESSIONS]
        self._shares = [share for share in shares if share]
        self._free: asyncio.Queue[tuple[int, WorkerSession | None]] = asyncio.Queue()
        self._sessions: set[WorkerSession] = set()
        self._replaced: set[WorkerSession] = set()
        """Fenced sessions that are not in use any more, and that people were not told of yet."""
        self._brakes = Brakes()
        self._clients: dict[tuple[float, bool], Client] = {}
        self._stopping = asyncio.Event()
        self._in_a_hurry = threading.Event()
        """The same, for who waits for the ledger in a thread."""
        self._gives_up = False
        self.last_resort = threading.Timer(PARTING, self._end_at_once)
        self.last_resort.daemon = True
        self._fault: Exception | None = None
        self._runs: set[str] = set()
        """Runs that people were told this worker takes part in, and not yet that they are over."""
        self._left_alone: set[str] = set()
        """Runs that it cannot read, and said so."""
        self._desk = Desk(work.address)
        self._carrier = Carrier(self._desk, work.terms, self._name.rpartition(":")[0], work.metrics.on_event)
        self._stack = AsyncExitStack()
        self._jobs = Jobs(work.address, work.queues, self._name, len(self._shares), work.terms, self._carry, work.say)

    async def run(self) -> None:
        """Work until told to stop."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._unexpected)
        # As with `send`: who started it with nohup has SIGHUP ignored.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._on_signal)
        self._work.say(self._work.greeting)
        for share in self._shares:
            self._free.put_nowait((share, None))
        keeper = asyncio.ensure_future(self._keep_house())
        self._parting = asyncio.ensure_future(self._part())
        try:
            async with self._stack:
                await self._serve()
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
            await self._desk.close()
            for session in self._sessions:
                with suppress(LedgerError):
                    await asyncio.to_thread(session.leave)
            self._leave_runs()
        if self._fault is not None:
            raise self._fault

    async def _serve(self) -> None:
        """Take windows from the queue until told to stop."""
        while not self._stopping.is_set():
            try:
                await self._jobs.serve(self._stopping)
            except LedgerError as error:
                self._fault = self._fault or error
                self._stop()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _RESTART)

    def _leave_runs(self) -> None:
        """Tell what is left to do, and by whom."""
        for run_id in sorted(self._runs):
            self._say_end(run_id, "left to others")
        if any(session.has_noted for session in self._sessions):
            folder = self._work.journals
            self._work.say(f"what the ledger has not heard of is noted in {folder}: start the next worker here")

    async def _part(self) -> None:
        """See to it that it ends, once it shall, whether or not the ledger answers."""
        await self._stopping.wait()
        self._desk.hang_up()
        while self._free.qsize() < len(self._shares) and not self._gives_up:
            for session in self._sessions:
                session.hang_up(PARTING)
            await asyncio.sleep(_LOOK)
        self.last_resort.start()
        for session in self._sessions:
            session.hang_up(_LOOK)

    def _end_at_once(self) -> None:
        """End without those who wait for a line on which nothing comes. What counts is in the journal by now."""
        self._leave_runs()
        fault = self._fault
        self._work.say(f"error: {fault}" if fault else "the ledger does not answer: ends without a word to it")
        os._exit(LedgerError.exit_code if fault else 0)

    def _on_signal(self) -> None:
        again = self._gives_up = self._stopping.is_set()
        self._work.say("giving up what is in flight" if again else "stopping: what is in flight is finished first")
        self._stop()
        if again:
            self._brakes.abort()

    def _stop(self) -> None:
        self._stopping.set()
        self._in_a_hurry.set()
        self._brakes.stop()

    def _unexpected(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, ProcrastinateException | OSError):
            return  # a job whose end could not be noted: it comes again, and finds nothing to do
        self._work.say(f"unexpected: {context['message']} ({type(error).__name__})")

    # -- a window ----------------------------------------------------------------------------------------

    async def _carry(self, run_id: str, window: Window) -> bool:
        """Work on a window; return whether it is to go back to others, as this worker stops."""
        done = await self._carry_on(run_id, window)
        return not done and self._stopping.is_set() and self._fault is None

    async def _carry_on(self, run_id: str, window: Window) -> bool:
        """Work on a window; return whether nothing is left to do about it by whoever gets it next."""
        if self._stopping.is_set():
            return False
        share, session = await self._free.get()
        try:
            done = False
            for _ in range(2):  # who was taken for dead since its last window begins anew with this one
                if session is None or session.fenced:
                    session = await self._renewed(session)
                done = await self._carry_with(session, share, run_id, window)
                if done or not session.fenced or self._stopping.is_set():
                    break
            return done
        except Exception as error:  # noqa: BLE001 - the ledger is out of reach, or a bug; raised when all has ended
            self._fault = self._fault or error
            self._stop()
            return False
        finally:
            self._free.put_nowait((share, session))
            self._work.metrics.windows += 1

    async def _renewed(self, old: WorkerSession | None) -> WorkerSession:
        work = self._work
        if old is not None:
            self._sessions.discard(old)
            self._replaced.add(old)
            await asyncio.to_thread(old.close)
        hurry = self._in_a_hurry
        patience = Patience(sleep=hurry.wait, is_over=hurry.is_set)
        session = WorkerSession(work.address, work.ledger_id, self._name, work.journals, patience)
        self._sessions.add(session)
        return session

    async def _carry_with(self, session: WorkerSession, share: int, run_id: str, window: Window) -> bool:
        text = await asyncio.to_thread(session.open_window, run_id, self._work.origin, window)
        if text is None:
            return not session.fenced  # else nothing for us, now or ever; if it is not done, it gets another job
        if run_id not in self._runs:
            self._runs.add(run_id)
            self._work.say(f"run {run_id}: takes part in it")
        expired = 0
        try:
            manner = Manner.read(text)
            client = await self._client(manner)
            result = await self._carrier.carry(session, run_id, window, manner, client, share, self._brakes)
            expired = result.expired
            if result.stopped_reason is not None:
                self._work.say(f"run {run_id}: {result.stopped_reason}")
        except Unreadable as error:
            if run_id not in self._left_alone:
                self._left_alone.add(run_id)
                self._work.say(f"run {run_id} {error}")
        finally:
            done = await asyncio.to_thread(session.close_window, window, expired)
        return done

    async def _client(self, manner: Manner) -> Client:
        kind = self._work.timeout or manner.timeout, manner.retry_server_errors
        if kind not in self._clients:
            client = Client(
                self._work.base_url,
                self._work.api_key,
                concurrency=self._work.concurrency,
                timeout=kind[0],
                retry_server_errors=kind[1],
            )
            self._clients[kind] = await self._stack.enter_async_context(client)
        return self._clients[kind]

    def _say_end(self, run_id: str, how: str) -> None:
        """Tell once what this worker did for a run."""
        self._runs.discard(run_id)
        self._work.say(f"run {run_id}: {how}; by this worker: {totals_words(self._carrier.told(run_id))}")

    # -- beside it ---------------------------------------------------------------------------------------

    async def _keep_house(self) -> None:
        work = self._work
        keeper = Housekeeper(work.address, work.terms, work.say)
        was_there = True
        try:
            while True:
                idle = self._free.qsize() > 0 and not self._stopping.is_set()
                known = frozenset(self._runs)
                sessions = frozenset(self._sessions | self._replaced)
                there = await asyncio.to_thread(keeper.round, sessions, idle=idle, leave=frozenset(self._left_alone))
                if there != was_there:
                    work.say("the ledger is back" if there else "the ledger is out of reach: nothing new is sent")
                    was_there = there
                work.metrics.connected(there)
                if there:
                    self._replaced -= sessions
                    self._brakes.stop_runs(keeper.held)
                    for run_id in sorted(known - keeper.ongoing):
                        self._say_end(run_id, "is over")
                    await self._jobs.retry_stalled()
                await asyncio.sleep(work.terms.heartbeat)
        except Exception as error:  # noqa: BLE001 - a bug; without this nobody would hear that the worker lives
            self._fault = self._fault or error
            self._stop()
        finally:
            await asyncio.to_thread(keeper.close)
