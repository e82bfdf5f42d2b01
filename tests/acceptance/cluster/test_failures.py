"""Shared runs that the API or the database gets in the way of. What befalls workers all at once is in test_proof.py."""

from __future__ import annotations

from collections.abc import Callable

from msgspec_runner.dispatch.breaker import MAX_REJECTIONS
from tests.acceptance.cluster.team import (
    CONCURRENCY,
    ROWS,
    Ask,
    check,
    ended,
    wait_until,
    wait_until_all_post,
    with_queue,
    workers,
)
from tests.acceptance.project import Project
from tests.acceptance.server import Posted, Server, accepted, always, answer, refused
from tests.cluster.partition import Partition
from tests.cluster.private_postgres import PrivatePostgres

StartServer = Callable[..., Server]


def test_a_worker_is_cut_off_from_the_database(team: Project, serve: StartServer, url: str, rows: Ask) -> None:
    """It still reaches the API, and does not know that it was taken for dead until it is let in again."""
    with Partition(url) as line:
        server = serve()
        team.spec(ROWS).towards(server)
        started = workers(team, 1)
        team.env["MSGSPEC_RUNNER_LEDGER"] = line.url
        started += workers(team, 1)
        team.env["MSGSPEC_RUNNER_LEDGER"] = url
        sending = team.start("send", "specs", "--yes", "--cluster", "--rate", "300/s")
        server.wait_for(20)
        wait_until_all_post(rows, server, 2)
        line.cut()
        server.release()
        result = sending.wait()
        assert result.code in (0, 3), result.err
        assert rows("SELECT FROM sessions WHERE fenced")
        line.heal()
        started[1].read_until("taken for dead")
        check(team, server, rows, lost=1)
        ended(started)


def test_a_refused_key_stops_the_run_for_all(team: Project, serve: StartServer, rows: Ask) -> None:
    async def script(posted: Posted) -> bytes:
        return accepted(posted) if posted.number < 40 else answer(401, {"status": "error"})

    server = serve(script)
    team.spec(ROWS).towards(server)
    started = workers(team, 2)
    result = team.send("--cluster", "--rate", "200/s")
    assert result.code == 5
    assert "HTTP 401" in result.err
    assert len(server.requests) < 40 + 2 * CONCURRENCY
    ended(started)
    assert {state for (state,) in rows("SELECT state FROM messages")} == {"accepted", "planned"}


def test_many_rejections_alike_stop_the_run_for_all(team: Project, serve: StartServer, rows: Ask) -> None:
    """They are counted across windows, which are smaller than what it takes."""
    server = serve(always(refused("Channel not found.")))
    team.spec(ROWS).towards(server)
    started = workers(team, 2)
    result = team.send("--cluster")
    assert result.code == 5
    assert "rejected alike" in result.err
    assert len(server.requests) < 2 * (MAX_REJECTIONS + 2 * CONCURRENCY)
    ended(started)
    assert {state for (state,) in rows("SELECT state FROM messages")} == {"rejected", "planned"}


def test_the_database_crashes_and_is_away_for_a_while(project: Project, serve: StartServer) -> None:
    """A server of the test's own, twice: restarted, and crashed. Nothing is in doubt, because nobody died."""
    with PrivatePostgres() as postgres:
        with_queue(project, postgres.url)
        server = serve()
        project.spec(ROWS).towards(server)
        started = workers(project, 2)
        sending = project.start("send", "specs", "--yes", "--cluster", "--rate", "100/s")
        server.wait_for(60)
        postgres.restart()
        server.wait_for(120)
        postgres.crash()
        for worker in started:
            worker.read_until("out of reach")
        sending.read_until("The run goes on without this")
        postgres.start()
        assert sending.wait().code == 0
        ended(started)
        assert list(server.times_by_number.values()) == [1] * ROWS
        assert set(project.states().values()) == {"accepted"}


def test_a_worker_that_was_taken_for_dead_says_so_once(team: Project, serve: StartServer, rows: Ask) -> None:
    """Also where a window is told first, long before the worker shows its next sign of life."""
    team.env["MSGSPEC_RUNNER_TEST_LEASE"] = "9"
    server = serve()
    server.hold()
    team.spec(ROWS).towards(server)
    started = workers(team, 1)
    sending = team.start("send", "specs", "--yes", "--cluster")
    wait_until(lambda: rows("SELECT FROM messages WHERE state = 'sending'"))
    assert rows("UPDATE sessions SET fenced = true RETURNING id")
    server.release()
    assert sending.wait().code == 0
    started[0].read_until("taken for dead")
    [result] = ended(started)
    assert result.err.count("taken for dead") == 1
    check(team, server, rows, lost=0)
