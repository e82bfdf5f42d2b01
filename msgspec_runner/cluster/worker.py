"""A worker: takes windows from the queue and carries them out, until it is told to stop.

Procrastinate's worker fetches jobs, listens for new ones and shows its own sign of life. It ends when the database goes
away; it is started again then, while windows that are being worked on wait for the database by themselves. When it is
told to stop, each window finishes what is in flight, records it, and goes back into the queue.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ProcrastinateException
from procrastinate.job_context import JobContext
from psycopg_pool import AsyncConnectionPool

from msgspec_runner.cluster.carrying import Brake, Carrier, Manner
from msgspec_runner.cluster.desk import Desk
from msgspec_runner.cluster.housekeeping import Housekeeper
from msgspec_runner.cluster.metrics import Metrics
from msgspec_runner.cluster.queue import TASK, app_of
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import Patience, find_schema, parameters
from msgspec_runner.ledger.postgres_shared import Window
from msgspec_runner.ledger.postgres_worker import WorkerSession
from msgspec_runner.reports.run_summary import totals_words
from msgspec_runner.sociocs.client import Client

SESSIONS = 2
"""Windows at once: while the last messages of one are under way, the other keeps the connections busy."""

_PASSING = (OSError, psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ForeignKeyViolation)
"""What passes when the database is back; the last one: other workers took this one for dead and struck its name."""

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
    """Work until SIGTERM or SIGINT; the second one gives up what is in flight as in doubt.

    Raises:
        LedgerError: the database was out of reach for too long.
    """
    # Procrastinate logs tracebacks of what is expected here: a database that restarts.
    logging.getLogger("procrastinate").addHandler(logging.NullHandler())
    logging.getLogger("procrastinate").propagate = False
    logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())
    logging.getLogger("psycopg.pool").propagate = False
    asyncio.run(_Worker(work).run())


class _Worker:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        shares = [work.concurrency // SESSIONS, work.concurrency - work.concurrency // SESSIONS]
        self._shares = [share for share in shares if share]
        self._free: asyncio.Queue[tuple[int, WorkerSession | None]] = asyncio.Queue()
        self._sessions: set[WorkerSession] = set()
        self._brakes: set[Brake] = set()
        self._clients: dict[tuple[float, bool], Client] = {}
        self._stopping = asyncio.Event()
        self._fault: Exception | None = None
        self._runs: set[str] = set()
        """Runs that people were told this worker takes part in, and not yet that they are over."""
        self._desk = Desk(work.address)
        self._carrier = Carrier(self._desk, work.terms, self._name.rpartition(":")[0], work.metrics.on_event)
        self._stack = AsyncExitStack()
        self._app: App | None = None

    async def run(self) -> None:
        """Work until told to stop."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._unexpected)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)
        self._work.say(self._work.greeting)
        for share in self._shares:
            self._free.put_nowait((share, None))
        keeper = asyncio.ensure_future(self._keep_house())
        try:
            async with self._stack:
                while not self._stopping.is_set():
                    await self._serve_queue()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._stopping.wait(), _RESTART)
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
            await self._desk.close()
            for session in self._sessions:
                with suppress(LedgerError):
                    await asyncio.to_thread(session.leave)
            for run_id in sorted(self._runs):
                self._say_end(run_id, "left to others")
        if self._fault is not None:
            raise self._fault

    def _on_signal(self) -> None:
        again = self._stopping.is_set()
        self._work.say("giving up what is in flight" if again else "stopping: what is in flight is finished first")
        self._stop()
        if again:
            for brake in tuple(self._brakes):
                brake.abort()

    def _stop(self) -> None:
        self._stopping.set()
        for brake in tuple(self._brakes):
            brake.stop()

    def _unexpected(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, ProcrastinateException | OSError):
            return  # a job whose end could not be noted: it comes again, and finds nothing to do
        self._work.say(f"unexpected: {context['message']} ({type(error).__name__})")

    # -- the queue ---------------------------------------------------------------------------------------

    async def _serve_queue(self) -> None:
        """Take jobs until told to stop, or until the database goes away."""
        work = self._work

        async def configure(connection: psycopg.AsyncConnection[Any]) -> None:
            await find_schema(connection, work.address)

        pool = AsyncConnectionPool(
            work.address.conninfo,
            kwargs=parameters(work.address),
            min_size=1,
            max_size=2 + len(self._shares),
            configure=configure,
            check=AsyncConnectionPool.check_connection,
            timeout=work.terms.lease,
            open=False,
        )
        # Of the connector's own making the pool would have to be waited for, and be left open by who does not want to.
        app = app_of(PsycopgConnector(configure=configure))
        app.task(name=TASK, pass_context=True)(self._window_task(app))
        await pool.open()
        try:
            await app.open_async(pool)
            self._app = app
            await self._run_procrastinate(app)
        finally:
            self._app = None
            await pool.close()

    async def _run_procrastinate(self, app: App) -> None:
        terms = self._work.terms
        worker = asyncio.ensure_future(
            app.run_worker_async(
                queues=list(self._work.queues),
                name=self._name,
                concurrency=len(self._shares),
                install_signal_handlers=False,
                delete_jobs="always",
                fetch_job_polling_interval=terms.heartbeat,
                abort_job_polling_interval=3600.0,
                update_heartbeat_interval=terms.heartbeat,
                stalled_worker_timeout=terms.fence,
            )
        )
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({worker, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        worker.cancel()  # it waits for the windows that are being worked on
        try:
            await worker
        except asyncio.CancelledError:
            pass
        except (ProcrastinateException, psycopg.Error, OSError) as error:
            cause = error.__cause__ or error
            if not isinstance(cause, _PASSING):
                place = self._work.address
                words = place.without_password(" ".join(str(cause).split()))
                self._fault = LedgerError(f"the queue in the ledger {place.location} cannot be used: {words}")
                self._stop()

    async def _retry_stalled(self) -> None:
        """Put jobs of dead workers back into the queue."""
        if self._app is None:
            return
        with suppress(ProcrastinateException):  # the database is away, or another worker was faster
            manager = self._app.job_manager
            for job in await manager.get_stalled_jobs(task_name=TASK, seconds_since_heartbeat=self._work.terms.fence):
                await manager.retry_job(job)

    def _window_task(self, app: App) -> Callable[..., Any]:
        async def window(context: JobContext, run: str, first: int, last: int) -> None:
            done = await self._carry(run, Window(first, last))
            if not done and self._stopping.is_set() and self._fault is None:
                # At once, for other workers: this job counts as done when we return.
                with suppress(ProcrastinateException):
                    again = app.configure_task(TASK, queue=context.job.queue)
                    await again.defer_async(run=run, first=first, last=last)

        return window

    # -- a window ----------------------------------------------------------------------------------------

    async def _carry(self, run_id: str, window: Window) -> bool:
        """Work on a window; return whether nothing is left to do about it by whoever gets it next."""
        if self._stopping.is_set():
            return False
        share, session = await self._free.get()
        try:
            if session is None or session.fenced:
                session = await self._renewed(session)
            return await self._carry_with(session, share, run_id, window)
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
            await asyncio.to_thread(old.close)
        session = await asyncio.to_thread(
            WorkerSession, work.address, work.ledger_id, self._name, work.journals, Patience()
        )
        self._sessions.add(session)
        return session

    async def _carry_with(self, session: WorkerSession, share: int, run_id: str, window: Window) -> bool:
        text = await asyncio.to_thread(session.open_window, run_id, self._work.origin, window)
        if text is None:
            return True  # nothing for us, now or ever; if it is not done, it gets another job
        if run_id not in self._runs:
            self._runs.add(run_id)
            self._work.say(f"run {run_id}: takes part in it")
        manner = Manner.read(text)
        client = await self._client(manner)
        expired = 0
        try:
            result = await self._carrier.carry(session, run_id, window, manner, client, share, self._brakes)
            expired = result.expired
            if result.stopped_reason is not None:
                self._work.say(f"run {run_id}: {result.stopped_reason}")
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
                there = await asyncio.to_thread(keeper.round, frozenset(self._sessions), idle=idle)
                if there != was_there:
                    work.say("the ledger is back" if there else "the ledger is out of reach: nothing new is sent")
                    was_there = there
                work.metrics.connected(there)
                if there:
                    for run_id in sorted(known - keeper.ongoing):
                        self._say_end(run_id, "is over")
                    await self._retry_stalled()
                await asyncio.sleep(work.terms.heartbeat)
        finally:
            await asyncio.to_thread(keeper.close)
