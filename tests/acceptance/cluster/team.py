"""A run that several workers carry out: a ledger with a queue, workers on machines of their own, and what must hold."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import psycopg

from msgspec_runner.cluster.sharing import Shared
from msgspec_runner.ledger.postgres import PostgresLedger
from tests.acceptance.project import Project, Result, Running
from tests.acceptance.server import PATIENCE, Server
from tests.ledger.postgres import address

Ask = Callable[[str], list[Any]]

ROWS = 240
CONCURRENCY = 6
LEASE = "1.5"
"""Seconds. Who is silent is soon taken for dead; nothing waits longer than it has to."""


def with_queue(project: Project, url: str) -> Project:
    """Give a project a ledger with a queue."""
    project.env |= {"MSGSPEC_RUNNER_LEDGER": url, "MSGSPEC_RUNNER_TEST_LEASE": LEASE}
    with closing(PostgresLedger(address(url), project.root / "unused", create=True)) as book:
        Shared(book).migrate()
    return project


def asking(url: str) -> Ask:
    """Return what asks a ledger's tables."""

    def ask(statement: str) -> list[Any]:
        # Under another name, or cut() would end this one too.
        conninfo = address(url).conninfo
        with closing(psycopg.connect(conninfo, autocommit=True, application_name="test")) as connection:
            connection.execute(f"SET search_path TO {address(url).schema}")
            return connection.execute(statement.encode()).fetchall()

    return ask


def workers(team: Project, number: int, *flags: str, inside: Sequence[str] = ()) -> list[Running]:
    """Start workers, each in a folder of its own, as on a machine of its own."""
    started = []
    for name in range(number):
        folder = team.root.parent / f"machine-{name}-{len(list(team.root.parent.iterdir()))}"
        folder.mkdir()
        words = ("worker", "--concurrency", str(CONCURRENCY), *flags)
        started.append(team.start_in(folder, *words, inside=inside))
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


def wait_until_all_post(rows: Ask, server: Server, number: int) -> None:
    """Hold the server's answers, and wait until each of so many workers waits for one: none has had no work yet."""
    server.hold()
    posting = (
        "SELECT count(DISTINCT sessions.worker) FROM messages "
        "JOIN sessions ON sessions.id = claimant(messages.claimed_in) WHERE messages.state = 'sending'"
    )
    wait_until(lambda: rows(posting) == [(number,)])


def ended(started: list[Running]) -> list[Result]:
    """Stop workers in order, and return what they said."""
    for worker in started:
        worker.signal(signal.SIGTERM)
    results = [worker.wait() for worker in started]
    assert [result.code for result in results] == [0] * len(started), results
    return results


def check(team: Project, server: Server, rows: Ask, lost: int, messages: int = ROWS) -> None:
    """Nobody was texted twice, nobody was forgotten, and no more are in doubt than ``lost`` workers can leave."""
    assert set(server.times_by_number.values()) == {1}, "somebody was texted twice"
    states = Counter(state for (state,) in rows("SELECT state FROM messages"))
    assert states.total() == messages
    assert set(states) <= {"accepted", "in_doubt"}, "somebody was forgotten"
    assert states["in_doubt"] <= lost * 2 * CONCURRENCY
    posted = len(server.requests)
    assert posted >= states["accepted"]
    assert "nothing to send" in team.send("--cluster").err
    assert len(server.requests) == posted
    assert not rows("SELECT FROM runs WHERE status = 'running'")
