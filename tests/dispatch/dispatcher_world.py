"""A world for the dispatcher: a real SQLite ledger, a scripted transport and a clock that jumps."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import heapq
import json
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TypeVar

from msgspec_runner.dispatch.delivery import written
from msgspec_runner.dispatch.dispatcher import Dispatcher
from msgspec_runner.dispatch.poster import Leave
from msgspec_runner.dispatch.progress import Progress, RunResult
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Record, Run, RunStatus
from msgspec_runner.ledger.sqlite import SqliteLedger
from msgspec_runner.model import Message, Outcome, OutcomeKind, State
from msgspec_runner.timing import Rules

RUN = "20310102-120000-test"
ACCEPTED = Outcome(OutcomeKind.ACCEPTED, http_status=200, message_id="65f0c0ff")
REJECTED = Outcome(OutcomeKind.REJECTED, http_status=200, error="Invalid number.")
UNSENT = Outcome(OutcomeKind.UNSENT, error="no connection to the API")
IN_DOUBT = Outcome(OutcomeKind.IN_DOUBT, http_status=500, error="HTTP 500: the API is in trouble")
STOP = Outcome(OutcomeKind.STOP, http_status=401, error="HTTP 401: the API refused the key")
START = datetime(2031, 1, 2, 12, tzinfo=UTC)
"""When each run begins."""

T = TypeVar("T")
Script = Callable[[int], Outcome | Awaitable[Outcome]]


def throttled(retry_after: float | None = None) -> Outcome:
    return Outcome(OutcomeKind.THROTTLED, http_status=429, error="HTTP 429", retry_after=retry_after)


async def may_leave(leave: Leave) -> bool:
    """Ask when a post may leave."""
    may = leave()
    return may if isinstance(may, bool) else await may


class JumpingClock:
    """Time passes only when everybody sleeps: then it jumps to whoever wakes first."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.time + seconds, next(self._order), woken))
        await woken

    async def drive(self) -> None:
        while True:
            for _ in range(15):
                await asyncio.sleep(0)
            while self._sleepers and self._sleepers[0][2].done():
                heapq.heappop(self._sleepers)
            if self._sleepers:
                when, _, woken = heapq.heappop(self._sleepers)
                self.time = max(self.time, when)
                woken.set_result(None)


class AtOnce(Executor):
    """Calls the ledger at once, so that no time passes while it works and each test runs in one order only."""

    def submit(self, fn: Callable[..., T], /, *args: object, **kwargs: object) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except LedgerError as error:
            future.set_exception(error)
        return future


class World:
    """A planned run, a transport that follows a script, and what happened."""

    def __init__(
        self,
        folder: Path,
        messages: int,
        script: Script,
        *,
        concurrency: int = 4,
        spec_of: Callable[[int], str] = lambda _: "spec",
        delivery_of: Callable[[int], Rules] = lambda _: Rules(),
        **options: object,
    ) -> None:
        self.path = folder / "ledger.db"
        self.path.touch()
        self.ledger = SqliteLedger(self.path)
        self.clock = JumpingClock()
        self.script = script
        self.posts: list[tuple[int, float]] = []
        self.schedules: dict[int, str | None] = {}
        self.events: list[Progress] = []
        self.event_times: list[float] = []
        self.options = {"concurrency": concurrency, "rand": lambda: 0.5, **options}
        self.keys = [hashlib.sha256(b"%d" % row).hexdigest() for row in range(1, messages + 1)]
        self.ledger.begin(Run(RUN, "sandbox"))
        self.ledger.plan(
            RUN,
            [
                Message(
                    *(key, "", spec_of(row), 1, row, f"+1617555{row:04}", b'{"row":%d}' % row, "digest"),
                    delivery=written(delivery_of(row)),
                )
                for row, key in enumerate(self.keys, 1)
            ],
        )

    async def post(self, body: bytes, leave: Leave) -> Outcome:
        if not await may_leave(leave):
            return UNSENT
        fields = json.loads(body)
        row = fields["row"]
        self.posts.append((row, self.clock.time))
        self.schedules[row] = fields.get("schedule")
        outcome = self.script(row)
        if isinstance(outcome, Outcome):
            await asyncio.sleep(0)
            return outcome
        return await outcome

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.clock.time - 1000.0)

    def see(self, event: Progress) -> None:
        self.events.append(event)
        self.event_times.append(self.clock.time)

    def dispatcher(self, ledger: SqliteLedger | None = None) -> Dispatcher:
        return Dispatcher(
            ledger or self.ledger,
            self,
            RUN,
            clock=self.clock,
            wall=self.wall,
            on_event=self.see,
            executor=AtOnce(),
            **self.options,  # type: ignore[arg-type]
        )

    def run(self, main: Callable[[Dispatcher], Awaitable[RunResult]] = Dispatcher.run) -> RunResult:
        return self.run_with(self.dispatcher(), main)

    def run_with(
        self, dispatcher: Dispatcher, main: Callable[[Dispatcher], Awaitable[RunResult]] = Dispatcher.run
    ) -> RunResult:
        async def everything() -> RunResult:
            driver = asyncio.ensure_future(self.clock.drive())
            try:
                return await main(dispatcher)
            finally:
                driver.cancel()

        return asyncio.run(everything())

    def records(self) -> dict[int, Record]:
        return {record.row: record for record in self.ledger.messages(run=RUN)}

    def states(self) -> Counter[State]:
        return Counter(record.state for record in self.records().values())

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """What another process sees: only what was committed."""
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql).fetchall()

    def run_status(self) -> RunStatus:
        run = self.ledger.run(RUN)
        assert run is not None
        return run.status


Make = Callable[..., World]


def in_turn(*outcomes: Outcome) -> Script:
    """Each message gets these outcomes one after the other, then acceptance."""
    tries: Counter[int] = Counter()

    def script(row: int) -> Outcome:
        tries[row] += 1
        return outcomes[tries[row] - 1] if tries[row] <= len(outcomes) else ACCEPTED

    return script
