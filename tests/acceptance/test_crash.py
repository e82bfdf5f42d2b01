"""The promise of the contract, section 4, kept by the installed command: whatever ends a run, however often, nobody
is lost and nobody gets a message twice."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

from tests.acceptance.project import Project, Running, number
from tests.acceptance.server import Posted, Server, accepted, always, refused

StartServer = Callable[..., Server]

ROWS = 300
CONCURRENCY = 8


def test_kill_9_again_and_again(project: Project, serve: StartServer) -> None:
    running: list[Running] = []
    kills = {15, 90, 200}

    async def script(posted: Posted) -> bytes:
        if posted.number in kills:
            running[-1].signal(signal.SIGKILL)
        return accepted(posted)

    server = serve(script)
    project.spec(ROWS).towards(server)
    doubts = 0
    for _ in kills:
        running.append(project.start("send", "specs", "--yes", "--concurrency", str(CONCURRENCY)))
        assert running[-1].wait().code == -signal.SIGKILL
        server.wait_until_left()

        # A look does not change what the dead run left behind.
        plan = project.run("plan", "--output", "json").json["totals"]
        assert 1 <= plan["in_doubt"] - doubts <= 2 * CONCURRENCY
        assert plan["new"] + plan["sent"] + plan["in_doubt"] == ROWS
        assert plan == project.run("plan", "--output", "json").json["totals"]
        doubts = plan["in_doubt"]
    assert project.run("status").out.count("  died  ") == 3

    last = project.send()
    assert last.code == 3
    found = re.search(r"an earlier run died: (\d+) message", last.err)
    assert found is not None
    assert 1 <= int(found[1]) <= 2 * CONCURRENCY

    times = server.times_by_number
    assert set(times.values()) == {1}, "somebody was texted twice"
    messages = project.messages()
    assert [message["row"] for message in sorted(messages, key=lambda each: each["row"])] == [*range(1, ROWS + 1)]
    by_state: dict[str, set[str]] = {"accepted": set(), "in_doubt": set()}
    for message in messages:
        by_state[message["state"]].add(message["to"])
    assert len(by_state["in_doubt"]) == doubts
    assert by_state["accepted"] <= set(times), "somebody was lost"
    ids = {posted.to: f"id-{posted.number}" for posted in server.requests}
    assert all(each["message_id"] == ids[each["to"]] for each in messages if each["state"] == "accepted")

    again = project.send()
    assert "nothing to send" in again.err
    assert server.times_by_number == times


def test_a_plan_that_was_cut_short_is_taken_up_by_the_next_run(project: Project, serve: StartServer) -> None:
    server = serve()
    server.hold()
    project.spec(20).towards(server)
    first = project.start("send", "specs", "--yes", "--concurrency", "1", "--limit", "10")
    server.wait_for(1)
    first.signal(signal.SIGKILL)
    first.wait()
    server.release()
    again = project.send()
    assert again.code == 3
    assert re.search(r"(19|18) accepted", again.err)
    assert set(server.times_by_number.values()) == {1}
    assert set(project.states()) == {*range(1, 21)}


def test_ctrl_c_finishes_what_is_in_flight_and_the_next_run_sends_the_rest(
    project: Project, serve: StartServer
) -> None:
    server = serve()
    server.hold()
    project.spec(100).towards(server)
    running = project.start("send", "specs", "--yes", "--concurrency", "4", "--results", "results.jsonl")
    server.wait_for(4)
    running.signal(signal.SIGINT)
    running.read_until("stopping: 4 in flight")
    server.release()
    stopped = running.wait()
    assert stopped.code == 130
    assert "4 accepted" in stopped.err
    assert "96 planned" in stopped.err
    assert "run the same command again to go on" in stopped.err
    assert len(server.requests) == 4
    assert "  interrupted  " in project.run("status").out
    assert len((project.root / "results.jsonl").read_text(encoding="utf-8").splitlines()) == 100

    rest = project.send()
    assert rest.code == 0
    assert "96 accepted" in rest.err
    assert server.times_by_number == {number(row): 1 for row in range(1, 101)}


def test_the_second_ctrl_c_gives_up_what_is_in_flight_as_in_doubt(project: Project, serve: StartServer) -> None:
    server = serve()
    server.hold()
    project.spec(50).towards(server)
    running = project.start("send", "specs", "--yes", "--concurrency", "3")
    server.wait_for(3)
    running.signal(signal.SIGTERM)
    running.read_until("once more gives them up")
    running.signal(signal.SIGINT)
    stopped = running.wait()
    assert stopped.code == 130
    assert "3 in doubt" in stopped.err
    assert "47 planned" in stopped.err
    server.release()
    rest = project.send()
    assert rest.code == 3
    assert "47 accepted" in rest.err
    assert server.times_by_number == {number(row): 1 for row in range(1, 51)}


def test_ctrl_c_before_anything_is_sent(project: Project, serve: StartServer) -> None:
    server = serve()
    pipe = project.root / "api.key"
    os.mkfifo(pipe)
    running = project.spec(1).towards(server).start("send", "specs", "--yes", "--api-key-file", "api.key")
    with pipe.open("w"):  # opens as soon as the command reads it: there it waits for a key
        running.signal(signal.SIGINT)
        stopped = running.wait()
    assert stopped.code == 130
    assert "interrupted" in stopped.err
    assert server.requests == []
    assert not (project.root / ".msgspec-runner").exists()


def test_two_runs_at_once_share_the_work_and_nobody_gets_it_twice(project: Project, serve: StartServer) -> None:
    server = serve()
    server.hold()
    project.spec(60).towards(server)
    first = project.start("send", "specs", "--yes", "--limit", "20", "--concurrency", "2")
    server.wait_for(2)
    second = project.start("send", "specs", "--yes", "--limit", "20", "--concurrency", "2")
    server.wait_for(4)
    third = project.start("send", "specs", "--yes", "--concurrency", "2")
    server.wait_for(6)
    late = project.send()
    assert late.code == 0
    assert "60 in another run" in late.err
    assert "nothing to send" in late.err
    server.release()
    results = [running.wait() for running in (first, second, third)]
    assert [result.code for result in results] == [0, 0, 0]
    assert all("20 accepted" in result.err for result in results)
    assert server.times_by_number == {number(row): 1 for row in range(1, 61)}


def test_two_runs_that_race_for_the_same_messages(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(ROWS).towards(server)
    racing = [project.start("send", "specs", "--yes") for _ in range(2)]
    assert [running.wait().code for running in racing] == [0, 0]
    assert project.send().code == 0
    assert server.times_by_number == {number(row): 1 for row in range(1, ROWS + 1)}
    assert set(project.states().values()) == {"accepted"}


def test_a_run_goes_on_when_nobody_reads_its_words_any_more(project: Project, serve: StartServer) -> None:
    server = serve(always(refused("No.")))
    server.hold()
    project.spec(5).towards(server)
    running = project.start("send", "specs", "--yes", "--output", "json")
    server.wait_for(1)
    running.read_until("\n")
    running.stop_reading()
    server.release()
    assert running.wait().code == 1
    assert set(project.states().values()) == {"rejected"}
    assert "  finished  " in project.run("status").out
