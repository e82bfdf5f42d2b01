"""Somebody holds locks for longer than a worker may be silent: it lives, and is not taken for dead."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest

from tests.acceptance.cluster.team import LEASE, ROWS, Ask, check, ended, wait_until, workers
from tests.acceptance.project import Project
from tests.acceptance.server import Server
from tests.ledger.postgres import address

StartServer = Callable[..., Server]

FENCE = 1.5 * float(LEASE)
"""Seconds of silence after which a session is fenced."""

FENCES = 2
"""How many times as long a lock is held."""

MENDING = "SELECT pg_advisory_xact_lock(hashtext('msgspec-runner mend'), hashtext(current_schema()))"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT FROM shared_runs FOR UPDATE", "could not end run"),
        ("SELECT FROM runs FOR UPDATE", None),
        (MENDING, None),
        ("SELECT FROM messages WHERE state = 'planned' ORDER BY position DESC LIMIT 1 FOR UPDATE", None),
    ],
    ids=["the shared run", "the run", "who mends", "a message"],
)
def test_a_worker_lives_while_somebody_holds_a_lock(
    team: Project, serve: StartServer, url: str, rows: Ask, statement: str, words: str | None
) -> None:
    """Two workers, each of which would bury the other."""
    server = serve()
    server.hold()
    team.spec(ROWS).towards(server)
    started = workers(team, 2)
    sending = team.start("send", "specs", "--yes", "--cluster")
    server.wait_for(2)
    with closing(psycopg.connect(address(url).conninfo, application_name="test")) as other:
        other.execute(f"SET search_path TO {address(url).schema}".encode())
        other.execute(statement.encode())
        [(began,)] = other.execute("SELECT clock_timestamp()").fetchall()

        def has_passed() -> bool:
            late = f"SELECT FROM sessions WHERE seen_at < clock_timestamp() - make_interval(secs => {FENCE})"
            assert not rows(late), "a worker that lives could not show it"
            return rows(f"SELECT clock_timestamp() - '{began}' > make_interval(secs => {FENCES * FENCE})") == [(True,)]

        wait_until(has_passed)
    server.release()
    assert sending.wait().code == 0
    assert not rows("SELECT FROM sessions WHERE fenced")
    check(team, server, rows, lost=0)
    told = [result.err for result in ended(started)]
    assert not any("taken for dead" in said or "out of reach" in said for said in told)
    if words is not None:
        assert any(said.count(words) == 1 for said in told)


def test_a_session_whose_row_is_locked_is_not_fenced_and_shows_its_next_sign_at_once(
    team: Project, serve: StartServer, url: str, rows: Ask
) -> None:
    server = serve()
    server.hold()
    team.spec(ROWS).towards(server)
    started = workers(team, 2)
    sending = team.start("send", "specs", "--yes", "--cluster")
    wait_until(lambda: rows("SELECT count(*) FROM sessions WHERE run IS NOT NULL") == [(4,)])
    with closing(psycopg.connect(address(url).conninfo, application_name="test")) as other:
        other.execute(f"SET search_path TO {address(url).schema}".encode())
        [(locked,)] = other.execute("SELECT min(id) FROM sessions").fetchall()
        other.execute("SELECT FROM sessions WHERE id = %s FOR UPDATE", (locked,))
        silence = f"make_interval(secs => {FENCES * FENCE})"
        wait_until(
            lambda: rows(f"SELECT FROM sessions WHERE id = {locked} AND seen_at < clock_timestamp() - {silence}")
        )
    wait_until(lambda: not rows("SELECT FROM sessions WHERE seen_at < clock_timestamp() - interval '1 s'"))
    assert not rows("SELECT FROM sessions WHERE fenced")
    server.release()
    assert sending.wait().code == 0
    check(team, server, rows, lost=0)
    ended(started)
