"""What a worker does beside its work: each step by itself, whatever keeps the others from being done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from msgspec_runner.cluster import housekeeping
from msgspec_runner.cluster.housekeeping import Found, Housekeeper, ongoing_now
from msgspec_runner.cluster.queue import deferring, migrate, queue_of
from msgspec_runner.cluster.troubles import Reach
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.ledger import Run, RunStatus
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import Patience, connect
from msgspec_runner.ledger.postgres_shared import Sharing, enqueue, steer
from msgspec_runner.ledger.postgres_worker import WorkerSession
from msgspec_runner.ledger.windows import Window
from msgspec_runner.model import Message, State
from tests.cluster.partition import Partition
from tests.ledger.postgres import address, cut, own_schema

ORIGIN = "https://api.test"
QUEUE = queue_of("default", ORIGIN)
FIRST, SECOND = "20261123-120000-1st1", "20261123-120000-2nd2"
AT_ONCE = Terms(0.0, 0.0, 0.0, 0.0)
TIMEOUT = "canceling statement due to lock timeout. Tries again"


class Bench:
    """A ledger with two runs, and a keeper that waits for nobody's death."""

    def __init__(self, url: str, folder: Path, stack: ExitStack) -> None:
        self.url = url
        self.folder = folder
        self.stack = stack
        self.book = stack.enter_context(closing(PostgresLedger(address(url), folder, create=True)))
        self.connection = stack.enter_context(closing(connect(address(url))))
        migrate(self.connection)
        for run_id in (FIRST, SECOND):
            plan = [Message(f"{run_id}-{n}", "", "s", 1, n, f"+1617555{n:04}", b"{}", "d") for n in range(1, 11)]
            enqueue(
                *(self.connection, self.book.id, Run(run_id, ORIGIN), Sharing(QUEUE, "{}", {})),
                *(plan, (), deferring(run_id, QUEUE), datetime.now(UTC)),
            )
        self.said: list[str] = []
        self.reach = Reach(self.said.append, lambda _: None)
        self.keeper = stack.enter_context(closing(Housekeeper(address(url), AT_ONCE, self.reach, self.said.append)))

    def round(self, **given: Any) -> Found:
        found = self.keeper.round(**{"idle": True, **given})
        assert found is not None
        return found

    def dead(self, run_id: str) -> WorkerSession:
        """Return the session of a worker that died with a message in flight."""
        session = WorkerSession(address(self.url), self.book.id, "w", self.folder, Patience(first=0.001, longest=0.02))
        session.open_window(run_id, ORIGIN, Window(1, 10))
        assert session.exchange([f"{run_id}-1"], ()).claimed
        session._hang_up()
        return session

    def lose_jobs(self) -> None:
        self.connection.execute("DELETE FROM procrastinate_jobs")

    def jobs(self) -> set[str]:
        found: Any = self.connection.execute("SELECT args ->> 'run' FROM procrastinate_jobs").fetchall()
        return {run_id for (run_id,) in found}

    def in_doubt(self) -> set[str]:
        return {record.key for record in self.book.messages() if record.state is State.IN_DOUBT}

    def locking(self, statement: str) -> psycopg.Connection[Any]:
        """Lock something in a transaction that is open until the connection is closed."""
        other = self.stack.enter_context(closing(psycopg.connect(address(self.url).conninfo, application_name="other")))
        other.execute(f"SET search_path TO {address(self.url).schema}".encode())
        other.execute(statement.encode())
        return other


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(stack.enter_context(own_schema()), tmp_path, stack)


def test_a_round_finds_what_goes_on_and_what_is_held(bench: Bench) -> None:
    assert bench.round() == Found(frozenset({FIRST, SECOND}), frozenset())
    steer(bench.connection, FIRST, "pause", None)
    assert bench.round() == Found(frozenset({FIRST, SECOND}), frozenset({FIRST}))
    steer(bench.connection, FIRST, "stop", "enough")
    assert bench.round() == Found(frozenset({SECOND}), frozenset({FIRST})), "nobody worked on it: it was closed"
    ended = bench.book.run(FIRST)
    assert ended is not None
    assert ended.status is RunStatus.STOPPED
    assert not bench.said


def test_a_run_that_somebody_has_locked_keeps_no_other_from_being_mended_and_closed(bench: Bench) -> None:
    bench.lose_jobs()
    with bench.locking(f"SELECT FROM shared_runs WHERE run = '{FIRST}' FOR UPDATE"):
        for _ in range(2):
            assert bench.round().ongoing == {FIRST, SECOND}
        assert bench.jobs() == {SECOND}
        steer(bench.connection, SECOND, "stop", None)
        assert bench.round().ongoing == {FIRST}
    assert sorted(bench.said) == [
        f"could not end run {FIRST}: {TIMEOUT}",
        f"could not look for lost windows of run {FIRST}: {TIMEOUT}",
    ]
    assert bench.reach, "the line was never lost"
    bench.lose_jobs()
    bench.round()
    assert bench.jobs() == {FIRST}


def test_a_fault_that_is_gone_is_told_anew_when_it_comes_back(bench: Bench) -> None:
    for _ in range(2):
        with bench.locking(f"SELECT FROM shared_runs WHERE run = '{FIRST}' FOR UPDATE"):
            bench.round(idle=False)
        bench.round(idle=False)
    assert bench.said == [f"could not end run {FIRST}: {TIMEOUT}"] * 2


def test_locked_runs_keep_nobody_from_looking_after_the_dead(bench: Bench) -> None:
    bench.round()
    bench.dead(FIRST)
    with bench.locking("LOCK TABLE shared_runs IN ACCESS EXCLUSIVE MODE"):
        found = bench.round()
        assert bench.in_doubt() == {f"{FIRST}-1"}
    assert found.ongoing is None, "what could not be read is not over"
    assert "a worker died or was cut off: 1 of its messages are in doubt" in bench.said


def test_messages_that_somebody_has_locked_keep_no_other_dead_from_being_looked_after(bench: Bench) -> None:
    bench.round()
    bench.dead(FIRST)
    bench.dead(SECOND)
    with bench.locking(f"SELECT FROM messages WHERE key = '{FIRST}-1' FOR UPDATE"):
        assert bench.round().in_doubt == 1
        assert bench.in_doubt() == {f"{SECOND}-1"}
    assert bench.round().in_doubt == 1
    assert bench.in_doubt() == {f"{FIRST}-1", f"{SECOND}-1"}
    assert bench.round().in_doubt == 0


def test_a_damaged_table_keeps_nothing_else_from_being_done(bench: Bench) -> None:
    bench.lose_jobs()
    bench.dead(FIRST)
    bench.connection.execute(
        "INSERT INTO sessions (worker, lock, pid, began, seen_at, fenced) "
        "VALUES ('old', 5, 5, now(), now() - interval '1 year', true)"
    )
    bench.connection.execute("ALTER TABLE sessions RENAME COLUMN lock TO latch")
    assert bench.round().ongoing == {FIRST, SECOND}
    assert bench.jobs() == {SECOND}, "the window of the first one may be at work"
    assert bench.connection.execute("SELECT worker FROM sessions").fetchall() == [("w",)], "the old one is forgotten"
    assert len(bench.said) == 1
    assert bench.said[0].startswith("could not look for workers that died: ")


def test_the_dead_are_not_looked_for_while_nobody_could_show_that_they_live(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who lived through a lock on the sessions comes back with a sign a moment after it."""
    bench.round()
    bench.dead(FIRST)
    bench.keeper._terms = Terms(0.0, 0.0, 3600.0, 0.0)
    bench.keeper._since -= 3600.0
    bench.connection.execute("UPDATE sessions SET seen_at = clock_timestamp() - interval '1 day'")
    with bench.locking("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE"):
        bench.round()
    bench.round()
    assert not bench.in_doubt(), "all others may be about to show a sign"
    bench.keeper._since -= 3600.0
    bench.round()
    assert bench.in_doubt() == {f"{FIRST}-1"}

    bench.dead(SECOND)
    bench.connection.execute("UPDATE sessions SET seen_at = clock_timestamp() - interval '1 day'")
    with monkeypatch.context() as slow:
        slow.setattr(housekeeping, "_LOCKED", -1.0)  # a lock that was let go before the keeper gave up
        bench.round()
    bench.round()
    assert bench.in_doubt() == {f"{FIRST}-1"}


def test_a_line_that_is_lost_is_told_once_and_made_anew(bench: Bench) -> None:
    bench.round()
    cut(bench.url)
    assert bench.keeper.round(idle=True) is None
    assert not bench.reach
    bench.round()
    assert bench.said == ["the ledger is out of reach: nothing new is sent", "the ledger is back"]


def test_who_ends_asks_which_runs_go_on(bench: Bench) -> None:
    steer(bench.connection, FIRST, "stop", None)
    bench.round()
    assert asyncio.run(ongoing_now(address(bench.url))) == {SECOND}


@pytest.mark.parametrize("when", ["before", "while it asks"])
def test_who_ends_does_not_wait_for_an_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    monkeypatch.setattr(housekeeping, "_SHORTLY", 0.2)
    if when == "before":
        with Partition(bench.url) as line:
            line.cut()
            assert asyncio.run(ongoing_now(address(line.url))) is None
        return
    with bench.locking("LOCK TABLE shared_runs IN ACCESS EXCLUSIVE MODE"):
        assert asyncio.run(ongoing_now(address(bench.url))) is None
