"""``--limit``: what it leaves out is told, before the run and after it; and a run in a ledger that is thrown away names
no command that looks for it there."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from msgspec_runner.cluster.sharing import Shared
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.reports.run_summary import NOT_KEPT
from tests.acceptance.project import Project, number
from tests.acceptance.server import Server, always, answer
from tests.ledger.postgres import address, own_schema

StartServer = Callable[..., Server]


@pytest.fixture
def team(project: Project) -> Iterator[Project]:
    """A project whose ledger has a queue."""
    with own_schema() as url:
        project.env["MSGSPEC_RUNNER_LEDGER"] = url
        with closing(PostgresLedger(address(url), project.root / "unused", create=True)) as book:
            Shared(book).migrate()
        yield project


def test_how_many_are_left_is_told_before_and_after(project: Project, serve: StartServer) -> None:
    project.spec(5).towards(serve())
    first = project.send("--limit", "2").err
    assert "\n--limit 2: 2 of 5 new messages now, 3 are left for the next `send`\n" in first
    assert first.endswith(": 2 accepted\n--limit 2: 3 are left for the next `send`\n")
    second = project.send("--limit", "2", "--quiet").err
    assert second.endswith(": 2 accepted\n--limit 2: 1 is left for the next `send`\n")
    last = project.send("--limit", "1").err
    assert "--limit" not in last, "nothing is left out"
    assert "--limit" not in project.send("--limit", "1").err, "nothing is new"


def test_what_is_left_after_a_stop_is_told_too(project: Project, serve: StartServer) -> None:
    project.spec(5).towards(serve(always(answer(401))))
    stopped = project.send("--limit", "2", "--concurrency", "1")
    assert stopped.code == 5
    assert "run the same command again to go on" in stopped.err
    assert stopped.err.endswith("--limit 2: 3 are left for the next `send`\n")


def test_workers_leave_as_much(team: Project, serve: StartServer) -> None:
    team.spec(5).towards(serve())
    worker = team.start("worker", "--concurrency", "2")
    worker.read_until("stop it with Ctrl-C")
    sent = team.send("--cluster", "--limit", "2").err
    assert "--limit 2: 2 of 5 new messages now, 3 are left for the next `send`\n" in sent
    assert sent.endswith(": 2 accepted\n--limit 2: 3 are left for the next `send`\n")
    worker.signal(signal.SIGTERM)
    assert worker.wait().code == 0


def test_a_plan_shows_all_and_says_so(project: Project) -> None:
    planned = project.spec(5).run("send", "specs", "--dry-run", "--sandbox", "--limit", "2")
    assert "`send` would send 5 messages" in planned.out
    assert "--limit and --max are for sending: the plan shows all that is new\n" in planned.err


def test_a_ledger_that_is_thrown_away_has_no_next_send(project: Project) -> None:
    sent = project.spec(5).run("send", "specs", "--sandbox", "--limit", "2").err
    assert "--limit 2: 2 of 5 new messages now, 3 are left out\n" in sent
    assert sent.endswith("--limit 2: 3 are left out\n")


def test_what_was_refused_in_a_sandbox_is_told_without_commands_that_find_nothing(project: Project) -> None:
    project.spec(2)
    project.replace("specs/hello.csv", number(2), "+15005550004")
    refused = project.run("send", "specs", "--sandbox", "--results", "/dev/full").err
    assert "1 accepted, 1 rejected" in refused
    assert "Correct the row or the text and send again\n" in refused
    assert refused.endswith(f"{NOT_KEPT}\n")
    assert "msgspec-runner " not in refused


def test_what_a_run_with_a_ledger_of_its_own_says_works_when_it_is_typed(project: Project, serve: StartServer) -> None:
    server = serve(always(answer(400)))
    project.spec(2)
    refused = project.run("send", "specs", "--yes", "--ledger", "my ledger.db", "--base-url", server.url)
    command = refused.err.rpartition("send it again as it was: `")[2].rstrip("`\n")
    assert command.endswith(f" --base-url {server.url} --ledger 'my ledger.db'")
    again = project.run(*shlex.split(command)[1:], "--yes")
    assert (again.code, "2 rejected" in again.err) == (1, True)

    project.replace("specs/hello.csv", number(2), "+15005550004")
    kept = project.run("send", "specs", "--sandbox", "--ledger", "mine.db").err
    assert NOT_KEPT not in kept
    command = kept.rpartition("send it again as it was: `")[2].rstrip("`\n")
    assert command.endswith(" --sandbox --ledger mine.db")
    assert "1 rejected" in project.run(*shlex.split(command)[1:]).err
