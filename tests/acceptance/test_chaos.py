"""``chaos`` finds nothing where nothing is wrong, and finds it where something is."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pexpect
import pytest

from msgspec_runner.chaos.experiment import Setup, experiment
from msgspec_runner.chaos.ledgers import throwaway
from msgspec_runner.chaos.shared import SharedVerdict, shared_experiment
from msgspec_runner.chaos.verdict import Verdict
from msgspec_runner.cli.chaos import lines, shared_lines
from tests.acceptance.project import COMMAND, Project
from tests.acceptance.server import PATIENCE, Server
from tests.chaos.database import own_database, schemas
from tests.programs import program

ROWS = 300
KILLS = 5
SABOTAGED = Path(__file__).with_name("sabotaged.py")
SURE = ("kill", "recipients", "stops", "outages", "lost", "dupl", "sent", "the ")
"""How lines begin that are the same each time."""
PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"
CONCURRENCY = 8
TROUBLE = "429:0.2=0.03,reset-before=0.01,reset-after=0.01,500=0.01,500-after=0.01,hang=0.003,hang-after=0.003"


@pytest.fixture(scope="module")
def empty_database() -> Iterator[str]:
    with own_database() as url:
        yield url


@pytest.fixture
def database(empty_database: str) -> Iterator[str]:
    """A database in which nothing may be left behind."""
    yield empty_database
    assert schemas(empty_database) == set()


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest) -> list[str]:
    """The flags for a kind of ledger."""
    return [] if request.param == "sqlite" else ["--ledger", request.getfixturevalue("database")]


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


def test_the_promise_holds_for_a_run_that_workers_share(project: Project, serve: type[Server], database: str) -> None:
    """Each kind of strike once: a plan, who watches, a worker, one that comes back from the dead, and the database."""
    real = serve()
    project.spec(3).towards(real)
    project.env["MSGSPEC_RUNNER_LEDGER"] = database
    before = sorted(project.root.rglob("*"))
    result = project.run(
        "chaos", "specs/hello.yaml", "--cluster", "--kills", "3", "--concurrency", str(CONCURRENCY), "--seed", "3",
        "--recipients", str(ROWS), "--timeout", "1", "--faults", "429:0.2=0.03,reset-after=0.01", "--output", "json",
    )  # fmt: skip
    assert result.code == 0, result.out + result.err
    found = result.json
    assert (found["recipients"], found["lost"], found["duplicated"], found["holds"]) == (ROWS, 0, 0, True)
    assert (found["workers"], found["kills"], found["stops"], found["outages"]) == (3, 3, 1, 1)
    assert (found["worker_kills"], found["enqueue_kills"]) == (1, 1), "who watches is killed too"
    assert found["lost_workers"] >= found["worker_kills"] + 1
    assert found["in_doubt"] <= found["allowed"]
    assert found["accepted"] >= ROWS - found["in_doubt"]
    assert (found["rate"], found["allowed_in_a_second"], found["sent_again"]) == (ROWS / 3, 110, 0)
    assert 20 < found["most_in_a_second"] <= 110
    assert real.requests == []
    assert sorted(project.root.rglob("*")) == before


@pytest.mark.parametrize(
    ("fault", "kills", "broken"),
    [("send_again_for_dead_workers", 4, {"duplicated"}), ("hurry_and_forget", 0, {"hurried", "sent again"})],
)
def test_workers_that_break_the_promise_are_found_out(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    database: str,
    fault: str,
    kills: int,
    broken: set[str],
) -> None:
    project.spec(ROWS if kills else ROWS // 3)
    monkeypatch.chdir(project.root)
    folder = tmp_path / "chaos"
    folder.mkdir()
    with throwaway(database, folder) as place:
        found = shared_experiment(
            Setup(
                spec=Path("specs/hello.yaml"),
                root=project.root,
                ledger=place,
                kills=kills,
                concurrency=CONCURRENCY,
                timeout=5.0,
                seed=5,
                entry=(sys.executable, str(SABOTAGED), fault),
            ),
            3,
            folder,
        )
    assert not found.holds
    assert shared_lines(found, kills)[-1].startswith("THE PROMISE IS BROKEN")
    said = found.as_dict()
    assert (found.found.lost, said["holds"]) == (0, False), found
    too_many = {
        "duplicated": found.found.duplicated,
        "hurried": found.most_in_a_second - found.allowed_in_a_second,
        "sent again": found.sent_again,
    }
    assert broken <= {name for name, number in too_many.items() if number > 0} <= broken | {"duplicated"}, found


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
def test_what_workers_cannot_be_given_is_refused(
    project: Project, spec: str, flags: list[str], words: str, database: str
) -> None:
    project.spec(2).spec(2, name="broken", text="Hi {{ nam }}").spec(0, name="nobody")
    result = project.run("chaos", f"specs/{spec}.yaml", "--cluster", "--kills", "1", "--ledger", database, *flags)
    assert (result.code, words in result.err) == (2, True), result.err


def test_what_the_page_shows(project: Project, database: str) -> None:
    """The page cannot be run where there is no PostgreSQL, so its command is run here."""
    session = PAGE.read_text(encoding="utf-8").split("$ msgspec-runner chaos ", 1)[1].partition("```")[0]
    command, *shown = session.splitlines()
    project.env["MSGSPEC_RUNNER_LEDGER"] = database
    result = project.spec(3, name="welcome").run("chaos", *command.split())
    assert result.code == 0, result.out + result.err
    said = [line for line in result.err.splitlines() if line.startswith("killing")] + result.out.splitlines()
    assert [line[:24] for line in said] == [line[:24] for line in shown]
    assert [line for line in said if line.startswith(SURE)] == [line for line in shown if line.startswith(SURE)]


class Process(NamedTuple):
    parent: int
    words: str


def processes() -> dict[int, Process]:
    """Return all processes of the machine by number, but for those that wait to be taken leave of."""
    table = subprocess.run(
        [program("ps"), "-A", "-ww", "-o", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 3) for line in table.stdout.splitlines()]
    return {int(row[0]): Process(int(row[1]), row[-1]) for row in rows if not row[2].startswith("Z")}


def descendants(pid: int) -> dict[int, Process]:
    """Return what a process has started, and what that has."""
    known = processes()
    found: dict[int, Process] = {}
    more = {pid}
    while more := {child for child, each in known.items() if each.parent in more}:
        found |= {child: known[child] for child in more}
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


@pytest.fixture
def leavings(project: Project) -> Path:
    """The folder in which the commands have their temporary files."""
    folder = project.root.parent / "tmp"
    folder.mkdir()
    project.env["TMPDIR"] = str(folder)
    return folder


@pytest.fixture
def begin(project: Project, stack: ExitStack) -> Callable[..., pexpect.spawn[str]]:
    """Start an experiment at a terminal, and wait until something has arrived and more is under way."""

    def start(*flags: str) -> pexpect.spawn[str]:
        words = ["chaos", "specs/hello.yaml", "--recipients", str(ROWS), "--rate", "30/s", "--seed", "3", *flags]
        env = {**project.spec(3).env, "TERM": "xterm-256color"}
        child = pexpect.spawn(str(COMMAND), words, cwd=str(project.root), env=env, encoding="utf-8", timeout=PATIENCE)
        stack.callback(child.close, force=True)
        child.expect(rf"[1-9]\d* of {ROWS} at the server")
        return child

    return start


def test_nobody_outlives_it_when_it_is_killed_itself_and_the_next_one_clears_up(
    project: Project, begin: Callable[..., pexpect.spawn[str]], leavings: Path, database: str
) -> None:
    flags = ["--cluster", "--ledger", database]
    child = begin("--kills", "4", *flags)
    child.kill(signal.SIGSTOP)  # so that it starts nobody whom we do not see
    family = descendants(child.pid)
    # Who stands still could not end by itself. One that was just begun has nobody beside it yet, and is never stopped.
    os.kill(
        next(each.parent for each in family.values() if "worker" in each.words and each.parent in family),
        signal.SIGSTOP,
    )
    child.kill(signal.SIGKILL)
    wait_until(lambda: not family.keys() & processes().keys())
    assert (len(schemas(database)), len([*leavings.iterdir()])) == (1, 1)
    assert project.run("chaos", "specs/hello.yaml", "--kills", "0", *flags).code == 0
    assert (schemas(database), [*leavings.iterdir()]) == (set(), [])


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM", "hang-up"])
def test_nothing_is_left_when_it_is_told_to_end(
    begin: Callable[..., pexpect.spawn[str]], leavings: Path, request: pytest.FixtureRequest, how: str
) -> None:
    if how == "SIGTERM":
        child = begin("--kills", "1", "--rate", "300/s")
    else:
        child = begin("--kills", "4", "--cluster", "--ledger", request.getfixturevalue("database"))
    wait_until(lambda: len(descendants(child.pid)) > 0)
    family = descendants(child.pid)
    if how == "hang-up":
        child.ptyproc.fileobj.close()
        wait_until(lambda: not child.isalive())
    else:
        child.sendintr() if how == "Ctrl-C" else child.kill(signal.SIGTERM)
        child.expect(pexpect.EOF)
        # Where it hits between the making of a pipe and its owner, Python's warnings (errors in tests) come behind.
        assert "interrupted\r\n" in child.before
        child.close()
        assert child.exitstatus == 130
    assert child.signalstatus is None
    wait_until(lambda: not family.keys() & processes().keys())
    assert [*leavings.iterdir()] == []


def test_the_words_for_people_of_a_shared_run() -> None:
    found = Verdict(
        recipients=5000, kills=6, runs=5, accepted=4990, lost=0, duplicated=0, rejected=0, skipped=0, in_doubt=31,
        arrived=21, allowed=240, reconciled=21,
    )  # fmt: skip
    shared = SharedVerdict(
        found, workers=3, worker_kills=4, enqueue_kills=1, stops=2, outages=1, lost_workers=6, rate=500.0,
        most_in_a_second=512, sent_again=0,
    )  # fmt: skip
    assert shared_lines(shared, 6) == [
        "recipients                  5,000",
        "workers                         3  killed or taken for dead 6 times",
        "kills                           6  4 workers, `send` 2 times, 1 of them in mid-enqueue",
        "stops                           2  until it was taken for dead, and on again",
        "outages                         1  of the database, for 3 s",
        "accepted at the server      4,990",
        "lost                            0",
        "duplicated                      0",
        "sent by a second run            0",
        "most in a second              512  at a rate of 500/s; at most 550 were promised",
        "in doubt                       31  21 of them arrived; at most 240 were promised",
        "reconciled                     21",
        "the promise holds: nobody was lost, and nobody got a message twice",
    ]
    assert shared.holds
    for broken in (replace(shared, most_in_a_second=551), replace(shared, sent_again=1)):
        assert not broken.holds
        assert broken.as_dict()["holds"] is False
        assert shared_lines(broken, 6)[-1] == "THE PROMISE IS BROKEN: keep the seed, and report it"


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
