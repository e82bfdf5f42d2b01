"""A whole worker in this process: what goes wrong beside its work, and what it keeps."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from msgspec_runner import cli
from msgspec_runner.cluster.carrying import Carrier, RunSettings
from msgspec_runner.cluster.housekeeping import Housekeeper
from msgspec_runner.cluster.metrics import Metrics
from msgspec_runner.cluster.pace import first_state
from msgspec_runner.cluster.queue import deferring, migrate, queue_of
from msgspec_runner.cluster.signs import Signs
from msgspec_runner.cluster.worker import Work, Worker
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.ledger import Run
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import connect
from msgspec_runner.ledger.postgres_shared import Sharing, enqueue
from msgspec_runner.model import Message, State
from tests.acceptance.cluster.team import wait_until
from tests.acceptance.server import Server
from tests.ledger.postgres import address, own_schema

WINDOW = 50
MESSAGES = 4 * WINDOW
TERMS = Terms(lease=30.0, heartbeat=0.1, grace=15.0, fence=45.0)


class Bench:
    """A ledger, a server, and a worker that runs in this thread while another one drives it."""

    def __init__(self, url: str, folder: Path, stack: ExitStack) -> None:
        self.url = url
        self.folder = folder
        self.book = stack.enter_context(closing(PostgresLedger(address(url), folder / "here", create=True)))
        self.connection = stack.enter_context(closing(connect(address(url))))
        migrate(self.connection)
        self.server = stack.enter_context(Server())
        self.said: list[str] = []
        self.metrics = Metrics(self.said.append, TERMS.fence)
        self.driver = stack.enter_context(ThreadPoolExecutor(1))
        self.worker: Worker | None = None

    def plan(self, run_id: str, timeout: float = 30.0) -> None:
        settings = RunSettings(timeout, retry_server_errors=False, rate=None, rates={})
        plan = [
            Message(f"{run_id}-{n}", "", "s", 1, n, f"+1617555{n:04}", b'{"to": "+1617555%04d"}' % n, "d")
            for n in range(1, MESSAGES + 1)
        ]
        queue = queue_of("default", self.server.url)
        sharing = Sharing(queue, settings.written(), {"": first_state(None)})
        enqueue(
            *(self.connection, self.book.id, Run(run_id, self.server.url), sharing),
            *(plan, (), deferring(run_id, queue), datetime.now(UTC)),
        )

    def work(self, drive: Callable[[], None]) -> None:
        """Let a worker work; when ``drive`` has returned, or failed, it is stopped."""
        work = Work(
            address=address(self.url),
            ledger_id=self.book.id,
            journals=self.folder / "journals",
            base_url=self.server.url,
            origin=self.server.url,
            api_key="key",
            queues=(queue_of("default", self.server.url),),
            concurrency=4,
            timeout=None,
            terms=TERMS,
            metrics=self.metrics,
            say=self.said.append,
            greeting="hello",
        )

        async def run() -> None:
            loop = asyncio.get_running_loop()
            self.worker = Worker(work)
            driving = self.driver.submit(drive)
            stop = self.worker.shutdown.stop
            driving.add_done_callback(lambda _: loop.call_soon_threadsafe(stop))
            try:
                await self.worker.run()
            finally:
                self.worker.shutdown.over()
                self.server.release()
                await asyncio.to_thread(driving.result, 120)

        asyncio.run(run())

    def ask(self, question: str) -> list[Any]:
        with closing(connect(address(self.url))) as connection:
            return connection.execute(question.encode()).fetchall()

    def until_said(self, words: str) -> None:
        wait_until(lambda: any(words in line for line in tuple(self.said)))

    def both_windows_post(self) -> bool:
        posting = "SELECT FROM sessions WHERE EXISTS (SELECT FROM messages WHERE state = 'sending' AND claimant(claimed_in) = sessions.id)"
        return len(self.ask(posting)) == 2

    def check_order(self) -> None:
        """Nothing was given up, and what is not done is in the queue again."""
        states = {record.state for record in self.book.messages()}
        assert states == {State.ACCEPTED, State.PLANNED}, (
            "what was in flight was finished, and the rest was handed back"
        )
        undone = self.ask("SELECT first FROM windows WHERE NOT done ORDER BY first")
        jobs = "SELECT (args ->> 'first')::bigint FROM procrastinate_jobs WHERE status = 'todo' ORDER BY 1"
        assert self.ask(jobs) == undone
        assert not self.ask("SELECT FROM sessions"), "it said good-bye"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(stack.enter_context(own_schema()), tmp_path, stack)


@pytest.mark.parametrize(
    ("part", "method", "words"),
    [(Housekeeper, "round", "keeping house"), (Signs, "show", "showing signs of life")],
)
def test_a_bug_beside_the_work_is_told_and_ends_the_worker_in_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, part: type, method: str, words: str
) -> None:
    """Both windows are handed back: nobody has to look for them."""
    bench.plan("run-1")
    bench.server.hold()
    broken = threading.Event()
    real = getattr(part, method)

    def breaks(self: object, *given: object, **named: object) -> Any:
        if broken.is_set():
            raise KeyError("a bug")
        return real(self, *given, **named)

    monkeypatch.setattr(part, method, breaks)

    def drive() -> None:
        wait_until(bench.both_windows_post)
        broken.set()
        bench.until_said("failed by a bug")
        bench.server.release()

    with pytest.raises(KeyError, match="a bug"):
        bench.work(drive)
    assert f"{words} failed by a bug in msgspec-runner (KeyError): stopping" in bench.said
    assert any("run run-1: left to others" in line for line in bench.said)
    bench.check_order()


def test_the_exit_code_of_a_bug_beside_the_work(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def breaks(self: object, **named: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(Housekeeper, "round", breaks)
    monkeypatch.chdir(bench.folder)
    monkeypatch.setenv("MSGSPEC_RUNNER_LEDGER", bench.url)
    monkeypatch.setenv("SOCIOCS_API_KEY", "key")
    assert cli.run(["worker", "--base-url", bench.server.url]) == 70
    told = capfd.readouterr().err
    assert "keeping house failed by a bug in msgspec-runner (KeyError): stopping" in told
    assert "a bug in msgspec-runner: KeyError" in told


def test_the_other_window_is_handed_back_when_one_ends_by_a_fault(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one itself is looked for when the queue is empty: nobody is to come to grief over it at once."""
    bench.plan("run-1")
    bench.server.hold()
    real = Carrier.carry
    failed: list[int] = []

    async def breaks(self: Carrier, session: Any, part: Any, window: Any, *rest: Any) -> RunResult:
        if failed:
            return await real(self, session, part, window, *rest)
        failed.append(window.first)
        while not bench.server.requests:
            await asyncio.sleep(0.01)
        raise KeyError("a bug")

    monkeypatch.setattr(Carrier, "carry", breaks)

    def drive() -> None:
        wait_until(lambda: bench.worker is not None and bench.worker.shutdown.stopping.is_set())
        bench.server.release()

    with pytest.raises(KeyError):
        bench.work(drive)
    undone = [first for (first,) in bench.ask("SELECT first FROM windows WHERE NOT done ORDER BY first")]
    jobs = "SELECT (args ->> 'first')::bigint FROM procrastinate_jobs WHERE status = 'todo' ORDER BY 1"
    assert [first for (first,) in bench.ask(jobs)] == [first for first in undone if first not in failed]
    assert len(undone) == MESSAGES // WINDOW


def test_nothing_is_kept_of_runs_that_are_over(bench: Bench) -> None:
    def drive() -> None:
        for number, timeout in enumerate((30.0, 7.0), 1):
            bench.plan(f"run-{number}", timeout)
            bench.until_said(f"run run-{number}: is over; by this worker: {MESSAGES} accepted")
        worker = bench.worker
        assert worker is not None
        wait_until(lambda: not len(worker._clients))
        assert not worker._parts.runs

    bench.work(drive)
    assert len(bench.server.requests) == 2 * MESSAGES


def test_who_ends_asks_whether_the_run_is_over_before_it_is_left_to_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its housekeeping has not heard of it yet."""
    real = Housekeeper.round
    monkeypatch.setattr(Housekeeper, "round", lambda self, **named: real(self, **named)._replace(ongoing=None))

    def drive() -> None:
        bench.plan("run-1")
        wait_until(lambda: bench.ask("SELECT FROM runs WHERE status = 'finished'"))

    bench.work(drive)
    assert bench.said[-1] == f"run run-1: is over; by this worker: {MESSAGES} accepted"


def test_a_signal_hands_back_both_windows(bench: Bench) -> None:
    bench.plan("run-1")
    bench.server.hold()

    def drive() -> None:
        wait_until(bench.both_windows_post)
        os.kill(os.getpid(), signal.SIGTERM)
        bench.until_said("stopping")
        bench.server.release()

    bench.work(drive)
    bench.check_order()


def test_the_health_is_that_of_the_ledger(bench: Bench) -> None:
    def drive() -> None:
        wait_until(lambda: bench.metrics.ledger_up)

    bench.work(drive)
    assert bench.said == ["hello"]
