"""A worker's jobs: when Procrastinate's worker is told to stop, it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from procrastinate.manager import JobManager
from procrastinate.worker import Worker

from msgspec_runner.cluster.jobs import Jobs
from msgspec_runner.cluster.sharing import Shared
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.postgres import PostgresLedger
from tests.ledger.postgres import address, own_schema

PATIENCE = 120.0


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    async def carry(*_: Any) -> bool:
        return False

    with ExitStack() as stack:
        url = stack.enter_context(own_schema())
        Shared(stack.enter_context(closing(PostgresLedger(address(url), tmp_path, create=True)))).migrate()
        yield Jobs(address(url), ("q",), "w", 2, Terms(), carry, print)


def test_who_is_told_to_stop_while_it_begins_stops(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancellation that comes while a connection is got from the pool may get lost there."""
    begun = asyncio.Event()
    real = JobManager.register_worker

    async def loses_a_cancellation(self: JobManager) -> int:
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return await real(self)

    monkeypatch.setattr(JobManager, "register_worker", loses_a_cancellation)

    async def serve() -> None:
        stopping = asyncio.Event()
        serving = asyncio.create_task(jobs.serve(stopping))
        await begun.wait()
        stopping.set()
        await serving

    asyncio.run(asyncio.wait_for(serve(), PATIENCE))


def test_a_word_that_is_not_heard_is_said_again(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older versions of Procrastinate forget it when their loop begins."""
    words: list[None] = []
    real = Worker.stop

    def heard_the_second_time(self: Worker) -> None:
        words.append(None)
        if len(words) > 1:
            real(self)

    monkeypatch.setattr(Worker, "stop", heard_the_second_time)
    registered = asyncio.Event()
    register = JobManager.register_worker

    async def tells(self: JobManager) -> int:
        number = await register(self)
        registered.set()
        return number

    monkeypatch.setattr(JobManager, "register_worker", tells)

    async def serve() -> None:
        stopping = asyncio.Event()
        serving = asyncio.create_task(jobs.serve(stopping))
        await registered.wait()
        for _ in range(10):
            await asyncio.sleep(0)
        stopping.set()
        await serving

    asyncio.run(asyncio.wait_for(serve(), PATIENCE))
    assert len(words) > 1


@pytest.mark.parametrize("turns", [0, 1, 10, 100])
def test_it_stops_whenever_it_is_told(jobs: Jobs, turns: int) -> None:
    async def serve() -> None:
        stopping = asyncio.Event()
        serving = asyncio.create_task(jobs.serve(stopping))
        for _ in range(turns):
            await asyncio.sleep(0)
        stopping.set()
        await serving

    asyncio.run(asyncio.wait_for(serve(), PATIENCE))
