"""What PostgreSQL remembers of runs that were erased, and what ends that; what shared runs leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger import postgres_deciding, postgres_erasing
from msgspec_runner.ledger.journal import Journal
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.ledger import Run, RunStatus, Settlement, Skip, timestamp
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import Connection, Patience, connect
from msgspec_runner.ledger.postgres_schema import migrations
from msgspec_runner.ledger.postgres_shared import (
    Sharing,
    close_if_over,
    enqueue,
    fence_if_dead,
    silent,
    standing,
    steer,
)
from msgspec_runner.ledger.postgres_worker import WorkerSession
from msgspec_runner.ledger.windows import Window
from msgspec_runner.model import Message, State
from tests.ledger.conftest import NOON
from tests.ledger.postgres import address, cut, own_schema

LATER = NOON + timedelta(hours=1)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
NOW = timestamp(NOON)
RUN = "20261123-120000-shrd"
ORIGIN = "https://api.test"
IMPATIENT = Terms(lease=0.0, heartbeat=0.0, grace=0.0, fence=0.0)
SOON = Patience(first=0.001, longest=0.02)


def messages(first: int, last: int) -> list[Message]:
    return [Message(f"key-{n:03}", "", "s", 1, n, f"+1617555{n:04}", b"{}", "d") for n in range(first, last + 1)]


@pytest.fixture
def url() -> Iterator[str]:
    with own_schema() as url:
        yield url


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def book(url: str, tmp_path: Path, stack: ExitStack) -> PostgresLedger:
    return opened(url, tmp_path, stack)


def opened(url: str, folder: Path, stack: ExitStack) -> PostgresLedger:
    book = PostgresLedger(address(url), folder / "journals", create=True, clock=lambda: NOON, patience=SOON)
    stack.callback(book.close)
    return book


@pytest.fixture
def connection(url: str, book: PostgresLedger, stack: ExitStack) -> Connection:
    return stack.enter_context(closing(connect(address(url))))


def sent(book: PostgresLedger, run: str, made: list[Message], state: State = State.ACCEPTED) -> None:
    """Carry out a run, but for its end."""
    book.begin(Run(run, "sandbox"))
    book.plan(run, made)
    keys = [message.key for message in made]
    book.commit(run, book.claim(run, keys) and (), [Settlement(key, state, 200) for key in keys])


def known(connection: Connection) -> dict[str, str | None]:
    """Return what is noted of the runs."""
    found = connection.execute("SELECT id, erasable_from FROM runs WHERE read_by IS NULL ORDER BY id").fetchall()
    return {str(run): None if since is None else str(since) for run, since in found}


def lines_read(url: str, before: datetime) -> int:
    """Erase, and return how many messages were read for it."""
    # In a session of its own: what one has read before is counted with it for a while.
    with closing(connect(address(url))) as fresh, fresh.transaction():
        postgres_erasing.erase_before(fresh, timestamp(before))
        row = fresh.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'messages'::regclass"
        ).fetchone()
    assert row is not None
    return int(str(row[0]))


# -- what is read ------------------------------------------------------------------------------------------


def test_only_what_is_due_is_read(book: PostgresLedger, connection: Connection, url: str) -> None:
    for number, run in enumerate(("run-1", "run-2")):
        sent(book, run, messages(1 + 100 * number, 100 + 100 * number))
        book.end(run, RunStatus.FINISHED)
    assert lines_read(url, NOON) >= 200, "nothing was known of them"
    assert known(connection) == {"run-1": NOW, "run-2": NOW}
    assert lines_read(url, NOON) == 0
    assert book.erase(before=LATER) == 200
    assert known(connection) == {"run-1": "nothing", "run-2": "nothing"}
    assert lines_read(url, NEVER) == 0
    sent(book, "run-3", messages(201, 203))
    book.end("run-3", RunStatus.FINISHED)
    assert 3 <= lines_read(url, NEVER) <= 3 * 8


def test_what_is_left_is_read_again_when_it_is_due(
    book: PostgresLedger, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pages and out of them; skipped rows too."""
    monkeypatch.setattr(postgres_erasing, "CHUNK", 3)
    book.begin(Run("run-1", "sandbox"))
    made = messages(1, 10)
    book.plan("run-1", made)
    book.claim("run-1", [message.key for message in made])
    hours = [NOON + timedelta(hours=n % 3) for n in range(9)]
    book.commit("run-1", (), [Settlement(m.key, State.ACCEPTED, at=at) for m, at in zip(made, hours, strict=False)])
    book.skip("run-1", [Skip("s", 1, n, "invalid", "+1", "k", f"skip-{n}") for n in range(4)])
    book.end("run-1", RunStatus.FINISHED)
    assert book.erase(before=NOON) == 0
    assert known(connection) == {"run-1": NOW}
    assert book.erase(before=hours[1]) == 3 + 4
    assert known(connection) == {"run-1": timestamp(hours[1])}
    assert book.erase(before=hours[2]) == 3
    assert book.erase(before=NEVER) == 3
    assert known(connection) == {"run-1": "nothing"}, "what is in doubt is not at rest"


def test_a_run_that_died_and_was_not_recovered_is_erased_and_not_noted(
    book: PostgresLedger, connection: Connection, url: str, tmp_path: Path, stack: ExitStack
) -> None:
    sent(book, "run-1", messages(1, 2))
    book.close()
    assert opened(url, tmp_path, stack).erase(before=NEVER) == 2
    assert known(connection) == {"run-1": None}


# -- what ends it ------------------------------------------------------------------------------------------


def test_who_cancels_gives_it_an_error_again(book: PostgresLedger, connection: Connection) -> None:
    sent(book, "run-1", messages(1, 2))
    book.end("run-1", RunStatus.FINISHED)
    assert book.erase(before=NEVER) == 2
    book.resolve([Settlement("key-001", State.CANCELLED, error="asked by +16175550001")], "cancel", "asked")
    assert known(connection) == {"run-1": None}
    assert book.erase(before=NEVER) == 1
    assert [record.error for record in book.messages()] == [None, None]


def test_who_decides_while_it_is_read(book: PostgresLedger, connection: Connection) -> None:
    """The decision is not to be seen yet, and nobody waits for it: so nothing is noted of the run."""
    sent(book, "run-1", messages(1, 2))
    book.end("run-1", RunStatus.FINISHED)
    sent(book, "run-2", messages(3, 3))
    book.end("run-2", RunStatus.FINISHED)
    for number in (1, 2, 3):
        book.erase(number=f"+1617555000{number}")
    with connection.transaction():
        late = Settlement("key-001", State.CANCELLED, error="asked by +16175550001")
        assert postgres_deciding.resolve(connection, [late], "cancel", "asked", NOW) == {"key-001"}
        assert book.erase(before=NEVER) == 0
    assert known(connection) == {"run-1": None, "run-2": "nothing"}
    assert book.erase(before=NEVER) == 1


def test_who_decides_after_it_was_read(
    book: PostgresLedger, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a run's last page and the note, somebody settles what was in doubt."""
    sent(book, "run-1", messages(1, 2), State.IN_DOUBT)
    book.end("run-1", RunStatus.FINISHED)
    read = postgres_erasing._erase_of_run

    def read_and_decide(session: Connection, run_id: str, before: str) -> postgres_erasing._Read:
        result = read(session, run_id, before)
        late = [Settlement("key-001", State.REJECTED, error="no such number")]
        with connection.transaction():
            assert postgres_deciding.resolve(connection, late, "ann", "asked", NOW)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(postgres_erasing, "_erase_of_run", read_and_decide)
        assert book.erase(before=NEVER) == 0
    assert known(connection) == {"run-1": None}
    assert book.erase(before=NEVER) == 1


def test_who_decides_while_the_run_ends(book: PostgresLedger, connection: Connection) -> None:
    """Who saw the run under way did not have to say anything but that it is at work; a claim does not wait for that."""
    sent(book, "run-1", messages(1, 2), State.IN_DOUBT)
    book.plan("run-1", messages(3, 3))
    late = [Settlement("key-001", State.REJECTED, error="no such number")]
    with connection.transaction():
        assert postgres_deciding.resolve(connection, late, "ann", "asked", NOW)
        assert book.claim("run-1", ["key-003"]) == {"key-003"}
        book.commit("run-1", (), [Settlement("key-003", State.PLANNED)])
        book.end("run-1", RunStatus.FINISHED)
        assert book.erase(before=NEVER) == 0
        assert known(connection) == {"run-1": None}
    assert book.erase(before=NEVER) == 1
    assert known(connection) == {"run-1": "nothing"}


def test_what_was_released_comes_to_rest(book: PostgresLedger, connection: Connection) -> None:
    sent(book, "run-1", messages(1, 2), State.IN_DOUBT)
    book.end("run-1", RunStatus.FINISHED)
    assert book.erase(before=NEVER) == 0
    assert known(connection) == {"run-1": "nothing"}
    assert book.release(["key-002"], "asked") == 1
    assert known(connection) == {"run-1": None}
    assert book.erase(before=NEVER) == 1


def test_who_was_taken_for_dead_still_says_what_it_sent(
    book: PostgresLedger, connection: Connection, url: str, tmp_path: Path, stack: ExitStack
) -> None:
    book.begin(Run("run-1", "sandbox"))
    book.plan("run-1", messages(1, 1))
    book.claim("run-1", ["key-001"])
    cut(url)
    other = opened(url, tmp_path, stack)
    while other.runs()[0].status is not RunStatus.DIED:  # until the server has missed its session
        pass
    assert other.recover() == 1
    assert other.erase(before=NEVER) == 0
    with closing(connect(address(url))) as fresh:
        assert known(fresh) == {"run-1": "nothing"}
        with pytest.raises(LedgerError, match="taken for dead"):
            book.commit("run-1", (), [Settlement("key-001", State.ACCEPTED, 200, "id")])
        assert known(fresh) == {"run-1": None}
    assert other.erase(before=NEVER) == 1


def test_what_a_dead_process_noted_comes_late(
    book: PostgresLedger, connection: Connection, url: str, tmp_path: Path, stack: ExitStack
) -> None:
    book.begin(Run("run-1", "sandbox"))
    book.plan("run-1", messages(1, 1))
    book.claim("run-1", ["key-001"])
    book.close()
    elsewhere = opened(url, tmp_path / "elsewhere", stack)
    assert elsewhere.recover() == 1
    assert elsewhere.erase(before=NEVER) == 0
    assert known(connection) == {"run-1": "nothing"}
    journal = Journal(tmp_path / "journals", elsewhere.id, "run-1")
    journal.note(9, [Settlement("key-001", State.ACCEPTED, 200, "id", at=NOON)])
    journal._close(remove=False)
    assert opened(url, tmp_path, stack).recover() == 0
    assert elsewhere.totals("run-1").accepted == 1
    assert known(connection) == {"run-1": None}
    assert elsewhere.erase(before=NEVER) == 1


# -- shared runs -------------------------------------------------------------------------------------------


def share(connection: Connection, book: PostgresLedger, run: str = RUN, count: int = 120) -> list[Window]:
    """Enter a run; return its windows, of which there are some."""
    windows: list[Window] = []
    sharing = Sharing("q", '{"timeout": 30}', {"": "[]", "s": "[]"})
    made = [message._replace(key=f"{run}-{message.key}") for message in messages(1, count)]
    entered = Run(run, ORIGIN, ("s",))
    enqueue(connection, book.id, entered, sharing, made, (), lambda _, cut: windows.extend(cut), NOON)
    return windows


def join(url: str, book: PostgresLedger, tmp_path: Path, stack: ExitStack) -> WorkerSession:
    session = WorkerSession(address(url), book.id, "w", tmp_path / "journals", SOON, clock=lambda: NOON)
    stack.callback(session.close)
    return session


def left(connection: Connection, run: str) -> tuple[object, ...]:
    """Return how many windows and paces there are of a run, and its settings."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM windows WHERE run = %(run)s), (SELECT count(*) FROM paces WHERE run = %(run)s),"
        " (SELECT settings FROM shared_runs WHERE run = %(run)s)",
        {"run": run},
    ).fetchone()
    assert row is not None
    return row


def test_what_served_an_ended_run_is_dropped(
    book: PostgresLedger, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_erasing, "CHUNK", 2)
    monkeypatch.setattr(postgres_erasing, "RUNS", 1)
    for run in ("old-1", "old-2", "young", "under-way"):
        windows = len(share(connection, book, run))
        assert windows > 2
        if run != "under-way":
            steer(connection, run, "stop", "+16175550001 was refused")
            close_if_over(connection, run, timestamp(LATER) if run == "young" else NOW)
    ends = {run: standing(connection, run, IMPATIENT) for run in ("old-1", "old-2")}
    book.erase(before=LATER)
    assert [left(connection, run) for run in ("old-1", "old-2")] == [(0, 0, "{}")] * 2
    assert [left(connection, run) for run in ("young", "under-way")] == [(windows, 2, '{"timeout": 30}')] * 2
    for run, before in ends.items():
        assert before is not None
        assert standing(connection, run, IMPATIENT) == before._replace(pace=None)
        assert steer(connection, run, "go", None) is not None, "it is still known to have been shared"
        ended = book.run(run)
        assert ended is not None
        assert (ended.status, book.totals(run).planned) == (RunStatus.STOPPED, 120)
    book.erase(number="+16175550001")
    held = connection.execute("SELECT reason FROM shared_runs WHERE reason IS NOT NULL").fetchall()
    assert held == [("+••• was refused",)] * 3


def test_one_number_is_no_reason_to_drop_anything(book: PostgresLedger, connection: Connection) -> None:
    windows = share(connection, book)
    steer(connection, RUN, "stop", None)
    close_if_over(connection, RUN, NOW)
    book.erase(before=NEVER, number="+16175550001")
    assert left(connection, RUN) == (len(windows), 2, '{"timeout": 30}')


def test_who_has_not_left_the_run_yet(
    book: PostgresLedger, connection: Connection, url: str, tmp_path: Path, stack: ExitStack
) -> None:
    """A worker with an open window may still bring outcomes; one that was fenced may too, and then they count."""
    session = join(url, book, tmp_path, stack)
    windows = share(connection, book)
    session.open_window(RUN, ORIGIN, windows[0])
    session.exchange([f"{RUN}-key-001", f"{RUN}-key-002"], ())
    for window in windows:
        connection.execute("UPDATE windows SET done = true WHERE run = %s AND first = %s", (RUN, window.first))
    assert close_if_over(connection, RUN, NOW)
    assert book.erase(before=NEVER) == 0
    assert known(connection) == {RUN: None}
    assert left(connection, RUN) == (len(windows), 2, '{"timeout": 30}')
    session.exchange((), [Settlement(f"{RUN}-key-001", State.ACCEPTED, 200, "id-1")])
    [suspect] = silent(connection, IMPATIENT)
    assert fence_if_dead(connection, suspect, IMPATIENT, NOW) == 0
    assert book.erase(before=NEVER) == 1
    assert known(connection) == {RUN: "nothing"}
    assert left(connection, RUN) == (0, 0, "{}")
    assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
    late = [Settlement(f"{RUN}-key-002", State.ACCEPTED, 200, "id-2")]
    assert session.exchange([f"{RUN}-key-003"], late) == (set(), False)
    assert session.fenced, "it is unknown by now, which is no better"
    assert known(connection) == {RUN: None}
    assert book.erase(before=NEVER) == 1


# -- older ledgers -----------------------------------------------------------------------------------------


def test_a_ledger_of_an_older_schema_is_read_whole_once(url: str, tmp_path: Path, stack: ExitStack) -> None:
    schema = address(url).schema
    with psycopg.connect(address(url).conninfo, autocommit=True) as session:
        session.execute(f"CREATE SCHEMA {schema}".encode())
        session.execute(f"SET search_path TO {schema}".encode())
        for script in migrations()[:3]:
            session.execute(script.encode())
        session.execute("INSERT INTO ledger VALUES ('the-id', %s, 3)", (NOW,))
        session.execute(
            "INSERT INTO runs (id, origin, status, specs, version, host, pid, started_at, ended_at, lock)"
            " VALUES ('run-1', 'sandbox', 'finished', '[]', '', '', 1, %(now)s, %(now)s, 1)",
            {"now": NOW},
        )
        session.execute(
            """INSERT INTO messages (key, run, position, origin, spec, edition, recipient_key, "to", row, state, digest,
                                     body, attempts, created_at, updated_at)
            SELECT 'key-' || n, 'run-1', n, 'sandbox', 's', 1, '', CASE n WHEN 1 THEN '' ELSE '+1617555000' || n END, n,
                   'accepted', 'd', CASE n WHEN 1 THEN '' ELSE '{}' END::bytea, 1, %(now)s, %(now)s
            FROM generate_series(1, 3) AS n""",
            {"now": NOW},
        )
    book = opened(url, tmp_path, stack)
    assert (book.id, book.schema) == ("the-id", len(migrations()))
    assert book.erase(before=LATER) == 2
    with closing(connect(address(url))) as connection:
        assert known(connection) == {"run-1": "nothing"}
