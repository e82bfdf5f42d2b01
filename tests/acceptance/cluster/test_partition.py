"""A worker on a machine of its own whose cable to the database is pulled: packets are lost, and nobody is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.cluster.team import (
    ROWS,
    asking,
    check,
    ended,
    wait_until,
    wait_until_all_post,
    with_queue,
    workers,
)
from tests.acceptance.project import Project
from tests.acceptance.server import Server
from tests.cluster.namespace import Namespace
from tests.cluster.private_postgres import PrivatePostgres

StartServer = Callable[..., Server]


@pytest.fixture
def machine() -> Iterator[Namespace]:
    with Namespace() as machine:
        yield machine


@pytest.fixture
def postgres(machine: Namespace) -> Iterator[PrivatePostgres]:
    """A server that the machine reaches by its cable."""
    with PrivatePostgres(machine.here) as postgres:
        yield postgres


@pytest.mark.parametrize("half", [False, True], ids=["both ways", "only what it is told"])
def test_the_network_of_a_worker_is_cut(
    half: bool, project: Project, serve: StartServer, machine: Namespace, postgres: PrivatePostgres
) -> None:
    """It still reaches the API. Where only answers are lost, its claims may be committed and it does not know."""
    team, rows = with_queue(project, postgres.url), asking(postgres.url)
    server = serve()
    server.also_on(machine.listen(server.port))
    team.spec(ROWS).towards(server)
    near = workers(team, 1)
    team.env["MSGSPEC_RUNNER_LEDGER"] = postgres.also_url
    far = workers(team, 1, inside=machine.inside)
    team.env["MSGSPEC_RUNNER_LEDGER"] = postgres.url
    sending = team.start("send", "specs", "--yes", "--cluster", "--rate", "200/s")
    server.wait_for(20)
    wait_until_all_post(rows, server, 2)
    (machine.deafen if half else machine.cut)()
    server.release()
    wait_until(lambda: rows("SELECT FROM sessions WHERE fenced"))
    result = sending.wait()
    assert result.code in (0, 3), result.err
    (machine.undeafen if half else machine.heal)()
    far[0].read_until("taken for dead")
    check(team, server, rows, lost=1)
    ended([*near, *far])
