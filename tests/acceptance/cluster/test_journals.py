"""What a machine keeps of outcomes while the database is away: damaged by then, or not to be kept at all."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from msgspec_runner.ledger.journal import Journal
from msgspec_runner.ledger.ledger import Run, Settlement
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.model import Message, State
from tests.acceptance.cluster.team import Ask, ended, wait_until_all_post, workers
from tests.acceptance.project import Project
from tests.acceptance.server import Server
from tests.ledger.cutting import Line
from tests.ledger.postgres import address

StartServer = Callable[..., Server]

DAMAGED = [
    b'[Infinity, "key-2", "accepted", 200, "id-2", null, 1, null, null]',
    b'[1, "key-2\\u0000", "accepted", 200, "id-2", null, 1, null, null]',
    b'[1, 2, "accepted", 200, "id-2", null, 1, null, null]',
    b'[1, "key-2", "accepted", "200", "id-2", null, 1, null, null]',
    b"[" * 100_000,
    b"\xff\xfe",
]


def leave(url: str, folder: Path) -> None:
    """Let a run die that has claimed two messages, with a journal that knows what became of the first."""
    with closing(PostgresLedger(address(url), folder, create=True)) as book:
        book.begin(Run("dead", "http://127.0.0.1:9"))
        book.plan("dead", [Message(f"key-{n}", "", "s", 1, n, "+16175551212", b"{}", "d") for n in (1, 2)])
        book.claim("dead", ["key-1", "key-2"])
        journal = Journal(folder, book.id, "dead")
        journal.note(100, [Settlement("key-1", State.ACCEPTED, 200, "id-1")])
    with journal.path.open("ab") as file:
        file.write(b"".join(line + b"\n" for line in DAMAGED) + b'[1, "key-2", "acc')
    journal.close()


@pytest.mark.parametrize("command", ["worker", "send"])
def test_who_starts_beside_a_damaged_journal_uses_what_is_whole(
    team: Project, serve: StartServer, url: str, rows: Ask, command: str
) -> None:
    journals = team.root / ".msgspec-runner"
    leave(url, journals)
    team.spec(1).towards(serve())
    if command == "worker":
        worker = team.start("worker")
        worker.read_until("stop it with Ctrl-C")
        [result] = ended([worker])
    else:
        result = team.send("--quiet")
    assert result.code == 0, result.err
    kept = journals / "outcomes-dead.jsonl.refused"
    assert f"{kept}: 6 lines of this journal of outcomes cannot be used." in result.err
    assert "`msgspec-runner reconcile dead`" in result.err
    assert rows("SELECT key, state FROM messages WHERE run = 'dead' ORDER BY key") == [
        ("key-1", "accepted"),
        ("key-2", "in_doubt"),
    ]
    assert not list(journals.glob("*.jsonl"))
    assert kept.exists()
    assert "cannot be used" not in team.send().err


@pytest.mark.parametrize("command", ["worker", "send"])
def test_outcomes_that_cannot_be_kept_are_told_once(
    team: Project, serve: StartServer, url: str, rows: Ask, command: str
) -> None:
    """Two windows at once, each with its journal, and one outage."""
    server = serve()
    with Line(url) as line:
        team.env["MSGSPEC_RUNNER_LEDGER"] = line.url
        team.spec(120).towards(server)
        if command == "worker":
            [process] = workers(team, 1)
            [folder] = team.root.parent.glob("machine-*")
            sending = team.start("send", "specs", "--yes", "--cluster", "--rate", "100/s")
        else:
            process, folder = team.start("send", "specs", "--yes", "--concurrency", "6", "--rate", "100/s"), team.root
            sending = process
        (folder / ".msgspec-runner").touch()
        server.wait_for(10)
        if command == "worker":
            wait_until_all_post(rows, server, 1)
        else:
            server.hold()
            server.wait_for(len(server.requests) + 1)
        line.go_down()
        server.release()
        process.read_until("Not a directory")
        line.down = False
        result = sending.wait()
        assert result.code == 0, result.err
        if process is not sending:
            process.signal(signal.SIGTERM)
            result = process.wait()
    assert result.err.count("cannot be written: Not a directory. If this process dies before the ledger is back") == 1
    assert rows("SELECT DISTINCT state FROM messages") == [("accepted",)]
    assert set(server.times_by_number.values()) == {1}
