"""No second ledger by accident: with real clones, a cleaned work tree, and a CI's checkout (contract, section 4)."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance.project import Project, Result
from tests.acceptance.server import Server, always, answer
from tests.ledger.postgres import own_schema

StartServer = Callable[..., Server]

ID_FILE = "msgspec-runner.ledger-id"
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.MULTILINE)


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody, without this machine's own configuration."""
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for who in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{who}_NAME": "Ann", f"GIT_{who}_EMAIL": "ann@example.org"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def proxy(serve: StartServer) -> Server:
    """Stand between the project and an API that is not on this machine, and let nothing through."""
    return serve(always(answer(502)))


@pytest.fixture
def team(project: Project, proxy: Server) -> Project:
    """A committed project that has sent from this work tree: its ledger's id is committed, its ledger is not."""
    project.spec(2).towards("https://api.invalid")
    project.env["HTTPS_PROXY"] = proxy.url
    git(project.root, "init", "--quiet", "--initial-branch", "main")
    assert project.run("ledger", "init").code == 0
    git(project.root, "add", "--all")
    git(project.root, "commit", "--quiet", "--message", "specs")
    assert git(project.root, "status", "--short") == ""
    assert ".msgspec-runner" not in git(project.root, "ls-files")
    return project


def clone(team: Project, name: str, stack: ExitStack, *flags: str) -> Project:
    root = team.root.parent / name
    git(team.root.parent, "clone", "--quiet", *flags, team.root.as_uri(), str(root))
    copy = Project(root, Path(team.env["HOME"]), stack)
    copy.env |= team.env
    return copy


def ledger_id(project: Project) -> str:
    found = UUID.search((project.root / ID_FILE).read_text(encoding="utf-8"))
    assert found is not None
    return found[0]


def assert_refused(project: Project, result: Result, proxy: Server, *words: str) -> None:
    """Nothing was sent, no ledger was made, and the words say which one is meant and what to do."""
    assert result.code == 2, result.err
    for word in (ledger_id(project), "--ledger", *words):
        assert word in result.err
    assert proxy.requests == []
    assert git(project.root, "status", "--short", "--ignored") == ""


def goes_out(project: Project, proxy: Server) -> None:
    """A send comes as far as to ask for a connection to the API; there it is stopped."""
    proxy.hold()
    before = len(proxy.requests)
    running = project.start("send", "specs", "--yes", "--concurrency", "1")
    proxy.wait_for(before + 1)
    running.signal(signal.SIGINT)
    running.read_until("stopping")
    proxy.release()
    assert running.wait().code == 130


def test_a_fresh_clone(team: Project, proxy: Server, stack: ExitStack) -> None:
    fresh = clone(team, "fresh", stack)
    assert_refused(fresh, fresh.send(), proxy, "Get it from who sent last")
    assert_refused(fresh, fresh.run("ledger", "init"), proxy, "ledger init --new")
    plan = fresh.run("plan")
    assert (plan.code, plan.err) == (0, "no ledger here: everything is taken as new\n")

    # What was planned there may be sent by who has the ledger.
    assert fresh.run("plan", "--out", "../plan.json").code == 0
    refusal = fresh.run("send", "--plan", "../plan.json", "--yes")
    assert_refused(fresh, refusal, proxy)
    fresh.env["MSGSPEC_RUNNER_LEDGER"] = str(team.root / ".msgspec-runner" / "ledger.db")
    goes_out(fresh, proxy)


def test_a_second_clone_with_a_ledger_of_its_own(
    team: Project, proxy: Server, stack: ExitStack, serve: StartServer
) -> None:
    second = clone(team, "second", stack)
    local = serve()
    assert second.send("--base-url", local.url).code == 0  # on this machine, a ledger is made by itself
    assert len(local.requests) == 2
    refusal = second.send()
    assert refusal.code == 2
    assert ledger_id(team) in refusal.err
    assert "is not this project's" in refusal.err
    assert proxy.requests == []
    assert git(second.root, "status", "--short") == "", "the committed id was changed"


def test_a_cleaned_work_tree(team: Project, proxy: Server) -> None:
    git(team.root, "clean", "-dfx", "--quiet")
    assert not (team.root / ".msgspec-runner").exists()
    assert_refused(team, team.send(), proxy)


def test_a_new_ledger_is_a_change_that_is_reviewed(team: Project, proxy: Server) -> None:
    git(team.root, "clean", "-dfx", "--quiet")
    old = ledger_id(team)
    assert team.run("ledger", "init", "--new").code == 0
    assert git(team.root, "status", "--short") == f" M {ID_FILE}\n"
    assert ledger_id(team) != old
    goes_out(team, proxy)


def test_a_ci_run_from_a_shallow_clone(team: Project, proxy: Server, stack: ExitStack) -> None:
    runner = clone(team, "runner", stack, "--depth", "1")
    runner.env |= {"CI": "true", "GITHUB_ACTIONS": "true"}
    assert_refused(runner, runner.send(), proxy)
    sandbox = runner.run("send", "specs", "--sandbox")
    assert (sandbox.code, "2 accepted" in sandbox.err) == (0, True)
    assert git(runner.root, "status", "--short", "--ignored") == ""


@pytest.fixture
def place() -> Iterator[str]:
    with own_schema() as place:
        yield place


def test_a_ledger_on_a_server_is_one_for_all(
    project: Project, proxy: Server, stack: ExitStack, place: str, serve: StartServer
) -> None:
    project.spec(2).towards("https://api.invalid")
    project.env |= {"HTTPS_PROXY": proxy.url, "MSGSPEC_RUNNER_LEDGER": place}
    git(project.root, "init", "--quiet", "--initial-branch", "main")
    made = project.run("ledger", "init")
    assert made.code == 0, made.err
    git(project.root, "add", "--all")
    git(project.root, "commit", "--quiet", "--message", "specs")
    for name in ("laptop", "runner"):
        copy = clone(project, name, stack)
        assert not (copy.root / ".msgspec-runner").exists()
        goes_out(copy, proxy)

    # Who forgets to name it is told, and so is who names another one.
    forgetful = clone(project, "forgetful", stack)
    del forgetful.env["MSGSPEC_RUNNER_LEDGER"]
    before = len(proxy.requests)
    refusal = forgetful.send()
    assert (refusal.code, ledger_id(project) in refusal.err) == (2, True)
    with own_schema() as another:
        refusal = forgetful.send("--ledger", another)
        assert (refusal.code, "there is no ledger at postgresql://" in refusal.err) == (2, True)
        assert forgetful.send("--ledger", another, "--base-url", serve().url).code == 0
        refusal = forgetful.send("--ledger", another)
        assert (refusal.code, "is not this project's" in refusal.err) == (2, True)
    assert len(proxy.requests) == before
