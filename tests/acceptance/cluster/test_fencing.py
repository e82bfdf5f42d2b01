"""A worker that was taken for dead, and hears of it when it asks for more: it begins anew with the window that it has.

Its next sign of life, by which it would hear of it too, is ten minutes away.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.acceptance.cluster.team import ROWS, Ask, check, ended, wait_until, workers
from tests.acceptance.project import Project
from tests.acceptance.server import Server

StartServer = Callable[..., Server]

FENCE = "UPDATE sessions SET fenced = true RETURNING id"


@pytest.fixture(autouse=True)
def _long_lease(team: Project) -> None:
    team.env["MSGSPEC_RUNNER_TEST_LEASE"] = "3600"


def test_while_it_had_nothing_to_do(team: Project, serve: StartServer, rows: Ask) -> None:
    server = serve()
    team.spec(ROWS, name="before").towards(server)
    started = workers(team, 1)
    assert team.send("--cluster").code == 0
    assert len(rows(FENCE)) == 2, "both of its sessions had a window"
    team.spec(12, name="after")
    assert team.send("--cluster").code == 0
    assert {state for (state,) in rows("SELECT state FROM messages")} == {"accepted"}
    assert len(server.requests) == ROWS + 12
    ended(started)


def test_in_the_middle_of_its_window(team: Project, serve: StartServer, rows: Ask) -> None:
    """What is in flight is recorded by who was taken for dead; the rest of the window is sent by who begins anew."""
    server = serve()
    server.hold()
    team.spec(ROWS).towards(server)
    started = workers(team, 1)
    sending = team.start("send", "specs", "--yes", "--cluster")
    wait_until(lambda: rows("SELECT FROM messages WHERE state = 'sending'"))
    assert rows(FENCE)
    server.release()
    assert sending.wait().code == 0
    check(team, server, rows, lost=0)
    ended(started)
