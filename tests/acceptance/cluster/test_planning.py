"""``send --cluster`` between the plan and the last look at it, when something goes wrong with the ledger."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import psycopg

from tests.acceptance.cluster.team import Ask, ended, wait_until, workers
from tests.acceptance.project import Project
from tests.acceptance.server import Server
from tests.ledger.postgres import address, application

StartServer = Callable[..., Server]


def test_the_connection_breaks_while_the_jobs_are_written(
    team: Project, serve: StartServer, url: str, rows: Ask
) -> None:
    """The messages are written by then, and nothing is left of them. It is no bug, and nobody is told so."""
    team.spec(3).towards(serve())
    with closing(psycopg.connect(address(url).conninfo, autocommit=True)) as upkeep:
        with upkeep.transaction():
            upkeep.execute(f"LOCK TABLE {address(url).schema}.procrastinate_jobs IN SHARE MODE".encode())
            sending = team.start("send", "specs", "--yes", "--cluster")
            end = (
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{application(url)}'"
            )
            wait_until(lambda: rows(f"{end} AND wait_event_type = 'Lock' AND query LIKE '%procrastinate_defer%'"))
        result = sending.wait()
    assert result.code == 2, result.err
    assert "cannot be reached" in result.err
    assert rows("SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM procrastinate_jobs)") == [(0,)]
    [worker] = workers(team, 1)
    assert team.send("--cluster").code == 0
    ended([worker])


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
