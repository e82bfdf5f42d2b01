"""The queue in the ledger: its tables and their versions, and windows that lost their job."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from procrastinate.manager import JobManager

from msgspec_runner.cluster import queue
from msgspec_runner.cluster.housekeeping import Housekeeper
from msgspec_runner.cluster.queue import check, deferring, migrate, queue_of, requeue_lost, version
from msgspec_runner.cluster.sharing import Shared
from msgspec_runner.cluster.troubles import Reach
from msgspec_runner.errors import LedgerError, UsageError
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.ledger import Run, Settlement
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import Connection, Patience, connect
from msgspec_runner.ledger.postgres_shared import Sharing, enqueue, steer
from msgspec_runner.ledger.postgres_worker import WorkerSession
from msgspec_runner.ledger.sqlite import SqliteLedger
from msgspec_runner.ledger.windows import SMALLEST_WINDOW, Window
from msgspec_runner.model import Message, State
from tests.cluster.partition import Partition
from tests.ledger.postgres import address, own_schema

RUN = "20261123-120000-queu"
QUEUE = queue_of("default", "https://api.test")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def url(stack: ExitStack) -> str:
    return stack.enter_context(own_schema())


@pytest.fixture
def book(url: str, tmp_path: Path, stack: ExitStack) -> PostgresLedger:
    return stack.enter_context(closing(PostgresLedger(address(url), tmp_path, create=True)))


@pytest.fixture
def connection(url: str, book: PostgresLedger, stack: ExitStack) -> Connection:
    return stack.enter_context(closing(connect(address(url))))


def enter(connection: Connection, book: PostgresLedger, count: int = 3 * SMALLEST_WINDOW) -> None:
    messages = [Message(f"k{n}", "", "s", 1, n, f"+1617555{n:04}", b"{}", "d") for n in range(1, count + 1)]
    enqueue(
        *(connection, book.id, Run(RUN, "https://api.test"), Sharing(QUEUE, "{}", {})),
        *(messages, (), deferring(RUN, QUEUE), datetime.now(UTC)),
    )


def reach() -> Reach:
    return Reach(lambda _: None, lambda _: None)


def jobs(connection: Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT args, status::text, queue_name FROM procrastinate_jobs ORDER BY id").fetchall()


def test_a_ledger_without_a_queue(connection: Connection, url: str) -> None:
    assert version(connection) is None
    with pytest.raises(LedgerError, match="ledger migrate"):
        check(connection, address(url))
    newest = migrate(connection)
    assert version(connection) == newest
    assert migrate(connection) == newest
    check(connection, address(url))


def test_an_older_queue_is_migrated(
    connection: Connection, url: str, book: PostgresLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made by an older Procrastinate, and brought to this one's: with all that a fresh one has."""
    real = queue._migrations()
    older = tuple(name for name in real if name < "03.01")
    connection.execute("INSERT INTO queue_schema (migration) VALUES ('')")
    monkeypatch.setattr(queue, "_migrations", lambda: older)
    assert migrate(connection) == older[-1]
    monkeypatch.setattr(queue, "_migrations", lambda: real)
    with pytest.raises(LedgerError, match="ledger migrate"):
        check(connection, address(url))
    assert migrate(connection) == real[-1]
    check(connection, address(url))
    enter(connection, book)
    assert len(jobs(connection)) == 3


def test_a_newer_queue_is_refused(connection: Connection, url: str) -> None:
    migrate(connection)
    connection.execute("UPDATE queue_schema SET migration = '99.00.00_01_later.sql'")
    for act in (lambda: migrate(connection), lambda: check(connection, address(url))):
        with pytest.raises(LedgerError, match="pip install --upgrade"):
            act()


def test_the_queue_fails_as_its_connection_does(connection: Connection, book: PostgresLedger) -> None:
    """Who gave the connection catches what it raises, and knows nothing of the queue's own errors."""
    migrate(connection)
    connection.execute("DROP TABLE procrastinate_jobs CASCADE")
    with pytest.raises(psycopg.errors.UndefinedTable):
        enter(connection, book)


def test_several_ledgers_in_one_database(connection: Connection, book: PostgresLedger, tmp_path: Path) -> None:
    migrate(connection)
    enter(connection, book)
    with own_schema() as other, closing(PostgresLedger(address(other), tmp_path, create=True)) as second:
        assert Shared(second).migrate()
        with closing(connect(address(other))) as there:
            assert jobs(there) == []
    assert len(jobs(connection)) == 3


def test_jobs_are_deferred_with_the_plan_or_not_at_all(connection: Connection, book: PostgresLedger) -> None:
    migrate(connection)
    with connection.transaction(force_rollback=True):
        enter(connection, book)
        assert len(jobs(connection)) == 3
    assert jobs(connection) == []
    enter(connection, book)
    assert jobs(connection) == [
        ({"run": RUN, "first": first, "last": first + 49}, "todo", QUEUE) for first in (1, 51, 101)
    ]


def test_windows_that_lost_their_job_get_one(
    url: str, connection: Connection, book: PostgresLedger, tmp_path: Path
) -> None:
    migrate(connection)
    enter(connection, book)
    assert requeue_lost(connection, RUN) == 0
    connection.execute("DELETE FROM procrastinate_jobs WHERE id > 1")
    assert requeue_lost(connection, RUN, only_when_drained=True) == 0
    assert requeue_lost(connection, RUN) == 2
    assert len(jobs(connection)) == 3
    connection.execute("DELETE FROM procrastinate_jobs")
    connection.execute("UPDATE windows SET done = true WHERE first = 1")
    session = WorkerSession(address(url), book.id, "w", tmp_path, Patience())
    session.open_window(RUN, "https://api.test", Window(51, 100))
    assert requeue_lost(connection, RUN, only_when_drained=True) == 1, "one is done, one is being worked on"
    session.close()


def test_a_job_that_is_none_hides_no_lost_one(connection: Connection, book: PostgresLedger) -> None:
    migrate(connection)
    enter(connection, book)
    connection.execute("DELETE FROM procrastinate_jobs WHERE id > 1")
    connection.execute("UPDATE procrastinate_jobs SET args = jsonb_set(args, '{first}', '\"x\"')")
    assert requeue_lost(connection, RUN) == 3


def test_what_nobody_answers_for_is_settled(
    url: str, connection: Connection, book: PostgresLedger, tmp_path: Path
) -> None:
    """As of a session that was struck off over its claims: else its window would get jobs for ever."""
    migrate(connection)
    enter(connection, book)
    connection.execute("DELETE FROM procrastinate_jobs")
    windows = [Window(1, 50), Window(51, 100), Window(101, 150)]
    with ExitStack() as stack:
        for window in windows:
            session = WorkerSession(address(url), book.id, "w", tmp_path, Patience())
            stack.callback(session.close)
            session.open_window(RUN, "https://api.test", window)
            keys = [f"k{window.first}", f"k{window.first + 1}"]
            assert session.exchange(keys, ()).claimed == set(keys)
            session.exchange((), [Settlement(keys[1], State.RETRY_WAIT, 429)])
        connection.execute("DELETE FROM sessions WHERE first = 1")
        connection.execute("UPDATE sessions SET run = NULL, first = NULL, last = NULL WHERE first = 51")
        assert requeue_lost(connection, RUN, only_when_drained=True) == 2
    moved = {record.key: record.state for record in book.messages() if record.attempts}
    gone = {"k1": State.IN_DOUBT, "k2": State.PLANNED, "k51": State.IN_DOUBT, "k52": State.PLANNED}
    assert moved == {**gone, "k101": State.SENDING, "k102": State.RETRY_WAIT}, "the last one is at work"


def test_a_clock_that_was_set_back_keeps_no_dead_alive(
    url: str, connection: Connection, book: PostgresLedger, tmp_path: Path
) -> None:
    migrate(connection)
    enter(connection, book)
    session = WorkerSession(address(url), book.id, "w", tmp_path, Patience())
    session.open_window(RUN, "https://api.test", Window(1, 50))
    session.exchange(["k1"], ())
    session.close()
    connection.execute("UPDATE sessions SET seen_at = clock_timestamp() + interval '1 hour'")
    connection.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (clock_timestamp() + interval '1 h')")
    said: list[str] = []
    with closing(Housekeeper(address(url), Terms(0.0, 0.0, 0.0, 0.0), reach(), said.append)) as keeper:
        assert keeper.round(idle=False)
    assert said == ["a worker died or was cut off: 1 of its messages are in doubt"]
    [(ahead,)] = connection.execute(
        "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now()"
    ).fetchall()
    assert not ahead


def test_who_is_closed_while_it_connects_makes_no_connection(url: str, book: PostgresLedger) -> None:
    """A worker that ends does not wait for that; a connection that nobody closes would be left."""
    with Partition(url) as line:
        line.cut()
        keeper = Housekeeper(address(line.url), Terms(), reach(), lambda _: None)
        with ThreadPoolExecutor(1) as thread:
            connecting = thread.submit(keeper.round, idle=False)
            keeper.close()
            line.heal()
            assert not connecting.result()


@pytest.mark.parametrize("wanted", ["pause", "stop"])
def test_a_run_that_is_held_gets_no_jobs(connection: Connection, book: PostgresLedger, wanted: str) -> None:
    migrate(connection)
    enter(connection, book)
    connection.execute("DELETE FROM procrastinate_jobs")
    steer(connection, RUN, wanted, None)
    assert requeue_lost(connection, RUN) == 0
    assert requeue_lost(connection, "unknown") == 0


def test_who_is_there(connection: Connection, book: PostgresLedger) -> None:
    """Also a worker that never had a window, which has no session."""
    migrate(connection)
    assert Shared(book).there() == 0
    connection.execute(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()), (now() - interval '1 minute')"
    )
    assert Shared(book).there() == 1


def test_a_queue_is_of_one_api() -> None:
    assert queue_of("eu", "https://a") != queue_of("eu", "https://b")
    longest = queue_of("q" * 24, "https://" + "x" * 200)
    assert len("procrastinate_queue_v1#" + longest) < 64, "PostgreSQL has no longer channels"
    for name in ("", "A", "a b", "q" * 25, "-a"):
        with pytest.raises(UsageError, match="--queue"):
            queue_of(name, "https://a")


def test_a_file_is_no_place_for_it(tmp_path: Path) -> None:
    (tmp_path / "l.db").touch()
    with closing(SqliteLedger(tmp_path / "l.db")) as book, pytest.raises(LedgerError, match="PostgreSQL"):
        Shared(book)


def test_procrastinate_still_has_what_is_used_of_it() -> None:
    assert {"batch_defer_jobs", "get_stalled_jobs", "retry_job"} <= set(dir(JobManager))


def test_the_docs_tell_the_terms() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")
    terms = Terms()
    assert f"a **lease** of {terms.lease:.0f} seconds" in page
    assert f"after {terms.grace:.0f} s another worker" in page
    assert f"after {terms.fence:.0f} s where nothing is heard" in page
    assert f"after {terms.fence:.0f} s it is fenced" in page
