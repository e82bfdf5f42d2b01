"""Runs that several workers carry out, in the ledger: what a session may claim, and what is left when one dies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger import postgres_shared
from msgspec_runner.ledger.leases import LEASE, Terms, terms
from msgspec_runner.ledger.ledger import Run, RunStatus, Settlement, Skip, timestamp
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import Connection, Patience, connect
from msgspec_runner.ledger.postgres_shared import (
    Sharing,
    close_if_over,
    enqueue,
    fence_if_dead,
    held,
    silent,
    standing,
    steer,
)
from msgspec_runner.ledger.postgres_worker import WorkerSession
from msgspec_runner.ledger.windows import Window
from msgspec_runner.model import Message, State
from tests.ledger.conftest import NOON
from tests.ledger.cutting import Line, Moment
from tests.ledger.postgres import address, cut, own_schema

RUN = "20261123-120000-shrd"
ORIGIN = "https://api.test"
NOW = timestamp(NOON)
SOON = Patience(first=0.001, longest=0.02)
IMPATIENT = Terms(lease=0.0, heartbeat=0.0, grace=0.0, fence=0.0)
PATIENT = Terms(lease=0.0, heartbeat=0.0, grace=0.0, fence=3600.0)

MakeSession = Callable[..., WorkerSession]


def messages(count: int, digest: str = "d") -> list[Message]:
    return [Message(f"key-{n:03}", "", "s", 1, n, f"+1617555{n:04}", b"{}", digest) for n in range(1, count + 1)]


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
    ledger = PostgresLedger(address(url), folder / "journals", create=True, clock=lambda: NOON, patience=SOON)
    stack.callback(ledger.close)
    return ledger


@pytest.fixture
def connection(url: str, book: PostgresLedger, stack: ExitStack) -> Connection:
    return stack.enter_context(closing(connect(address(url))))


@pytest.fixture
def join(url: str, book: PostgresLedger, tmp_path: Path, stack: ExitStack) -> MakeSession:
    """Open sessions as workers do."""

    def make(where: str | None = None, patience: Patience = SOON) -> WorkerSession:
        place = address(where or url)
        session = WorkerSession(place, book.id, "w", tmp_path / "journals", patience, clock=lambda: NOON)
        stack.callback(session.close)
        return session

    return make


def share(connection: Connection, book: PostgresLedger, count: int = 12, run: str = RUN, **given: Any) -> list[Window]:
    """Enter a run; return its windows."""
    windows: list[Window] = []
    sharing = Sharing("q", "{}", {"": "[]"})
    enqueue(
        *(connection, book.id, Run(run, ORIGIN, ("s",)), sharing, given.get("messages") or messages(count)),
        *(given.get("skips", ()), lambda _, cut: windows.extend(cut), NOON),
    )
    return windows


def undone(connection: Connection) -> list[Window]:
    found: Any = connection.execute("SELECT first, last FROM windows WHERE NOT done ORDER BY first").fetchall()
    return [Window(*row) for row in found]


def states(book: PostgresLedger) -> dict[str, State]:
    return {record.key: record.state for record in book.messages()}


def keys_of(session: WorkerSession, window: Window) -> list[str]:
    return [planned.key for planned in session.pending_in(window, 0, 500)]


# -- planning ----------------------------------------------------------------------------------------------


def test_a_run_enters_whole(connection: Connection, book: PostgresLedger) -> None:
    windows = share(connection, book, 125, skips=[Skip("s", 1, 126, "duplicate", "+1", "k")])
    assert windows == [Window(1, 50), Window(51, 100), Window(101, 125)]
    assert undone(connection) == windows
    totals = book.totals(RUN)
    assert (totals.planned, totals.skipped) == (125, 1)
    assert [planned.row for planned in book.pending(RUN)] == list(range(1, 126))
    run = book.run(RUN)
    assert run is not None
    assert run.status is RunStatus.RUNNING


def test_or_not_at_all(connection: Connection, book: PostgresLedger) -> None:
    def fails(_: Connection, __: object) -> None:
        raise OSError("no queue")

    sharing = Sharing("q", "{}", {})
    with pytest.raises(OSError, match="no queue"):
        enqueue(connection, book.id, Run(RUN, ORIGIN), sharing, messages(5), (), fails, NOON)
    assert book.runs() == []
    assert book.totals().total == 0
    assert undone(connection) == []


def test_a_run_without_messages_is_none(connection: Connection, book: PostgresLedger) -> None:
    share(connection, book)
    assert share(connection, book, run="another", skips=[Skip("s", 1, 1, "expired")]) == []
    assert [run.id for run in book.runs()] == [RUN]
    assert book.totals().skipped == 0


def test_large_runs_are_cut_into_larger_windows(connection: Connection, book: PostgresLedger) -> None:
    windows = share(connection, book, 6400)
    assert len(windows) == 64
    assert windows[-1].last == 6400


@pytest.mark.parametrize("state", [State.PLANNED, State.ACCEPTED, State.REJECTED, State.IN_DOUBT, State.RELEASED])
@pytest.mark.parametrize("digest", ["d", "other"])
@pytest.mark.parametrize("alive", [True, False])
def test_it_takes_what_an_ordinary_run_takes(
    url: str, connection: Connection, book: PostgresLedger, state: State, digest: str, alive: bool
) -> None:
    """The rules of plan(), of which this has a copy: both get the same messages of an earlier run, or none."""
    taken = []
    for ordinary in (True, False):
        connection.execute("TRUNCATE messages, runs, shared_runs, windows, paces")
        book.begin(Run("before", ORIGIN))
        book.plan("before", messages(1))
        if state is not State.PLANNED:
            book.claim("before", ["key-001"])
            result = State.REJECTED if state is State.RELEASED else state
            book.commit("before", [], [Settlement("key-001", result)])
        if state is State.RELEASED:
            book.release(["key-001"], "r")
        if not alive:
            book.end("before", RunStatus.INTERRUPTED)
        if ordinary:
            book.begin(Run("after", ORIGIN))
            taken.append(book.plan("after", messages(1, digest)))
            book.end("after", RunStatus.FINISHED)
        else:
            taken.append(len(share(connection, book, messages=messages(1, digest))))
        if alive:
            book.end("before", RunStatus.FINISHED)
    assert taken[0] == taken[1]
    assert (taken[0] == 1) is (
        not alive and (state in (State.PLANNED, State.RELEASED) or (state is State.REJECTED and digest == "other"))
    )


# -- claims ------------------------------------------------------------------------------------------------


def test_from_claim_to_the_end_of_the_run(connection: Connection, book: PostgresLedger, join: MakeSession) -> None:
    [window] = share(connection, book, 3)
    session = join()
    assert session.open_window(RUN, ORIGIN, window) == "{}"
    keys = keys_of(session, window)
    assert session.exchange(keys, ()) == (set(keys), True)
    assert set(states(book).values()) == {State.SENDING}
    outcomes = [
        Settlement(keys[0], State.ACCEPTED, 200, "id-1"),
        Settlement(keys[1], State.REJECTED, 400, error="no\0"),
        Settlement(keys[2], State.IN_DOUBT, error="lost"),
    ]
    assert session.exchange((), outcomes) == (set(), True)
    assert session.close_window(window, 0)
    run = book.run(RUN)
    assert run is not None
    assert (run.status, run.reason) == (RunStatus.FINISHED, None)
    assert run.totals == book.totals(RUN)
    assert run.totals is not None
    assert (run.totals.accepted, run.totals.rejected, run.totals.in_doubt) == (1, 1, 1)
    session.leave()
    assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)


def test_a_window_that_comes_twice(connection: Connection, book: PostgresLedger, join: MakeSession) -> None:
    [window] = share(connection, book, 8)
    first, second = join(), join()
    for session in (first, second):
        session.open_window(RUN, ORIGIN, window)
    keys = keys_of(first, window)
    assert first.exchange(keys[:5], ()).claimed == set(keys[:5])
    assert second.exchange(keys, ()).claimed == set(keys[5:])
    second.exchange((), [Settlement(key, State.ACCEPTED, 200, key) for key in keys[5:]])
    assert not second.close_window(window, 0), "the first is still at it"
    first.exchange((), [Settlement(key, State.ACCEPTED, 200, key) for key in keys[:5]])
    assert first.close_window(window, 0)


def test_nobody_settles_what_another_claimed(connection: Connection, book: PostgresLedger, join: MakeSession) -> None:
    [window] = share(connection, book, 2)
    first, second = join(), join()
    for session in (first, second):
        session.open_window(RUN, ORIGIN, window)
    keys = keys_of(first, window)
    first.exchange(keys, ())
    with pytest.raises(LedgerError, match="is sending"):
        second.exchange((), [Settlement(keys[0], State.PLANNED)])
    assert set(states(book).values()) == {State.SENDING}


def test_what_waits_is_claimed_by_who_knows_when(
    connection: Connection, book: PostgresLedger, join: MakeSession
) -> None:
    [window] = share(connection, book, 1)
    first, second = join(), join()
    for session in (first, second):
        session.open_window(RUN, ORIGIN, window)
    first.exchange(["key-001"], ())
    first.exchange((), [Settlement("key-001", State.RETRY_WAIT, 429)])
    assert second.exchange(["key-001"], ()).claimed == set()
    assert first.exchange(["key-001"], ()).claimed == {"key-001"}


def test_what_expired_stays_planned_and_the_window_is_done(
    connection: Connection, book: PostgresLedger, join: MakeSession
) -> None:
    [window] = share(connection, book, 2)
    session = join()
    session.open_window(RUN, ORIGIN, window)
    assert not session.close_window(window, 1)
    session.open_window(RUN, ORIGIN, window)
    assert session.close_window(window, 2)
    assert set(states(book).values()) == {State.PLANNED}


def test_another_origin_opens_nothing(connection: Connection, book: PostgresLedger, join: MakeSession) -> None:
    [window] = share(connection, book)[:1]
    assert join().open_window(RUN, "https://evil.test", window) is None


@pytest.mark.parametrize("wanted", ["pause", "stop"])
def test_a_run_that_is_held(connection: Connection, book: PostgresLedger, join: MakeSession, wanted: str) -> None:
    """What is in flight settles, nothing is claimed, no window opens; a stop ends the run with its last window."""
    first, second = share(connection, book, 60)
    session = join()
    session.open_window(RUN, ORIGIN, first)
    keys = keys_of(session, first)
    session.exchange(keys[:2], ())
    before = steer(connection, RUN, wanted, "because")
    assert before is not None
    assert before.wanted == "go"
    outcomes = [Settlement(keys[0], State.ACCEPTED, 200, "id"), Settlement(keys[1], State.PLANNED)]
    assert session.exchange(keys[2:], outcomes) == (set(), False)
    assert not close_if_over(connection, RUN, NOW)
    assert not session.close_window(first, 0)
    assert session.open_window(RUN, ORIGIN, second) is None
    run = book.run(RUN)
    assert run is not None
    if wanted == "stop":
        assert (run.status, run.reason) == (RunStatus.STOPPED, "because")
        book.begin(Run("next", ORIGIN))
        assert book.plan("next", messages(12)) == 11
    else:
        assert run.status is RunStatus.RUNNING
        steer(connection, RUN, "go", None)
        assert session.open_window(RUN, ORIGIN, first) is not None


def test_a_stop_is_not_taken_back(connection: Connection, book: PostgresLedger) -> None:
    share(connection, book)
    for wanted, reason in (("stop", "first"), ("go", None), ("stop", "second")):
        steer(connection, RUN, wanted, reason)
    close_if_over(connection, RUN, NOW)
    run = book.run(RUN)
    assert run is not None
    assert run.reason == "first"
    assert steer(connection, "unknown", "stop", None) is None


# -- the dead ----------------------------------------------------------------------------------------------


def busy(connection: Connection, book: PostgresLedger, session: WorkerSession) -> tuple[Window, list[str]]:
    """Let a session have one message in flight, and one that waits."""
    window = share(connection, book, 4)[0]
    session.open_window(RUN, ORIGIN, window)
    keys = keys_of(session, window)
    session.exchange(keys[:2], ())
    session.exchange((), [Settlement(keys[1], State.RETRY_WAIT, 429)])
    return window, keys


def test_the_dead_are_buried(connection: Connection, book: PostgresLedger, join: MakeSession) -> None:
    session = join()
    window, keys = busy(connection, book, session)
    session.close()
    [dead] = silent(connection, IMPATIENT)
    assert fence_if_dead(connection, dead, IMPATIENT, NOW) == 1
    assert fence_if_dead(connection, dead, IMPATIENT, NOW) is None
    found = states(book)
    assert [found[key] for key in keys] == [State.IN_DOUBT, State.PLANNED, State.PLANNED, State.PLANNED]
    [record] = book.messages(state=State.IN_DOUBT)
    assert record.error == "its worker died or was cut off before the outcome was known"
    other = join()
    other.open_window(RUN, ORIGIN, window)
    assert other.exchange(keys, ()).claimed == set(keys[1:])


def test_it_is_known_when_the_windows_of_the_dead_are_free(
    connection: Connection, book: PostgresLedger, join: MakeSession
) -> None:
    def free_at(terms: Terms) -> float | None:
        found = standing(connection, RUN, terms)
        assert found is not None
        return found.free_at

    terms = Terms(lease=0.0, heartbeat=10.0, grace=0.0, fence=100.0)
    session = join()
    window, _ = busy(connection, book, session)
    session.close()
    [(seen_at,)] = connection.execute("SELECT extract(epoch FROM seen_at)::float8 FROM sessions").fetchall()
    assert free_at(terms) == pytest.approx(seen_at + 110)
    assert free_at(terms._replace(grace=50.0)) is None, "it may still live"
    assert free_at(IMPATIENT) is None, "that is over"
    [dead] = silent(connection, IMPATIENT)
    fence_if_dead(connection, dead, IMPATIENT, NOW)
    assert free_at(terms) == pytest.approx(seen_at + 110), "its job is still its own"
    connection.execute("UPDATE windows SET done = true WHERE first = %s", (window.first,))
    assert free_at(terms) is None


def test_what_is_held_is_told(connection: Connection, book: PostgresLedger) -> None:
    share(connection, book)
    assert held(connection) == {}
    steer(connection, RUN, "pause", "paused by ann@desk")
    assert held(connection) == {RUN: ("pause", "paused by ann@desk")}
    steer(connection, RUN, "stop", "enough")
    assert held(connection) == {RUN: ("stop", "enough")}
    close_if_over(connection, RUN, NOW)
    assert held(connection) == {}


def test_who_lives_is_not_buried(connection: Connection, book: PostgresLedger, join: MakeSession) -> None:
    """Its lock is held, and it was not silent for so long that it must be suspended."""
    busy(connection, book, join())
    [alive] = silent(connection, PATIENT)
    assert fence_if_dead(connection, alive, PATIENT, NOW) is None
    assert silent(connection, terms()) == []
    assert book.recover() == 0


def test_who_just_showed_life_is_not_buried(connection: Connection, book: PostgresLedger, join: MakeSession) -> None:
    session = join()
    busy(connection, book, session)
    [suspect] = silent(connection, IMPATIENT)
    session.exchange((), ())
    assert fence_if_dead(connection, suspect, terms(), NOW) is None


def test_a_zombie(connection: Connection, book: PostgresLedger, join: MakeSession) -> None:
    """Fenced while it lived: it claims nothing more, and what it still learns of what is in doubt counts."""
    session = join()
    window, keys = busy(connection, book, session)
    [suspect] = silent(connection, IMPATIENT)
    assert fence_if_dead(connection, suspect, IMPATIENT, NOW) == 1
    other = join()
    other.open_window(RUN, ORIGIN, window)
    assert other.exchange([keys[1]], ()).claimed == {keys[1]}
    late = [Settlement(keys[0], State.ACCEPTED, 200, "id-late"), Settlement(keys[1], State.PLANNED)]
    assert session.exchange(keys[1:], late) == (set(), False)
    assert session.fenced
    found = states(book)
    assert [found[key] for key in keys] == [State.ACCEPTED, State.SENDING, State.PLANNED, State.PLANNED]
    assert session.exchange((), [Settlement(keys[0], State.PLANNED)]) == (set(), False)
    assert states(book)[keys[0]] is State.ACCEPTED
    assert session.open_window(RUN, ORIGIN, window) is None
    session.leave()
    assert connection.execute("SELECT fenced FROM sessions ORDER BY id").fetchall() == [(True,), (False,)]


def test_a_session_knows_that_it_was_fenced(connection: Connection, book: PostgresLedger, join: MakeSession) -> None:
    """Nothing to do, and nothing that it may do, are two answers: the window is not done."""
    first, second = share(connection, book, 60)
    session = join()
    assert session.open_window(RUN, "https://evil.test", first) is None
    assert not session.fenced
    connection.execute("UPDATE sessions SET fenced = true")
    assert session.open_window(RUN, ORIGIN, second) is None
    assert session.fenced
    other = join()
    assert other.open_window(RUN, ORIGIN, second) == "{}"
    connection.execute("DELETE FROM sessions")
    assert other.open_window(RUN, ORIGIN, first) is None
    assert other.fenced


@pytest.mark.parametrize("ending", ["UPDATE sessions SET fenced = true", "DELETE FROM sessions"])
def test_who_comes_back_hears_that_it_was_fenced(
    url: str, connection: Connection, book: PostgresLedger, join: MakeSession, ending: str, stack: ExitStack
) -> None:
    session = join()
    window, _ = busy(connection, book, session)
    connection.execute(ending.encode())
    cut(url)
    assert len(session.pending_in(window, 0, 500)) == 2
    assert session.fenced


@pytest.mark.parametrize("planned_again", [False, True])
def test_what_a_zombie_learns_too_late_is_told(
    connection: Connection, book: PostgresLedger, join: MakeSession, planned_again: bool
) -> None:
    """A person let it be sent again, as it was in doubt. The API's id is kept, once, and the rest is stored."""
    session = join()
    window = share(connection, book, 4)[0]
    session.open_window(RUN, ORIGIN, window)
    keys = keys_of(session, window)
    session.exchange(keys[:3], ())
    [suspect] = silent(connection, IMPATIENT)
    assert fence_if_dead(connection, suspect, IMPATIENT, NOW) == 3
    assert book.release(keys[:2], "asked them") == 2
    if planned_again:
        steer(connection, RUN, "stop", None)
        assert close_if_over(connection, RUN, NOW)
        book.begin(Run("next", ORIGIN))
        assert book.plan("next", messages(2)) == 2
    late = [
        Settlement(keys[0], State.ACCEPTED, 200, "id-\0late"),
        Settlement(keys[1], State.REJECTED, 400),
        Settlement(keys[2], State.ACCEPTED, 200, "id-2"),
    ]
    for _ in range(2):
        assert session.exchange((), late) == (set(), False)
    lost = [decided for decided in book.decisions() if decided.what == "lost"]
    assert [(decided.key, decided.reason) for decided in lost] == [
        (keys[0], f"run {RUN} sent it: accepted as id-␀late, known too late")
    ]
    [record] = book.messages(state=State.ACCEPTED)
    assert (record.key, record.message_id) == (keys[2], "id-2")
    assert not session.has_noted


@pytest.mark.parametrize("moment", Moment)
def test_the_line_breaks_while_it_tells(
    url: str, connection: Connection, book: PostgresLedger, join: MakeSession, moment: Moment, tmp_path: Path
) -> None:
    """At each request, and then for good: what the ledger did not hear of is noted, and told by who comes next."""
    with Line(url) as line:
        for nth in range(1, 4):
            connection.execute("TRUNCATE messages, runs, shared_runs, windows, sessions, paces, decisions")
            session = join(line.url)
            window, keys = busy(connection, book, session)
            [suspect] = silent(connection, IMPATIENT)
            fence_if_dead(connection, suspect, IMPATIENT, NOW)
            book.release(keys[:1], "asked them")
            session.pending_in(window, 0, 1)  # it has a line again
            session._patience = Patience(seconds=0)
            line.cuts = {line.requests + nth: moment}
            with pytest.raises(LedgerError, match="noted in"):
                session.exchange((), [Settlement(keys[0], State.ACCEPTED, 200, "id-late")])
            session.close()
            book.recover()
            assert [decided.what for decided in book.decisions()] == ["released", "lost"]
    assert not list((tmp_path / "journals").glob("*.jsonl"))


def test_who_leaves_over_its_claims_leaves_them_to_be_found(
    connection: Connection, book: PostgresLedger, join: MakeSession
) -> None:
    """Whatever went wrong before: it keeps its window, works on no other, and is buried like the dead."""
    session = join()
    window, keys = busy(connection, book, session)
    assert not session.close_window(window, 0)
    assert session.open_window(RUN, ORIGIN, Window(window.last + 1, window.last + 9)) is None
    session.leave()
    assert connection.execute("SELECT run, first FROM sessions").fetchall() == [(RUN, window.first)]
    [dead] = silent(connection, IMPATIENT)
    assert fence_if_dead(connection, dead, IMPATIENT, NOW) == 1
    assert [states(book)[key] for key in keys[:2]] == [State.IN_DOUBT, State.PLANNED]


def test_a_session_waits_for_the_server_from_its_first_question(
    url: str, connection: Connection, book: PostgresLedger, join: MakeSession
) -> None:
    [window] = share(connection, book, 2)
    with Line(url) as line:
        line.go_down()

        def come_back(_: float) -> None:
            line.down = False

        session = join(line.url, Patience(sleep=come_back))
        assert session.open_window(RUN, ORIGIN, window) == "{}"
        session.close()


@pytest.mark.parametrize("refusal", ["statement_timeout = 1", "lock_timeout = 1"])
def test_a_statement_that_is_cancelled_is_tried_again(
    url: str, connection: Connection, book: PostgresLedger, join: MakeSession, refusal: str, tmp_path: Path
) -> None:
    """The outcomes are in the journal meanwhile, and those too that are known later."""
    session = join()
    _, keys = busy(connection, book, session)
    outcomes = [Settlement(keys[0], State.ACCEPTED, 200, "id")]
    noted: list[int] = []

    def let_go(_: float) -> None:
        session.remember(Settlement(keys[1], State.PLANNED))
        [journal] = (tmp_path / "journals").glob("*.jsonl")
        noted.append(len(journal.read_text().splitlines()))
        blocking.rollback()
        assert session._connection is not None
        session._connection.execute(f"SET {refusal.split()[0]} = 0".encode())

    session._patience = Patience(sleep=let_go)
    with closing(connect(address(url))) as blocking:
        blocking.autocommit = False
        blocking.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        session.lasting(lambda line: line.execute(f"SET {refusal}".encode()))
        session.exchange((), outcomes)
    assert noted == [3], "the head, and two outcomes"
    assert states(book)[keys[0]] is State.ACCEPTED


def test_what_a_statement_that_fails_for_good_was_to_say_is_noted(
    connection: Connection, book: PostgresLedger, join: MakeSession, tmp_path: Path
) -> None:
    session = join()
    _, keys = busy(connection, book, session)
    connection.execute("ALTER TABLE messages RENAME TO elsewhere")
    with pytest.raises(LedgerError, match="cannot be used"):
        session.exchange((), [Settlement(keys[0], State.ACCEPTED, 200, "id")])
    assert session.has_noted
    connection.execute("ALTER TABLE elsewhere RENAME TO messages")


def test_recover_leaves_shared_runs_alone_and_ends_what_is_over(
    url: str, connection: Connection, book: PostgresLedger, join: MakeSession, stack: ExitStack, tmp_path: Path
) -> None:
    share(connection, book)
    assert opened(url, tmp_path, stack).recover() == 0
    [entry] = book.entries(["key-001"]).values()
    assert entry.run_alive
    steer(connection, RUN, "stop", "why")
    assert opened(url, tmp_path, stack).recover() == 0
    run = book.run(RUN)
    assert run is not None
    assert run.status is RunStatus.STOPPED


def test_a_session_outlives_its_connection(
    url: str, connection: Connection, book: PostgresLedger, join: MakeSession
) -> None:
    session = join()
    _, keys = busy(connection, book, session)
    cut(url)
    assert session.exchange(keys[2:], ()).claimed == set(keys[2:])
    with closing(connect(address(url))) as fresh:
        [alive] = silent(fresh, PATIENT)
        assert fence_if_dead(fresh, alive, PATIENT, NOW) is None, "it has its lock again"


@pytest.mark.parametrize("moment", Moment)
def test_the_line_breaks_at_each_request_of_a_window(
    url: str, connection: Connection, book: PostgresLedger, join: MakeSession, moment: Moment
) -> None:
    """Whatever was carried out without its answer is not carried out again, and nothing is lost."""
    with Line(url) as line:
        nth = 0
        while True:
            nth += 1
            connection.execute("TRUNCATE messages, runs, shared_runs, windows, sessions, paces")
            [window] = share(connection, book, 3)
            session = join(line.url)
            last = line.requests + nth
            line.cuts = {last: moment}
            session.open_window(RUN, ORIGIN, window)
            keys = keys_of(session, window)
            assert session.exchange(keys[:2], ()).claimed == set(keys[:2])
            waits = [Settlement(keys[0], State.RETRY_WAIT, 429), Settlement(keys[1], State.ACCEPTED, 200, "1")]
            assert session.exchange([keys[2]], waits).claimed == {keys[2]}
            assert session.exchange([keys[0]], ()).claimed == {keys[0]}
            outcomes = [Settlement(key, State.ACCEPTED, 200, key) for key in (keys[0], keys[2])]
            assert session.exchange((), outcomes) == (set(), True)
            assert session.close_window(window, 0)
            session.leave()
            assert set(states(book).values()) == {State.ACCEPTED}
            assert [record.attempts for record in book.messages()] == [2, 1, 1]
            if line.requests < last:
                break
    assert nth > 6


def test_what_a_worker_learnt_in_an_outage_survives_it(
    url: str, connection: Connection, book: PostgresLedger, join: MakeSession, stack: ExitStack, tmp_path: Path
) -> None:
    """It is noted on its machine; whoever opens the ledger there next brings it, but not over another's claim."""
    other = join()  # began earlier: its marks are lower
    with Line(url) as line:
        session = join(line.url, Patience(seconds=0))
        window, keys = busy(connection, book, session)
        session.exchange(keys[2:3], ())
        line.go_down()
        known = [Settlement(keys[0], State.ACCEPTED, 200, "id-0"), Settlement(keys[2], State.PLANNED)]
        with pytest.raises(LedgerError, match="noted in"):
            session.exchange((), known)
        session.close()
    [journal] = (tmp_path / "journals").glob("*.jsonl")
    assert json.loads(journal.read_text().splitlines()[0])[1] == f"{RUN}.{session.id}"
    connection.execute("UPDATE messages SET state = 'planned' WHERE key = %s", (keys[2],))
    other.open_window(RUN, ORIGIN, window)
    assert other.exchange([keys[2]], ()).claimed == {keys[2]}
    opened(url, tmp_path, stack).recover()
    found = states(book)
    assert (found[keys[0]], found[keys[2]]) == (State.ACCEPTED, State.SENDING)
    assert not list((tmp_path / "journals").glob("*.jsonl"))


@pytest.mark.parametrize("seen_at", ["-infinity", "4713-01-01 BC", "1970-01-01"])
def test_a_last_sign_of_life_that_somebody_damaged_is_an_old_one(
    connection: Connection, book: PostgresLedger, join: MakeSession, seen_at: str
) -> None:
    session = join()
    _, keys = busy(connection, book, session)
    connection.execute("UPDATE sessions SET seen_at = %s", (seen_at,))
    assert postgres_shared.standing(connection, RUN, terms()) is not None
    session.close()
    assert book.recover() == 1
    assert states(book)[keys[0]] is State.IN_DOUBT


def test_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    assert terms() == Terms()
    assert terms().heartbeat < terms().grace < terms().lease < terms().fence
    monkeypatch.setenv("MSGSPEC_RUNNER_TEST_LEASE", "3")
    assert terms() == tuple(each * 3 / LEASE for each in Terms())


def test_how_a_run_stands(connection: Connection, book: PostgresLedger, join: MakeSession) -> None:
    [window] = share(connection, book, 2)
    session = join()
    session.open_window(RUN, ORIGIN, window)
    standing = postgres_shared.standing(connection, RUN, terms())
    assert standing == (RunStatus.RUNNING, None, "go", "q", 1, "[]", None, ORIGIN)
    assert postgres_shared.standing(connection, "unknown", terms()) is None
    assert postgres_shared.ongoing(connection) == [RUN]
