"""Between the plan that a person sees and the yes, other runs end, die, or take the same messages: what is sent is what
was shown, or it is said why not. On each kind of ledger."""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from msgspec_runner.cluster.sharing import Shared
from msgspec_runner.ledger.postgres import PostgresLedger
from tests.acceptance.project import Project, Running, number
from tests.acceptance.server import Server, accept, always, answer
from tests.acceptance.test_terminal import Terminal, terminal
from tests.ledger.postgres import address, own_schema

StartServer = Callable[..., Server]

OLD = 20
NEW = [number(row) for row in range(101, 106)]


@pytest.fixture(params=["sqlite", "postgres"])
def either(project: Project, request: pytest.FixtureRequest) -> Iterator[Project]:
    """A project whose ledger is of either kind; the server's has a queue."""
    with ExitStack() as stack:
        if request.param == "postgres":
            url = stack.enter_context(own_schema())
            project.env["MSGSPEC_RUNNER_LEDGER"] = url
            with closing(PostgresLedger(address(url), project.root / "unused", create=True)) as book:
                Shared(book).migrate()
        yield project


def add_new(project: Project) -> None:
    """Put five recipients in front of the others."""
    lines = "".join(f"{to},Q\n" for to in NEW)
    project.replace("specs/hello.csv", "phone,name\n", f"phone,name\n{lines}")


@contextmanager
def asked(project: Project, question: str, *arguments: str) -> Iterator[Terminal]:
    """Have ``send`` ask."""
    with terminal(project, "send", "specs", *arguments) as screen:
        screen.expect(question)
        yield screen


def send_slowly(project: Project, server: Server) -> Running:
    """Start a run that holds all of its messages, and has one of them under way."""
    server.hold()
    running = project.start("send", "specs", "--yes", "--concurrency", "1")
    server.wait_for(1)
    return running


def end(running: Running, server: Server, ending: signal.Signals) -> None:
    running.signal(ending)
    server.release()
    running.wait()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_what_was_shown_is_sent_whatever_becomes_of_the_other_run(
    either: Project, serve: StartServer, ending: signal.Signals
) -> None:
    server = serve()
    either.spec(OLD).towards(server)
    other = send_slowly(either, server)
    add_new(either)
    with asked(either, "Send 5 messages, 5 segments,") as screen:
        assert f"{OLD} in another run" in screen.seen
        end(other, server, ending)
        server.wait_until_left()
        before = len(server.requests)
        screen.type("y\r")
        assert screen.code() == 0
        assert "5 accepted" in screen.seen
    assert sorted(posted.to for posted in server.requests[before:]) == NEW


def test_a_limit_means_the_first_that_were_shown(either: Project, serve: StartServer) -> None:
    server = serve()
    either.spec(OLD).towards(server)
    other = send_slowly(either, server)
    add_new(either)
    with asked(either, "Send 2 messages ", "--limit", "2") as screen:
        end(other, server, signal.SIGINT)
        server.wait_until_left()
        before = len(server.requests)
        screen.type("y\r")
        assert screen.code() == 0
    assert sorted(posted.to for posted in server.requests[before:]) == NEW[:2]


def test_what_another_run_took_meanwhile_is_said(either: Project, serve: StartServer) -> None:
    server = serve()
    either.spec(5).towards(server)
    with asked(either, "Send 5 messages") as screen:
        assert either.send("--limit", "2").code == 0
        screen.type("y\r")
        assert screen.code() == 0
        assert "3 of 5 messages to send: another run took 2 meanwhile" in screen.seen
        assert "3 accepted" in screen.seen
    assert server.times_by_number == {number(row): 1 for row in range(1, 6)}


def test_a_yes_that_sends_nobody_anything_is_no_success(either: Project, serve: StartServer) -> None:
    server = serve()
    either.spec(5).towards(server)
    with asked(either, "Send 5 messages") as screen:
        assert either.send().code == 0
        screen.type("y\r")
        assert screen.code() == 5
        assert "stopped early: 0 of 5 messages to send: another run took 5 meanwhile" in screen.seen
    assert server.times_by_number == {number(row): 1 for row in range(1, 6)}


def test_what_a_run_that_died_holds_is_sent_by_the_next_command(either: Project, serve: StartServer) -> None:
    server = serve()
    either.spec(5).towards(server)
    with asked(either, "Send 5 messages") as screen:
        end(send_slowly(either, server), server, signal.SIGKILL)
        server.wait_until_left()
        screen.type("y\r")
        assert screen.code() == 5
        words = (
            r"0 of 5 messages to send: another run took [12] meanwhile, "
            r"[34] belong to a run that died: run the command again"
        )
        assert re.search(words, screen.seen)
    assert len(server.requests) == 1
    assert either.send().code == 3, "what was under way is in doubt"
    states = Counter(message["state"] for message in either.messages())
    assert states["in_doubt"] in {1, 2}
    assert states["in_doubt"] + states["accepted"] == 5
    assert set(server.times_by_number.values()) == {1}


@pytest.mark.parametrize("either", ["postgres"], indirect=True)
def test_nobody_gives_workers_what_another_run_has(either: Project, serve: StartServer) -> None:
    server = serve()
    either.spec(5).towards(server)
    with asked(either, "Send 5 messages", "--cluster") as screen:
        assert either.send().code == 0
        screen.type("y\r")
        assert screen.code() == 5
        assert "0 of 5 messages to send: another run took 5 meanwhile" in screen.seen
    assert either.run("status").out.count("hello: 5 accepted") == 1
    assert len(either.run("status").out.splitlines()) == 1, "a run without messages was entered"


@pytest.mark.parametrize("either", ["postgres"], indirect=True)
def test_workers_get_what_was_shown(either: Project, serve: StartServer) -> None:
    server = serve()
    either.spec(OLD).towards(server)
    other = send_slowly(either, server)
    add_new(either)
    with asked(either, "Send 5 messages", "--cluster") as screen:
        end(other, server, signal.SIGINT)
        server.wait_until_left()
        screen.type("y\r")
        screen.expect("5 messages for the workers")
        planned = [message["to"] for message in either.messages("--state", "planned")]
        assert sorted(planned)[-5:] == NEW
        assert len([to for to in planned if to in NEW]) == 5


def test_each_bad_row_is_recorded_once_and_none_hides_another(either: Project, serve: StartServer) -> None:
    either.spec(2).towards(serve())
    good = (either.root / "specs/hello.csv").read_text(encoding="utf-8")
    for person in ("bad,Xavier", "worse,Yolanda", "+161755500,Zoe", "worse,Yolanda"):
        either.write("specs/hello.csv", f"{good}{person}\n")
        assert either.send("--skip-invalid").code == 1
    found = either.messages("--state", "skipped")
    assert [(message["row"], message["to"]) for message in found] == [(3, "")] * 3
    assert len({message["key"] for message in found}) == 3

    either.write("specs/hello.csv", f"{good}{number(3)},\n")
    assert either.send("--skip-invalid").code == 1
    assert either.run("ledger", "forget", number(3), "--yes").code == 0
    assert either.send("--skip-invalid").code == 1
    assert len(either.messages("--state", "skipped")) == 4, "what was erased came back"
    either.write("specs/hello.csv", f"{good}{number(4)},\n")
    assert either.send("--skip-invalid").code == 1
    assert [message["to"] for message in either.messages("--state", "skipped")] == ["", "", "", "", number(4)]


def test_the_ledger_holds_no_cell_of_a_bad_row_in_clear(project: Project, serve: StartServer) -> None:
    project.spec(1).towards(serve())
    good = (project.root / "specs/hello.csv").read_text(encoding="utf-8")
    project.write("specs/hello.csv", f"{good}not-a-number,Xavier\n")
    assert project.send("--skip-invalid").code == 1
    for path in (project.root / ".msgspec-runner").rglob("*"):
        if path.is_file():
            assert b"Xavier" not in path.read_bytes()
            assert b"not-a-number" not in path.read_bytes()


@pytest.fixture
def refused(either: Project, serve: StartServer) -> tuple[Project, Server]:
    """A run of three messages that the API refused, and would take now."""
    server = serve(always(answer(400)))
    either.spec(3).towards(server)
    assert either.send().code == 1
    server.script = accept
    return either, server


def test_what_a_retry_does_not_get_is_said_and_not_waited_for(refused: tuple[Project, Server]) -> None:
    project, _ = refused
    with terminal(project, "retry", "latest") as screen:
        screen.expect("Send 3 messages")
        assert project.run("ledger", "forget", number(2), "--yes").code == 0
        screen.type("y\r")
        assert screen.code() == 0
        assert "2 of 3 messages to send again: another run took the others meanwhile" in screen.seen
        assert "2 accepted" in screen.seen
        assert "2/2" in screen.seen


def test_a_yes_to_retry_what_another_retry_has_sent_is_no_success(refused: tuple[Project, Server]) -> None:
    project, server = refused
    with terminal(project, "retry", "latest") as screen:
        screen.expect("Send 3 messages")
        assert project.run("retry", "latest", "--yes").code == 0
        screen.type("y\r")
        assert screen.code() == 5
        assert "stopped early: 0 of 3 messages to send again" in " ".join(screen.seen.split())
    assert server.times_by_number == {number(row): 2 for row in range(1, 4)}
