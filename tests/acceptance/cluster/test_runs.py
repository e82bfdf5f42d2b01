"""Shared runs as they are meant to go: one rate for all, who watches and steers, and what people are shown."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from urllib.request import urlopen

import pytest

from msgspec_runner.chaos.arrivals import most_in_a_second, promised_in_a_second
from msgspec_runner.cluster.queue import queue_of
from tests.acceptance.cluster.team import ROWS, Ask, check, ended, wait_until, workers
from tests.acceptance.project import Project
from tests.acceptance.server import Posted, Server, accepted, answer
from tests.acceptance.test_commands import HELPS, NEEDS_WORKERS, RUN_ID, examples

StartServer = Callable[..., Server]

RATE = 60
STEADY = 180
"""Messages of a steady phase: three seconds."""


def test_all_share_one_rate(team: Project, serve: StartServer, rows: Ask) -> None:
    """It is held within a tenth: no second has more, and none of it is left to workers that do not use it."""
    server = serve()
    team.spec(ROWS).towards(server)
    started = workers(team, 3)
    assert team.send("--cluster", "--rate", f"{RATE}/s").code == 0
    [(run,)] = rows("SELECT id FROM runs")
    for worker in started:
        worker.read_until(f"run {run}: is over; by this worker: ")
    said = [result.err for result in ended(started)]
    assert [each.count(f"run {run}: ") for each in said] == [2, 2, 2], "one line when it begins, one when it is over"
    numbers = [int(number) for each in said for number in re.findall(r"by this worker: (\d+) accepted\n", each)]
    assert (len(numbers), sum(numbers)) == (3, ROWS)
    check(team, server, rows, lost=0)
    assert most_in_a_second(server.times, server.beats) <= promised_in_a_second(RATE)
    assert steady(server.times) >= 0.9 * RATE


def steady(times: list[float]) -> float:
    """Return the rate of a steady phase: of the best, as a busy machine may stand still now and then."""
    return max(STEADY / (last - first) for first, last in zip(times, times[STEADY:], strict=False))


def test_a_spec_with_a_rate_of_its_own(team: Project, serve: StartServer) -> None:
    """All workers share it, and nobody else is kept waiting by it."""
    server = serve()
    team.spec(40, name="slow", text="Slow {{ name }}", more="delivery: {rate: 20/s}\n").spec(100, name="fast")
    team.towards(server)
    started = workers(team, 2)
    assert team.send("--cluster", "--rate", "300/s").code == 0
    ended(started)
    times = list(zip(server.requests, server.times, strict=True))
    slow = [when for posted, when in times if posted.body["text"].startswith("Slow")]
    fast = [when for posted, when in times if not posted.body["text"].startswith("Slow")]
    assert (len(slow), len(fast)) == (40, 100)
    assert (len(slow) - 1) / (slow[-1] - slow[0]) < 22
    assert fast[-1] < slow[-1]


def test_all_slow_down_together(team: Project, serve: StartServer, rows: Ask) -> None:
    """After a 429 nobody posts while it asks to wait, and the run goes on at half the rate."""

    async def script(posted: Posted) -> bytes:
        if posted.number == 60:
            return answer(429, {"status": "error"}, "Retry-After: 2")
        return accepted(posted)

    server = serve(script)
    team.spec(ROWS).towards(server)
    started = workers(team, 2)
    assert team.send("--cluster", "--rate", "200/s").code == 0
    ended(started)
    assert server.times_by_number.total() == ROWS + 1
    refused = server.times[59]
    assert not [moment for moment in server.times if refused + 1.4 < moment < refused + 1.9]
    assert {state for (state,) in rows("SELECT state FROM messages")} == {"accepted"}


def test_pause_resume_and_stop(team: Project, serve: StartServer, rows: Ask) -> None:
    server = serve()
    team.spec(ROWS).towards(server)
    started = workers(team, 2)
    sending = team.start("send", "specs", "--yes", "--cluster", "--rate", "50/s")
    server.wait_for(10)
    server.hold()  # or everything may be sent before anybody has typed so much
    [(run,)] = rows("SELECT id FROM runs")
    paused = team.run("cluster", "pause", "latest")
    server.release()
    assert (paused.code, f"go on with `msgspec-runner cluster resume {run}`" in paused.out) == (0, True)
    for words in (("status",), ("status", run)):
        assert re.search(rf"^{run}  paused .*\(paused by .+\)$", team.run(*words).out, re.MULTILINE)
    assert f"run {run} is paused: `msgspec-runner cluster resume {run}`" in team.send("--cluster").err
    [(why,)] = rows("SELECT reason FROM shared_runs")
    again = team.run("cluster", "pause", "latest")
    assert (again.code, f"run {run} is paused already ({why}): go on with `" in again.out) == (0, True)
    wait_until(lambda: not rows("SELECT FROM sessions WHERE run IS NOT NULL"))
    assert {state for (state,) in rows("SELECT state FROM messages")} == {"accepted", "planned"}
    posted = len(server.requests)
    server.hold()
    assert team.run("cluster", "resume", "latest").out == f"run {run} goes on\n"
    again = team.run("cluster", "resume", "latest")
    assert (again.code, again.out) == (0, f"run {run} goes on already: it was not paused\n")
    assert f"{run}  running " in team.run("status").out
    assert f"run {run} is under way: `msgspec-runner status {run} --watch`" in team.send("--cluster").err
    server.wait_for(posted + 1)
    assert team.run("cluster", "stop", "latest").code == 0
    server.release()
    result = sending.wait()
    assert result.code == 5
    assert "stopped early: stopped by" in result.err
    ended(started)
    assert {state for (state,) in rows("SELECT state FROM messages")} == {"accepted", "planned"}
    assert team.send().code == 0, "what was left planned is for the next send"
    assert list(server.times_by_number.values()) == [1] * ROWS


@pytest.mark.parametrize("command", [("send", "specs", "--yes", "--cluster"), ("status", "latest", "--watch")])
def test_a_run_that_somebody_deletes_did_not_end_well(
    team: Project, serve: StartServer, rows: Ask, command: tuple[str, ...]
) -> None:
    team.spec(3).towards(serve())
    watching = team.start("send", "specs", "--yes", "--cluster")
    wait_until(lambda: rows("SELECT id FROM runs"))
    if command[0] == "status":
        watching = team.start(*command)
    watching.read_until("no worker is at it")
    [(run,)] = rows("DELETE FROM runs RETURNING id")
    result = watching.wait()
    assert (result.code, "expired" in result.out + result.err) == (2, False)
    assert f"run {run} is not in the ledger any more" in result.err


def test_who_stops_watching_and_who_stops_working(team: Project, serve: StartServer, rows: Ask) -> None:
    server = serve()
    team.spec(ROWS).towards(server)
    [worker] = workers(team, 1)
    sending = team.start("send", "specs", "--yes", "--cluster", "--rate", "150/s")
    server.wait_for(30)
    server.hold()  # or it may have sent everything before it is told to stop
    sending.signal(signal.SIGINT)
    left = sending.wait()
    assert left.code == 130
    assert "goes on without you" in left.err
    assert "status" in left.err
    worker.signal(signal.SIGTERM)
    worker.read_until("stopping")
    server.release()
    assert worker.wait().code == 0  # what it had is given back at once
    assert rows("SELECT FROM messages WHERE state = 'planned'")
    assert not rows("SELECT FROM messages WHERE state NOT IN ('planned', 'accepted')")
    watching = team.start("status", "latest", "--watch")
    ended_by = workers(team, 2)
    assert watching.wait().code == 0
    ended(ended_by)
    check(team, server, rows, lost=0)


def test_workers_take_runs_to_their_own_api_only(team: Project, serve: StartServer, rows: Ask) -> None:
    """The ledger names the origin of a run; a worker goes by its own, so that the ledger cannot redirect its key."""
    ours, theirs = serve(), serve()
    team.spec(ROWS).towards(theirs)
    started = workers(team, 1)
    team.towards(ours)
    sending = team.start("send", "specs", "--yes", "--cluster")
    sending.read_until("messages for the workers")
    # Nor is a job that somebody put into their queue.
    assert rows(f"UPDATE procrastinate_jobs SET queue_name = '{queue_of('default', theirs.url)}' RETURNING id")
    wrong = f"SELECT FROM procrastinate_jobs WHERE queue_name = '{queue_of('default', theirs.url)}'"
    wait_until(lambda: not rows(wrong))
    assert {state for (state,) in rows("SELECT state FROM messages")} == {"planned"}
    started += workers(team, 1)
    assert sending.wait().code == 0
    assert not theirs.requests
    assert len(ours.requests) == ROWS
    ended(started)


def test_metrics(team: Project, serve: StartServer) -> None:
    team.spec(ROWS).towards(serve())
    [worker] = workers(team, 1, "--metrics", "0")
    said = worker.said
    [url] = re.findall(r"metrics at (\S+)", said)
    assert url.startswith("http://127.0.0.1:")
    assert team.send("--cluster").code == 0
    with urlopen(url) as answered:
        page = answered.read().decode()
    assert f'msgspec_runner_messages_total{{state="accepted"}} {ROWS}.0' in page
    assert "msgspec_runner_last_accepted_timestamp_seconds 1" in page

    def whole() -> str:
        with urlopen(url) as answered:
            return str(answered.read().decode())

    wait_until(lambda: 'msgspec_runner_runs{state="going"} 0.0' in whole())
    assert "msgspec_runner_workers 1.0" in whole()
    assert "msgspec_runner_messages_left 0.0" in whole()
    taken = team.run("worker", "--metrics", url.split("/")[2])
    assert (taken.code, "cannot listen there" in taken.err) == (2, True)
    assert "write a port" in team.run("worker", "--metrics", "here").err
    ended([worker])


def test_every_example_of_the_help_runs(team: Project, serve: StartServer) -> None:
    team.spec(ROWS).towards(serve())
    sending = team.start("send", "specs", "--yes", "--cluster")
    sending.read_until("messages for the workers")
    sending.signal(signal.SIGINT)
    assert sending.wait().code == 130
    names = [name for name in HELPS if NEEDS_WORKERS.match(name)]
    assert len(names) == 5
    for name in sorted(names, key=lambda name: name.endswith("stop")):
        *exports, last = examples(HELPS[name]) if "cluster" not in name else ["", *examples(HELPS[name])]
        for line in [line for line in (*exports, last) if line.startswith("msgspec-runner")]:
            words = line.replace(RUN_ID, "latest").replace("--metrics 9464", "--metrics 0").split()[1:]
            running = team.start(*words)
            if words[0] == "worker":
                running.read_until("stop it with Ctrl-C")
                running.signal(signal.SIGINT)
            result = running.wait()
            assert result.code == 0, (line, result.err)
