"""Specs that may only go at a few messages a minute, and what is not to wait for them."""

from __future__ import annotations

import signal
from collections.abc import Callable

from tests.acceptance.cluster.team import Ask, ended, wait_until, workers
from tests.acceptance.project import Project
from tests.acceptance.server import Server

StartServer = Callable[..., Server]


QUICK = 120
SLOW = ("a", "b", "c")
"""Their messages come first in the plan. Without seats aside, two of them keep a worker from all others."""

LONG = 60
"""So many messages at six a minute are not through before the test is: nothing here depends on how quick a machine is."""


def plan(team: Project) -> Project:
    """Three slow specs that take ten minutes each, and a quick one."""
    for name in SLOW:
        team.spec(LONG, name=name, more="delivery: {rate: 6/min}\n")
    return team.spec(QUICK, name="quick")


def accepted(rows: Ask, spec: str) -> int:
    [(count,)] = rows(f"SELECT count(*) FROM messages WHERE spec = '{spec}' AND state = 'accepted'")
    return int(count)


def test_what_is_quick_does_not_wait_for_what_is_slow(team: Project, serve: StartServer, rows: Ask) -> None:
    server = serve()
    plan(team).towards(server)
    [worker] = workers(team, 1, "--concurrency", "40")
    sending = team.start("send", "specs", "--yes", "--cluster")
    wait_until(lambda: accepted(rows, "quick") == QUICK)
    # The first message of a spec goes at once, the second after ten seconds, and the others wait in the queue.
    wait_until(lambda: all(accepted(rows, name) for name in SLOW))
    assert all(accepted(rows, name) < LONG for name in SLOW)
    wait_until(lambda: rows("SELECT FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at > now()"))

    # What is worked on aside goes back into the queue when its worker stops, and another one goes on with it.
    ended([worker])
    undone = rows("SELECT first FROM windows WHERE NOT done ORDER BY first")
    todo = "SELECT (args ->> 'first')::bigint FROM procrastinate_jobs WHERE status = 'todo' ORDER BY 1"
    assert rows(todo) == undone != []
    before = sum(accepted(rows, name) for name in SLOW)
    started = workers(team, 1, "--concurrency", "40")
    wait_until(lambda: sum(accepted(rows, name) for name in SLOW) > before)
    assert team.run("cluster", "stop", "latest").code == 0
    assert sending.wait().code == 5
    ended(started)
    assert max(server.times_by_number.values()) <= len(SLOW) + 1, "once for each spec at most"


def test_what_a_dead_worker_had_aside_is_for_others(team: Project, serve: StartServer, rows: Ask) -> None:
    """There is no job for it any more by which anybody could tell."""
    plan(team).towards(serve())
    [worker] = workers(team, 1, "--concurrency", "40")
    sending = team.start("send", "specs", "--yes", "--cluster")
    aside = (
        "SELECT first, worker FROM sessions JOIN windows USING (run, first) WHERE NOT done "
        "AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE status = 'doing')"
    )
    had = wait_until(lambda: rows(aside))
    worker.signal(signal.SIGKILL)
    assert worker.wait().code == -signal.SIGKILL
    started = workers(team, 1, "--concurrency", "40")
    orphaned = (
        f"SELECT FROM windows WHERE first IN ({', '.join(str(first) for first, _ in had)}) AND NOT done AND first NOT IN "
        f"(SELECT first FROM sessions WHERE first IS NOT NULL AND worker <> '{had[0][1]}')"
    )
    wait_until(lambda: not rows(orphaned))
    assert team.run("cluster", "stop", "latest").code == 0
    assert sending.wait().code == 5
    ended(started)
