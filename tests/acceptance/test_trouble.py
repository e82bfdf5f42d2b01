"""What ``send`` does when the API or the ledger does not play along: exit code, words, and who was posted to."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable

import pytest

from tests.acceptance.project import Project, number
from tests.acceptance.server import Posted, Server, accept, accepted, always, answer, refused

StartServer = Callable[..., Server]


def test_what_may_have_been_sent_is_in_doubt_and_never_sent_again(project: Project, serve: StartServer) -> None:
    said = {
        number(2): answer(500),
        number(3): answer(408),
        number(4): answer(200, b"<html>welcome</html>"),
        number(5): None,
    }

    async def script(posted: Posted) -> bytes | None:
        return said.get(posted.to, accepted(posted))

    server = serve(script)
    project.spec(6).towards(server)
    run = project.send()
    assert run.code == 3
    assert "2 accepted, 4 in doubt" in run.err
    for words in ("HTTP 500", "HTTP 408", "it is not JSON", "the connection was lost before the answer"):
        assert words in run.err
    assert "msgspec-runner reconcile" in run.err
    again = project.send()
    assert again.code == 3
    assert "nothing to send" in again.err
    assert "4 in doubt" in again.err
    assert server.times_by_number == {number(row): 1 for row in range(1, 7)}


def test_five_in_doubt_in_a_row_stop_the_run(project: Project, serve: StartServer) -> None:
    server = serve(always(answer(503)))
    project.spec(40).towards(server)
    run = project.send("--concurrency", "2")
    assert run.code == 5
    assert "stopped early: 5 messages in a row are in doubt" in run.err
    assert "run the same command again" in run.err
    states = Counter(project.states().values())
    assert states["in_doubt"] == len(server.requests) <= 6  # the other of the two may have been under way
    assert states["planned"] == 40 - states["in_doubt"]

    server.script = accept
    again = project.send()
    assert again.code == 3
    assert f"{states['planned']} accepted" in again.err
    assert set(server.times_by_number.values()) == {1}
    assert len(server.times_by_number) == 40


def test_twenty_rejections_alike_stop_the_run(project: Project, serve: StartServer) -> None:
    server = serve(always(refused("Invalid channel_key.")))
    run = project.spec(60).towards(server).send("--concurrency", "1")
    assert run.code == 5
    assert "20 messages in a row were rejected alike: Invalid channel_key." in run.err
    assert Counter(project.states().values()) == {"rejected": 20, "planned": 40}


@pytest.mark.parametrize("status", [401, 404, 307])
def test_an_api_that_says_no_to_everything_stops_the_run_and_the_rest_stays_planned(
    project: Project, serve: StartServer, status: int
) -> None:
    elsewhere = serve()
    server = serve(always(answer(status, {}, f"Location: {elsewhere.url}/message")))
    project.spec(30).towards(server)
    run = project.send("--concurrency", "2", "--output", "json")
    assert run.code == 5
    assert f"stopped early: HTTP {status}" in run.err
    assert f"HTTP {status}" in run.json["stopped"]
    assert run.json["totals"]["planned"] == 30
    assert len(server.requests) <= 2
    assert elsewhere.requests == [], "the key followed a redirect"


def test_after_the_right_key_the_same_command_sends_everything(project: Project, serve: StartServer) -> None:
    async def script(posted: Posted) -> bytes:
        return accepted(posted) if posted.headers["apikey"] == "the right one" else answer(401)

    server = serve(script)
    project.spec(5).towards(server)
    refusal = project.send()
    assert refusal.code == 5
    assert "SOCIOCS_API_KEY" in refusal.err
    posted = len(server.requests)
    assert project.send(env={"SOCIOCS_API_KEY": "the right one"}).code == 0
    assert len(server.requests) == posted + 5


def test_429_is_waited_out_and_nobody_is_lost(project: Project, serve: StartServer) -> None:
    throttled: set[str] = set()

    async def script(posted: Posted) -> bytes:
        if posted.to in {number(1), number(3)} - throttled:
            throttled.add(posted.to)
            return answer(429, {}, "Retry-After: 0")
        return accepted(posted)

    server = serve(script)
    project.spec(4).towards(server)
    run = project.send("--concurrency", "1")
    assert run.code == 0
    assert "4 accepted" in run.err
    assert "HTTP 429: waiting" in run.err
    assert server.times_by_number == {number(1): 2, number(2): 1, number(3): 2, number(4): 1}
    assert [message["attempts"] for message in project.messages()] == [2, 1, 2, 1]


def test_a_number_that_always_gets_429_ends_the_run_after_six_attempts(project: Project, serve: StartServer) -> None:
    async def script(posted: Posted) -> bytes:
        return answer(429, {}, "Retry-After: 0.1") if posted.to == number(2) else accepted(posted)

    server = serve(script)
    project.spec(40).towards(server)
    run = project.send("--concurrency", "2")
    assert run.code == 5
    assert "stopped early: the API answered 429 to the last of 6 attempts for one message" in run.err
    assert server.times_by_number[number(2)] == 6
    assert Counter(project.states().values())["planned"] == 40 - (len(server.times_by_number) - 1)


def test_server_errors_are_retried_for_who_trusts_them(project: Project, serve: StartServer) -> None:
    async def script(posted: Posted) -> bytes:
        return answer(503) if posted.number == 1 else accepted(posted)

    server = serve(script)
    project.spec(1).towards(server).write("msgspec-runner.toml", 'server-errors = "retry"\n')
    assert project.send().code == 0
    assert server.times_by_number == {number(1): 2}


def test_a_ledger_that_fails_in_the_middle_stops_the_run_at_once(project: Project, serve: StartServer) -> None:
    def break_ledger() -> None:
        with sqlite3.connect(project.root / ".msgspec-runner" / "ledger.db") as ledger:
            ledger.execute(
                "CREATE TRIGGER full_disk BEFORE UPDATE ON messages BEGIN SELECT RAISE(ABORT, 'no room'); END"
            )
        ledger.close()

    async def script(posted: Posted) -> bytes:
        if posted.number == 1:
            break_ledger()
        return accepted(posted)

    server = serve(script)
    project.spec(200).towards(server)
    run = project.send("--concurrency", "2", "--output", "json", "--results", "results.jsonl")
    assert run.code == 5
    assert "no room" in run.err
    assert "Nothing more was sent" in run.err
    (told,) = project.run("status", "--output", "json").json["runs"]
    assert run.json["run"] == told["run"]
    assert f"run {told['run']}: " in run.err
    assert "no room" in run.json["stopped"]
    totals = run.json["totals"]
    assert (sum(totals.values()), totals["planned"] + totals["sending"]) == (200, 200)
    assert len((project.root / "results.jsonl").read_text(encoding="utf-8").splitlines()) == 200
    posted = len(server.requests)
    assert posted <= 4  # 2 x concurrency

    with sqlite3.connect(project.root / ".msgspec-runner" / "ledger.db") as ledger:
        ledger.execute("DROP TRIGGER full_disk")
    ledger.close()
    again = project.send()
    assert again.code == 3
    assert "an earlier run died" in again.err
    assert set(server.times_by_number.values()) == {1}
    states = project.states()
    in_doubt = {number(row) for row, state in states.items() if state == "in_doubt"}
    assert {posted.to for posted in server.requests[:posted]} <= in_doubt
    assert len(in_doubt) <= 4
    assert len(states) == 200
    assert set(states.values()) == {"accepted", "in_doubt"}


def test_a_ledger_that_is_taken_away_in_the_middle_leaves_what_was_confirmed(
    project: Project, serve: StartServer
) -> None:
    ledger = project.root / ".msgspec-runner" / "ledger.db"

    async def script(posted: Posted) -> bytes:
        if posted.number == 5:
            ledger.rename(ledger.with_name("gone.db"))
        return accepted(posted)

    server = serve(script)
    project.spec(50).towards(server)
    run = project.send("--concurrency", "1", "--output", "json", "--results", "results.jsonl")
    assert run.code == 5
    assert "was removed or replaced while it was open" in run.err
    assert f"run {run.json['run']}: " in run.err
    assert 3 <= run.json["totals"]["accepted"] <= 5
    assert len(server.requests) <= 6

    ledger.with_name("gone.db").rename(ledger)
    assert project.send().code in (0, 3)
    assert set(server.times_by_number.values()) == {1}
    states = project.states()
    assert len(states) == 50
    unsure = {number(row) for row, state in states.items() if state == "in_doubt"}
    assert set(states.values()) <= {"accepted", "in_doubt"}
    assert len(unsure) <= 2  # 2 x concurrency
    assert {number(row) for row in states} - server.times_by_number.keys() <= unsure  # claimed, and not posted any more
