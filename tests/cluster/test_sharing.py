"""How a run enters the ledger for workers while others write there too."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from msgspec_runner.cluster.carrying import RunSettings
from msgspec_runner.cluster.pace import first_state
from msgspec_runner.cluster.queue import deferring, queue_of
from msgspec_runner.cluster.sharing import Shared
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Run, Totals
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import Connection, Patience, connect
from msgspec_runner.ledger.postgres_shared import Sharing, enqueue, entered
from msgspec_runner.model import Message
from tests.ledger.cutting import Line, Moment
from tests.ledger.postgres import address, own_schema

ORIGIN = "https://api.test"
MANNER = RunSettings(30.0, retry_server_errors=False, rate=None, rates={})
MESSAGES = [Message(f"k{n}", "", "s", 1, n, "+16175551212", b"{}", "d") for n in range(1, 4)]

SOON = Patience(first=0.001, longest=0.02)
"""A server on this machine is back at once."""

IN_THE_WAY = """
CREATE SEQUENCE attempts;
CREATE FUNCTION be_in_the_way() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('attempts') <= {times} THEN
        RAISE EXCEPTION 'somebody is in the way' USING ERRCODE = '{code}';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER in_the_way BEFORE INSERT ON messages FOR EACH STATEMENT EXECUTE FUNCTION be_in_the_way()
"""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def book(tmp_path: Path, stack: ExitStack) -> PostgresLedger:
    url = stack.enter_context(own_schema())
    return stack.enter_context(closing(PostgresLedger(address(url), tmp_path, create=True)))


@pytest.fixture
def connection(book: PostgresLedger, stack: ExitStack) -> Connection:
    Shared(book).migrate()
    return stack.enter_context(closing(connect(book.address)))


def enter(book: PostgresLedger, asked: list[int], said: list[str], seconds: float = 60) -> int:
    """Enter a run; ``asked`` gets an entry each time when the plan is asked for."""

    def plan() -> tuple[list[Message], list[object]]:
        asked.append(len(asked))
        return MESSAGES[len(asked) - 1 :], []

    patience = Patience(seconds=seconds, sleep=lambda _: None)
    queue = queue_of("default", ORIGIN)
    return Shared(book).enter(Run("run", ORIGIN), queue, MANNER, plan, said.append, patience)  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["40P01", "40001", "55P03"], ids=["deadlock", "serialization", "lock timeout"])
def test_who_is_in_the_way_is_waited_for_and_the_plan_is_asked_for_anew(
    book: PostgresLedger, connection: Connection, code: str
) -> None:
    connection.execute(IN_THE_WAY.format(times=2, code=code).encode())
    asked: list[int] = []
    said: list[str] = []
    assert enter(book, asked, said) == 1
    assert len(asked) == 3
    assert said == ["another process is writing to the same messages: waits for it"]
    assert book.totals() == Totals(planned=1)


def test_who_is_always_in_the_way_is_told(book: PostgresLedger, connection: Connection) -> None:
    connection.execute(IN_THE_WAY.format(times=99, code="40P01").encode())
    asked: list[int] = []
    with pytest.raises(LedgerError, match=r"writing to the same messages\. Nothing was sent"):
        enter(book, asked, [], seconds=0)
    assert book.totals() == Totals()
    assert book.runs() == []


def test_what_waiting_does_not_help_is_told_at_once(book: PostgresLedger, connection: Connection) -> None:
    connection.execute(IN_THE_WAY.format(times=99, code="53100").encode())
    asked: list[int] = []
    with pytest.raises(LedgerError, match="disk or memory is full"):
        enter(book, asked, [])
    assert asked == [0]


def enter_another(book: PostgresLedger, run: str, said: list[str], patience: Patience = SOON) -> int:
    """Enter a run of three messages that no other has."""
    messages = [Message(f"{run}-{n}", "", "s", 1, n, "+16175551212", b"{}", "d") for n in range(1, 4)]
    queue = queue_of("default", ORIGIN)
    return Shared(book).enter(Run(run, ORIGIN), queue, MANNER, lambda: (messages, []), said.append, patience)


@pytest.fixture
def url(stack: ExitStack, tmp_path: Path) -> str:
    """The address of a ledger with a queue."""
    url = stack.enter_context(own_schema())
    with closing(PostgresLedger(address(url), tmp_path, create=True)) as book:
        Shared(book).migrate()
    return url


@contextmanager
def behind(line: Line, folder: Path) -> Iterator[PostgresLedger]:
    """Open a ledger behind a line that breaks where a test wants it to; what went over it so far was answered."""
    with line, closing(PostgresLedger(address(line.url), folder)) as book:
        yield book


def pieces(url: str, folder: Path) -> tuple[int, int]:
    """Return which piece from a client is the first after it has connected, and which is its COMMIT."""
    with behind(line := Line(url), folder) as book:
        before = line.requests
        with closing(connect(book.address)) as connection:
            first = line.requests - before + 1
            assert enqueued(connection, book, Run("whole", ORIGIN)) == 3
            return first, line.requests - before


def enqueued(connection: Connection, book: PostgresLedger, run: Run) -> int:
    sharing = Sharing(queue_of("default", ORIGIN), MANNER.written(), {"": first_state(None)}, {})
    defer = deferring(run.id, sharing.queue)
    return enqueue(connection, book.id, run, sharing, MESSAGES, [], defer, datetime.now(UTC))


@pytest.mark.parametrize("moment", Moment)
def test_wherever_the_line_breaks_a_run_is_entered_once(url: str, tmp_path: Path, moment: Moment) -> None:
    first, commit = pieces(url, tmp_path)
    assert commit - first > 10
    for number in range(first, commit + 1):
        said: list[str] = []
        with behind(line := Line(url), tmp_path) as book:
            line.cuts = {line.requests + number: moment}
            assert enter_another(book, f"cut-{number}", said) == 3, number
            assert book.totals(f"cut-{number}") == Totals(planned=3), number
        assert said == ["the ledger is out of reach: waits for it"]
    with closing(connect(address(url))) as connection:
        windows = connection.execute("SELECT run, first FROM windows ORDER BY run").fetchall()
        jobs = connection.execute(
            "SELECT args ->> 'run', (args ->> 'first')::bigint FROM procrastinate_jobs ORDER BY 1"
        )
        assert jobs.fetchall() == windows
    assert len(windows) == commit - first + 2


def test_a_server_that_cannot_be_reached_at_first_is_told_at_once(url: str, tmp_path: Path) -> None:
    said: list[str] = []
    with behind(line := Line(url), tmp_path) as book:
        line.go_down()
        with pytest.raises(LedgerError, match="cannot be reached"):
            enter_another(book, "run", said)
        line.down = False
        assert book.runs() == []
    assert said == []


def test_a_server_that_stays_away_leaves_it_open_whether_the_run_is_there(url: str, tmp_path: Path) -> None:
    _, commit = pieces(url, tmp_path)
    with behind(line := Line(url), tmp_path) as book:
        line.cuts = {line.requests + commit: Moment.AFTER}
        waits = Patience(seconds=0.01, sleep=lambda _: line.go_down())
        with pytest.raises(LedgerError, match=r"whether run cut is in it is not known.*`msgspec-runner status cut`"):
            enter_another(book, "cut", [], waits)
        line.down = False
        assert book.totals("cut") == Totals(planned=3)


@pytest.mark.parametrize(("ends", "found"), [("COMMIT", 3), ("ROLLBACK", None)])
def test_an_attempt_that_the_server_is_still_at_is_waited_for(
    book: PostgresLedger, connection: Connection, stack: ExitStack, ends: str, found: int | None
) -> None:
    run, now = Run("run", ORIGIN), datetime.now(UTC)
    connection.execute("BEGIN")
    assert enqueued(connection, book, run) == 3
    other = stack.enter_context(closing(connect(book.address)))
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(entered, other, book.id, run, now)
        waiting = "SELECT FROM pg_locks WHERE NOT granted AND pid = %s"
        while not connection.execute(waiting, (other.info.backend_pid,)).fetchall():
            assert not asking.done()
        connection.execute(ends.encode())
        assert asking.result() == found
