"""A worker's jobs: Procrastinate fetches them, listens for new ones, and shows its own sign of life.

Its worker ends when the database goes away. It is started again then (:meth:`Jobs.serve` returns), while windows that
are being worked on wait for the database by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ProcrastinateException
from procrastinate.job_context import JobContext
from procrastinate.worker import Worker
from psycopg_pool import AsyncConnectionPool

from msgspec_runner.cluster.queue import TASK, app_of, arguments, window_of
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import find_schema, parameters
from msgspec_runner.ledger.windows import Window

_PASSING = (
    OSError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.ForeignKeyViolation,
)
"""What passes when the database is back, or a standby was promoted; the last ones: this worker stood still in the
middle of a transaction, and others took it for dead and struck its name."""

_AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)  # on the server's clock, whatever ours says

_STOPPING = 0.5
"""Seconds until Procrastinate's worker is told again to stop; it waits for the windows that are being worked on."""

Carry = Callable[[str, Window, Callable[[], None]], Awaitable[bool]]
"""Works on a window of a run; returns whether it is to go back into the queue, for other workers. It calls what it is
given where the window is worked on beside others: then another job can be taken."""


class Jobs:
    """The jobs of some queues, for one worker.

    Args:
        address: of the ledger, which holds the queue's tables.
        queues: to take jobs from.
        name: of the worker.
        at_once: jobs at a time.
        terms: after which silence is death.
        carry: works on what a job says.
        say: is told what people may want to know.
    """

    def __init__(
        self,
        address: Address,
        queues: tuple[str, ...],
        name: str,
        at_once: int,
        terms: Terms,
        carry: Carry,
        say: Callable[[str], None],
    ) -> None:
        self._address = address
        self._queues = queues
        self._name = name
        self._at_once = at_once
        self._terms = terms
        self._carry = carry
        self._say = say
        self._app: App | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def serve(self, stopping: asyncio.Event) -> None:
        """Take jobs until told to stop, or until the database goes away; what is under way is waited for.

        Raises:
            LedgerError: the queue cannot be used, and waiting will not help.
        """
        pool = AsyncConnectionPool(
            self._address.conninfo,
            kwargs=parameters(self._address),
            min_size=1,
            max_size=2 + self._at_once,
            configure=self._configure,
            check=AsyncConnectionPool.check_connection,
            timeout=self._terms.lease,
            open=False,
        )
        # Of the connector's own making the pool would have to be waited for, and be left open by who does not want to.
        app = app_of(PsycopgConnector(configure=self._configure))
        app.task(name=TASK, pass_context=True)(self._window)
        await pool.open()
        try:
            await app.open_async(pool)
            self._app = app
            await self._run(app, stopping)
        finally:
            self._app = None
            await pool.close()

    async def _configure(self, connection: psycopg.AsyncConnection[Any]) -> None:
        await find_schema(connection, self._address)

    async def _run(self, app: App, stopping: asyncio.Event) -> None:
        worker: Any = Worker(  # of its methods only some have types
            app,
            queues=list(self._queues),
            name=self._name,
            concurrency=self._at_once,
            install_signal_handlers=False,
            delete_jobs="always",
            fetch_job_polling_interval=self._terms.heartbeat,
            abort_job_polling_interval=3600.0,
            update_heartbeat_interval=self._terms.heartbeat,
            stalled_worker_timeout=self._terms.fence,
        )
        working = asyncio.create_task(worker.run())
        told = asyncio.create_task(stopping.wait())
        await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if worker.worker_id is None:  # it only begins, and may wait for the database
            working.cancel()
        while not working.done():  # a cancellation may get lost on the way, and so may a word that comes too early
            worker.stop()
            await asyncio.wait({working}, timeout=_STOPPING)
        try:
            await working
        except asyncio.CancelledError:
            pass
        except (ProcrastinateException, psycopg.Error, OSError) as error:
            cause = error.__cause__ or error
            if not isinstance(cause, _PASSING):
                words = self._address.without_password(" ".join(str(cause).split()))
                raise LedgerError(
                    f"the queue in the ledger {self._address.location} cannot be used: {words}"
                ) from error
        if stopping.is_set() and self._under_way:  # what is worked on beside others goes back into the queue too
            await asyncio.wait(self._under_way)

    async def _window(self, context: JobContext, /, **given: Any) -> None:
        """Take a job; it counts as done when this returns."""
        found = window_of(given)
        if found is None:
            self._say(f"job {context.job.id} of the queue is none of msgspec-runner's: ignored")
            return
        goes_on = asyncio.Event()
        work = asyncio.create_task(self._work_on(*found, context.job.queue, goes_on.set))
        self._under_way.add(work)
        work.add_done_callback(self._under_way.discard)
        work.add_done_callback(lambda _: goes_on.set())
        await goes_on.wait()

    async def _work_on(self, run_id: str, window: Window, queue: str, goes_on: Callable[[], None]) -> None:
        back = await self._carry(run_id, window, goes_on)
        if back and self._app is not None:  # else the database is away; the window is found without a job later
            with suppress(ProcrastinateException):
                await self._app.configure_task(TASK, queue=queue).defer_async(**arguments(run_id, window))

    async def retry_stalled(self) -> None:
        """Put jobs of dead workers back into the queue."""
        if self._app is None:
            return
        with suppress(ProcrastinateException):  # the database is away, or another worker was faster
            manager = self._app.job_manager
            for job in await manager.get_stalled_jobs(task_name=TASK, seconds_since_heartbeat=self._terms.fence):
                await manager.retry_job(job, retry_at=_AT_ONCE)
