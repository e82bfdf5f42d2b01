"""``send --cluster`` from the plan to the last look at it, when something goes wrong meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest

from tests.acceptance.cluster.team import LEASE, ROWS, Ask, check, ended, wait_until, workers
from tests.acceptance.project import Project
from tests.acceptance.server import Server
from tests.ledger.postgres import address, application

StartServer = Callable[..., Server]


def test_the_connection_breaks_while_the_jobs_are_written(
    team: Project, serve: StartServer, url: str, rows: Ask
) -> None:
    """The messages are written by then, and nothing is left of them: the server is waited for, and gets all anew."""
    server = serve()
    team.spec(3).towards(server)
    with closing(psycopg.connect(address(url).conninfo, autocommit=True)) as upkeep:
        with upkeep.transaction():
            upkeep.execute(f"LOCK TABLE {address(url).schema}.procrastinate_jobs IN SHARE MODE".encode())
            sending = team.start("send", "specs", "--yes", "--cluster")
            end = (
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{application(url)}'"
            )
            wait_until(lambda: rows(f"{end} AND wait_event_type = 'Lock' AND query LIKE '%procrastinate_defer%'"))
        sending.read_until("the ledger is out of reach: waits for it")
    sending.read_until("3 messages for the workers")
    assert rows("SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM procrastinate_jobs)") == [(3, 1)]
    started = workers(team, 1)
    assert sending.wait().code == 0
    ended(started)
    check(team, server, rows, lost=0, messages=3)


def test_two_plan_the_same_people_in_opposite_order(team: Project, serve: StartServer, rows: Ask) -> None:
    """While a worker already has the first one's messages."""
    server = serve()
    team.spec(ROWS).towards(server)
    head, *lines = (team.root / "specs" / "hello.csv").read_text().splitlines()
    team.write("reversed.csv", "\n".join([head, *reversed(lines)]) + "\n")
    [worker] = workers(team, 1)
    both = [
        team.start("send", "specs", "--yes", "--cluster", *order) for order in ((), ("--recipients", "reversed.csv"))
    ]
    assert [sending.wait().code for sending in both] == [0, 0]
    check(team, server, rows, lost=0)
    ended([worker])


def test_a_plan_that_another_stands_in_the_way_of_in_a_circle(
    team: Project, serve: StartServer, url: str, rows: Ask
) -> None:
    """It has the first message and waits for the last, and somebody has the last and waits for the first."""
    team.spec(3).towards(serve())
    team.start("send", "specs", "--yes", "--cluster").read_until("messages for the workers")
    assert team.run("cluster", "stop", "latest").code == 0
    team.env["MSGSPEC_RUNNER_LEDGER"] = f"{url}&options=-c%20deadlock_timeout%3D3s"
    lock = "SELECT FROM messages WHERE key = (SELECT {}(key) FROM messages) FOR UPDATE"
    with closing(psycopg.connect(address(url).conninfo, autocommit=True, application_name="test")) as other:
        other.execute(f"SET search_path TO {address(url).schema}; SET deadlock_timeout = '1min'".encode())
        with other.transaction():
            other.execute(lock.format("max").encode())
            sending = team.start("send", "specs", "--yes", "--cluster")
            waits = f"SELECT FROM pg_stat_activity WHERE application_name = '{application(url)}'"
            wait_until(lambda: rows(f"{waits} AND wait_event_type = 'Lock'"))
            other.execute(lock.format("min").encode())  # it is the sender's until it gives way
            sending.read_until("another process is writing to the same messages: waits for it")
    sending.read_until("3 messages for the workers")
    assert sorted(rows("SELECT status FROM runs")) == [("running",), ("stopped",)]


def test_a_rate_that_somebody_has_damaged_is_told_to_who_watches(
    team: Project, serve: StartServer, url: str, rows: Ask
) -> None:
    team.spec(3).towards(serve())
    sending = team.start("send", "specs", "--yes", "--cluster", "--rate", "5/s")
    sending.read_until("messages for the workers")
    rows("UPDATE paces SET state = 'x' RETURNING 1")
    [run_id] = rows("SELECT id FROM runs")[0]
    sending.read_until("no worker is at it")
    watching = team.start("status", run_id, "--watch")
    watching.read_until("no worker is at it")
    [worker] = workers(team, 1)
    for watcher in (sending, watching):
        result = watcher.wait()
        assert result.code == 5, result.err
        assert "no rate for this run that makes sense" in result.out + result.err
    ended([worker])


@pytest.mark.parametrize("watched", [False, True], ids=["nobody watches", "somebody watches"])
def test_a_run_is_stopped_when_all_its_workers_are_dead(
    team: Project, serve: StartServer, rows: Ask, *, watched: bool
) -> None:
    """Nobody is left to end it: who stops it does, or who watches it."""
    server = serve()
    team.spec(ROWS).towards(server)
    [worker] = workers(team, 1)
    sending = team.start("send", "specs", "--yes", "--cluster", "--rate", "50/s")
    server.wait_for(10)
    server.hold()
    wait_until(lambda: rows("SELECT FROM messages WHERE state = 'sending'"))
    worker.signal(signal.SIGKILL)
    worker.wait()
    server.release()
    if watched:
        assert team.run("cluster", "stop", "latest").code == 0
        assert sending.wait().code == 5
    else:
        sending.end()
        silence = f"clock_timestamp() - make_interval(secs => {float(LEASE) / 2})"  # the time of grace
        wait_until(lambda: not rows(f"SELECT FROM sessions WHERE NOT fenced AND seen_at > {silence}"))
        assert team.run("cluster", "stop", "latest").code == 0
    assert rows("SELECT status FROM runs") == [("stopped",)]
    assert rows("SELECT FROM messages WHERE state = 'in_doubt'")
    assert not rows("SELECT FROM messages WHERE state IN ('sending', 'retry_wait')")


@pytest.mark.parametrize("wanted", ["pause", "stop"])
def test_a_window_that_waits_for_its_turn_hears_that_it_shall_not(
    team: Project, serve: StartServer, rows: Ask, wanted: str
) -> None:
    """At a message an hour nothing is claimed for an hour, and a claim is what asks whether the run goes on."""
    server = serve()
    team.spec(3).towards(server)
    started = workers(team, 1)
    sending = team.start("send", "specs", "--yes", "--cluster", "--rate", "1/h")
    server.wait_for(1)
    wait_until(lambda: rows("SELECT FROM messages WHERE state = 'accepted'"))
    assert team.run("cluster", wanted, "latest").code == 0
    wait_until(lambda: not rows("SELECT FROM sessions WHERE run IS NOT NULL"))
    if wanted == "stop":
        assert sending.wait().code == 5
    ended(started)
