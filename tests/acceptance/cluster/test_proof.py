"""Everything that may happen to a shared run, in one run: nobody is texted twice and nobody is forgotten."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import closing

import psycopg

from msgspec_runner.chaos.arrivals import most_in_a_second, promised_in_a_second
from tests.acceptance.cluster.team import Ask, asking, check, ended, wait_until, with_queue, workers
from tests.acceptance.project import Project, Running
from tests.acceptance.server import Server
from tests.cluster.private_postgres import PrivatePostgres
from tests.ledger.postgres import address

StartServer = Callable[..., Server]

MESSAGES = 500
RATE = 100

_WAITS_FOR_WINDOWS = "SELECT FROM pg_stat_activity WHERE query LIKE '%INTO windows%' AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"


def test_all_that_may_happen_in_one_run(project: Project, serve: StartServer) -> None:
    """Who plans is killed in mid-enqueue; of three workers one is killed and one stands still until it was taken for
    dead, both with posts under way; and the database restarts."""
    with PrivatePostgres() as postgres:
        team, rows = with_queue(project, postgres.url), asking(postgres.url)
        server = serve()
        team.spec(MESSAGES).towards(server)
        started = workers(team, 3)

        kill_in_mid_enqueue(team, postgres.url, rows)
        assert not server.requests

        sending = team.start("send", "specs", "--yes", "--cluster", "--rate", f"{RATE}/s")
        server.wait_for(80)
        strike(server, rows, started[0], signal.SIGKILL)
        server.wait_for(160)
        strike(server, rows, started[1], signal.SIGSTOP)
        server.wait_for(240)
        postgres.restart()
        wait_until(lambda: rows("SELECT count(DISTINCT worker) FROM sessions WHERE fenced") == [(2,)])
        started[1].signal(signal.SIGCONT)
        started[1].read_until("taken for dead")
        result = sending.wait()
        assert result.code == 3, result.err
        check(team, server, rows, lost=2, messages=MESSAGES)
        assert rows("SELECT FROM messages WHERE state = 'in_doubt'"), "nothing was under way: the blows missed"
        assert not rows("SELECT FROM procrastinate_jobs")
        ended(started[1:])
    assert most_in_a_second(server.times, server.beats) <= promised_in_a_second(RATE)


def kill_in_mid_enqueue(team: Project, url: str, rows: Ask) -> None:
    """Kill ``send`` when it has written the messages and not the jobs; nothing is left of it."""
    with closing(psycopg.connect(address(url).conninfo)) as blocking:
        blocking.execute(f"LOCK TABLE {address(url).schema}.windows IN ACCESS EXCLUSIVE MODE".encode())
        sending = team.start("send", "specs", "--yes", "--cluster")
        wait_until(lambda: rows(_WAITS_FOR_WINDOWS))
        sending.signal(signal.SIGKILL)
        sending.wait()
    wait_until(lambda: not rows("SELECT FROM runs WHERE status = 'running'"))
    assert rows("SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM procrastinate_jobs)") == [(0,)]


def strike(server: Server, rows: Ask, worker: Running, number: signal.Signals) -> None:
    """Send a signal to a worker while the server has yet to answer it."""
    server.hold()
    wait_until(
        lambda: rows(
            "SELECT FROM messages JOIN sessions ON sessions.id = claimant(messages.claimed_in) "
            f"WHERE messages.state = 'sending' AND sessions.worker LIKE '%:{worker.pid}:%'"
        )
    )
    worker.signal(number)
    server.release()
