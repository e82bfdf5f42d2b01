"""What the dispatcher promises (``tests/dispatch``), for a window of a run that several workers carry out.

The same tests, in another world: the ledger is PostgreSQL, the plan is one window, and what the dispatcher takes for its
ledger is a worker's session. A test that is about a run's own process is left out, by name and with the reason; rates are
shared here, and have tests of their own (``test_pace.py``).
"""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from msgspec_runner.cluster.carrying import WindowLedger
from msgspec_runner.dispatch.delivery import Rules, written
from msgspec_runner.dispatch.dispatcher import Dispatcher
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.ledger.ledger import Run
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import Patience, connect
from msgspec_runner.ledger.postgres_shared import Sharing, enqueue
from msgspec_runner.ledger.postgres_worker import WorkerSession
from msgspec_runner.ledger.windows import Window
from msgspec_runner.model import Message
from tests.dispatch import (
    test_dispatcher,
    test_dispatcher_endings,
    test_dispatcher_outcomes,
    test_dispatcher_rails,
)
from tests.dispatch.dispatcher_world import RUN, AtOnce, Make, Script, World
from tests.ledger.postgres import address, own_schema

ELSEWHERE = {
    "test_whatever_happens_the_ledger_tells_the_truth": "makes its own world",
    "test_no_transaction_claims_more_than_may_be_posted_at_once": "makes its own ledger",
    "test_what_another_run_claimed_is_not_posted": "claims by the run's own process; see test_postgres_shared.py",
    "test_a_requested_stop_finishes_what_is_in_flight": "a run does not end with a worker; see tests/acceptance/cluster",
    "test_a_cancelled_run_is_recorded_and_closed": "a run does not end with a worker",
}
"""Tests that are not about a window, and why."""

for module in (
    test_dispatcher,
    test_dispatcher_endings,
    test_dispatcher_outcomes,
    test_dispatcher_rails,
):
    for name, test in vars(module).items():
        if name.startswith("test_") and isinstance(test, types.FunctionType) and name not in ELSEWHERE:
            globals()[name] = test


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with own_schema() as url:
        yield url


class WindowWorld(World):
    """A run with one window, that one session works on."""

    def __init__(
        self,
        url: str,
        folder: Path,
        messages: int,
        script: Script,
        *,
        spec_of: Callable[[int], str] = lambda _: "spec",
        delivery_of: Callable[[int], Rules] = lambda _: Rules(),
        **options: object,
    ) -> None:
        super().__init__(folder, 0, script, **options)  # type: ignore[arg-type]
        self.ledger.close()
        self.place = address(url)
        book = PostgresLedger(self.place, folder, create=True)
        self.ledger = book  # type: ignore[assignment]
        self.connection = connect(self.place)
        self.connection.execute("TRUNCATE messages, runs, skips, shared_runs, windows, sessions, paces, decisions")
        self.keys = [f"{row:064x}" for row in range(1, messages + 1)]
        plan = [
            Message(
                *(key, "", spec_of(row), 1, row, f"+1617555{row:04}", b'{"row":%d}' % row, "digest"),
                delivery=written(delivery_of(row)),
            )
            for row, key in enumerate(self.keys, 1)
        ]
        enqueue(
            *(self.connection, book.id, Run(RUN, "sandbox"), Sharing("q", "{}", {})),
            *(plan, (), lambda *_: None, datetime.now(UTC)),
        )
        self.window = Window(1, messages)
        self.connection.execute("DELETE FROM windows WHERE first > 1")
        self.connection.execute("UPDATE windows SET last = %s", (messages,))
        self.session = WorkerSession(self.place, book.id, "w", folder, Patience(first=0.001, longest=0.02))
        self.session.open_window(RUN, "sandbox", self.window)

    def dispatcher(self, ledger: object = None) -> Dispatcher:
        def hold() -> None:
            dispatcher.request_stop()

        held = WindowLedger(self.session, self.window, hold, "w")
        dispatcher = Dispatcher(
            held,
            self,
            RUN,
            clock=self.clock,
            wall=self.wall,
            on_event=self.see,
            executor=AtOnce(),
            **self.options,  # type: ignore[arg-type]
        )
        return dispatcher

    def run_with(
        self, dispatcher: Dispatcher, main: Callable[[Dispatcher], Awaitable[RunResult]] = Dispatcher.run
    ) -> RunResult:
        expired = 0
        try:
            result = super().run_with(dispatcher, main)
            expired = result.expired
        finally:
            self.session.close_window(self.window, expired)
        return replace(result, totals=self.ledger.totals(RUN))

    def query(self, sql: str) -> list[tuple[object, ...]]:
        return self.connection.execute(sql.encode()).fetchall()

    def close(self) -> None:
        self.session.close()
        self.connection.close()
        self.ledger.close()


@pytest.fixture
def world(url: str, tmp_path: Path) -> Iterator[Make]:
    worlds: list[WindowWorld] = []

    def make(messages: int, script: Script, **options: object) -> World:
        worlds.append(WindowWorld(url, tmp_path, messages, script, **options))  # type: ignore[arg-type]
        return worlds[-1]

    yield make
    for made in worlds:
        made.close()
