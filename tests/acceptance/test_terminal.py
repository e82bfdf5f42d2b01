"""At a terminal: the question before anything is sent, the progress bar, and colours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pexpect
import pytest

from tests.acceptance.project import COMMAND, KEY, NUMBER, Project, number
from tests.acceptance.server import PATIENCE, Posted, Server, accept, always, answer, refused

StartServer = Callable[..., Server]

QUESTION = r"Send 3 messages, 3 segments, to http://127\.0\.0\.1:\d+\? \[y/N\]:"
COLOR = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """A command at a terminal of 100 columns."""

    def __init__(self, child: pexpect.spawn[str]) -> None:
        self.child = child
        self.seen = ""

    def expect(self, pattern: object) -> None:
        self.child.expect(pattern)
        self.seen += self.child.before + (self.child.after if isinstance(self.child.after, str) else "")

    def type(self, text: str) -> None:
        self.child.send(text)

    def code(self) -> int:
        """Wait for the end and return the exit code."""
        self.expect(pexpect.EOF)
        self.child.close()
        assert "Traceback" not in self.seen
        assert KEY not in self.seen
        assert not NUMBER.search(self.seen)
        assert self.child.exitstatus is not None, f"ended by signal {self.child.signalstatus}"
        return self.child.exitstatus


@contextmanager
def terminal(project: Project, *arguments: str, **env: str) -> Iterator[Terminal]:
    child = pexpect.spawn(
        str(COMMAND),
        list(arguments),
        cwd=str(project.root),
        env={**project.env, "TERM": "xterm-256color", **env},
        encoding="utf-8",
        dimensions=(24, 100),
        timeout=PATIENCE,
    )
    try:
        yield Terminal(child)
    finally:
        child.close(force=True)


@pytest.mark.parametrize(
    ("typed", "code", "words"),
    [
        ("n\r", 2, "nothing was sent"),
        ("\r", 2, "nothing was sent"),
        ("\x03", 130, "interrupted"),
        ("\x04", 130, "interrupted"),
    ],
    ids=["n", "enter", "ctrl-c", "ctrl-d"],
)
def test_without_a_yes_nothing_is_sent(project: Project, serve: StartServer, typed: str, code: int, words: str) -> None:
    server = serve()
    project.spec(3).towards(server)
    with terminal(project, "send", "specs") as screen:
        screen.expect(QUESTION)
        screen.type(typed)
        assert screen.code() == code
        assert words in screen.seen
    assert server.requests == []


def test_a_yes_sends_and_the_bar_shows_it(project: Project, serve: StartServer) -> None:
    server = serve()
    server.hold()
    project.spec(3).towards(server)
    with terminal(project, "send", "specs") as screen:
        screen.expect(QUESTION)
        screen.type("y\r")
        server.wait_for(3)
        screen.expect("━.*0/3")
        server.release()
        screen.expect("3 accepted")
        assert screen.code() == 0
        assert COLOR.search(screen.seen)
    assert len(server.requests) == 3


def test_no_color_is_no_color(project: Project, serve: StartServer) -> None:
    server = serve()
    server.hold()
    project.spec(3).towards(server)
    with terminal(project, "send", "specs", "--yes", NO_COLOR="1") as screen:
        server.wait_for(3)
        screen.expect("0/3")
        server.release()
        assert screen.code() == 0
        assert COLOR.findall(screen.seen) == []
    project.replace("specs/hello.yaml", "twlo", "twloo")
    with terminal(project, "lint", NO_COLOR="1") as screen:
        assert screen.code() == 1
        assert "┌─ specs/hello.yaml:3:" in screen.seen
        assert COLOR.findall(screen.seen) == []
    with terminal(project, "lint") as screen:
        assert screen.code() == 1
        assert COLOR.findall(screen.seen)


def test_ctrl_c_at_the_bar_stops_and_says_how_to_go_on(project: Project, serve: StartServer) -> None:
    server = serve()
    server.hold()
    project.spec(30).towards(server)
    with terminal(project, "send", "specs", "--yes", "--concurrency", "2") as screen:
        server.wait_for(2)
        screen.type("\x03")
        screen.expect("stopping: 2 in flight")
        server.release()
        assert screen.code() == 130
        assert "2 accepted" in screen.seen
        assert "run the same command again to go on" in screen.seen
    assert len(server.requests) == 2


def test_another_run_may_be_faster_than_the_answer(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(3).towards(server)
    with terminal(project, "send", "specs") as screen:
        screen.expect(QUESTION)
        assert project.send("--limit", "2").code == 0
        screen.type("y\r")
        assert screen.code() == 0
        assert "1 accepted" in screen.seen
    assert server.times_by_number == {number(row): 1 for row in (1, 2, 3)}


def test_a_test_message_is_asked_for_too(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(3).towards(server)
    arguments = ("send", "specs", "--test-to", "+16175559999", "--row", "2")
    question = r"Send it to your number \+1•••••••99 \(country US\) by http://127\.0\.0\.1:\d+\? \[y/N\]:"
    with terminal(project, *arguments) as screen:
        screen.expect(question)
        screen.type("n\r")
        assert screen.code() == 2
    assert "nothing was sent" in screen.seen
    assert server.requests == []
    with terminal(project, *arguments) as screen:
        screen.expect(question)
        screen.type("y\r")
        assert screen.code() == 0
    assert [posted.to for posted in server.requests] == ["+16175559999"]


def test_what_comes_afterwards_is_asked_about_too(project: Project, serve: StartServer) -> None:
    async def script(posted: Posted) -> bytes | None:
        if posted.body is None:
            return answer(200, {"status": "success", "data": []})
        return refused("No.") if posted.to == number(1) else None

    server = serve(script)
    project.spec(2, more="delivery: {hold: 5m}\n").towards(server)
    assert project.send().code == 3
    run = project.run("status").out.split()[0]
    asked = len(server.requests)
    with terminal(project, "retry", run) as at:
        at.expect(r"Send 1 message, 1 segment, again to http://127\.0\.0\.1:\d+\? \[y/N\]:")
        at.type("n\n")
        assert at.code() == 2
    assert "nothing was sent" in at.seen
    assert len(server.requests) == asked
    with terminal(project, "reconcile", "--release-all", "--before", "2099-01-01", "--reason", "x") as at:
        at.expect(r"Release 1 message\? The next `send` texts it again")
        at.type("n\n")
        assert at.code() == 2
    assert project.states() == {1: "rejected", 2: "in_doubt"}
    with terminal(project, "reconcile", "--release-all", "--before", "2099-01-01", "--reason", "x") as at:
        at.expect(r"\[y/N\]:")
        at.type("y\n")
        assert at.code() == 0
    assert project.states() == {1: "rejected", 2: "released"}
    server.script = accept
    with terminal(project, "retry", run) as at:
        at.expect(r"Send 2 messages, 2 segments, again")
        at.type("y\n")
        assert at.code() == 0
    server.script = always(answer(200, {"status": "success"}))
    with terminal(project, "cancel", project.run("status").out.split()[0]) as at:
        at.expect(r"Cancel 2 scheduled messages of run \S+ at http://")
        at.type("y\n")
        assert at.code() == 0
    assert set(project.states().values()) == {"cancelled"}
