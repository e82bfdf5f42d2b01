"""``ledger init|info|migrate|prune|forget``, by the installed command, for each kind of ledger."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pexpect
import pytest

from tests.acceptance.project import COMMAND, Project
from tests.acceptance.server import Posted, Server, accepted, always, refused
from tests.ledger.postgres import address, own_schema

StartServer = Callable[..., Server]


@pytest.fixture(params=["sqlite", "postgres"])
def kept(request: pytest.FixtureRequest, project: Project) -> Iterator[Project]:
    """A project whose ledger is in a file, or on a server."""
    with ExitStack() as stack:
        if request.param == "postgres":
            project.env["MSGSPEC_RUNNER_LEDGER"] = stack.enter_context(own_schema())
        yield project


def location(project: Project) -> str:
    url = project.env.get("MSGSPEC_RUNNER_LEDGER")
    return address(url).location if url else str(project.root / ".msgspec-runner" / "ledger.db")


def on_a_server(project: Project) -> bool:
    return "MSGSPEC_RUNNER_LEDGER" in project.env


def test_init_info_and_migrate(kept: Project, serve: StartServer) -> None:
    for words in (
        ["info"],
        ["prune", "--before", "2020-01-31", "--yes"],
        *([] if on_a_server(kept) else [["migrate"]]),
    ):
        refusal = kept.run("ledger", *words)
        assert refusal.code == 2
        assert f"there is no ledger at {location(kept)}" in refusal.err
        assert "msgspec-runner ledger init" in refusal.err
    made = kept.run("ledger", "init")
    assert (made.code, made.out.splitlines()[0]) == (0, f"ledger {location(kept)}")
    assert kept.run("ledger", "init").out == made.out
    assert kept.spec(3).towards(serve()).send().code == 0
    info = kept.run("ledger", "info")
    assert info.code == 0
    assert f"ledger  {location(kept)}\n" in info.out
    assert "(the project's)\nruns    1\nholds   3 accepted\n" in info.out
    migrated = kept.run("ledger", "migrate")
    assert migrated.code == 0
    assert migrated.out.splitlines()[0].startswith(f"ledger {location(kept)} is up to date, with schema ")


def test_prune(kept: Project, serve: StartServer) -> None:
    kept.spec(3).towards(serve()).send()
    early = kept.run("ledger", "prune", "--before", "2020-01-31", "--yes")
    assert (early.code, early.out) == (0, "nothing to erase from before 2020-01-31 00:00 UTC\n")
    pruned = kept.run("ledger", "prune", "--before", "9999-01-31T00:00:00-05:00", "--yes")
    assert (pruned.code, pruned.out) == (0, "people's data was erased from 3 messages\n")
    assert [(each["to"], each["recipient_key"], each["state"]) for each in kept.messages()] == [
        ("", "", "accepted")
    ] * 3
    assert "+" not in kept.run("status", "--spec", "hello").out
    again = kept.send()
    assert (again.code, "nothing to send" in again.err) == (0, True)


def test_forget(kept: Project, serve: StartServer) -> None:
    async def script(posted: Posted) -> bytes:
        return accepted(posted) if posted.number > 1 else refused(f"no such number {posted.to}")

    server = serve(script)
    kept.spec(3).towards(server).send("--concurrency", "1")
    forgotten = kept.run("ledger", "forget", "+16175550001", "--yes")
    assert (forgotten.code, forgotten.out) == (0, "+1•••••••01 was erased from 1 message\n")
    assert [each["to"] for each in kept.messages()] == ["", "+16175550002", "+16175550003"]
    files = [file.read_bytes() for file in (kept.root / ".msgspec-runner").glob("ledger*") if file.is_file()]
    assert not any(b"6175550001" in content for content in files)
    kept.send()
    assert len(server.requests) == 3, "rejected as before"
    shown = kept.run("ledger", "forget", "+16175550001", "--yes", "--show-numbers").out
    assert shown.startswith("nobody with the number +16175550001 was found")
    for typed in ("6175550002", "+16175550001"):
        nobody = kept.run("ledger", "forget", typed, "--yes")
        assert nobody.code == 0
        assert nobody.out.startswith("nobody with the number +")
        assert nobody.out.endswith(" was found: was its country code typed, as in +16175551212?\n")


@pytest.mark.parametrize("command", [["prune", "--before", "9999-01-31"], ["forget", "+16175550001"]])
def test_nobody_erases_by_accident(kept: Project, serve: StartServer, command: list[str]) -> None:
    kept.spec(2).towards(serve()).send()
    refusal = kept.run("ledger", *command)
    assert refusal.code == 2
    assert "add --yes. Nothing was erased." in refusal.err
    for answer, code in (("n", 2), ("y", 0)):
        terminal = pexpect.spawn(
            str(COMMAND), ["ledger", *command], cwd=kept.root, env=kept.env, encoding="utf-8", timeout=30
        )
        terminal.expect("It cannot be undone")
        assert "6175550001" not in str(terminal.before)
        terminal.sendline(answer)
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == code
        assert (kept.messages()[0]["to"] == "") == (answer == "y")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["prune", "--before", "yesterday"], "write it like 2031-01-31"),
        (["prune"], "--before"),
        (["forget", ""], "NUMBER"),
        (["forget"], "NUMBER"),
    ],
)
def test_what_makes_no_sense_is_exit_2(project: Project, command: list[str], words: str) -> None:
    refusal = project.run("ledger", *command, "--yes")
    assert refusal.code == 2
    assert words in refusal.err
    assert "555" not in refusal.err


def test_a_run_that_is_under_way_is_left_alone(kept: Project, serve: StartServer) -> None:
    server = serve()
    server.hold()
    kept.spec(2).towards(server)
    running = kept.start("send", "specs", "--yes", "--concurrency", "1")
    server.wait_for(1)
    pruned = kept.run("ledger", "prune", "--before", "9999-01-01", "--yes")
    assert (pruned.code, pruned.out) == (0, "nothing to erase from before 9999-01-01 00:00 UTC\n")
    assert "a run is under way" in pruned.err
    server.release()
    assert running.wait().code == 0
    assert kept.run("ledger", "prune", "--before", "9999-01-01", "--yes").out.endswith("2 messages\n")


def test_who_is_part_of_a_run_that_is_under_way_is_not_unknown(kept: Project, serve: StartServer) -> None:
    server = serve()
    kept.spec(1).towards(server).send()
    kept.spec(2, name="other")
    server.hold()
    running = kept.start("send", "specs", "--yes", "--concurrency", "1")
    server.wait_for(2)
    [run] = [line.split()[0] for line in kept.run("status").out.splitlines() if "running" in line]
    advice = f"Run this again when it has ended: `msgspec-runner status {run} --watch` waits for that"
    refusal = kept.run("ledger", "forget", "+16175550002", "--yes")
    assert (refusal.code, refusal.out) == (2, "")
    assert f"+1•••••••02 is part of run {run}, which is under way. {advice}. Nothing was erased." in refusal.err
    in_part = kept.run("ledger", "forget", "+16175550001", "--yes")
    assert (in_part.code, in_part.out) == (0, "+1•••••••01 was erased from 1 message\n")
    assert f"+1•••••••01 is part of run {run}, which is under way: that was left as it is. {advice}" in in_part.err
    nobody = kept.run("ledger", "forget", "+16175550009", "--yes")
    assert (nobody.code, "under way" in nobody.err) == (0, False)
    assert nobody.out.startswith("nobody with the number ")
    server.release()
    assert running.wait().code == 0
    assert kept.run("ledger", "forget", "+16175550002", "--yes").out.endswith("was erased from 1 message\n")


def test_a_newer_ledger_is_refused_with_what_to_do(project: Project, serve: StartServer) -> None:
    project.spec(1).towards(serve(always(None)))
    project.run("ledger", "init")
    connection = sqlite3.connect(project.root / ".msgspec-runner" / "ledger.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    refusal = project.send()
    assert refusal.code == 2
    assert "Upgrade: pip install --upgrade msgspec-runner" in refusal.err


def test_psycopg_is_not_loaded_for_a_file(project: Project, serve: StartServer) -> None:
    project.spec(1).towards(serve())
    program = (
        "import sys; from msgspec_runner.cli import main\n"
        "try: main(['send', 'specs', '--yes'], standalone_mode=False)\n"
        "except SystemExit: pass\n"
        "assert not [name for name in sys.modules if name.startswith('psycopg')]"
    )
    subprocess.run([sys.executable, "-c", program], cwd=project.root, env=project.env, check=True, capture_output=True)
