"""What every ledger promises, one behaviour of the protocol at a time, on each kind of store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from msgspec_runner.dispatch.plan import Decision, decide
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Decided, Ledger, Run, RunStatus, Settlement, Skip, Stored, Totals
from msgspec_runner.ledger.rows import PAGE, UNKNOWN_OUTCOME
from msgspec_runner.model import Message, State
from tests.ledger.conftest import NOON

MakeMessage = Callable[..., Message]
OpenLedger = Callable[[], Ledger]


def state_of(ledger: Ledger, key: str) -> State:
    return ledger.entries([key])[key].state


def send(ledger: Ledger, run: str, message: Message, state: State, **result: str | int) -> None:
    """Plan a message, claim it and settle it."""
    ledger.plan(run, [message])
    assert ledger.claim(run, [message.key]) == {message.key}
    ledger.commit(run, [], [Settlement(message.key, state, **result)])  # type: ignore[arg-type]


def test_a_message_from_plan_to_acceptance(ledger: Ledger, message: MakeMessage) -> None:
    first = message(1, text="hello")
    assert ledger.plan("run-1", [first]) == 1
    [planned] = ledger.pending("run-1")
    assert planned == (1, first.key, "reminder", 1, first.to, b"hello", None)
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


def test_unknown_keys_have_no_entry(ledger: Ledger, message: MakeMessage) -> None:
    ledger.plan("run-1", [message(1)])
    assert set(ledger.entries([message(1).key, message(2).key])) == {message(1).key}
    assert ledger.entries([]) == {}


def test_what_was_not_accepted_as_it_is(ledger: Ledger, message: MakeMessage) -> None:
    states = [State.ACCEPTED, State.ACCEPTED, State.REJECTED, State.IN_DOUBT, State.PLANNED]
    rows = [message(row) for row in range(1, 7)]
    for made, state in zip(rows, states, strict=False):
        send(ledger, "run-1", made, state)
    digests = {made.key: made.digest for made in rows} | {rows[1].key: "another body's"}
    unsent = ledger.unsent(digests)
    assert unsent == {**ledger.entries([made.key for made in rows[1:5]]), rows[5].key: None}
    assert {entry.run_alive for entry in unsent.values() if entry is not None} == {True}
    # What is left out is what `decide` calls sent, and nothing else.
    entries = ledger.entries([*digests])
    decided = {key: decide(entries.get(key), digest) for key, digest in digests.items()}
    assert digests.keys() - unsent.keys() == {key for key, what in decided.items() if what is Decision.SENT}
    assert ledger.unsent({}) == {}
    ledger.end("run-1", RunStatus.FINISHED)
    assert not any(entry.run_alive for entry in ledger.unsent(digests).values() if entry is not None)


def test_pending_pages_in_the_order_of_the_plan(ledger: Ledger, message: MakeMessage) -> None:
    rows = [5, 3, 9, 1, 7]
    ledger.plan("run-1", (message(row) for row in rows[:3]), chunk=2)
    ledger.plan("run-1", [message(row) for row in rows[3:]])
    ledger.claim("run-1", [message(3).key])
    first = ledger.pending("run-1", limit=2)
    assert [planned.row for planned in first] == [5, 9]
    assert [planned.row for planned in ledger.pending("run-1", first[-1].position)] == [1, 7]


def test_planning_twice_keeps_the_first(ledger: Ledger, message: MakeMessage) -> None:
    assert ledger.plan("run-1", [message(1, text="one")]) == 1
    assert ledger.plan("run-1", [message(1, text="two")]) == 0
    assert [planned.body for planned in ledger.pending("run-1")] == [b"one"]


def test_a_live_runs_plan_is_not_taken_and_a_finished_ones_is(
    opened: OpenLedger, ledger: Ledger, message: MakeMessage
) -> None:
    ledger.plan("run-1", [message()])
    other = opened()
    other.begin(Run("run-2", "sandbox"))
    assert other.plan("run-2", [message(text="new")]) == 0
    ledger.end("run-1", RunStatus.INTERRUPTED)
    assert other.plan("run-2", [message(text="new")]) == 1
    assert [planned.body for planned in other.pending("run-2")] == [b"new"]


@pytest.mark.parametrize("state", [State.ACCEPTED, State.IN_DOUBT, State.CANCELLED])
def test_what_may_have_been_sent_is_never_planned_again(ledger: Ledger, message: MakeMessage, state: State) -> None:
    send(ledger, "run-1", message(), State.ACCEPTED if state is State.CANCELLED else state)
    if state is State.CANCELLED:
        assert ledger.resolve([Settlement(message().key, state)], "cancel", "asked") == {message().key}
    ledger.end("run-1", RunStatus.FINISHED)
    ledger.begin(Run("run-2", "sandbox"))
    assert ledger.plan("run-2", [message(text="changed")]) == 0
    assert state_of(ledger, message().key) is state


def test_a_rejected_message_is_planned_again_only_when_its_body_changed(ledger: Ledger, message: MakeMessage) -> None:
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
def test_a_released_message_is_planned_again_as_it_is(ledger: Ledger, message: MakeMessage, state: State) -> None:
    send(ledger, "run-1", message(1), state)
    send(ledger, "run-1", message(2), State.ACCEPTED)
    assert ledger.release([message(1).key, message(2).key], "the provider lost them") == 1
    ledger.end("run-1", RunStatus.FINISHED)
    ledger.begin(Run("run-2", "sandbox"))
    assert ledger.plan("run-2", [message(1), message(2)]) == 1


def test_a_waiting_message_can_be_settled_and_claimed_in_one_commit(ledger: Ledger, message: MakeMessage) -> None:
    ledger.plan("run-1", [message(1), message(2)])
    key, other = message(1).key, message(2).key
    ledger.claim("run-1", [key])
    waiting = Settlement(key, State.RETRY_WAIT, 429, error="slow down")
    assert ledger.commit("run-1", [key, other], [waiting]) == {key, other}
    assert [record.attempts for record in ledger.messages()] == [2, 1]
    assert ledger.claim("run-1", [key]) == set()


def test_attempts_are_those_that_were_posted(ledger: Ledger, message: MakeMessage) -> None:
    send(ledger, "run-1", message(), State.PLANNED, attempts=0)
    [record] = ledger.messages()
    assert record.attempts == 0


@pytest.mark.parametrize("error", ["plain", 'a "quoted" one, 100 %', "naïve 😀", "a\0b", "", None])
def test_what_an_outcome_says_is_kept_as_it_is(ledger: Ledger, message: MakeMessage, error: str | None) -> None:
    ledger.plan("run-1", [message(1), message(2)])
    keys = [message(1).key, message(2).key]
    assert ledger.claim("run-1", keys) == set(keys)
    first = Settlement(keys[0], State.REJECTED, 400, None, error, 2)
    second = Settlement(
        keys[1], State.ACCEPTED, 200, error and f"id-{error}", None, None, datetime(2026, 11, 23, 11, tzinfo=UTC)
    )
    ledger.commit("run-1", [], [first, second])
    if error and ledger.location.startswith("postgresql:"):
        error = error.replace("\0", "␀")  # PostgreSQL has no NUL
    told = [(r.state, r.http_status, r.message_id, r.error, r.attempts, r.updated_at) for r in ledger.messages()]
    assert told == [
        (State.REJECTED, 400, None, error, 2, "2026-11-23T12:00:00.250Z"),
        (State.ACCEPTED, 200, error and f"id-{error}", None, 1, "2026-11-23T11:00:00.000Z"),
    ]


def test_two_outcomes_of_one_message_in_one_commit_count_in_their_order(ledger: Ledger, message: MakeMessage) -> None:
    ledger.plan("run-1", [message()])
    ledger.claim("run-1", [message().key])
    both = [Settlement(message().key, State.RETRY_WAIT, 429), Settlement(message().key, State.PLANNED)]
    ledger.commit("run-1", [], both)
    assert state_of(ledger, message().key) is State.PLANNED


def test_an_illegal_outcome_is_refused_and_the_others_are_kept(ledger: Ledger, message: MakeMessage) -> None:
    one, two, three = message(1), message(2), message(3)
    ledger.plan("run-1", [one, two, three])
    ledger.claim("run-1", [one.key])
    outcomes = [Settlement(two.key, State.ACCEPTED, 200, "id-2"), Settlement(one.key, State.ACCEPTED, 200, "id-1")]
    with pytest.raises(LedgerError, match=rf"{two.key} is planned .* accepted \(message_id id-2\)"):
        ledger.commit("run-1", [three.key], outcomes)
    assert [state_of(ledger, m.key) for m in (one, two, three)] == [State.ACCEPTED, State.PLANNED, State.PLANNED]
    with pytest.raises(LedgerError, match="nothing is unknown"):
        ledger.commit("run-1", [], [Settlement("nothing", State.REJECTED)])


def test_only_a_run_that_was_begun_here_plans_claims_and_ends(
    opened: OpenLedger, ledger: Ledger, message: MakeMessage
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
    opened: OpenLedger, ledger: Ledger, message: MakeMessage
) -> None:
    ledger.plan("run-1", [message()])
    other = opened()
    other.begin(Run("run-2", "sandbox"))
    assert other.claim("run-2", [message().key]) == set()
    ledger.claim("run-1", [message().key])
    with pytest.raises(LedgerError, match="in run run-1"):
        other.commit("run-2", [], [Settlement(message().key, State.ACCEPTED)])


def test_a_run_id_is_used_once(opened: OpenLedger, ledger: Ledger) -> None:
    with pytest.raises(LedgerError):
        opened().begin(Run("run-1", "sandbox"))
    ledger.end("run-1", RunStatus.FINISHED)
    with pytest.raises(LedgerError):
        ledger.begin(Run("run-1", "sandbox"))


def test_runs_are_listed_newest_first(ledger: Ledger) -> None:
    later = datetime(2026, 11, 23, 12, 0, 0, 250000, tzinfo=UTC) + timedelta(hours=1)
    ledger.begin(Run("run-0", "https://api.example", ("a", "b"), "0.1.0", "ci", 9, later))
    assert [run.id for run in ledger.runs()] == ["run-0", "run-1"]
    assert [run.id for run in ledger.runs(limit=1)] == ["run-0"]
    run = ledger.run("run-0")
    assert run == Run("run-0", "https://api.example", ("a", "b"), "0.1.0", "ci", 9, later)
    assert ledger.run("run-9") is None


def test_messages_are_selected_and_paged(ledger: Ledger, message: MakeMessage) -> None:
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


def test_writing_while_reading_messages(ledger: Ledger, message: MakeMessage) -> None:
    ledger.plan("run-1", [message(row) for row in range(1, 4)])
    for record in ledger.messages(run="run-1"):
        assert ledger.claim("run-1", [record.key]) == {record.key}


def test_threads_share_one_ledger(ledger: Ledger, message: MakeMessage) -> None:
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


def test_a_plan_that_breaks_off_stores_whole_chunks(ledger: Ledger, message: MakeMessage) -> None:
    def rows() -> object:
        yield from (message(row) for row in range(1, 4))
        raise RuntimeError("the recipients ended here")

    with pytest.raises(RuntimeError):
        ledger.plan("run-1", rows(), chunk=2)  # type: ignore[arg-type]
    assert [planned.row for planned in ledger.pending("run-1")] == [1, 2]


def test_another_connection_sees_a_claim(opened: OpenLedger, ledger: Ledger, message: MakeMessage) -> None:
    ledger.plan("run-1", [message()])
    ledger.claim("run-1", [message().key])
    entry = opened().entries([message().key])[message().key]
    assert (entry.state, entry.run, entry.run_alive) == (State.SENDING, "run-1", True)


def test_end_leaves_nothing_in_flight(ledger: Ledger, message: MakeMessage) -> None:
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


def test_a_ledger_closed_in_the_middle_of_a_run_left_it_dead(
    opened: OpenLedger, ledger: Ledger, message: MakeMessage
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


def test_a_claim_says_when_and_an_outcome_what_the_api_waits_for(ledger: Ledger, message: MakeMessage) -> None:
    planned = message()._replace(delivery='{"hold":"5m"}')
    ledger.plan("run-1", [planned])
    assert [each.delivery for each in ledger.pending("run-1")] == ['{"hold":"5m"}']
    [before] = ledger.stored()
    assert (before.claimed_at, before.scheduled_for, before.message) == (None, None, planned)
    ledger.claim("run-1", [planned.key])
    ledger.commit(
        "run-1", [], [Settlement(planned.key, State.ACCEPTED, 200, "id-1", scheduled_for="2031-01-01T08:00Z")]
    )
    [after] = ledger.stored(run="run-1")
    assert after == Stored(
        planned,
        "run-1",
        State.ACCEPTED,
        "2026-11-23T12:00:00.250Z",
        "2026-11-23T12:00:00.250Z",
        "id-1",
        "2031-01-01T08:00Z",
    )


def test_stored_messages_are_selected_and_paged(ledger: Ledger, message: MakeMessage) -> None:
    many = PAGE + 5
    ledger.plan("run-1", (message(row) for row in range(1, many + 1)))
    ledger.claim("run-1", [message(3).key, message(7).key])
    ledger.commit("run-1", [], [Settlement(message(7).key, State.REJECTED)])
    assert [each.message.row for each in ledger.stored()] == [*range(1, many + 1)]
    assert [each.message for each in ledger.stored("run-1", {State.REJECTED, State.SENDING})] == [
        message(3),
        message(7),
    ]
    assert [each.state for each in ledger.stored(states=[State.REJECTED], origin="sandbox")] == [State.REJECTED]
    assert (
        list(ledger.stored(states=[])) == list(ledger.stored(origin="https://x")) == list(ledger.stored("run-9")) == []
    )


def test_an_old_run_is_sent_again_without_its_specs(ledger: Ledger, message: MakeMessage) -> None:
    send(ledger, "run-1", message(1), State.REJECTED)
    send(ledger, "run-1", message(2), State.ACCEPTED)
    send(ledger, "run-1", message(3), State.IN_DOUBT)
    ledger.end("run-1", RunStatus.FINISHED)
    rejected = [each.message.key for each in ledger.stored("run-1", [State.REJECTED])]
    assert ledger.release(rejected, "the provider was down", by="retry") == 1
    ledger.begin(Run("run-2", "sandbox"))
    assert ledger.plan("run-2", (each.message for each in ledger.stored("run-1", [State.RELEASED]))) == 1
    assert [(each.key, each.body) for each in ledger.pending("run-2")] == [(message(1).key, b"hi")]


def test_decisions_are_written_down(ledger: Ledger, message: MakeMessage) -> None:
    for row, state in enumerate((State.REJECTED, State.IN_DOUBT, State.IN_DOUBT, State.ACCEPTED), 1):
        send(ledger, "run-1", message(row), state)
    ledger.release([message(row).key for row in (1, 2, 4)], "asked them", by="ann")
    ledger.resolve([Settlement(message(3).key, State.ACCEPTED, message_id="id-3")], "reconcile", "found by its id")
    ledger.erase(number=message(4).to, by="ann")
    noon = "2026-11-23T12:00:00.250Z"
    assert sorted(ledger.decisions(), key=lambda each: each.what) == [
        Decided(message(3).key, noon, "reconcile", "accepted", "found by its id"),
        Decided("", noon, "ann", "erased", "one number: 0 emptied"),
        *(Decided(key, noon, "ann", "released", "asked them") for key in released_order(ledger)),
    ]
    assert [each.what for each in ledger.decisions(message(1).key)] == ["released"]


def test_who_releases_what_was_rejected_does_not_release_a_doubt(ledger: Ledger, message: MakeMessage) -> None:
    send(ledger, "run-1", message(1), State.REJECTED)
    send(ledger, "run-1", message(2), State.IN_DOUBT)
    keys = [message(1).key, message(2).key]
    assert ledger.release(keys, "again", only={State.REJECTED}) == 1
    assert [state_of(ledger, key) for key in keys] == [State.RELEASED, State.IN_DOUBT]
    assert ledger.release(keys, "again", only={State.ACCEPTED}) == 0
    assert ledger.release(keys, "again", only={State.IN_DOUBT}) == 1


def released_order(ledger: Ledger) -> list[str]:
    return [each.key for each in ledger.decisions() if each.what == "released"]


def test_what_is_resolved_goes_where_it_may(ledger: Ledger, message: MakeMessage) -> None:
    states = [State.IN_DOUBT, State.IN_DOUBT, State.ACCEPTED, State.REJECTED, State.PLANNED]
    for row, state in enumerate(states, 1):
        send(ledger, "run-1", message(row), state, message_id=f"old-{row}", error="?")
    keys = [message(row).key for row in range(1, 6)]
    asked = [
        Settlement(keys[0], State.ACCEPTED, 200, "id-1"),
        Settlement(keys[1], State.REJECTED, error="never arrived"),
        Settlement(keys[2], State.CANCELLED),
        Settlement(keys[3], State.ACCEPTED, 200, "id-4"),
        Settlement(keys[4], State.CANCELLED),
        Settlement("unknown", State.ACCEPTED, 200, "id-9"),
        Settlement(keys[3], State.RELEASED),
    ]
    assert ledger.resolve(asked, "reconcile", "asked the API") == set(keys[:3])
    assert [(each.state, each.message_id, each.error) for each in ledger.messages()] == [
        (State.ACCEPTED, "id-1", None),
        (State.REJECTED, "old-2", "never arrived"),
        (State.CANCELLED, "old-3", None),
        (State.REJECTED, "old-4", "?"),
        (State.PLANNED, "old-5", "?"),
    ]
    assert ledger.resolve(asked, "reconcile", "again") == set()
    assert ledger.resolve([], "reconcile", "nothing") == set()


def test_one_message_of_the_api_is_no_proof_for_two(opened: OpenLedger, ledger: Ledger, message: MakeMessage) -> None:
    send(ledger, "run-1", message(1), State.ACCEPTED, message_id="id-1")
    for row in (2, 3, 4):
        send(ledger, "run-1", message(row), State.IN_DOUBT)
    other = opened()
    other.begin(Run("run-2", "https://api.example"))
    elsewhere = message(1, spec="other")
    send(other, "run-2", elsewhere, State.IN_DOUBT)
    found = [
        Settlement(message(2).key, State.ACCEPTED, 200, "id-1"),  # of row 1
        Settlement(message(3).key, State.ACCEPTED, 200, "id-3"),
        Settlement(message(4).key, State.ACCEPTED, 200, "id-3"),  # of row 3, just now
        Settlement(elsewhere.key, State.ACCEPTED, 200, "id-1"),  # another origin's ids are its own
    ]
    assert ledger.resolve(found, "reconcile", "") == {message(3).key, elsewhere.key}
    assert ledger.resolve(found, "reconcile", "") == set()


def erased_rows(ledger: Ledger) -> list[int]:
    return [each.message.row for each in ledger.stored() if each.erased]


def test_erasing_what_came_to_rest(opened: OpenLedger, ledger: Ledger, message: MakeMessage) -> None:
    states = [State.ACCEPTED, State.REJECTED, State.ACCEPTED, State.REJECTED, State.IN_DOUBT, State.PLANNED]
    for row, state in enumerate(states, 1):
        send(ledger, "run-1", message(row, key="Ann"), state, message_id=f"id-{row}", error="bad +16175550001")
    ledger.resolve([Settlement(message(3, key="Ann").key, State.CANCELLED)], "cancel", "asked")
    ledger.release([message(4, key="Ann").key], "asked", by="ann")
    ledger.skip("run-1", [Skip("reminder", 1, 7, "duplicate", "+16175550007", "Ann", "k")])
    later = NOON + timedelta(seconds=1)
    assert ledger.erase(before=later) == 0, "the run is under way"
    ledger.end("run-1", RunStatus.FINISHED)
    before = ledger.entries([message(row, key="Ann").key for row in range(1, 7)])
    times = [each.updated_at for each in ledger.messages()]
    assert ledger.erase(before=NOON) == 0, "all of it is younger"
    assert ledger.erase(before=later) == 5
    assert ledger.erase(before=later) == 0
    assert ledger.entries([*before]) == before
    assert [each.updated_at for each in ledger.messages()] == times
    assert erased_rows(ledger) == [1, 2, 3, 4]
    for record in ledger.messages():
        gone = record.row in (1, 2, 3, 4, 7)
        assert (record.to == "", record.recipient_key == "") == (gone, gone)
        if record.row < 5:
            assert (record.error, record.message_id) == (None, f"id-{record.row}")
    assert ledger.totals() == Totals(accepted=1, rejected=1, cancelled=1, released=1, in_doubt=1, planned=1, skipped=1)


def test_forgetting_a_number(opened: OpenLedger, ledger: Ledger, message: MakeMessage) -> None:
    to = "+16175551212"
    states = [State.ACCEPTED, State.REJECTED, State.IN_DOUBT, State.PLANNED, State.ACCEPTED]
    for row, state in enumerate(states, 1):
        send(ledger, "run-1", message(row, to=to if row < 5 else None, key=str(row)), state)
    ledger.release([message(2, to=to, key="2").key], "16175551212 called", by="ann")
    ledger.skip("run-1", [Skip("reminder", 1, 7, "duplicate", to), Skip("reminder", 1, 8, "duplicate", "+1617555000")])
    ledger.end("run-1", RunStatus.STOPPED, "+16175551212 was refused")
    other = opened()
    other.begin(Run("run-2", "sandbox"))
    live = message(9, to=to, key="live")
    other.plan("run-2", [live])
    assert ledger.erase(number=to) == 5
    assert erased_rows(ledger) == [1, 2, 3, 4]
    assert [each.to for each in ledger.messages(state=State.SKIPPED)] == ["", "+1617555000"]
    run = ledger.run("run-1")
    assert run is not None
    assert run.reason == "+••• was refused"
    assert [each.reason for each in ledger.decisions()] == ["••• called", "one number: 5 emptied"]
    assert [each.body for each in other.pending("run-2")] == [b"hi"], "of a live run"


def test_nothing_is_sent_again_because_it_was_forgotten(ledger: Ledger, message: MakeMessage) -> None:
    states = [State.ACCEPTED, State.REJECTED, State.IN_DOUBT]
    for row, state in enumerate(states, 1):
        send(ledger, "run-1", message(row), state)
    ledger.end("run-1", RunStatus.FINISHED)
    for row in (1, 2, 3):
        assert ledger.erase(number=message(row).to) == 1
    ledger.begin(Run("run-2", "sandbox"))
    rows = [message(row) for row in (1, 2, 3)]
    entries = ledger.entries([each.key for each in rows])
    decisions = [decide(entries.get(each.key), each.digest) for each in rows]
    assert decisions == [Decision.SENT, Decision.REJECTED, Decision.IN_DOUBT]
    assert ledger.plan("run-2", rows) == 0
    assert ledger.plan("run-2", [message(row, text="new") for row in (1, 3)]) == 0
    # What was rejected and is corrected is sent as ever, to whom the spec says.
    corrected = message(2, text="new")
    assert ledger.plan("run-2", [corrected]) == 1
    [planned] = ledger.pending("run-2")
    assert (planned.to, planned.body) == (corrected.to, b"new")


def test_nothing_is_sent_from_what_was_erased(ledger: Ledger, message: MakeMessage) -> None:
    send(ledger, "run-1", message(), State.REJECTED)
    ledger.end("run-1", RunStatus.FINISHED)
    ledger.erase(number=message().to)
    assert ledger.release([message().key], "again", by="retry") == 1
    ledger.begin(Run("run-2", "sandbox"))
    assert ledger.plan("run-2", [each.message for each in ledger.stored("run-1")]) == 0
    assert ledger.plan("run-2", [message()]) == 1, "the spec has it all"


def test_a_run_is_counted_by_spec(ledger: Ledger, message: MakeMessage) -> None:
    reminder, other = message(1), message(2)._replace(spec="another")
    ledger.plan("run-1", [reminder, other, message(3)])
    ledger.claim("run-1", [other.key])
    ledger.skip("run-1", [Skip("another", 1, 7, "duplicate"), Skip("third", 1, 1, "invalid")])
    assert [*ledger.totals_by_spec("run-1").items()] == [
        ("another", Totals(sending=1, skipped=1)),
        ("reminder", Totals(planned=2)),
        ("third", Totals(skipped=1)),
    ]
    assert ledger.totals_by_spec("unknown") == {}


def test_erasing_everything_must_be_meant(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="a time or a number"):
        ledger.erase()
