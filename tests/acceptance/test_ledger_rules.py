"""Which ledger may send where. The real API is stood in for by a name that nobody owns, behind a proxy of our own: what
would leave this machine would be seen there."""

from __future__ import annotations

import re
import shutil
import signal
import stat
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance.project import Project
from tests.acceptance.server import Server, always, answer

StartServer = Callable[..., Server]

ID_FILE = "msgspec-runner.ledger-id"
ID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.MULTILINE)


@pytest.fixture
def proxy(serve: StartServer) -> Server:
    return serve(always(answer(502)))


@pytest.fixture
def real(project: Project, proxy: Server) -> Project:
    """A project that sends to an API that is not on this machine."""
    project.spec(2).towards("https://api.invalid")
    project.env["HTTPS_PROXY"] = proxy.url
    return project


def clone(project: Project, name: str, stack: ExitStack) -> Project:
    """Copy what is committed, as ``git clone`` does."""
    root = project.root.parent / name
    shutil.copytree(project.root, root, ignore=shutil.ignore_patterns(".msgspec-runner"))
    copy = Project(root, Path(project.env["HOME"]), stack)
    copy.env |= project.env
    return copy


def ledger_id(project: Project) -> str:
    found = ID.search((project.root / ID_FILE).read_text(encoding="utf-8"))
    assert found is not None
    return found[0]


def reaches_the_api(project: Project, proxy: Server) -> bool:
    """Send, and stop as soon as a connection to the API is asked for."""
    proxy.hold()
    before = len(proxy.requests)
    running = project.start("send", "specs", "--yes", "--concurrency", "1")
    proxy.wait_for(before + 1)
    running.signal(signal.SIGINT)
    running.read_until("stopping")
    proxy.release()
    result = running.wait()
    assert result.code == 130
    assert "2 planned" in result.err
    asked = proxy.requests[before]
    assert "apikey" not in asked.headers
    return asked.target.startswith("CONNECT api.invalid:443")


def test_the_real_api_needs_a_ledger_and_a_committed_id(real: Project, proxy: Server) -> None:
    refusal = real.send()
    assert refusal.code == 2
    assert "msgspec-runner ledger init" in refusal.err
    assert [path.name for path in real.root.iterdir()] == ["specs"]
    assert proxy.requests == []

    made = real.run("ledger", "init")
    assert made.code == 0
    assert "commit that file" in made.out
    assert ledger_id(real) in made.out
    folder = real.root / ".msgspec-runner"
    assert stat.S_IMODE((folder / "ledger.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert proxy.requests == []
    assert reaches_the_api(real, proxy)


def test_a_fresh_clone_does_not_send_everything_again(real: Project, proxy: Server, stack: ExitStack) -> None:
    assert real.run("ledger", "init").code == 0
    fresh = clone(real, "fresh", stack)
    refusal = fresh.send()
    assert refusal.code == 2
    assert "knows what was sent already" in refusal.err
    assert ledger_id(real) in refusal.err
    again = fresh.run("ledger", "init")
    assert again.code == 2
    assert "--new" in again.err
    assert not (fresh.root / ".msgspec-runner").exists()
    assert fresh.run("plan").code == 0

    # With the team's ledger it may send, wherever that lies.
    fresh.env["MSGSPEC_RUNNER_LEDGER"] = str(real.root / ".msgspec-runner" / "ledger.db")
    assert proxy.requests == []
    assert reaches_the_api(fresh, proxy)


def test_a_ledger_of_a_loopback_run_is_not_the_project_s(
    real: Project, proxy: Server, serve: StartServer, stack: ExitStack
) -> None:
    assert real.run("ledger", "init").code == 0
    second = clone(real, "second", stack)
    assert second.send("--base-url", serve().url).code == 0
    for arguments in (["send", "specs", "--yes"], ["plan"], ["ledger", "init"]):
        refusal = second.run(*arguments)
        assert refusal.code == 2, arguments
        assert ledger_id(real) in refusal.err
        assert "--ledger" in refusal.err
    assert "NOT the project's" in second.run("ledger", "info").out
    assert proxy.requests == []


def test_init_twice_changes_nothing_and_new_starts_afresh(real: Project, proxy: Server, stack: ExitStack) -> None:
    first, second = real.run("ledger", "init"), real.run("ledger", "init")
    assert (first.code, second.code) == (0, 0)
    assert first.out == second.out
    fresh = clone(real, "fresh", stack)
    assert fresh.run("ledger", "init", "--new").code == 0
    assert ledger_id(fresh) != ledger_id(real)
    assert reaches_the_api(fresh, proxy)

    # Who pulls the new id can no longer send with the old ledger.
    shutil.copy(fresh.root / ID_FILE, real.root)
    refusal = real.send()
    assert refusal.code == 2
    assert "is not this project's" in refusal.err


def test_a_ledger_of_a_loopback_run_becomes_the_project_s(real: Project, proxy: Server, serve: StartServer) -> None:
    local = serve()
    assert real.send("--base-url", local.url).code == 0
    early = real.send()
    assert early.code == 2
    assert "ledger init" in early.err
    assert "not committed yet" in real.run("ledger", "info").out
    assert real.run("ledger", "init").code == 0
    info = real.run("ledger", "info").out
    assert f"{ledger_id(real)} (the project's)" in info
    assert "2 accepted" in info
    assert reaches_the_api(real, proxy), "what went to this machine counted as sent to the API"


def test_an_id_file_that_holds_no_id(real: Project, proxy: Server) -> None:
    assert real.run("ledger", "init").code == 0
    real.write(ID_FILE, "<<<<<<< HEAD\n")
    refusal = real.send()
    assert refusal.code == 2
    assert f"git checkout -- {ID_FILE}" in refusal.err
    assert proxy.requests == []


def test_a_file_that_is_no_ledger(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(1).towards(server).write("notes.txt", "no ledger at all\n" * 100)
    refusal = project.send("--ledger", "notes.txt")
    assert refusal.code == 2
    assert "is no ledger" in refusal.err
    assert server.requests == []
    for where in ("specs", "notes.txt/ledger.db", "~nobody-of-that-name/ledger.db"):
        assert project.send("--ledger", where).code == 2, where
