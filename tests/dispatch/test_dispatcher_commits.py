"""Outcomes are recorded together while everybody is busy, and never late."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Sequence
from pathlib import Path

import pytest

from msgspec_runner.dispatch import ledger_thread
from msgspec_runner.dispatch.dispatcher import Dispatcher
from msgspec_runner.dispatch.poster import Leave
from msgspec_runner.dispatch.progress import Progress
from msgspec_runner.ledger.ledger import Run, Settlement
from msgspec_runner.ledger.sqlite import SqliteLedger
from msgspec_runner.model import Message, Outcome
from tests.dispatch.dispatcher_world import ACCEPTED, Make, World


def after(world: Make, *seconds: float, **options: object) -> World:
    """A world whose API takes its time: for each message in turn one of these."""

    def script(row: int) -> Awaitable[Outcome]:
        async def answer() -> Outcome:
            await w.clock.sleep(seconds[row % len(seconds)])
            return ACCEPTED

        return answer()

    w = world(200, script, **options)
    return w


@pytest.mark.parametrize("concurrency", [4, 20])
def test_a_busy_run_records_outcomes_together(world: Make, concurrency: int) -> None:
    w = after(world, *(0.050 + 0.0001 * n for n in range(50)), concurrency=concurrency)
    assert w.run().totals.accepted == 200
    commits = [len(event.settled) for event in w.events if event.settled]
    busy = commits[: len(commits) // 2]
    assert sum(busy) / len(busy) >= concurrency / 4
    assert max(commits) <= 2 * concurrency


def test_no_outcome_waits_long_for_company(world: Make) -> None:
    w = after(world, *(1.0 + 0.3 * n for n in range(7)), concurrency=20)
    done: dict[str, float] = {}
    post = w.post

    async def watched(body: bytes, leave: Leave) -> Outcome:
        outcome = await post(body, leave)
        done[w.keys[int(body[7:-1]) - 1]] = w.clock.time
        return outcome

    w.post = watched  # type: ignore[method-assign]
    w.run()
    events = zip(w.events, w.event_times, strict=True)
    waits = [time - done[settled.key] for event, time in events for settled in event.settled]
    assert len(waits) == 200
    assert 0 < max(waits) <= 0.006, "seconds"


class SlowLedger(SqliteLedger):
    """Commits only once somebody was told that the run waits for it."""

    told: threading.Event

    def commit(self, run_id: str, claims: Sequence[str], settlements: Sequence[Settlement]) -> set[str]:
        assert self.told.wait(30), "nobody was told"
        return super().commit(run_id, claims, settlements)


def test_a_ledger_that_keeps_the_run_waiting_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_thread, "PATIENCE", 0.001)
    path = tmp_path / "ledger.db"
    path.touch()
    ledger = SlowLedger(path)
    ledger.told = threading.Event()
    ledger.begin(Run("run-1", "sandbox"))
    ledger.plan("run-1", [Message("k", "", "s", 1, 1, "+16175551212", b"{}", "d")])
    notes: list[str] = []

    class Poster:
        async def post(self, body: bytes, leave: Leave) -> Outcome:
            return ACCEPTED

    def on_event(event: Progress) -> None:
        if event.note is not None:
            notes.append(event.note)
            ledger.told.set()

    result = asyncio.run(Dispatcher(ledger, Poster(), "run-1", on_event=on_event).run())
    assert result.totals.accepted == 1
    assert notes[0] == ledger_thread.WAITING
    ledger.close()
