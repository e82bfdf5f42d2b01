"""Workers that end, whatever the ledger does meanwhile: nothing is left that nobody answers for."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.cluster.team import ROWS, Ask, asking, check, ended, wait_until, with_queue, workers
from tests.acceptance.project import Project, Running
from tests.acceptance.server import Server
from tests.cluster.partition import Partition
from tests.cluster.private_postgres import PrivatePostgres
from tests.ledger.postgres import address, application

StartServer = Callable[..., Server]

IN_FLIGHT = "SELECT FROM messages WHERE state = 'sending'"


def busy(team: Project, server: Server, rows: Ask) -> tuple[Running, Running]:
    """Start a worker and a run, and wait until messages are in flight that the server answers when it is released."""
    team.spec(ROWS).towards(server)
    [worker] = workers(team, 1)
    sending = team.start("send", "specs", "--yes", "--cluster", "--rate", "200/s")
    server.wait_for(30)
    server.hold()
    posted = len(server.requests)
    server.wait_for(posted + 1)
    assert rows(IN_FLIGHT)
    return worker, sending


def test_the_terminal_of_a_worker_is_closed(team: Project, serve: StartServer, rows: Ask) -> None:
    server = serve()
    worker, sending = busy(team, server, rows)
    worker.signal(signal.SIGHUP)
    worker.read_until("stopping")
    server.release()
    assert worker.wait().code == 0
    assert not rows("SELECT FROM messages WHERE state NOT IN ('planned', 'accepted')")
    assert not rows("SELECT FROM sessions")
    started = workers(team, 1)
    assert sending.wait().code == 0
    check(team, server, rows, lost=0)
    ended(started)


def test_a_lock_on_the_table_and_statements_that_are_cancelled(
    team: Project, serve: StartServer, url: str, rows: Ask
) -> None:
    """The upkeep of a database: it passes, and the connection is not even lost."""
    server = serve()
    worker, sending = busy(team, server, rows)
    with closing(psycopg.connect(address(url).conninfo)) as upkeep:
        upkeep.execute(f"LOCK TABLE {address(url).schema}.messages IN ACCESS EXCLUSIVE MODE".encode())
        server.release()
        for _ in range(4):
            waiting = "wait_event_type = 'Lock' AND query LIKE '%shared_settle_and_claim%'"
            cancel = (
                f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = '{application(url)}'"
            )
            wait_until(lambda cancel=cancel, waiting=waiting: rows(f"{cancel} AND {waiting}"))
        assert list(Path(team.root.parent).glob("machine-*/.msgspec-runner/outcomes-*")), (
            "what is known is in no journal"
        )
    assert sending.wait().code == 0
    check(team, server, rows, lost=0)
    ended([worker])


def test_a_worker_that_is_stopped_while_the_database_is_away(project: Project, serve: StartServer) -> None:
    """It does not wait for it. What it sent is noted, and the next worker there brings it to the ledger."""
    with PrivatePostgres() as postgres:
        team, rows = with_queue(project, postgres.url), asking(postgres.url)
        server = serve()
        worker, sending = busy(team, server, rows)
        sending.end()  # who watches looks after the dead, too, and may be quicker than the next worker
        postgres.crash()
        worker.read_until("out of reach")
        worker.signal(signal.SIGTERM)
        worker.read_until("stopping")
        server.release()
        result = worker.wait()
        assert result.code == 2, result.err
        assert "was out of reach" in result.err
        assert "start the next worker here" in result.err
        [folder] = Path(team.root.parent).glob("machine-*")
        postgres.start()
        again = team.start_in(folder, "worker")
        wait_until(lambda: rows("SELECT FROM runs WHERE status = 'finished'"))
        check(team, server, rows, lost=0)
        assert not rows("SELECT FROM messages WHERE state = 'in_doubt'"), "the journal was not heard"

        postgres.crash()
        again.read_until("out of reach")
        again.signal(signal.SIGTERM)
        assert again.wait().code == 0, "it had nothing to tell"


def test_a_worker_that_is_stopped_while_the_database_says_nothing(
    team: Project, serve: StartServer, url: str, rows: Ask
) -> None:
    """No connection breaks: only answers do not come."""
    server = serve()
    with Partition(url) as line:
        team.env["MSGSPEC_RUNNER_LEDGER"] = line.url
        worker, sending = busy(team, server, rows)
        line.cut()
        server.release()
        worker.signal(signal.SIGTERM)
        result = worker.wait()
        assert result.code == 2, result.err
        assert "start the next worker here" in result.err
        sending.end()
    team.env["MSGSPEC_RUNNER_LEDGER"] = url
    started = workers(team, 1)
    assert team.run("status", "latest", "--watch").code in (0, 3)
    check(team, server, rows, lost=1)
    ended(started)


def test_a_worker_that_is_started_before_the_database(project: Project, serve: StartServer) -> None:
    with PrivatePostgres() as postgres:
        team, rows = with_queue(project, postgres.url), asking(postgres.url)
        server = serve()
        team.spec().towards(server)
        postgres.crash()
        worker = team.start("worker")
        worker.read_until("Waits for it")
        postgres.start()
        worker.read_until("stop it with Ctrl-C")
        assert team.send("--cluster").code == 0
        check(team, server, rows, lost=0, messages=3)
        [result] = ended([worker])
        assert result.err.count("Waits for it") == 1

        team.env["MSGSPEC_RUNNER_LEDGER"] = postgres.url.replace("postgres@", "nobody@")
        refused = team.run("worker")
        assert refused.code == 2
        assert "Waits for it" not in refused.err


@pytest.mark.parametrize("worked", [False, True], ids=["idle", "with sessions"])
def test_a_database_that_is_read_only_for_a_while(project: Project, serve: StartServer, *, worked: bool) -> None:
    """As one is that was a standby, until it is promoted."""
    with PrivatePostgres() as postgres:
        team, rows = with_queue(project, postgres.url), asking(postgres.url)
        server = serve()
        team.spec(3).towards(server)
        [worker] = workers(team, 1)
        if worked:
            assert team.send("--cluster").code == 0
        with closing(psycopg.connect(postgres.url, autocommit=True)) as upkeep:
            upkeep.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            upkeep.execute("SELECT pg_reload_conf()")
            wait_until(lambda: postgres.log.count("procrastinate_prune_stalled_workers") >= 2)
            worker.read_until("the ledger is out of reach")  # its upkeep has its own clock
            upkeep.execute("SET default_transaction_read_only = off")
            upkeep.execute("ALTER SYSTEM SET default_transaction_read_only = off")
            upkeep.execute("SELECT pg_reload_conf()")
        worker.read_until("the ledger is back")
        assert team.spec(4).send("--cluster").code == 0
        check(team, server, rows, lost=0, messages=4)
        ended([worker])


def fill(crowd: ExitStack, url: str) -> None:
    while True:
        crowd.enter_context(closing(psycopg.connect(url)))


def test_no_place_at_the_server_for_a_while(project: Project, serve: StartServer) -> None:
    """A worker has its first window, and no connection is left for it."""
    with PrivatePostgres() as postgres, ExitStack() as crowd:
        team, rows = with_queue(project, postgres.url), asking(postgres.url)
        server = serve()
        team.spec(3).towards(server)
        [worker] = workers(team, 1)
        sending = team.start("send", "specs", "--yes", "--cluster", "--queue", "later")
        sending.read_until("for the workers")
        upkeep = crowd.enter_context(closing(psycopg.connect(postgres.url, autocommit=True)))
        with pytest.raises(psycopg.OperationalError, match=r"too many clients|connection slots"):
            fill(crowd, postgres.url)
        before = postgres.log.count("too many clients")
        jobs = f"{address(postgres.url).schema}.procrastinate_jobs"
        upkeep.execute(f"UPDATE {jobs} SET queue_name = replace(queue_name, 'later@', 'default@')".encode())
        wait_until(lambda: postgres.log.count("too many clients") >= before + 3)
        crowd.close()
        assert sending.wait().code == 0
        check(team, server, rows, lost=0, messages=3)
        ended([worker])
