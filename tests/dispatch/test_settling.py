"""Asking the API and recording what that proves: a real ledger and a real socket, with nobody waiting."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from msgspec_runner.dispatch.cancel import Cancelled, cancel, due_at, still_scheduled
from msgspec_runner.dispatch.settling import CUT, ERASED, MOST_FAILURES, NOT_FOUND, Settled, settle
from msgspec_runner.ledger.ledger import Ledger, Run, RunStatus, Settlement
from msgspec_runner.ledger.sqlite import SqliteLedger
from msgspec_runner.model import Message, State, identity
from msgspec_runner.sociocs.client import Client
from msgspec_runner.sociocs.lookups import Deletion, Lookups
from tests.acceptance.server import Posted, Server, answer

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ORIGIN = "https://api.example.com"
Answering = Callable[[str, dict[str, str]], bytes]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    path = tmp_path / "ledger.db"
    path.touch(0o600)
    book = SqliteLedger(path, clock=lambda: NOON)
    book.begin(Run("run-1", ORIGIN))
    yield book
    book.close()


def message(row: int, text: str = "Hi", key: str = "", to: str | None = None) -> Message:
    number = to or f"+1617555{row:04d}"
    body = json.dumps({"provider": "twlo", "to": number, "text": text}).encode()
    return Message(identity(ORIGIN, "hello", 1, number, key), key, "hello", 1, row, number, body, "digest", 1)


def put(ledger: Ledger, made: Message, state: State, **result: Any) -> Message:
    """Bring a message to a state in a run."""
    ledger.plan("run-1", [made])
    assert ledger.claim("run-1", [made.key])
    if state is not State.SENDING:
        ledger.commit("run-1", [], [Settlement(made.key, state, **result)])
    return made


def shown(made: Message, message_id: str, **more: object) -> dict[str, object]:
    """Show a message as the API might."""
    return {**json.loads(made.body), "id": message_id, "date": NOON.isoformat(), **more}


def listing(*messages: object) -> bytes:
    return answer(200, {"status": "success", "data": messages})


def ask(
    ledger: Ledger, answering: Answering, run: str | None = None, now: datetime = NOON
) -> tuple[Settled, list[str]]:
    """Settle against an API; return what came of it, and what was asked."""

    async def script(posted: Posted) -> bytes:
        target = urlsplit(posted.target.split(" ")[1])
        return answering(target.path, {name: values[0] for name, values in parse_qs(target.query).items()})

    async def sleep(_: float) -> None:
        return

    async def main(url: str) -> Settled:
        async with Client(url, "key") as client:
            return await settle(ledger, Lookups(client, "key", sleep=sleep), ORIGIN, run, now)

    with Server(script) as server:
        settled = asyncio.run(main(server.url))
        return settled, [posted.target.split(" ")[1] for posted in server.requests]


def why(settled: Settled) -> dict[int, str]:
    return {each.stored.message.row: each.why for each in settled.remaining}


def test_lists_first_then_words_for_what_is_not_in_them(ledger: Ledger) -> None:
    first, second, _ = (put(ledger, message(row, f"Hi P{row}"), State.IN_DOUBT) for row in (1, 2, 3))

    def api(path: str, query: dict[str, str]) -> bytes:
        if path == "/messages":
            return listing(shown(first, "m1"), {"strange": True})
        return listing(shown(second, "m2")) if query["text"] == "Hi P2" else listing()

    settled, asked = ask(ledger, api)
    assert settled.accepted == {first.key: "m1", second.key: "m2"}
    assert why(settled) == {3: NOT_FOUND}
    assert settled.seen.unread == 1
    span = "start_date=2026-11-22&end_date=2026-11-24"
    assert asked == [
        f"/messages?{span}",
        f"/messages/search?text=Hi+P2&direction=outbound&{span}",
        f"/messages/search?text=Hi+P3&direction=outbound&{span}",
    ]
    found = {record.row: (record.state, record.message_id) for record in ledger.messages()}
    assert (found[1], found[3]) == ((State.ACCEPTED, "m1"), (State.IN_DOUBT, None))
    assert [(each.by, each.reason) for each in ledger.decisions(first.key)] == [("reconcile", "the API lists it")]


def test_a_list_that_may_have_been_cut_is_asked_for_day_by_day(ledger: Ledger) -> None:
    made = put(ledger, message(1), State.IN_DOUBT)
    full = [shown(message(row), f"o{row}") for row in range(2, CUT + 2)]

    def api(path: str, query: dict[str, str]) -> bytes:
        if query["start_date"] == query["end_date"] == "2026-11-23":
            return listing(shown(made, "m1"))
        return listing(*full) if query["start_date"] != query["end_date"] else listing()

    settled, asked = ask(ledger, api)
    assert settled.accepted == {made.key: "m1"}
    assert len(asked) == 4


def test_what_another_message_has_or_may_have_is_not_taken(ledger: Ledger) -> None:
    to = message(1).to
    put(ledger, message(1, key="a"), State.ACCEPTED, message_id="m1")
    made = put(ledger, message(1, key="b"), State.IN_DOUBT)
    settled, _ = ask(ledger, lambda *_: listing(shown(made, "m1")))
    assert (settled.accepted, why(settled)) == ({}, {1: NOT_FOUND})

    # A run that lives is posting the same words to the same number: what is listed may be its.
    put(ledger, message(2, key="c", to=to), State.SENDING)
    settled, _ = ask(ledger, lambda *_: listing(shown(made, "m1"), shown(made, "m2")))
    assert settled.accepted == {}
    assert why(settled)[1].startswith("the API lists 1 like it")


def undated(made: Message, message_id: str) -> dict[str, object]:
    """Show a message as an API might that tells no time."""
    fields = json.loads(made.body)
    return {"message_id": message_id, "to": fields["to"], "text": fields["text"], "direction": "outbound"}


def test_what_is_listed_without_a_time_counts_where_there_is_one_for_each(ledger: Ledger) -> None:
    first = put(ledger, message(1, "Hi N1"), State.IN_DOUBT)
    to = message(2).to
    twins = [put(ledger, message(2, key=key, to=to), State.IN_DOUBT) for key in "ab"]
    settled, asked = ask(ledger, lambda *_: listing(undated(first, "B1"), undated(twins[0], "B2")))
    assert settled.accepted == {first.key: "B1"}
    assert why(settled)[2].startswith("the API lists 1 like it")
    assert asked == ["/messages?start_date=2026-11-22&end_date=2026-11-24"]


def test_what_is_listed_without_a_time_may_be_another_run_s(ledger: Ledger) -> None:
    put(ledger, message(1, key="a"), State.ACCEPTED, message_id="B1")
    ledger.end("run-1", RunStatus.FINISHED)
    ledger.begin(Run("run-2", ORIGIN))
    made = message(1, key="b")
    ledger.plan("run-2", [made])
    ledger.claim("run-2", [made.key])
    ledger.commit("run-2", [], [Settlement(made.key, State.IN_DOUBT)])
    settled, _ = ask(ledger, lambda *_: listing(undated(made, "B1")))
    assert (settled.accepted, why(settled)) == ({}, {1: NOT_FOUND})


def test_what_waits_is_not_known_without_a_time(ledger: Ledger) -> None:
    """The list of what is scheduled is asked for without days: it may be of any year."""
    later = (NOON + timedelta(hours=5)).isoformat()
    made = put(ledger, message(1), State.IN_DOUBT, scheduled_for=later)

    def api(path: str, query: dict[str, str]) -> bytes:
        return listing(undated(made, "m1")) if path == "/messages/scheduled" else listing()

    settled, _ = ask(ledger, api)
    assert (settled.accepted, why(settled)) == ({}, {1: NOT_FOUND})


def test_one_run_only_yet_the_doubts_of_others_count(ledger: Ledger) -> None:
    put(ledger, message(1, key="a"), State.IN_DOUBT)
    ledger.end("run-1", RunStatus.FINISHED)
    ledger.begin(Run("run-2", ORIGIN))
    other = message(2, key="b", to=message(1).to)
    ledger.plan("run-2", [other])
    ledger.claim("run-2", [other.key])
    ledger.commit("run-2", [], [Settlement(other.key, State.IN_DOUBT)])
    settled, _ = ask(ledger, lambda *_: listing(shown(other, "m1")), "run-2")
    assert settled.accepted == {}
    settled, _ = ask(ledger, lambda *_: listing(shown(other, "m1"), shown(other, "m2")), "run-2")
    assert list(settled.accepted) == [other.key]
    assert ledger.entries([message(1, key="a").key])[message(1, key="a").key].state is State.IN_DOUBT


def test_what_was_settled_meanwhile_does_not_remain(ledger: Ledger) -> None:
    made = put(ledger, message(1), State.IN_DOUBT)

    def api(path: str, query: dict[str, str]) -> bytes:
        ledger.resolve([Settlement(made.key, State.ACCEPTED, message_id="m9")], "ann", "saw it")
        return listing(shown(made, "m1"))

    settled, _ = ask(ledger, api)
    assert settled.accepted == {}
    assert settled.remaining == []


def test_erased_data_cannot_be_looked_for(ledger: Ledger) -> None:
    made = put(ledger, message(1), State.IN_DOUBT)
    ledger.end("run-1", RunStatus.FINISHED)
    ledger.erase(number=made.to)
    settled, asked = ask(ledger, lambda *_: listing())
    assert asked == []
    assert why(settled) == {1: ERASED}


def test_after_some_failures_no_more_is_asked(ledger: Ledger) -> None:
    for row in range(1, 20):
        put(ledger, message(row, f"Hi P{row}"), State.IN_DOUBT)
    settled, asked = ask(ledger, lambda *_: answer(200, b"<html>"))
    assert len(asked) == MOST_FAILURES
    assert settled.seen.troubles == ["the answer is not JSON"]
    assert len(settled.remaining) == 19


def test_what_waits_for_later_is_looked_for_among_the_scheduled(ledger: Ledger) -> None:
    later = (NOON + timedelta(hours=5)).isoformat()
    made = put(ledger, message(1), State.IN_DOUBT, scheduled_for=later)

    def api(path: str, query: dict[str, str]) -> bytes:
        return listing(shown(made, "m1", schedule=later)) if path == "/messages/scheduled" else listing()

    settled, asked = ask(ledger, api)
    assert settled.accepted == {made.key: "m1"}
    assert asked[0] == "/messages/scheduled"
    [stored] = ledger.stored(states={State.ACCEPTED})
    assert stored.scheduled_for == later
    assert still_scheduled([stored], NOON) == [stored]


# cancel


def held(ledger: Ledger, row: int, minutes: int) -> Message:
    due = (NOON + timedelta(minutes=minutes)).isoformat()
    return put(ledger, message(row), State.ACCEPTED, message_id=f"m{row}", scheduled_for=due)


def take_back(
    ledger: Ledger,
    answers: dict[str, bytes],
    at_once: int = 1,
    *,
    meanwhile: Callable[[str], None] = lambda _: None,
    later: Callable[[], None] = lambda: None,
    until: int = 1000,
) -> tuple[Cancelled, list[str]]:
    """Cancel what is scheduled.

    Args:
        answers: of the API, by id.
        meanwhile: what somebody else does while a call is under way, given its id.
        later: what somebody else does while nobody is asked any more.
        until: so many calls, after which Ctrl-C is pressed.
    """
    calls: list[str] = []

    async def script(posted: Posted) -> bytes:
        calls.append(posted.target.split(" ")[1].rpartition("/")[2])
        meanwhile(calls[-1])
        return answers[calls[-1]]

    async def sleep(_: float) -> None:
        return

    async def wait(_: float) -> None:
        later()

    async def main(url: str) -> Cancelled:
        async with Client(url, "key") as client:
            lookups = [Lookups(client, "key", sleep=sleep) for _ in range(at_once)]
            waiting = still_scheduled(ledger.stored("run-1"), NOON)
            stopping = lambda: len(calls) >= until  # noqa: E731
            reason = "cancel run-1"
            return await cancel(ledger, lookups, waiting, "ann@laptop", reason, is_stopping=stopping, sleep=wait)

    with Server(script) as server:
        return asyncio.run(main(server.url)), [posted.target for posted in server.requests]


DELETED = answer(200, {"status": "success"})


def test_only_what_is_accepted_and_still_to_go_out_the_next_one_first(ledger: Ledger) -> None:
    held(ledger, 1, 20)
    held(ledger, 2, 10)
    held(ledger, 3, -10)
    put(ledger, message(4), State.ACCEPTED, message_id="m4")
    put(ledger, message(5), State.REJECTED)
    assert [stored.message.row for stored in still_scheduled(ledger.stored(), NOON)] == [2, 1]


def test_a_schedule_of_its_own_counts(ledger: Ledger) -> None:
    made = message(1)
    body = json.dumps({**json.loads(made.body), "schedule": "2026-11-24T09:00:00Z"}).encode()
    put(ledger, Message(made.key, "", "hello", 1, 1, made.to, body, "d"), State.ACCEPTED, message_id="m1")
    [stored] = ledger.stored()
    assert due_at(stored) == datetime(2026, 11, 24, 9, tzinfo=UTC)


def test_what_was_deleted_is_cancelled_and_the_rest_is_left(ledger: Ledger) -> None:
    rows = [held(ledger, row, row) for row in (1, 2, 3)]
    refusal = answer(400, {"status": "error", "errors": [{"msg": "Being sent."}]})
    outcome, asked = take_back(ledger, {"m1": DELETED, "m2": refusal, "m3": answer(200, b"?")}, at_once=2)
    assert outcome.stop is None
    assert outcome.keys == [rows[0].key]
    assert sorted((each.stored.message.row, each.deleted.outcome) for each in outcome.failed) == [
        (2, Deletion.REFUSED),
        (3, Deletion.UNKNOWN),
    ]
    assert (outcome.count(Deletion.REFUSED), outcome.count(Deletion.UNKNOWN)) == (1, 1)
    states = {key: entry.state for key, entry in ledger.entries([made.key for made in rows]).items()}
    assert [states[made.key] for made in rows] == [State.CANCELLED, State.ACCEPTED, State.ACCEPTED]
    [decided] = ledger.decisions()
    assert (decided.by, decided.what, decided.reason) == ("ann@laptop", "cancelled", "cancel run-1")
    assert all(target.startswith("DELETE /messages/scheduled/m") for target in asked)


def test_what_was_deleted_before_the_key_is_refused_is_recorded(ledger: Ledger) -> None:
    rows = [held(ledger, row, row) for row in (1, 2, 3)]
    outcome, asked = take_back(ledger, {"m1": DELETED, "m2": answer(401), "m3": DELETED})
    assert "HTTP 401" in str(outcome.stop)
    assert (outcome.keys, outcome.failed) == ([rows[0].key], [])
    assert len(asked) == 2
    states = [ledger.entries([made.key])[made.key].state for made in rows]
    assert states == [State.CANCELLED, State.ACCEPTED, State.ACCEPTED]


GONE = answer(404, {"status": "error", "errors": [{"msg": "No such scheduled message."}]})


def test_what_somebody_else_cancels_meanwhile_did_not_fail(ledger: Ledger, tmp_path: Path) -> None:
    """Whether their record comes before our call, during it, or a moment after all calls."""
    first, second, third, fourth = (held(ledger, row, 10 * row) for row in range(1, 5))
    other = SqliteLedger(tmp_path / "ledger.db")

    def theirs(made: Message) -> None:
        assert other.resolve([Settlement(made.key, State.CANCELLED)], "bob@ci", "cancel run-1")

    def meanwhile(message_id: str) -> None:
        if message_id == "m1":
            theirs(first)
            theirs(second)

    answers = {"m1": GONE, "m3": GONE, "m4": GONE}
    done, asked = take_back(ledger, answers, meanwhile=meanwhile, later=lambda: theirs(third))
    other.close()
    assert len(asked) == 3, "the second was known before it was asked for"
    assert done.keys == []
    assert set(done.already) == {first.key, second.key, third.key}
    assert [each.stored.message.key for each in done.failed] == [fourth.key]
    assert done.count(Deletion.GONE) == 1
    assert {decided.by for decided in ledger.decisions()} == {"bob@ci"}


def test_who_knows_at_once_that_nothing_failed_does_not_wait(ledger: Ledger, tmp_path: Path) -> None:
    made = held(ledger, 1, 10)
    other = SqliteLedger(tmp_path / "ledger.db")
    settlement = Settlement(made.key, State.CANCELLED)
    waits: list[None] = []
    done, _ = take_back(
        ledger,
        {"m1": GONE},
        meanwhile=lambda _: bool(other.resolve([settlement], "bob@ci", "x")) or None,
        later=lambda: waits.append(None),
    )
    other.close()
    assert (done.already, done.failed, waits) == ([made.key], [], [])


def test_what_two_deleted_is_cancelled_once(ledger: Ledger, tmp_path: Path) -> None:
    """An API that says yes to both."""
    made = held(ledger, 1, 10)
    other = SqliteLedger(tmp_path / "ledger.db")
    settlement = Settlement(made.key, State.CANCELLED)
    done, _ = take_back(
        ledger, {"m1": DELETED}, meanwhile=lambda _: bool(other.resolve([settlement], "bob@ci", "x")) or None
    )
    other.close()
    assert (done.keys, done.already, done.failed) == ([], [made.key], [])
    assert len(list(ledger.decisions())) == 1


def test_ctrl_c_records_what_was_deleted_and_begins_no_more(ledger: Ledger) -> None:
    first = held(ledger, 1, 10)
    held(ledger, 2, 20)
    done, asked = take_back(ledger, {"m1": DELETED}, until=1)
    assert (done.keys, done.failed, done.stop, len(asked)) == ([first.key], [], None, 1)


def test_a_ledger_that_fails_after_a_deletion_is_no_success(ledger: Ledger, tmp_path: Path) -> None:
    held(ledger, 1, 10)
    held(ledger, 2, 20)
    path = tmp_path / "ledger.db"
    done, asked = take_back(ledger, {"m1": DELETED}, meanwhile=lambda _: path.rename(tmp_path / "gone.db") and None)
    assert (done.keys, len(asked)) == ([], 1)
    assert done.stop is not None
    assert "What was deleted and could not be recorded is accepted in the ledger" in str(done.stop)
