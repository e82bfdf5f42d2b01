"""A worker: takes windows from the queue and carries them out, until it is told to stop.

When it is told to stop, each window finishes what is in flight, records it, and goes back into the queue.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from procrastinate.exceptions import ProcrastinateException

from msgspec_runner.cluster.brakes import Brakes
from msgspec_runner.cluster.carrying import Carrier, RunSettings
from msgspec_runner.cluster.clients import Clients, Kind
from msgspec_runner.cluster.desk import Desk
from msgspec_runner.cluster.housekeeping import Housekeeper, ongoing_now
from msgspec_runner.cluster.jobs import Jobs
from msgspec_runner.cluster.metrics import Metrics
from msgspec_runner.cluster.pace import Unreadable
from msgspec_runner.cluster.parts import Part, Parts
from msgspec_runner.cluster.sessions import Seat, Sessions
from msgspec_runner.cluster.shutdown import Shutdown
from msgspec_runner.cluster.signs import Signs
from msgspec_runner.cluster.troubles import Reach
from msgspec_runner.ledger.journal import Alarm
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import Patience
from msgspec_runner.ledger.postgres_worker import WorkerSession
from msgspec_runner.ledger.windows import Window
from msgspec_runner.sociocs.client import Client

_RESTART = 1.0
"""Seconds until the queue is asked again after the database went away."""

_PARTING = 1.0
"""Seconds until the signs of life have ended whose line was broken."""


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
    for name in ("procrastinate", "psycopg"):
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    worker = Worker(work)
    try:
        asyncio.run(worker.run())
    finally:
        worker.shutdown.over()


class Worker:
    """One worker, from its start to its end.

    Args:
        work: what it needs to know.

    Attributes:
        shutdown: ends it.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self._brakes = Brakes()
        self._alarm = Alarm(work.say)
        self.shutdown = Shutdown(self._brakes, work.say)
        self._reach = Reach(work.say, work.metrics.connected)
        self._parts = Parts(work.say)
        self._clients = Clients(self._client)
        self._sessions = Sessions(work.concurrency, self._session)
        self._signs = Signs(work.address, work.terms, self._reach, work.say)
        self._housekeeper = Housekeeper(work.address, work.terms, self._reach, work.say)
        self._desk = Desk(work.address)
        known_as = self._name.rpartition(":")[0]
        self._carrier = Carrier(self._desk, work.terms, known_as, self._brakes, work.metrics.on_event)
        self._jobs = Jobs(
            work.address, work.queues, self._name, self._sessions.seats, work.terms, self._carry, work.say
        )

    def _session(self) -> WorkerSession:
        work, hurry = self._work, self.shutdown.hurry
        patience = Patience(sleep=hurry.wait, is_over=hurry.is_set)
        return WorkerSession(work.address, work.ledger_id, self._name, work.journals, patience, alarm=self._alarm)

    def _client(self, kind: Kind) -> Client:
        work = self._work
        return Client(work.base_url, work.api_key, concurrency=work.concurrency, **kind._asdict())

    async def run(self) -> None:
        """Work until told to stop."""
        asyncio.get_running_loop().set_exception_handler(self._unexpected)
        self.shutdown.listen()
        self._work.say(self._work.greeting)
        signs = self.shutdown.watch("showing signs of life", self._signs.keep(self._sessions))
        house = self.shutdown.watch("keeping house", self._keep_house())
        queue = self.shutdown.watch("looking after the queue", self._keep_queue())
        self._parting = asyncio.ensure_future(self.shutdown.see_to_it(self._sessions, self._leave_runs))
        try:
            await self._serve()
        finally:
            await self._clients.close()
            self._signs.end()
            await asyncio.wait({signs}, timeout=_PARTING)
            for keeper in (signs, house, queue):
                keeper.cancel()
            await asyncio.wait({signs, house, queue})
            await self._desk.close()
            await self._sessions.leave()
            may_ask = self._parts.runs and self._reach and not self.shutdown.gives_up
            self._leave_runs(await ongoing_now(self._work.address) if may_ask else None)
        if self.shutdown.fault is not None:
            raise self.shutdown.fault

    async def _serve(self) -> None:
        """Take windows from the queue until told to stop."""
        stopping = self.shutdown.stopping
        while not stopping.is_set():
            try:
                await self._jobs.serve(stopping)
            except Exception as error:  # noqa: BLE001 - the queue cannot be used, or a bug; raised when all has ended
                self.shutdown.stop(error)
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _RESTART)

    def _leave_runs(self, ongoing: Collection[str] | None = None) -> None:
        """Tell what is left to do, and by whom; where nobody knows which runs go on, all may."""
        self._parts.leave(ongoing)
        if self._sessions.have_noted:
            folder = self._work.journals
            self._work.say(f"what the ledger has not heard of is noted in {folder}: start the next worker here")

    def _unexpected(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, ProcrastinateException | OSError):
            return  # a job whose end could not be noted: it comes again, and finds nothing to do
        self._work.say(f"unexpected: {context['message']} ({type(error).__name__})")

    # -- a window ----------------------------------------------------------------------------------------

    async def _carry(self, run_id: str, window: Window, goes_on: Callable[[], None]) -> bool:
        """Work on a window; return whether it is to go back to others, as this worker stops.

        Where it is worked on aside, ``goes_on`` is called once a session has it.
        """
        if self.shutdown.stopping.is_set():
            return True
        seat = await self._sessions.take(window.rate)
        try:
            done = await self._carry_on(seat, run_id, window, goes_on)
        except Exception as error:  # noqa: BLE001 - the ledger is out of reach, or a bug; raised when all has ended
            self.shutdown.stop(error)
            return False  # who looks for lost windows finds it: nobody should come to grief over it at once
        finally:
            await self._sessions.give_back(seat)
            self._work.metrics.windows += 1
        return not done and self.shutdown.stopping.is_set()

    async def _carry_on(self, seat: Seat, run_id: str, window: Window, goes_on: Callable[[], None]) -> bool:
        """Work on a window; return whether nothing is left to do about it by whoever gets it next."""
        done = False
        for _ in range(2):  # who was taken for dead since its last window begins anew with this one
            if self.shutdown.stopping.is_set():
                break
            session = await self._sessions.able(seat)
            done = await self._carry_with(session, seat, run_id, window, goes_on)
            if done or not session.fenced:
                break
        return done

    async def _carry_with(
        self, session: WorkerSession, seat: Seat, run_id: str, window: Window, goes_on: Callable[[], None]
    ) -> bool:
        text = await asyncio.to_thread(session.open_window, run_id, self._work.origin, window)
        if text is None:
            return not session.fenced  # else nothing for us, now or ever; if it is not done, it gets another job
        if seat.aside:
            goes_on()
        expired = 0
        with self._parts.working(run_id) as part:
            try:
                expired = await self._post(session, part, window, text, seat.share)
            except Unreadable as error:
                self._parts.leave_alone(part, str(error))
            finally:
                done = await asyncio.to_thread(session.close_window, window, expired)
        return done

    async def _post(self, session: WorkerSession, part: Part, window: Window, text: str, share: int) -> int:
        """Post a window's messages; return how many became too late meanwhile."""
        settings = RunSettings.read(text)
        kind = Kind(self._work.timeout or settings.timeout, settings.retry_server_errors)
        client = await self._clients.of(part.run_id, kind)
        result = await self._carrier.carry(session, part, window, settings, client, share)
        if result.stopped_reason is not None:
            self._work.say(f"run {part.run_id}: {result.stopped_reason}")
        return result.expired

    # -- beside it ---------------------------------------------------------------------------------------

    async def _keep_house(self) -> None:
        metrics = self._work.metrics
        try:
            while True:
                known, left_alone = self._parts.runs, self._parts.left_alone
                idle = self._sessions.is_idle and not self.shutdown.stopping.is_set()
                found = await asyncio.to_thread(
                    self._housekeeper.round, idle=idle, leave=left_alone, watched=metrics.watched
                )
                metrics.overview = found and found.overview
                if found is not None:
                    metrics.doubt(found.in_doubt)
                    self._brakes.stop_runs(found.held)
                    over = known - found.ongoing if found.ongoing is not None else ()
                    await self._clients.forget(self._parts.end(over))
                await asyncio.sleep(self._work.terms.heartbeat)
        finally:
            await asyncio.to_thread(self._housekeeper.close)

    async def _keep_queue(self) -> None:
        while True:
            await self._jobs.retry_stalled()
            await asyncio.sleep(self._work.terms.heartbeat)
