"""``send --skip-invalid[=MAX]``: bad rows are recorded and left out, the rest is sent; a bad spec is still refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.project import Project, number
from tests.acceptance.server import Posted, Server, accepted, answer

StartServer = Callable[..., Server]

ROWS = f"""\
phone,name
{number(1)},P1
617-555,P2
{number(3)},{"x" * 1700}
{number(4)},P4
{number(5)},Ann
{number(5)},Bob
{number(5)},Ann
{number(6)},P6
{number(6)},P6
{number(10)},
"""
"""Row 2 is no number, 3 is too long, 5 to 7 contradict each other, 9 is 8 again, 10 lacks what the text needs."""

BAD = [2, 3, 5, 6, 7, 10]


@pytest.fixture
def mixed(project: Project) -> Project:
    project.spec(0).write("specs/hello.csv", ROWS)
    return project


def skipped(project: Project) -> list[tuple[int, str, str]]:
    messages = sorted(project.messages("--state", "skipped"), key=lambda message: message["row"])
    return [(message["row"], message["error"], message["to"]) for message in messages]


def test_the_bad_rows_are_recorded_and_the_rest_is_sent(mixed: Project, serve: StartServer) -> None:
    server = serve()
    mixed.towards(server)
    assert mixed.send().code == 1
    assert server.requests == []

    result = mixed.send("--skip-invalid")
    assert result.code == 1, result.err
    assert sorted(posted.to for posted in server.requests) == [number(1), number(4), number(6)]
    for words in ("MSG503", "MSG602", "MSG504", "6 skipped (invalid)", "3 accepted, 7 skipped"):
        assert words in result.err
    assert "6 rows left out as invalid: correct them and run the command again" in result.err
    assert skipped(mixed) == [
        (2, "invalid", ""),
        (3, "invalid", number(3)),
        (5, "invalid", number(5)),
        (6, "invalid", number(5)),
        (7, "invalid", number(5)),
        (9, "duplicate", number(6)),
        (10, "invalid", number(10)),
    ]


def test_who_corrects_the_rows_sends_to_those_only(mixed: Project, serve: StartServer) -> None:
    server = serve()
    assert mixed.towards(server).send("--skip-invalid").code == 1
    again = mixed.send("--skip-invalid")
    assert again.code == 1
    assert "nothing to send" in again.err
    assert len(server.requests) == 3

    # A key tells the three messages to one number apart. Had one of them been sent, it would be sent again now.
    mixed.replace("specs/hello.yaml", "file: hello.csv", 'file: hello.csv, key: "{{ name }}"')
    mixed.replace("specs/hello.yaml", "edition: 1", "edition: 2")
    fixed = ROWS.replace("617-555,", f"{number(2)},").replace("x" * 1700, "P3").replace(f"{number(10)},\n", "")
    mixed.write("specs/hello.csv", fixed)
    assert mixed.send("--skip-invalid").code == 0
    assert server.times_by_number == {
        **{number(row): 1 for row in (2, 3)},
        **{number(row): 2 for row in (1, 4, 5, 6)},
    }


def test_bad_rows_are_recorded_although_nobody_else_is_new_and_once_only(mixed: Project, serve: StartServer) -> None:
    server = serve()
    mixed.spec(2).towards(server)
    assert mixed.send().code == 0
    mixed.write("specs/hello.csv", (mixed.root / "specs/hello.csv").read_text("utf-8") + f"617,P3\n{number(4)},\n")

    first = mixed.send("--skip-invalid", "--results", "results.jsonl", "--output", "json")
    assert first.code == 1
    assert "nothing to send" in first.err
    assert skipped(mixed) == [(3, "invalid", ""), (4, "invalid", number(4))]
    lines = (mixed.root / "results.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["error"] for line in lines] == ["invalid", "invalid"]
    assert first.json["skipped"] == {"duplicate": 0, "expired": 0, "invalid": 2, "suppressed": 0}
    runs = mixed.run("status").out
    assert runs.startswith(f"{first.json['run']}  finished ")
    assert runs.splitlines()[0].endswith("hello: 2 skipped")

    again = mixed.send("--skip-invalid", "--output", "json")
    assert again.code == 1
    assert (again.json["run"], again.json["skipped"]["invalid"]) == (None, 2)
    assert mixed.run("status").out == runs, "the same rows again, and the ledger has grown"

    # One more is bad, and only that is new to the ledger; what was erased does not come back.
    assert mixed.run("ledger", "forget", number(4), "--yes").code == 0
    mixed.write("specs/hello.csv", (mixed.root / "specs/hello.csv").read_text("utf-8") + "618,P5\n")
    assert mixed.send("--skip-invalid").code == 1
    assert skipped(mixed) == [(3, "invalid", ""), (4, "invalid", ""), (5, "invalid", "")]
    assert len(server.requests) == 2


@pytest.mark.parametrize(("most", "code", "sent"), [(5, 1, 0), (6, 1, 3), (0, 1, 0)])
def test_more_than_max_and_nothing_is_sent(mixed: Project, serve: StartServer, most: int, code: int, sent: int) -> None:
    server = serve()
    result = mixed.towards(server).send(f"--skip-invalid={most}")
    assert result.code == code
    assert len(server.requests) == sent
    if not sent:
        assert f"6 rows cannot be sent, more than --skip-invalid={most}. Nothing was sent." in result.err
        assert mixed.messages() == []


def test_the_word_behind_the_flag_is_a_path(mixed: Project, serve: StartServer) -> None:
    mixed.towards(serve())
    assert mixed.run("send", "--yes", "--skip-invalid", "specs/hello.yaml").code == 1
    assert len(skipped(mixed)) == 7
    refusal = mixed.run("send", "--yes", "--skip-invalid", "5")
    assert (refusal.code, "no file or folder 5" in refusal.err) == (2, True)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("specs/hello.yaml", "provider: twlo", "provider: twloo", "MSG206"),
        ("specs/hello.yaml", "Hi {{ name }}", "Hi {{ nam }}", "MSG402"),
        ("specs/hello.csv", "phone,name", "telephone,name", "MSG501"),
        ("specs/hello.yaml", "file: hello.csv", 'file: hello.csv, samples: [{phone: "12", name: A}]', "MSG503"),
        ("specs/hello.csv", f"{number(4)},P4", f'{number(4)},"P4', "MSG506"),
    ],
    ids=["a constant", "a name", "a column", "a sample", "a file"],
)
def test_what_is_no_row_s_fault_is_refused(
    mixed: Project, serve: StartServer, file: str, old: str, new: str, words: str
) -> None:
    server = serve()
    mixed.towards(server).replace(file, old, new)
    result = mixed.send("--skip-invalid")
    assert result.code == 1
    assert words in result.out
    assert "nothing was sent" in result.err
    assert server.requests == []


def test_ignoring_a_rule_sends_no_broken_row(mixed: Project, serve: StartServer) -> None:
    server = serve()
    mixed.towards(server).write("msgspec-runner.toml", 'ignore = ["MSG503", "MSG505"]\n')
    assert mixed.send("--skip-invalid").code == 1
    assert [row for row, error, _ in skipped(mixed) if error == "invalid"] == BAD
    assert len(server.requests) == 3


def test_a_rule_that_is_no_error_leaves_nobody_out(mixed: Project, serve: StartServer) -> None:
    server = serve()
    mixed.towards(server).write("msgspec-runner.toml", 'severity = {MSG602 = "warning"}\n')
    assert mixed.send("--skip-invalid").code == 1
    assert number(3) in server.times_by_number


def test_in_doubt_outweighs_left_out(mixed: Project, serve: StartServer) -> None:
    async def script(posted: Posted) -> bytes:
        return answer(500) if posted.to == number(4) else accepted(posted)

    assert mixed.towards(serve(script)).send("--skip-invalid").code == 3


def test_a_plan_leaves_out_the_same_rows(mixed: Project) -> None:
    assert mixed.run("plan").code == 1
    plan = mixed.run("plan", "--skip-invalid", "--output", "json")
    assert plan.code == 1
    totals: dict[str, Any] = plan.json["totals"]
    assert (totals["new"], totals["invalid"], totals["duplicate"]) == (3, 6, 1)
    dry = mixed.run("send", "specs", "--dry-run", "--skip-invalid", "--sandbox")
    assert dry.code == 1
    assert "6 skipped (invalid)" in dry.out
    assert mixed.run("plan", "--skip-invalid=5").code == 1
