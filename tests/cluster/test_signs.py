"""Signs of life, in a real ledger in which others lock rows and tables."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from msgspec_runner.cluster.sessions import Sessions
from msgspec_runner.cluster.signs import Signs
from msgspec_runner.cluster.troubles import Reach
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import Patience, connect
from msgspec_runner.ledger.postgres_shared import fence_if_dead, silent
from msgspec_runner.ledger.postgres_worker import WorkerSession
from tests.cluster.partition import Partition
from tests.ledger.postgres import address, application, cut, own_schema

SOON = Terms(lease=30.0, heartbeat=0.1, grace=15.0, fence=45.0)
DEAD = "this worker was silent for too long and was taken for dead: it begins anew"


class Bench:
    """A ledger, and a worker's sessions in it that were silent for long."""

    def __init__(self, url: str, folder: Path, stack: ExitStack) -> None:
        self.url = url
        self.folder = folder
        self.stack = stack
        self.book = stack.enter_context(closing(PostgresLedger(address(url), folder, create=True)))
        self.connection = stack.enter_context(closing(connect(address(url))))
        self.said: list[str] = []
        self.reach = Reach(self.said.append, lambda _: None)

    def session(self) -> WorkerSession:
        session = self.make()
        session.lasting(lambda _: None)
        self.silence()
        return session

    def make(self) -> WorkerSession:
        session = WorkerSession(address(self.url), self.book.id, "w", self.folder, Patience(first=0.001, longest=0.02))
        self.stack.callback(session.close)
        return session

    def silence(self) -> None:
        self.connection.execute("UPDATE sessions SET seen_at = clock_timestamp() - interval '40 s'")

    def alive(self) -> set[int]:
        """Return the sessions whose sign is fresh on the server's clock."""
        fresh = "SELECT id FROM sessions WHERE abs(extract(epoch FROM clock_timestamp() - seen_at)) < 30"
        found: Any = self.connection.execute(fresh).fetchall()
        return {session_id for (session_id,) in found}

    def locking(self, statement: str) -> psycopg.Connection[Any]:
        """Lock something in a transaction that is open until the connection is closed."""
        other = self.stack.enter_context(closing(psycopg.connect(address(self.url).conninfo, application_name="other")))
        other.execute(f"SET search_path TO {address(self.url).schema}".encode())
        other.execute(statement.encode())
        return other

    def is_waiting(self) -> bool:
        """Whether a statement of this schema's connections waits for a lock."""
        waiting = "SELECT FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
        return bool(self.connection.execute(waiting, (application(self.url),)).fetchall())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(stack.enter_context(own_schema()), tmp_path, stack)


def showing(bench: Bench, work: Callable[[Signs], Awaitable[None]], terms: Terms = SOON, url: str = "") -> None:
    """Do something with signs, and end them."""

    async def run() -> None:
        signs = Signs(address(url or bench.url), terms, bench.reach, bench.said.append)
        await work(signs)
        signs.end()
        await signs.keep(Sessions(2, bench.make))

    asyncio.run(run())


async def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        await asyncio.sleep(0.01)


def test_all_sessions_of_a_worker_show_that_they_live(bench: Bench) -> None:
    sessions = [bench.session(), bench.session()]
    other = bench.session()

    async def work(signs: Signs) -> None:
        assert await signs.show([*sessions, bench.make()])
        assert bench.alive() == {session.id for session in sessions}
        assert not any(session.fenced for session in sessions)

    showing(bench, work)
    assert other.id not in bench.alive()
    assert not bench.said


def test_a_locked_row_keeps_no_other_session_from_showing_that_it_lives(bench: Bench) -> None:
    free, locked = bench.session(), bench.session()

    async def work(signs: Signs) -> None:
        with bench.locking(f"SELECT FROM sessions WHERE id = {locked.id} FOR UPDATE"):
            for _ in range(2):
                bench.connection.execute(
                    "UPDATE sessions SET seen_at = clock_timestamp() - interval '40 s' WHERE id = %s", (free.id,)
                )
                assert await signs.show([locked, free]) is None
                assert bench.alive() == {free.id}
            assert not locked.fenced, "who could not be asked is not dead"
        assert await signs.show([locked, free])
        assert bench.alive() == {free.id, locked.id}

    showing(bench, work)
    assert not bench.said


def test_the_sign_is_the_first_to_be_written_when_the_row_is_free(bench: Bench) -> None:
    free, locked = bench.session(), bench.session()

    async def work(signs: Signs) -> None:
        with bench.locking(f"SELECT FROM sessions WHERE id = {locked.id} FOR UPDATE"):
            showing = asyncio.ensure_future(signs.show([locked, free]))
            await until(bench.is_waiting)
            assert bench.alive() == {free.id}
        assert await showing is None
        assert bench.alive() == {free.id, locked.id}

    showing(bench, work, SOON._replace(heartbeat=60.0))


def test_nobody_is_fenced_whose_sign_waits_for_somebody_s_lock(bench: Bench) -> None:
    locked = bench.session()
    now = timestamp(datetime.now(UTC))
    terms = Terms(lease=30.0, heartbeat=0.1, grace=15.0, fence=20.0)
    [found] = silent(bench.connection, terms)
    with bench.locking(f"SELECT FROM sessions WHERE id = {locked.id} FOR UPDATE"):
        assert fence_if_dead(bench.connection, found, terms, now) is None
    assert fence_if_dead(bench.connection, found, terms, now) == 0, "nothing is in its way any more"


def test_a_locked_table_is_told_once_and_is_no_ledger_out_of_reach(bench: Bench) -> None:
    session = bench.session()

    async def work(signs: Signs) -> None:
        assert await signs.show([session])
        for _ in range(2):
            bench.silence()
            with bench.locking("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE"):
                for _ in range(2):
                    assert await signs.show([session]) is None
                assert not session.fenced
            assert await signs.show([session])
            assert bench.alive() == {session.id}
            assert bench.reach

    showing(bench, work)
    assert bench.said == ["could not show signs of life: canceling statement due to lock timeout. Tries again"] * 2


def test_who_was_fenced_or_struck_off_hears_so_and_it_is_told_once(bench: Bench) -> None:
    alive, fenced, deleted = bench.session(), bench.session(), bench.session()
    bench.connection.execute("UPDATE sessions SET fenced = true WHERE id = %s", (fenced.id,))
    bench.connection.execute("DELETE FROM sessions WHERE id = %s", (deleted.id,))

    async def work(signs: Signs) -> None:
        for _ in range(2):
            assert await signs.show([alive, fenced, deleted])
        assert [session.fenced for session in (alive, fenced, deleted)] == [False, True, True]
        assert bench.alive() == {alive.id}, "a fenced session stays silent"
        assert bench.said == [DEAD]
        assert await signs.show([alive])
        bench.connection.execute("UPDATE sessions SET fenced = true WHERE id = %s", (alive.id,))
        assert await signs.show([alive])

    showing(bench, work)
    assert bench.said == [DEAD, DEAD]


def test_signs_go_by_the_server_s_clock(bench: Bench) -> None:
    """Also where that was set back: a sign of the future would keep the dead alive."""
    session = bench.session()
    bench.connection.execute("UPDATE sessions SET seen_at = clock_timestamp() + interval '1 hour'")

    async def work(signs: Signs) -> None:
        assert await signs.show([session])
        assert bench.alive() == {session.id}

    showing(bench, work)


def test_a_line_that_is_lost_is_told_and_made_anew(bench: Bench) -> None:
    session = bench.session()

    async def work(signs: Signs) -> None:
        assert await signs.show([session])
        assert cut(bench.url)
        assert await signs.show([session]) is False
        assert not bench.reach
        assert await signs.show([session])

    showing(bench, work)
    assert bench.said == ["the ledger is out of reach: nothing new is sent", "the ledger is back"]
    assert not session.fenced


def test_a_ledger_that_takes_no_writes_is_out_of_reach_to_who_has_no_session_too(bench: Bench) -> None:
    async def work(signs: Signs) -> None:
        assert await signs.show([])
        assert signs._link is not None
        await signs._link.execute("SET default_transaction_read_only = on")
        assert await signs.show([]) is False

    showing(bench, work)
    assert bench.said == ["the ledger is out of reach: nothing new is sent"]


def test_a_role_without_the_right_is_told_and_is_no_ledger_out_of_reach(bench: Bench) -> None:
    session = bench.session()

    async def work(signs: Signs) -> None:
        assert await signs.show([session])
        bench.connection.execute("ALTER TABLE sessions RENAME TO elsewhere")
        assert await signs.show([session]) is False
        bench.connection.execute("ALTER TABLE elsewhere RENAME TO sessions")
        assert await signs.show([session])

    showing(bench, work)
    assert bench.said == ['could not show signs of life: relation "sessions" does not exist. Tries again']


def test_signs_are_shown_until_the_end(bench: Bench) -> None:
    """And who was replaced is forgotten when people were told."""

    async def run() -> None:
        sessions = Sessions(2, bench.make)
        seat = await sessions.take()
        first = await sessions.able(seat)
        await asyncio.to_thread(first.lasting, lambda _: None)
        signs = Signs(address(bench.url), SOON, bench.reach, bench.said.append)
        keeping = asyncio.ensure_future(signs.keep(sessions))
        for _ in range(2):
            bench.silence()
            await until(lambda: bench.alive() == {first.id})
        bench.connection.execute("UPDATE sessions SET fenced = true")
        await until(lambda: first.fenced)
        second = await sessions.able(seat)
        await until(lambda: sessions.known == {second})
        signs.end()
        await keeping

    asyncio.run(run())
    assert bench.said == [DEAD]


@pytest.mark.parametrize("is_there", [True, False], ids=["asking", "connecting"])
def test_a_line_that_has_fallen_silent_keeps_nobody_who_ends(bench: Bench, is_there: bool) -> None:
    with Partition(bench.url) as line:

        async def run() -> None:
            signs = Signs(address(f"{line.url}&connect_timeout=600"), SOON, bench.reach, bench.said.append)
            if is_there:
                assert await signs.show([])
            line.cut()
            keeping = asyncio.ensure_future(signs.keep(Sessions(2, bench.make)))
            while signs._connecting is None and not is_there:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            signs.end()
            await asyncio.wait({keeping}, timeout=60.0)
            assert keeping.done()

        asyncio.run(run())
    assert not bench.said
