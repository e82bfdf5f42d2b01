"""What is missing is told, with what to type."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.acceptance.cluster.team import ended, workers
from tests.acceptance.project import Project, number
from tests.acceptance.server import Posted, Server, accepted, answer
from tests.ledger.postgres import address

StartServer = Callable[..., Server]


ELSEWHERE = ("--base-url", "https://api.example.com")
"""An API that is not on this machine; what is refused before anything is sent never gets there."""


def test_what_is_missing_is_told(project: Project, serve: StartServer, url: str) -> None:
    project.spec(3).towards(serve())
    for flags, words in (
        ((), "workers need one in PostgreSQL"),
        (("--sandbox",), "--base-url"),
        (("--ledger", url, *ELSEWHERE), "Run once: msgspec-runner ledger init"),
        (("--ledger", url, "--queue", "A B"), "a queue's name"),
    ):
        refusal = project.send("--cluster", *flags)
        assert refusal.code == 2, refusal.err
        assert words in refusal.err
    assert "--queue is for --cluster" in project.send("--queue", "x").err
    refusal = project.send("--cluster", "--ledger", url, "--concurrency", "5")
    assert (refusal.code, "msgspec-runner worker --concurrency N" in refusal.err) == (2, True)
    assert "which ledger?" in project.run("worker").err
    assert "workers need one in PostgreSQL" in project.run("worker", "--ledger", ".msgspec-runner/ledger.db").err
    no_key = project.run("worker", "--ledger", url, env={"SOCIOCS_API_KEY": ""})
    assert (no_key.code, "set SOCIOCS_API_KEY" in no_key.err, "--sandbox" in no_key.err) == (2, True, False)
    assert "`--sandbox` needs none" in project.send(env={"SOCIOCS_API_KEY": ""}).err


def test_for_an_api_elsewhere_nobody_makes_a_ledger_or_a_queue_by_the_way(project: Project, url: str) -> None:
    """A worker's machine has no project: what it is told to type leads to the machine that has."""
    project.spec(1).env["MSGSPEC_RUNNER_LEDGER"] = url
    for missing in ("there is no ledger at", "has no queue for workers yet"):
        refusal = project.run("worker", *ELSEWHERE)
        assert (refusal.code, missing in refusal.err) == (2, True), refusal.err
        assert "Check the address and its ?schema=" in refusal.err
        assert (
            "on the project's machine, `msgspec-runner ledger init` and `msgspec-runner ledger migrate`" in refusal.err
        )
        assert "--sandbox" not in refusal.err
        assert without_the_extra(project).run("ledger", "init").code == 0
        del project.env["PYTHONPATH"]
    refusal = project.send("--cluster", *ELSEWHERE)
    assert refusal.code == 2
    assert "has no queue for workers yet. Run once: msgspec-runner ledger migrate" in refusal.err


def test_for_an_api_on_this_machine_what_is_missing_is_made(project: Project, serve: StartServer, url: str) -> None:
    server = serve()
    project.spec(3).towards(server).env["MSGSPEC_RUNNER_LEDGER"] = url
    started = workers(project, 1)
    sent = project.send("--cluster")
    assert (sent.code, "3 accepted" in sent.err) == (0, True), sent.err
    [said] = ended(started)
    assert re.search(r"there was no ledger at postgresql://\S+: made one", said.err)  # its name may look like a number
    assert len(server.requests) == 3


def test_send_makes_a_missing_queue_for_an_api_on_this_machine(project: Project, serve: StartServer, url: str) -> None:
    project.spec(1).towards(serve()).env["MSGSPEC_RUNNER_LEDGER"] = url
    sending = project.start("send", "specs", "--cluster", "--yes")
    sending.read_until("1 message for the workers")
    started = workers(project, 1)
    assert sending.wait().code == 0
    ended(started)


def without_the_extra(project: Project) -> Project:
    project.write("stubs/procrastinate.py", "raise ImportError('not installed')\n")
    project.env["PYTHONPATH"] = str(project.root / "stubs")
    return project


def test_without_the_extra(team: Project, serve: StartServer) -> None:
    without_the_extra(team.spec(1).towards(serve()))
    for words in (
        ("send", "specs", "--yes", "--cluster", "--queue", "eu"),
        ("worker",),
        ("cluster", "pause", "latest"),
    ):
        refusal = team.run(*words)
        assert refusal.code == 2, refusal.err
        assert "pip install 'msgspec-runner[cluster]'" in refusal.err
    assert "queue" not in team.run("ledger", "migrate").out
    assert team.send().code == 0
    assert "1 accepted" in team.run("status", "latest", "--watch").out


def test_migrate_makes_the_queue(project: Project, url: str) -> None:
    project.spec(1).env["MSGSPEC_RUNNER_LEDGER"] = url
    assert "queue" not in without_the_extra(project).run("ledger", "init").out
    del project.env["PYTHONPATH"]
    assert project.run("ledger", "migrate").out.endswith("\nits queue for workers was made\n")
    for _ in range(2):
        said = project.run("ledger", "migrate").out
        assert said.endswith("\nits queue for workers is up to date\n")
        verbose = project.run("ledger", "migrate", "--verbose").out
        assert re.search(r"up to date: it has Procrastinate's tables of version [0-9.]+, which is installed", verbose)
        assert ".sql" not in verbose


def test_migrate_makes_a_ledger_that_init_takes_for_the_project_s(project: Project, url: str) -> None:
    """It is what an error tells people to type, so it has to work as the first command too."""
    project.env["MSGSPEC_RUNNER_LEDGER"] = url
    place = address(url).location
    made = project.run("ledger", "migrate")
    assert made.code == 0, made.err
    first, second = made.out.splitlines()
    assert first.startswith(f"ledger {place} was made, with schema ")
    assert second == "its queue for workers was made"
    assert "`msgspec-runner ledger init` in the project" in made.err
    init = project.run("ledger", "init")
    assert init.out.splitlines()[::2] == [f"ledger {place}", "it has a queue for workers: `send --cluster`"]
    info = project.run("ledger", "info").out
    assert "(the project's)" in info
    assert info.split()[3] in init.out, "the id of the ledger that was there"


def test_init_makes_the_queue(project: Project, url: str) -> None:
    project.env["MSGSPEC_RUNNER_LEDGER"] = url
    init = project.run("ledger", "init")
    assert (init.code, init.out.splitlines()[2]) == (0, "it has a queue for workers: `send --cluster`")
    assert project.run("ledger", "init").out == init.out
    assert project.run("ledger", "migrate").out.endswith("\nits queue for workers is up to date\n")


def test_migrate_makes_no_second_ledger_for_a_project_that_has_one(project: Project, url: str) -> None:
    """The address was misspelt, or the ledger is lost: a new one would send everything again."""
    assert project.run("ledger", "init").code == 0
    refusal = project.run("ledger", "migrate", "--ledger", url)
    assert (refusal.code, "would send everything again" in refusal.err) == (2, True)
    assert project.run("ledger", "info", "--ledger", url).code == 2


def test_a_doubt_whose_words_are_others_now_is_no_success(team: Project, serve: StartServer) -> None:
    async def script(posted: Posted) -> bytes:
        return answer(500) if posted.to == number(2) else accepted(posted)

    team.spec(2).towards(serve(script))
    assert team.send().code == 3
    team.replace("specs/hello.yaml", "Hi {{", "Hello {{")
    hint = "1 message of earlier runs still in doubt: settle it with `msgspec-runner reconcile"
    nothing = team.send("--cluster")
    assert (nothing.code, hint in nothing.err) == (3, True), nothing.err
    team.replace("specs/hello.csv", ",P2\n", f",P2\n{number(3)},P3\n")
    started = workers(team, 1)
    sent = team.send("--cluster")
    assert (sent.code, hint in sent.err, "1 accepted" in sent.err) == (3, True, True), sent.err
    ended(started)
