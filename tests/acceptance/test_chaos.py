"""``chaos`` finds nothing where nothing is wrong, and finds it where something is."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from msgspec_runner.chaos.experiment import Setup, experiment
from msgspec_runner.chaos.ledgers import throwaway
from msgspec_runner.chaos.shared import SharedVerdict, shared_experiment
from msgspec_runner.chaos.verdict import Verdict
from msgspec_runner.cli.chaos import lines, shared_lines
from tests.acceptance.project import Project
from tests.acceptance.server import Server
from tests.ledger.postgres import server

ROWS = 300
KILLS = 5
SABOTAGED = Path(__file__).with_name("sabotaged.py")
PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"
CONCURRENCY = 8
TROUBLE = "429:0.2=0.03,reset-before=0.01,reset-after=0.01,500=0.01,500-after=0.01,hang=0.003,hang-after=0.003"


def schemas() -> set[str]:
    with psycopg.connect(server()) as connection:
        return {name for (name,) in connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'chaos%'")}


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """The flags for a kind of ledger; nothing of it may be left behind."""
    if request.param == "sqlite":
        yield []
        return
    before = schemas()
    yield ["--ledger", server()]
    assert schemas() <= before


def test_the_promise_holds_through_kills_and_trouble(project: Project, ledger: list[str]) -> None:
    flags = ["--kills", str(KILLS), "--concurrency", str(CONCURRENCY), "--timeout", "1", "--seed", "3"]
    result = project.spec(3).run(
        "chaos", "specs/hello.yaml", "--recipients", str(ROWS), "--faults", TROUBLE, "--output", "json", *flags, *ledger
    )
    assert result.code == 0, result.out + result.err
    found = result.json
    assert (found["recipients"], found["lost"], found["duplicated"], found["holds"]) == (ROWS, 0, 0, True)
    assert found["seed"] == 3
    assert 1 <= found["kills"] <= KILLS
    assert found["runs"] > found["kills"]
    assert found["in_doubt"] <= found["allowed"]
    assert found["accepted"] >= ROWS - found["in_doubt"]


def test_it_sends_to_the_specs_own_recipients_and_touches_nothing_else(project: Project, serve: type[Server]) -> None:
    real = serve()
    project.spec(40).towards(real)
    project.env["MSGSPEC_RUNNER_LEDGER"] = str(project.root / "real.db")
    before = sorted(project.root.rglob("*"))
    result = project.run("chaos", "specs/hello.yaml", "--kills", "2", "--concurrency", "2", "--seed", "1")
    assert result.code == 0, result.err
    said = dict(line.split("  ", 1) for line in result.out.splitlines() if "  " in line)
    assert said["recipients"].strip() == "40"
    assert (said["lost"].strip(), said["duplicated"].strip()) == ("0", "0")
    assert result.out.endswith("the promise holds: nobody was lost, and nobody got a message twice\n")
    assert "2 times, at moments drawn from seed 1" in result.err
    assert real.requests == []
    assert sorted(project.root.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["specs"], "name one spec"),
        (["specs/none.yaml"], "no file or folder"),
        (["specs/hello.yaml", "--ledger", "some.db"], "postgresql://"),
        (["specs/hello.yaml", "--fault", "flood=1"], "there is no fault"),
        (["specs/hello.yaml", "--rate", "fast"], "is no rate"),
        (["specs/broken.yaml"], "MSG402"),
        (["specs/nobody.yaml"], "--recipients"),
    ],
)
def test_what_cannot_be_tried_is_refused(project: Project, arguments: list[str], words: str) -> None:
    project.spec(2).spec(2, name="broken", text="Hi {{ nam }}").spec(0, name="nobody")
    result = project.run("chaos", *arguments, "--kills", "1")
    assert result.code == 2
    assert words in result.err
    assert result.err.splitlines()[-1].strip()


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        ("send_again_what_was_under_way", "duplicated"),
        ("dream_of_answers", "lost"),
        ("claim_everything", "in_doubt"),
    ],
)
def test_a_runner_that_breaks_the_promise_is_found_out(
    project: Project, stack: ExitStack, fault: str, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.spec(ROWS)
    monkeypatch.chdir(project.root)
    found = experiment(
        Setup(
            spec=Path("specs/hello.yaml"),
            root=project.root,
            ledger=str(project.root.parent / f"{secrets.token_hex(4)}.db"),
            kills=3,
            concurrency=4,
            timeout=5.0,
            seed=5,
            entry=(sys.executable, str(SABOTAGED), fault),
        )
    )
    assert not found.holds
    assert lines(found, 3)[-1].startswith("THE PROMISE IS BROKEN")
    numbers = {"lost": found.lost, "duplicated": found.duplicated, "in_doubt": max(0, found.in_doubt - found.allowed)}
    assert {name for name, number in numbers.items() if number} == {broken}, found


def test_the_promise_holds_for_a_run_that_workers_share(project: Project, serve: type[Server]) -> None:
    """Each kind of strike once: a plan, who watches, workers, and one that comes back from the dead."""
    real = serve()
    project.spec(3).towards(real)
    project.env["MSGSPEC_RUNNER_LEDGER"] = server()
    before = schemas(), sorted(project.root.rglob("*"))
    result = project.run(
        "chaos", "specs/hello.yaml", "--cluster", "--kills", "4", "--concurrency", str(CONCURRENCY), "--seed", "3",
        "--recipients", str(ROWS), "--timeout", "1", "--faults", "429:0.2=0.03,reset-after=0.01", "--output", "json",
    )  # fmt: skip
    assert result.code == 0, result.out + result.err
    found = result.json
    assert (found["recipients"], found["lost"], found["duplicated"], found["holds"]) == (ROWS, 0, 0, True)
    assert (found["workers"], found["kills"], found["stops"]) == (3, 4, 2)
    assert found["enqueue_kills"] >= 1
    assert 2 <= found["worker_kills"] + found["enqueue_kills"] < found["kills"], "who watches is killed too"
    assert found["lost_workers"] >= found["worker_kills"] + 1
    assert found["in_doubt"] <= found["allowed"]
    assert found["accepted"] >= ROWS - found["in_doubt"]
    assert real.requests == []
    assert (schemas(), sorted(project.root.rglob("*"))) == before


def test_workers_that_break_the_promise_are_found_out(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project.spec(ROWS)
    monkeypatch.chdir(project.root)
    with throwaway(server(), tmp_path) as place:
        found = shared_experiment(
            Setup(
                spec=Path("specs/hello.yaml"),
                root=project.root,
                ledger=place,
                kills=4,
                concurrency=CONCURRENCY,
                timeout=5.0,
                seed=5,
                entry=(sys.executable, str(SABOTAGED), "send_again_for_dead_workers"),
            ),
            3,
            tmp_path,
        )
    assert not found.holds
    assert shared_lines(found, 4)[-1].startswith("THE PROMISE IS BROKEN")
    assert (found.found.lost, found.found.duplicated > 0) == (0, True), found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--workers", "2"], "--workers is for --cluster"),
        (["--cluster"], "needs a PostgreSQL server"),
        (["--cluster", "--ledger", "some.db"], "needs a PostgreSQL server"),
        (["--cluster", "--workers", "1"], "2<=x<=50"),
        (["--cluster", "--ledger", "postgresql://127.0.0.1:1/none"], "cannot be reached"),
    ],
)
def test_what_a_shared_run_cannot_do_without(project: Project, arguments: list[str], words: str) -> None:
    result = project.spec(2).run("chaos", "specs/hello.yaml", "--kills", "1", *arguments)
    assert result.code == 2
    assert words in result.err


@pytest.mark.parametrize(
    ("spec", "flags", "words"),
    [("broken", [], "nam has no value"), ("nobody", [], "--recipients"), ("hello", ["--rate", "fast"], "is no rate")],
)
def test_what_workers_cannot_be_given_is_refused(project: Project, spec: str, flags: list[str], words: str) -> None:
    project.spec(2).spec(2, name="broken", text="Hi {{ nam }}").spec(0, name="nobody")
    before = schemas()
    result = project.run("chaos", f"specs/{spec}.yaml", "--cluster", "--kills", "1", "--ledger", server(), *flags)
    assert (result.code, words in result.err) == (2, True), result.err
    assert schemas() <= before


def test_what_the_page_shows(project: Project) -> None:
    """The page cannot be run where there is no PostgreSQL, so its command is run here."""
    session = PAGE.read_text(encoding="utf-8").split("$ msgspec-runner chaos ", 1)[1].partition("```")[0]
    command, *shown = session.splitlines()
    project.env["MSGSPEC_RUNNER_LEDGER"] = server()
    result = project.spec(3, name="welcome").run("chaos", *command.split())
    assert result.code == 0, result.out + result.err
    said = [line for line in result.err.splitlines() if line.startswith("killing")] + result.out.splitlines()
    assert [line[:24] for line in said] == [line[:24] for line in shown]
    assert [line for line in said if line.startswith(("kill", "recipients", "stops", "lost", "dupl", "the "))] == [
        line for line in shown if line.startswith(("kill", "recipients", "stops", "lost", "dupl", "the "))
    ]


def test_the_words_for_people_of_a_shared_run() -> None:
    found = Verdict(
        recipients=5000, kills=6, runs=5, accepted=4990, lost=0, duplicated=0, rejected=0, skipped=0, in_doubt=31,
        arrived=21, allowed=240, reconciled=21,
    )  # fmt: skip
    shared = SharedVerdict(found, workers=3, worker_kills=4, enqueue_kills=1, stops=2, lost_workers=6)
    assert shared_lines(shared, 6) == [
        "recipients                  5,000",
        "workers                         3  killed or taken for dead 6 times",
        "kills                           6  4 workers, `send` 2 times, 1 of them in mid-enqueue",
        "stops                           2  until it was taken for dead, and on again",
        "accepted at the server      4,990",
        "lost                            0",
        "duplicated                      0",
        "in doubt                       31  21 of them arrived; at most 240 were promised",
        "reconciled                     21",
        "the promise holds: nobody was lost, and nobody got a message twice",
    ]


def test_the_words_for_people() -> None:
    found = Verdict(
        recipients=5000, kills=19, runs=21, accepted=4990, lost=0, duplicated=0, rejected=0, skipped=7, in_doubt=31,
        arrived=21, allowed=760, reconciled=21,
    )  # fmt: skip
    assert lines(found, 20) == [
        "recipients                  5,000",
        "kills                          19  in 21 runs; then everything was sent: more --recipients make room for 20",
        "accepted at the server      4,990",
        "lost                            0",
        "duplicated                      0",
        "in doubt                       31  21 of them arrived; at most 760 were promised",
        "reconciled                     21",
        "skipped                         7",
        "the promise holds: nobody was lost, and nobody got a message twice",
    ]
