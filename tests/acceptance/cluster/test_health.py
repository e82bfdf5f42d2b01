"""``/health`` of a worker, which a supervisor asks: whether it reaches its ledger."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.acceptance.cluster.team import ROWS, Ask, asking, check, ended, wait_until, with_queue, workers
from tests.acceptance.project import Project
from tests.acceptance.server import Server
from tests.cluster.partition import Partition
from tests.cluster.private_postgres import PrivatePostgres

StartServer = Callable[..., Server]

HERE, AWAY = (200, b"ok\n"), (503, b"no ledger\n")


def test_it_tells_that_the_ledger_is_away_and_that_it_is_back(project: Project, serve: StartServer) -> None:
    """While the worker has nothing to do, and in the middle of a run that it goes on with afterwards."""
    with PrivatePostgres() as postgres:
        team, rows = with_queue(project, postgres.url), asking(postgres.url)
        server = serve()
        team.spec(20).towards(server)
        [worker] = workers(team, 1, "--metrics", "0")
        [metrics] = re.findall(r"metrics at (\S+)", worker.said)
        wait_until(lambda: health(metrics) == HERE)
        wait_until(lambda: "msgspec_runner_ledger_up 1.0" in page(metrics))
        postgres.crash()
        wait_until(lambda: health(metrics) == AWAY)
        wait_until(lambda: "msgspec_runner_ledger_up 0.0" in page(metrics))
        postgres.start()
        wait_until(lambda: health(metrics) == HERE)
        server.hold()
        sending = team.start("send", "specs", "--yes", "--cluster")
        server.wait_for(1)
        postgres.crash()
        wait_until(lambda: health(metrics) == AWAY)
        server.release()
        postgres.start()
        wait_until(lambda: health(metrics) == HERE)
        assert sending.wait().code == 0
        check(team, server, rows, lost=0, messages=20)
        ended([worker])


def test_it_tells_that_nothing_is_heard_of_the_ledger(team: Project, url: str) -> None:
    """The line is cut, and nobody is told: what the worker asks is never answered."""
    with Partition(url) as line:
        team.env["MSGSPEC_RUNNER_LEDGER"] = line.url
        [worker] = workers(team, 1, "--metrics", "0")
        [metrics] = re.findall(r"metrics at (\S+)", worker.said)
        wait_until(lambda: health(metrics) == HERE)
        line.cut()
        wait_until(lambda: health(metrics) == AWAY)
        line.heal()
        wait_until(lambda: health(metrics) == HERE)
        ended([worker])


def test_it_counts_what_others_left_in_doubt_who_died(team: Project, serve: StartServer, rows: Ask) -> None:
    server = serve()
    team.spec(ROWS).towards(server)
    [dead] = workers(team, 1)
    sending = team.start("send", "specs", "--yes", "--cluster")
    server.hold()
    wait_until(lambda: rows("SELECT FROM messages WHERE state = 'sending'"))
    sending.end()  # who watches would look after the dead as long as nobody else is there
    dead.signal(signal.SIGKILL)
    dead.wait()
    server.release()
    [worker] = workers(team, 1, "--metrics", "0")
    [metrics] = re.findall(r"metrics at (\S+)", worker.said)
    wait_until(lambda: rows("SELECT FROM runs WHERE status = 'finished'"))
    [(in_doubt,)] = rows("SELECT count(*) FROM messages WHERE state = 'in_doubt'")
    wait_until(lambda: f'msgspec_runner_messages_total{{state="in_doubt"}} {in_doubt}.0' in page(metrics))
    ended([worker])


def page(metrics: str) -> str:
    with urlopen(metrics) as answered:
        return str(answered.read(), "utf-8")


def health(metrics: str) -> tuple[int, bytes]:
    try:
        with urlopen(metrics.replace("/metrics", "/health")) as answered:
            return answered.status, answered.read()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.read()
