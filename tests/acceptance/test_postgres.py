"""The promise of the contract, section 4, with the ledger in PostgreSQL, by the installed command."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.project import Project, Running
from tests.acceptance.server import Posted, Server, accepted
from tests.ledger.cutting import Line
from tests.ledger.postgres import cut, own_schema
from tests.sandbox.waiting import until

StartServer = Callable[..., Server]

ROWS = 200
CONCURRENCY = 8


@pytest.fixture
def url() -> Iterator[str]:
    with own_schema() as url:
        yield url


@pytest.fixture
def team(project: Project, url: str) -> Project:
    """A project with its ledger on a server."""
    project.env["MSGSPEC_RUNNER_LEDGER"] = url
    return project


def test_a_second_run_sends_nothing(team: Project, serve: StartServer) -> None:
    team.spec(5).towards(serve())
    assert team.send().code == 0
    again = team.send()
    assert (again.code, "nothing to send" in again.err) == (0, True)
    assert set(team.states().values()) == {"accepted"}
    assert not (team.root / ".msgspec-runner").exists()


def test_kill_9_again_and_again(team: Project, serve: StartServer) -> None:
    running: list[Running] = []
    kills = {15, 120}

    async def script(posted: Posted) -> bytes:
        if posted.number in kills:
            running[-1].signal(signal.SIGKILL)
        return accepted(posted)

    server = serve(script)
    team.spec(ROWS).towards(server)
    for _ in kills:
        running.append(team.start("send", "specs", "--yes", "--concurrency", str(CONCURRENCY)))
        assert running[-1].wait().code == -signal.SIGKILL
        server.wait_until_left()
    last = team.send()
    assert last.code == 3
    states = team.states()
    assert set(states.values()) == {"accepted", "in_doubt"}
    assert 2 <= list(states.values()).count("in_doubt") <= len(kills) * 2 * CONCURRENCY
    assert set(server.times_by_number.values()) == {1}, "somebody was texted twice"
    assert len(states) == ROWS


def test_the_server_restarts_in_mid_run(team: Project, serve: StartServer, url: str) -> None:
    """Every connection of the run is ended by the server, five times; every message is sent once, none is in doubt."""
    restarts = {10, 11, 60, 130, 190}

    async def script(posted: Posted) -> bytes:
        if posted.number in restarts:
            cut(url)
        return accepted(posted)

    server = serve(script)
    team.spec(ROWS).towards(server)
    result = team.send("--concurrency", str(CONCURRENCY))
    assert result.code == 0, result.err
    assert f"{ROWS} accepted" in result.err
    assert "rollback" not in result.err, "psycopg spoke to people"
    assert list(server.times_by_number.values()) == [1] * ROWS
    ids = {posted.to: f"id-{posted.number}" for posted in server.requests}
    assert {message["to"]: message["message_id"] for message in team.messages()} == ids


def test_killed_while_the_server_is_away(team: Project, serve: StartServer, url: str) -> None:
    """The outcomes of what was in flight are noted on this machine, and the next send records them."""
    running: list[Running] = []
    with Line(url) as line:

        async def script(posted: Posted) -> bytes:
            if posted.number == 40:
                line.go_down()
            return accepted(posted)

        server = serve(script)
        team.spec(ROWS).towards(server)
        team.env["MSGSPEC_RUNNER_LEDGER"] = line.url
        running.append(team.start("send", "specs", "--yes", "--concurrency", str(CONCURRENCY)))
        server.wait_for(40)
        journals = team.root / ".msgspec-runner"
        until(lambda: noted(journals))
        known = noted(journals)
        running[0].signal(signal.SIGKILL)
        running[0].wait()
    team.env["MSGSPEC_RUNNER_LEDGER"] = url
    team.send()
    assert set(server.times_by_number.values()) == {1}
    states = {message["key"]: message["state"] for message in team.messages()}
    assert {states[key] for key in known} == {"accepted"}
    assert list(states.values()).count("in_doubt") <= 2 * CONCURRENCY
    assert len(states) == ROWS
    assert not list(journals.glob("*.jsonl"))


def noted(journals: Path) -> list[str]:
    """Return the keys in this machine's journals."""
    lines = [line for file in journals.glob("*.jsonl") for line in file.read_text(encoding="utf-8").splitlines()[1:]]
    return re.findall(r"[0-9a-f]{64}", "\n".join(lines))


def test_two_sends_at_once(team: Project, serve: StartServer) -> None:
    server = serve()
    server.hold()
    team.spec(ROWS).towards(server)
    both = [team.start("send", "specs", "--yes", "--concurrency", "4") for _ in range(2)]
    server.wait_for(4)
    server.release()
    assert {running.wait().code for running in both} == {0}
    assert list(server.times_by_number.values()) == [1] * ROWS
    assert list(team.states().values()) == ["accepted"] * ROWS


def test_the_password_is_never_shown(project: Project, serve: StartServer) -> None:
    project.spec(1).towards(serve())
    for place in (
        "postgresql://ann:hunter2@127.0.0.1:1/db",
        "postgresql://ann@127.0.0.1:1/db?password=hunter2",
        "postgresql://ann:hunter2@:hunter2@127.0.0.1:1/db",
        "postgresql://ann:hunter2/x@127.0.0.1:1/db",
        "postgresql://ann:hunter2",
        "postgres://ann:12#hunter2@127.0.0.1/db",
        "postgresql://ann:hunter2@127.0.0.1:1/db?hunter2",
    ):
        for command in (["send", "specs", "--yes"], ["ledger", "init"]):
            refusal = project.run(*command, "--ledger", place, "--verbose")
            assert refusal.code == 2, place
            assert "hunter2" not in refusal.err + refusal.out, place
            assert "postgresql://" in refusal.err


def test_without_the_extra(project: Project, serve: StartServer) -> None:
    project.spec(1).towards(serve())
    project.write("stubs/psycopg.py", "raise ImportError('not installed')\n")
    project.env["PYTHONPATH"] = str(project.root / "stubs")
    refusal = project.send("--ledger", "postgresql://db/sms")
    assert refusal.code == 2
    assert "pip install 'msgspec-runner[cluster]'" in refusal.err
    assert project.send().code == 0


def test_the_configuration_names_no_server(project: Project, serve: StartServer) -> None:
    project.spec(1).towards(serve()).write("msgspec-runner.toml", 'ledger = "postgresql://evil.example/db"\n')
    refusal = project.send()
    assert refusal.code == 2
    assert "a pull request could send people's data" in refusal.err
