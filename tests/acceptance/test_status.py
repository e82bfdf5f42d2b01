"""``msgspec-runner status``: what was sent, for people, programs and spreadsheets."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from io import StringIO

import pytest

from msgspec_runner.cli.status import BY_NEED
from msgspec_runner.model import State
from tests.acceptance.project import Project, number
from tests.acceptance.server import Posted, Server, accepted, answer, refused
from tests.ledger.postgres import own_schema

StartServer = Callable[..., Server]


async def say(posted: Posted) -> bytes:
    match posted.to:
        case "+16175550002":
            return refused("=cmd|'/c calc'!A1")
        case "+16175550003":
            return answer(500)
    return accepted(posted)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Two specs in two runs: one message accepted, one rejected, one in doubt; and one of another spec. To be read."""
    root = tmp_path_factory.mktemp("status")
    with ExitStack() as stack:
        project = Project(root, root, stack)
        project.spec(3, name="one").spec(1, name="two").towards(stack.enter_context(Server(say)))
        assert project.run("send", "specs/one.yaml", "--yes").code == 3
        assert project.run("send", "specs/two.yaml", "--yes").code == 0
        yield project


def test_runs_are_listed_newest_first(sent: Project) -> None:
    lines = sent.run("status").out.splitlines()
    assert [line.split("  ")[-1].split(": ", 1)[1] for line in lines] == [
        "1 accepted",
        "1 accepted, 1 rejected, 1 in doubt",
    ]
    assert [line.split()[1] for line in lines] == ["finished", "finished"]


def test_states_have_colours_where_they_are_asked_for(sent: Project) -> None:
    run = sent.run("status").out.splitlines()[1].split()[0]
    for chosen in ((run,), ("--spec", "one")):
        plain, colored = sent.run("status", *chosen), sent.run("status", *chosen, "--color", "always")
        assert "\x1b" not in plain.out
        assert re.sub("\x1b\\[[0-9;]*m", "", colored.out) == plain.out
        found = re.findall("^\x1b\\[([0-9;]+)m(\\w+) *\x1b\\[0m  one:", colored.out, re.MULTILINE)
        assert sorted(found) == [("31;1", "rejected"), ("32;1", "accepted"), ("33;1", "in_doubt")]


def test_the_text_masks_numbers_unless_told_otherwise(sent: Project) -> None:
    run = sent.run("status").out.splitlines()[1].split()[0]
    for chosen in (run, run[:-2]):
        head, when, *messages = sent.run("status", chosen).out.splitlines()
        assert head.startswith(run)
        assert re.fullmatch(r"began \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, took \d.*s", when)
        assert [line.split()[:3] for line in messages] == [
            ["in_doubt", "one:3", "+1•••••••03"],
            ["rejected", "one:2", "+1•••••••02"],
            ["accepted", "one:1", "+1•••••••01"],
        ]
    assert number(1) in sent.run("status", run, "--show-numbers").out


def test_a_run_that_is_none_or_several(sent: Project) -> None:
    for text, words in (("1999", "no run 1999"), ("2", "2 runs begin with 2")):
        refusal = sent.run("status", text)
        assert refusal.code == 2
        assert words in refusal.err


def test_state_and_spec_select_over_the_whole_ledger(sent: Project) -> None:
    accepted_ones = sent.run("status", "--state", "accepted").out
    assert [line.split()[1] for line in accepted_ones.splitlines()] == ["one:1", "two:1"]
    assert [line.split()[0] for line in sent.run("status", "--spec", "two").out.splitlines()] == ["accepted"]
    assert sent.run("status", "--spec", "two", "--state", "rejected").out == ""
    assert sent.run("status", "--state", "lost").code == 2


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_a_large_run_begins_with_what_needs_somebody_and_ends_with_how_to_see_all(
    project: Project, serve: StartServer, store: str
) -> None:
    with own_schema() if store == "postgresql" else nullcontext("with space.db") as place:
        project.spec(101, name="large").spec(3, name="small").towards(serve(say))
        project.env["MSGSPEC_RUNNER_LEDGER"] = place
        assert project.run("ledger", "init").code == 0
        assert project.send().code == 3
        where = ("--ledger", place)
        head, _, *rest = project.run("status", "latest", *where).out.splitlines()
        run = head.split()[0]
        assert rest[:6] == [
            "large: 99 accepted, 1 rejected, 1 in doubt",
            "small: 1 accepted, 1 rejected, 1 in doubt",
            *(line for line in rest if line.startswith("in_doubt")),
            *(line for line in rest if line.startswith("rejected")),
        ]
        assert [line.split()[1] for line in rest[6:]] == [*(f"large:{row}" for row in (1, *range(4, 102))), "small:1"]

        project.replace("specs/large.yaml", "edition: 1", "edition: 2")
        project.spec(104, name="more")
        assert project.send().code == 3
        head, _, *rest = project.run("status", "latest", *where).out.splitlines()
        run = head.split()[0]
        assert [line.split()[0] for line in rest] == [
            "large:", "more:", *["in_doubt"] * 2, *["rejected"] * 2, *["accepted"] * 20, "…"
        ]  # fmt: skip
        shown = shlex.quote(project.run("ledger", "info", *where).out.splitlines()[0].split(None, 1)[1])
        command = f"msgspec-runner status {run} --state accepted --ledger {shown if '://' in place else repr(place)}"
        assert rest[-1] == f"… and 181 more accepted: `{command}`"
        everything = project.run(*shlex.split(command)[1:]).out.splitlines()
        assert len(everything) == 1 + 201
        assert everything[1:21] == rest[6:26]
        assert len(project.run("status", run, "--spec", "more", *where).out.splitlines()) == 1 + 104
        assert len(project.run("status", "--state", "accepted", *where).out.splitlines()) == 100 + 201
        assert len(project.messages(run, *where)) == 205
        assert len(project.run("status", run, "--output", "csv", *where).out.splitlines()) == 1 + 205


def test_every_state_is_listed() -> None:
    assert set(BY_NEED) == set(State)


def test_json_has_runs_totals_and_messages(sent: Project) -> None:
    report = sent.run("status", "--output", "json").json
    assert list(report) == ["version", "runs", "totals", "decisions", "messages"]
    assert [run["specs"] for run in report["runs"]] == [["two"], ["one"]]
    assert report["runs"][1]["totals"]["in_doubt"] == 1
    assert report["totals"]["accepted"] == 2
    assert [message["to"] for message in report["messages"]] == [number(1), number(2), number(3), number(1)]
    one = sent.run("status", report["runs"][1]["run"], "--output", "json").json
    assert [run["run"] for run in one["runs"]] == [report["runs"][1]["run"]]
    assert one["totals"] == report["runs"][1]["totals"]
    assert one["messages"] == report["messages"][:3]


def test_csv_is_the_table_of_messages_also_where_the_text_lists_runs(sent: Project) -> None:
    report = sent.run("status", "--output", "json").json
    assert len(report["runs"]) > 1
    everything = list(csv.DictReader(StringIO(sent.run("status", "--output", "csv").out)))
    assert [(row["run"], row["row"]) for row in everything] == [
        (message["run"], str(message["row"])) for message in report["messages"]
    ]
    run = report["runs"][1]["run"]
    assert list(csv.DictReader(StringIO(sent.run("status", run, "--output", "csv").out))) == [
        row for row in everything if row["run"] == run
    ]


def test_csv_is_safe_in_a_spreadsheet(project: Project, serve: StartServer) -> None:
    project.spec(2).towards(serve(say))
    project.replace("specs/hello.yaml", "file: hello.csv", 'file: hello.csv, key: "={{ name }}"')
    assert project.send().code == 1
    rows = list(csv.DictReader(StringIO(project.run("status", "--output", "csv").out)))
    assert [row["recipient_key"] for row in rows] == ["'=P1", "'=P2"]
    assert [row["error"] for row in rows] == ["", "'=cmd|'/c calc'!A1"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert [row["to"].lstrip("'") for row in rows] == [number(1), number(2)]
    assert [row["row"] for row in rows] == ["1", "2"]


def test_without_a_ledger_and_without_runs(project: Project) -> None:
    nothing = project.run("status")
    assert nothing.code == 2
    assert "msgspec-runner ledger init" in nothing.err
    assert "A run of `send --sandbox` is kept only with --ledger FILE" in nothing.err
    assert project.run("ledger", "init").code == 0
    assert project.run("status").out == "no runs yet\n"
    assert project.run("status", "--output", "json").json["messages"] == []


def test_what_an_api_says_cannot_paint_the_screen(project: Project, serve: StartServer) -> None:
    async def script(_: Posted) -> bytes:
        return refused("\x1b[2Jgone\u202e")

    run = project.spec(1).towards(serve(script)).send()
    assert run.code == 1
    shown = run.err + project.run("status", "--state", "rejected").out
    assert "gone" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
