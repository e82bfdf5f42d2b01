"""The SQLite ledger, one behaviour of the protocol at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Ledger, Run, RunStatus, Settlement, Skip, Totals
from msgspec_runner.ledger.sqlite import PAGE, UNKNOWN_OUTCOME, SqliteLedger
from msgspec_runner.model import Message, State

MakeMessage = Callable[..., Message]
OpenLedger = Callable[[], SqliteLedger]


def state_of(ledger: SqliteLedger, key: str) -> State:
    return ledger.entries([key])[key].state


def send(ledger: SqliteLedger, run: str, message: Message, state: State, **result: str | int) -> None:
    """Plan a message, claim it and settle it."""
    ledger.plan(run, [message])
    assert ledger.claim(run, [message.key]) == {message.key}
    ledger.commit(run, [], [Settlement(message.key, state, **result)])  # type: ignore[arg-type]


def test_fulfils_the_protocol(ledger: SqliteLedger) -> None:
    stored: Ledger = ledger
    assert len(stored.id) == 36
    assert stored.location.endswith("ledger.db")


def test_a_message_from_plan_to_acceptance(ledger: SqliteLedger, message: MakeMessage) -> None:
    first = message(1, text="hello")
    assert ledger.plan("run-1", [first]) == 1
    [planned] = ledger.pending("run-1")
    assert planned == (1, first.key, "reminder", 1, first.to, b"hello")
    assert ledger.claim("run-1", [first.key]) == {first.key}
    assert state_of(ledger, first.key) is State.SENDING
    known_at = datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)
    ledger.commit("run-1", [], [Settlement(first.key, State.ACCEPTED, 200, "id-9", None, 1, known_at)])
    [record] = ledger.messages()
    assert record.as_dict() == {
        "key": first.key,
        "recipient_key": "",
        "run": "run-1",
        "spec": "reminder",
        "edition": 1,
        "row": 1,
        "to": first.to,
        "state": "accepted",
        "message_id": "id-9",
        "http_status": 200,
        "error": None,
        "attempts": 1,
        "segments": 1,
        "created_at": "2026-11-23T12:00:00.250Z",
        "updated_at": "2026-11-23T12:00:01.000Z",
    }


def test_claims_are_on_the_disk_before_they_are_returned(tmp_path: Path, ledger: SqliteLedger) -> None:
    pragma = ledger._connection.execute
    assert pragma("PRAGMA synchronous").fetchone()[0] == 2  # FULL
    assert pragma("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_another_connection_sees_a_claim(opened: OpenLedger, ledger: SqliteLedger, message: MakeMessage) -> None:
    ledger.plan("run-1", [message()])
    ledger.claim("run-1", [message().key])
    entry = opened().entries([message().key])[message().key]
    assert (entry.state, entry.run, entry.run_alive) == (State.SENDING, "run-1", True)


def test_unknown_keys_have_no_entry(ledger: SqliteLedger, message: MakeMessage) -> None:
    ledger.plan("run-1", [message(1)])
    assert set(ledger.entries([message(1).key, message(2).key])) == {message(1).key}
    assert ledger.entries([]) == {}


def test_pending_pages_in_the_order_of_the_plan(ledger: SqliteLedger, message: MakeMessage) -> None:
    rows = [5, 3, 9, 1, 7]
    ledger.plan("run-1", (message(row) for row in rows[:3]), chunk=2)
    ledger.plan("run-1", [message(row) for row in rows[3:]])
    ledger.claim("run-1", [message(3).key])
    first = ledger.pending("run-1", limit=2)
    assert [planned.row for planned in first] == [5, 9]
    assert [planned.row for planned in ledger.pending("run-1", first[-1].position)] == [1, 7]


def test_planning_twice_keeps_the_first(ledger: SqliteLedger, message: MakeMessage) -> None:
    assert ledger.plan("run-1", [message(1, text="one")]) == 1
    assert ledger.plan("run-1", [message(1, text="two")]) == 0
    assert [planned.body for planned in ledger.pending("run-1")] == [b"one"]


def test_a_live_runs_plan_is_not_taken_and_a_finished_ones_is(
    opened: OpenLedger, ledger: SqliteLedger, message: MakeMessage
) -> None:
    ledger.plan("run-1", [message()])
    other = opened()
    other.begin(Run("run-2", "sandbox"))
    assert other.plan("run-2", [message(text="new")]) == 0
    ledger.end("run-1", RunStatus.INTERRUPTED)
    assert other.plan("run-2", [message(text="new")]) == 1
    assert [planned.body for planned in other.pending("run-2")] == [b"new"]


@pytest.mark.parametrize("state", [State.ACCEPTED, State.IN_DOUBT, State.CANCELLED])
def test_what_may_have_been_sent_is_never_planned_again(
    ledger: SqliteLedger, message: MakeMessage, state: State
) -> None:
    send(ledger, "run-1", message(), State.ACCEPTED if state is State.CANCELLED else state)
    if state is State.CANCELLED:
        ledger.commit("run-1", [], [Settlement(message().key, state)])
    ledger.end("run-1", RunStatus.FINISHED)
    ledger.begin(Run("run-2", "sandbox"))
    assert ledger.plan("run-2", [message(text="changed")]) == 0
    assert state_of(ledger, message().key) is state


def test_a_rejected_message_is_planned_again_only_when_its_body_changed(
    ledger: SqliteLedger, message: MakeMessage
) -> None:
    send(ledger, "run-1", message(), State.REJECTED, http_status=400, error="no", attempts=3)
    ledger.end("run-1", RunStatus.FINISHED)
    ledger.begin(Run("run-2", "sandbox"))
    assert ledger.plan("run-2", [message()]) == 0
    assert ledger.plan("run-2", [message(text="better")]) == 1
    [record] = ledger.messages()
    assert (record.state, record.run, record.http_status, record.error, record.attempts) == (
        *(State.PLANNED, "run-2", None, None),
        0,
    )


@pytest.mark.parametrize("state", [State.REJECTED, State.IN_DOUBT])
def test_a_released_message_is_planned_again_as_it_is(ledger: SqliteLedger, message: MakeMessage, state: State) -> None:
    send(ledger, "run-1", message(1), state)
    send(ledger, "run-1", message(2), State.ACCEPTED)
    assert ledger.release([message(1).key, message(2).key], "the provider lost them") == 1
    ledger.end("run-1", RunStatus.FINISHED)
    ledger.begin(Run("run-2", "sandbox"))
    assert ledger.plan("run-2", [message(1), message(2)]) == 1


def test_a_waiting_message_can_be_settled_and_claimed_in_one_commit(ledger: SqliteLedger, message: MakeMessage) -> None:
    ledger.plan("run-1", [message(1), message(2)])
    key, other = message(1).key, message(2).key
    ledger.claim("run-1", [key])
    waiting = Settlement(key, State.RETRY_WAIT, 429, error="slow down")
    assert ledger.commit("run-1", [key, other], [waiting]) == {key, other}
    assert [record.attempts for record in ledger.messages()] == [2, 1]
    assert ledger.claim("run-1", [key]) == set()


def test_attempts_are_those_that_were_posted(ledger: SqliteLedger, message: MakeMessage) -> None:
    send(ledger, "run-1", message(), State.PLANNED, attempts=0)
    [record] = ledger.messages()
    assert record.attempts == 0


@pytest.mark.parametrize("error", ["plain", 'a "quoted" one, 100 %', "naïve 😀", "a\0b", "", None])
def test_what_an_outcome_says_is_kept_as_it_is(ledger: SqliteLedger, message: MakeMessage, error: str | None) -> None:
    ledger.plan("run-1", [message(1), message(2)])
    keys = [message(1).key, message(2).key]
    assert ledger.claim("run-1", keys) == set(keys)
    first = Settlement(keys[0], State.REJECTED, 400, None, error, 2)
    second = Settlement(
        keys[1], State.ACCEPTED, 200, error and f"id-{error}", None, None, datetime(2026, 11, 23, 11, tzinfo=UTC)
    )
    ledger.commit("run-1", [], [first, second])
    told = [(r.state, r.http_status, r.message_id, r.error, r.attempts, r.updated_at) for r in ledger.messages()]
    assert told == [
        (State.REJECTED, 400, None, error, 2, "2026-11-23T12:00:00.250Z"),
        (State.ACCEPTED, 200, error and f"id-{error}", None, 1, "2026-11-23T11:00:00.000Z"),
    ]


def test_two_outcomes_of_one_message_in_one_commit_count_in_their_order(
    ledger: SqliteLedger, message: MakeMessage
) -> None:
    ledger.plan("run-1", [message()])
    ledger.claim("run-1", [message().key])
    both = [Settlement(message().key, State.RETRY_WAIT, 429), Settlement(message().key, State.PLANNED)]
    ledger.commit("run-1", [], both)
    assert state_of(ledger, message().key) is State.PLANNED


def test_an_illegal_outcome_is_refused_and_the_others_are_kept(ledger: SqliteLedger, message: MakeMessage) -> None:
    one, two, three = message(1), message(2), message(3)
    ledger.plan("run-1", [one, two, three])
    ledger.claim("run-1", [one.key])
    outcomes = [Settlement(two.key, State.ACCEPTED, 200, "id-2"), Settlement(one.key, State.ACCEPTED, 200, "id-1")]
    with pytest.raises(LedgerError, match=rf"{two.key} is planned .* accepted \(message_id id-2\)"):
        ledger.commit("run-1", [three.key], outcomes)
    assert [state_of(ledger, m.key) for m in (one, two, three)] == [State.ACCEPTED, State.PLANNED, State.PLANNED]
    with pytest.raises(LedgerError, match="nothing is unknown"):
        ledger.commit("run-1", [], [Settlement("nothing", State.REJECTED)])


def test_an_outcome_that_was_believed_lost_still_counts(
    opened: OpenLedger, ledger: SqliteLedger, message: MakeMessage, tmp_path: Path
) -> None:
    """Somebody removed the lock files of a run at work: its messages are in doubt until it says how they went."""
    ledger.plan("run-1", [message()])
    ledger.claim("run-1", [message().key])
    for lock in (tmp_path / "ledger.db.locks").iterdir():
        lock.unlink()
    assert opened().recover() == 1
    ledger.commit("run-1", [], [Settlement(message().key, State.ACCEPTED, 200, "id-1")])
    assert state_of(ledger, message().key) is State.ACCEPTED


def test_only_a_run_that_was_begun_here_plans_claims_and_ends(
    opened: OpenLedger, ledger: SqliteLedger, message: MakeMessage
) -> None:
    ledger.plan("run-1", [message()])
    other = opened()
    for act in (
        lambda: other.plan("run-1", [message(2)]),
        lambda: other.claim("run-1", [message().key]),
        lambda: other.skip("run-1", []),
        lambda: other.end("run-1", RunStatus.FINISHED),
    ):
        with pytest.raises(LedgerError, match="was not begun here"):
            act()


def test_one_run_cannot_claim_or_settle_anothers_message(
    opened: OpenLedger, ledger: SqliteLedger, message: MakeMessage
) -> None:
    ledger.plan("run-1", [message()])
    other = opened()
    other.begin(Run("run-2", "sandbox"))
    assert other.claim("run-2", [message().key]) == set()
    ledger.claim("run-1", [message().key])
    with pytest.raises(LedgerError, match="in run run-1"):
        other.commit("run-2", [], [Settlement(message().key, State.ACCEPTED)])


def test_a_run_id_is_used_once(opened: OpenLedger, ledger: SqliteLedger) -> None:
    with pytest.raises(LedgerError):
        opened().begin(Run("run-1", "sandbox"))
    ledger.end("run-1", RunStatus.FINISHED)
    with pytest.raises(LedgerError):
        ledger.begin(Run("run-1", "sandbox"))


def test_end_leaves_nothing_in_flight(ledger: SqliteLedger, message: MakeMessage, tmp_path: Path) -> None:
    ledger.plan("run-1", [message(row) for row in range(1, 5)])
    ledger.skip("run-1", [Skip("reminder", 1, 5, "duplicate")])
    ledger.claim("run-1", [message(1).key, message(2).key, message(3).key])
    done = [Settlement(message(1).key, State.ACCEPTED), Settlement(message(2).key, State.RETRY_WAIT)]
    ledger.commit("run-1", [], done)
    totals = ledger.end("run-1", RunStatus.STOPPED, "the key was refused")
    assert totals == ledger.totals("run-1") == Totals(planned=2, accepted=1, in_doubt=1, skipped=1)
    [run] = ledger.runs()
    assert (run.status, run.reason, run.totals) == (RunStatus.STOPPED, "the key was refused", totals)
    assert [record.error for record in ledger.messages(state=State.IN_DOUBT)] == [UNKNOWN_OUTCOME]
    assert not list((tmp_path / "ledger.db.locks").iterdir())


def test_a_ledger_closed_in_the_middle_of_a_run_left_it_dead(
    opened: OpenLedger, ledger: SqliteLedger, message: MakeMessage, tmp_path: Path
) -> None:
    ledger.plan("run-1", [message(1), message(2), message(3)])
    ledger.claim("run-1", [message(1).key, message(2).key])
    ledger.commit("run-1", [], [Settlement(message(2).key, State.RETRY_WAIT)])
    ledger.close()
    after = opened()
    assert not after.entries([message(1).key])[message(1).key].run_alive
    assert [run.status for run in after.runs()] == [RunStatus.DIED]
    assert after.recover() == 1
    assert after.recover() == 0
    run = after.run("run-1")
    assert run is not None
    assert (run.status, run.totals) == (RunStatus.DIED, Totals(planned=2, in_doubt=1))
    assert not list((tmp_path / "ledger.db.locks").iterdir())


def test_runs_are_listed_newest_first(ledger: SqliteLedger) -> None:
    later = datetime(2026, 11, 23, 12, 0, 0, 250000, tzinfo=UTC) + timedelta(hours=1)
    ledger.begin(Run("run-0", "https://api.example", ("a", "b"), "0.1.0", "ci", 9, later))
    assert [run.id for run in ledger.runs()] == ["run-0", "run-1"]
    assert [run.id for run in ledger.runs(limit=1)] == ["run-0"]
    run = ledger.run("run-0")
    assert run == Run("run-0", "https://api.example", ("a", "b"), "0.1.0", "ci", 9, later)
    assert ledger.run("run-9") is None


def test_messages_are_selected_and_paged(ledger: SqliteLedger, message: MakeMessage) -> None:
    many = PAGE + 5
    ledger.plan("run-1", (message(row) for row in range(many, 0, -1)))
    ledger.plan("run-1", [message(1, spec="other")])
    ledger.skip("run-1", [Skip("reminder", 1, 90, "invalid", "+16175550090"), Skip("other", 1, 91, "duplicate")])
    ledger.claim("run-1", [message(3).key])
    rows = [record.row for record in ledger.messages(run="run-1", spec="reminder")]
    assert rows == [*range(many, 0, -1), 90]
    assert len(list(ledger.messages())) == many + 3
    assert [record.row for record in ledger.messages(state=State.SENDING)] == [3]
    assert [(record.row, record.error) for record in ledger.messages(state=State.SKIPPED)] == [
        (90, "invalid"),
        (91, "duplicate"),
    ]
    assert [record.row for record in ledger.messages(spec="other", origin="sandbox")] == [1, 91]
    assert list(ledger.messages(run="run-2")) == list(ledger.messages(origin="https://api.example")) == []
    assert ledger.totals() == ledger.totals("run-1") == Totals(planned=many, sending=1, skipped=2)


def test_writing_while_reading_messages(ledger: SqliteLedger, message: MakeMessage) -> None:
    ledger.plan("run-1", [message(row) for row in range(1, 4)])
    for record in ledger.messages(run="run-1"):
        assert ledger.claim("run-1", [record.key]) == {record.key}


def test_threads_share_one_ledger(ledger: SqliteLedger, message: MakeMessage) -> None:
    keys = [message(row).key for row in range(1, 101)]
    ledger.plan("run-1", [message(row) for row in range(1, 101)])
    won: list[str] = []

    def work() -> None:
        for key in keys:
            won.extend(ledger.claim("run-1", [key]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == sorted(keys)


def test_a_plan_that_breaks_off_stores_whole_chunks(ledger: SqliteLedger, message: MakeMessage) -> None:
    def rows() -> object:
        yield from (message(row) for row in range(1, 4))
        raise RuntimeError("the recipients ended here")

    with pytest.raises(RuntimeError):
        ledger.plan("run-1", rows(), chunk=2)  # type: ignore[arg-type]
    assert [planned.row for planned in ledger.pending("run-1")] == [1, 2]


def test_a_full_disk_is_a_ledger_error_and_stores_nothing(ledger: SqliteLedger, message: MakeMessage) -> None:
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
    ledger._connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(LedgerError, match="the disk is full"):
        ledger.plan("run-1", [message(row, text="x" * 4000) for row in range(1, 50)])
    assert ledger.totals() == Totals()
    ledger._connection.execute("PRAGMA max_page_count = 1000000")
    assert ledger.plan("run-1", [message()]) == 1


def test_a_ledger_that_another_process_keeps_locked_is_a_ledger_error(
    opened: OpenLedger, ledger: SqliteLedger, message: MakeMessage, tmp_path: Path
) -> None:
    blocker = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    ledger._connection.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(LedgerError, match="is locked"):
        ledger.plan("run-1", [message()])
    blocker.close()
