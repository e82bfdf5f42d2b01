"""The promise of the contract, section 4, for a run that several workers carry out, by the installed command.

Real PostgreSQL, real processes, and a server that counts. The lease is short, so that who is silent is soon taken for
dead; nothing waits longer than it has to.
"""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest

from msgspec_runner.cluster.queue import queue_of
from msgspec_runner.cluster.sharing import Shared
from msgspec_runner.dispatch.breaker import MAX_REJECTIONS
from msgspec_runner.ledger.postgres import PostgresLedger
from tests.acceptance.project import Project, Result, Running
from tests.acceptance.server import PATIENCE, Posted, Server, accepted, always, answer, refused
from tests.acceptance.test_commands import HELPS, NEEDS_WORKERS, RUN_ID, examples
from tests.cluster.partition import Partition
from tests.cluster.private_postgres import PrivatePostgres
from tests.ledger.postgres import address, application, cut, own_schema

StartServer = Callable[..., Server]
Ask = Callable[[str], list[Any]]

ROWS = 240
CONCURRENCY = 6
LEASE = "1.5"


@pytest.fixture
def url() -> Iterator[str]:
    with own_schema() as url:
        yield url


@pytest.fixture
def team(project: Project, url: str) -> Project:
    """A project whose ledger has a queue."""
    project.env["MSGSPEC_RUNNER_LEDGER"] = url
    project.env["MSGSPEC_RUNNER_TEST_LEASE"] = LEASE
    with closing(PostgresLedger(address(url), project.root / "unused", create=True)) as book:
        Shared(book).migrate()
    return project


@pytest.fixture
def rows(url: str) -> Ask:
    """Ask the ledger's tables."""

    def ask(statement: str) -> list[Any]:
        # Under another name, or cut() would end this one too.
        conninfo = address(url).conninfo
        with closing(psycopg.connect(conninfo, autocommit=True, application_name="test")) as connection:
            connection.execute(f"SET search_path TO {address(url).schema}")
            return connection.execute(statement.encode()).fetchall()

    return ask


def workers(team: Project, number: int, *flags: str) -> list[Running]:
    """Start workers, each in a folder of its own, as on a machine of its own."""
    started = []
    for name in range(number):
        folder = team.root.parent / f"machine-{name}-{len(list(team.root.parent.iterdir()))}"
        folder.mkdir()
        started.append(team.start_in(folder, "worker", "--concurrency", str(CONCURRENCY), *flags))
    for worker in started:
        worker.read_until("stop it with Ctrl-C")
    return started


def wait_until(condition: Callable[[], Any]) -> Any:
    """Wait until something holds, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)
    return found


def ended(started: list[Running]) -> list[Result]:
    for worker in started:
        worker.signal(signal.SIGTERM)
    results = [worker.wait() for worker in started]
    assert [result.code for result in results] == [0] * len(started), results
    return results


def check(team: Project, server: Server, rows: Ask, lost: int) -> None:
    """Nobody was texted twice, nobody was forgotten, and no more are in doubt than ``lost`` workers can leave."""
    assert set(server.times_by_number.values()) == {1}, "somebody was texted twice"
    states = Counter(state for (state,) in rows("SELECT state FROM messages"))
    assert states.total() == ROWS
    assert set(states) <= {"accepted", "in_doubt"}, "somebody was forgotten"
    assert states["in_doubt"] <= lost * 2 * CONCURRENCY
    posted = len(server.requests)
    assert posted >= states["accepted"]
    assert "nothing to send" in team.send("--cluster").err
    assert len(server.requests) == posted
    assert not rows("SELECT FROM runs WHERE status = 'running'")


def test_workers_die_and_come_back_and_the_database_restarts(
    team: Project, serve: StartServer, url: str, rows: Ask
) -> None:
    """One is killed, one stands still until it is taken for dead and goes on then, and all lose the database twice."""
    started: list[Running] = []

    async def script(posted: Posted) -> bytes:
        if posted.number == 60:
            started[0].signal(signal.SIGKILL)
        if posted.number == 110:
            started[1].signal(signal.SIGSTOP)
        if posted.number in (30, 150):
            cut(url)
        return accepted(posted)

    server = serve(script)
    server.hold()
    team.spec(ROWS).towards(server)
    started += workers(team, 3)
    sending = team.start("send", "specs", "--yes", "--cluster", "--rate", "200/s")
    wait_until(lambda: rows("SELECT count(DISTINCT worker) FROM sessions WHERE run IS NOT NULL") == [(3,)])
    server.release()
    wait_until(lambda: rows("SELECT count(DISTINCT worker) FROM sessions WHERE fenced") == [(2,)])
    started[1].signal(signal.SIGCONT)
    result = sending.wait()
    assert result.code in (0, 3), result.err
    check(team, server, rows, lost=2)
    assert not rows("SELECT FROM procrastinate_jobs")
    ended(started[1:])
    first, last = server.times[0], server.times[-1]
    assert len(server.requests) / (last - first) < 1.1 * 200 + 1


def test_all_share_one_rate(team: Project, serve: StartServer, rows: Ask) -> None:
    server = serve()
    team.spec(ROWS).towards(server)
    started = workers(team, 3)
    assert team.send("--cluster", "--rate", "100/s").code == 0
    [(run,)] = rows("SELECT id FROM runs")
    for worker in started:
        worker.read_until(f"run {run}: is over; by this worker: ")
    said = [result.err for result in ended(started)]
    assert [each.count(f"run {run}: ") for each in said] == [2, 2, 2], "one line when it begins, one when it is over"
    numbers = [int(number) for each in said for number in re.findall(r"by this worker: (\d+) accepted\n", each)]
    assert (len(numbers), sum(numbers)) == (3, ROWS)
    check(team, server, rows, lost=0)
    steady = server.times[20:-20]
    rate = (len(steady) - 1) / (steady[-1] - steady[0])
    assert rate < 110
    assert rate > 70


def test_the_coordinator_dies_in_mid_enqueue(team: Project, serve: StartServer, url: str, rows: Ask) -> None:
    server = serve()
    team.spec(ROWS).towards(server)
    started = workers(team, 1)
    with closing(psycopg.connect(address(url).conninfo)) as blocking:
        # It gets as far as the windows: messages are in, jobs are not.
        blocking.execute(f"LOCK TABLE {address(url).schema}.windows IN ACCESS EXCLUSIVE MODE".encode())
        sending = team.start("send", "specs", "--yes", "--cluster")
        waits = f"SELECT FROM pg_stat_activity WHERE application_name = '{application(url)}' AND query LIKE '%INTO windows%' AND wait_event_type = 'Lock'"
        wait_until(lambda: rows(waits))
        sending.signal(signal.SIGKILL)
        sending.wait()
    wait_until(lambda: not rows("SELECT FROM runs WHERE status = 'running'"))
    assert rows("SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM procrastinate_jobs)") == [(0,)]
    assert not server.requests
    assert team.send("--cluster").code == 0
    ended(started)
    check(team, server, rows, lost=0)


def test_a_worker_is_cut_off_from_the_database(team: Project, serve: StartServer, url: str, rows: Ask) -> None:
    """It still reaches the API, and does not know that it was taken for dead until it is let in again."""
    with Partition(url) as line:

        async def script(posted: Posted) -> bytes:
            if posted.number == 50:
                line.cut()
            return accepted(posted)

        server = serve(script)
        team.spec(ROWS).towards(server)
        started = workers(team, 1)
        team.env["MSGSPEC_RUNNER_LEDGER"] = line.url
        started += workers(team, 1)
        team.env["MSGSPEC_RUNNER_LEDGER"] = url
        result = team.send("--cluster", "--rate", "300/s")
        assert result.code in (0, 3), result.err
        assert rows("SELECT FROM sessions WHERE fenced")
        line.heal()
        started[1].read_until("taken for dead")
        check(team, server, rows, lost=1)
        ended(started)


def test_pause_resume_and_stop(team: Project, serve: StartServer, rows: Ask) -> None:
    server = serve()
    team.spec(ROWS).towards(server)
    started = workers(team, 2)
    sending = team.start("send", "specs", "--yes", "--cluster", "--rate", "20/s")
    server.wait_for(10)
    [(run,)] = rows("SELECT id FROM runs")
    paused = team.run("cluster", "pause", "latest")
    assert (paused.code, f"go on with `msgspec-runner cluster resume {run}`" in paused.out) == (0, True)
    for words in (("status",), ("status", run)):
        assert re.search(rf"^{run}  paused .*\(paused by .+\)$", team.run(*words).out, re.MULTILINE)
    assert f"run {run} is paused: `msgspec-runner cluster resume {run}`" in team.send("--cluster").err
    wait_until(lambda: not rows("SELECT FROM sessions WHERE run IS NOT NULL"))
    assert {state for (state,) in rows("SELECT state FROM messages")} == {"accepted", "planned"}
    posted = len(server.requests)
    assert "goes on" in team.run("cluster", "resume", "latest").out
    assert f"{run}  running " in team.run("status").out
    assert f"run {run} is under way: `msgspec-runner status {run} --watch`" in team.send("--cluster").err
    server.wait_for(posted + 10)
    assert team.run("cluster", "stop", "latest").code == 0
    result = sending.wait()
    assert result.code == 5
    assert "stopped early: stopped by" in result.err
    ended(started)
    assert {state for (state,) in rows("SELECT state FROM messages")} == {"accepted", "planned"}
    assert team.send().code == 0, "what was left planned is for the next send"
    assert list(server.times_by_number.values()) == [1] * ROWS


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


def test_a_spec_with_a_rate_of_its_own(team: Project, serve: StartServer) -> None:
    """All workers share it, and nobody else is kept waiting by it."""
    server = serve()
    team.spec(40, name="slow", text="Slow {{ name }}", more="delivery: {rate: 20/s}\n").spec(ROWS, name="fast")
    team.towards(server)
    started = workers(team, 2)
    assert team.send("--cluster", "--rate", "300/s").code == 0
    ended(started)
    times = list(zip(server.requests, server.times, strict=True))
    slow = [when for posted, when in times if posted.body["text"].startswith("Slow")]
    fast = [when for posted, when in times if not posted.body["text"].startswith("Slow")]
    assert (len(slow), len(fast)) == (40, ROWS)
    assert (len(slow) - 1) / (slow[-1] - slow[0]) < 22
    assert fast[-1] < slow[-1]


def test_the_database_crashes_and_is_away_for_a_while(project: Project, serve: StartServer) -> None:
    """A server of the test's own, twice: restarted, and crashed. Nothing is in doubt, because nobody died."""
    with PrivatePostgres() as postgres:
        project.env |= {"MSGSPEC_RUNNER_LEDGER": postgres.url, "MSGSPEC_RUNNER_TEST_LEASE": LEASE}
        with closing(PostgresLedger(address(postgres.url), project.root / "unused", create=True)) as book:
            Shared(book).migrate()
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
        postgres.start()
        assert sending.wait().code == 0
        ended(started)
        assert list(server.times_by_number.values()) == [1] * ROWS
        assert set(project.states().values()) == {"accepted"}


def test_all_slow_down_together(team: Project, serve: StartServer, rows: Ask) -> None:
    """After a 429 nobody posts while it asks to wait, and the run goes on at half the rate."""

    async def script(posted: Posted) -> bytes:
        if posted.number == 60:
            return answer(429, {"status": "error"}, "Retry-After: 1")
        return accepted(posted)

    server = serve(script)
    team.spec(ROWS).towards(server)
    started = workers(team, 2)
    assert team.send("--cluster", "--rate", "200/s").code == 0
    ended(started)
    assert server.times_by_number.total() == ROWS + 1
    refused = server.times[59]
    assert not [moment for moment in server.times if refused + 0.5 < moment < refused + 0.9]
    assert {state for (state,) in rows("SELECT state FROM messages")} == {"accepted"}


def test_who_stops_watching_and_who_stops_working(team: Project, serve: StartServer, rows: Ask) -> None:
    server = serve()
    team.spec(ROWS).towards(server)
    started = workers(team, 1)
    sending = team.start("send", "specs", "--yes", "--cluster", "--rate", "150/s")
    server.wait_for(30)
    sending.signal(signal.SIGINT)
    left = sending.wait()
    assert left.code == 130
    assert "goes on without you" in left.err
    assert "status" in left.err
    ended(started)  # what it had is given back at once
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
    assert "msgspec_runner_ledger_up 1.0" in page
    with urlopen(url.replace("/metrics", "/health")) as health:
        assert (health.status, health.read()) == (200, b"ok\n")
    taken = team.run("worker", "--metrics", url.split("/")[2])
    assert (taken.code, "cannot listen there" in taken.err) == (2, True)
    assert "write a port" in team.run("worker", "--metrics", "here").err
    ended([worker])


def test_what_is_missing_is_told(project: Project, serve: StartServer, url: str, tmp_path: Path) -> None:
    project.spec(3).towards(serve())
    for flags, words in (
        ((), "workers need one in PostgreSQL"),
        (("--sandbox",), "--base-url"),
        (("--ledger", url), "ledger migrate"),
        (("--ledger", url, "--queue", "A B"), "a queue's name"),
    ):
        refusal = project.send("--cluster", *flags)
        assert refusal.code == 2, refusal.err
        assert words in refusal.err
    assert "--queue is for --cluster" in project.send("--queue", "x").err
    refusal = project.send("--cluster", "--ledger", url, "--concurrency", "5")
    assert (refusal.code, "msgspec-runner worker --concurrency N" in refusal.err) == (2, True)
    assert "which ledger?" in project.run("worker").err
    assert "workers need one in PostgreSQL" in project.run("worker", "--ledger", ".msgspec-runner/ledger.db").err
    no_queue = project.run("worker", "--ledger", url)
    assert (no_queue.code, "ledger migrate" in no_queue.err) == (2, True)


def test_without_the_extra(team: Project, serve: StartServer) -> None:
    team.spec(1).towards(serve())
    team.write("stubs/procrastinate.py", "raise ImportError('not installed')\n")
    team.env["PYTHONPATH"] = str(team.root / "stubs")
    for words in (
        ("send", "specs", "--yes", "--cluster", "--queue", "eu"),
        ("worker",),
        ("cluster", "pause", "latest"),
    ):
        refusal = team.run(*words)
        assert refusal.code == 2, refusal.err
        assert "pip install 'msgspec-runner[cluster]'" in refusal.err
    assert "queue" not in team.run("ledger", "migrate").out
    assert team.send().code == 0
    assert "1 accepted" in team.run("status", "latest", "--watch").out


def test_migrate_makes_the_queue(project: Project, url: str) -> None:
    project.spec(1).env["MSGSPEC_RUNNER_LEDGER"] = url
    assert project.run("ledger", "init").code == 0
    for _ in range(2):
        said = project.run("ledger", "migrate").out
        assert re.search(
            r"its queue for workers has Procrastinate's tables of version [0-9.]+, which is installed", said
        )
        assert ".sql" not in said
