"""``plan --out`` and ``send --plan``: exactly what was reviewed is sent, or nothing and it says why."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
from collections.abc import Callable
from contextlib import closing

import pytest

from msgspec_runner.ledger import open_ledger
from msgspec_runner.model import State
from tests.acceptance.project import Project, number
from tests.acceptance.server import Posted, Server, accepted, refused

StartServer = Callable[..., Server]


@pytest.fixture
def server(serve: StartServer) -> Server:
    return serve()


@pytest.fixture
def planned(project: Project, server: Server) -> Project:
    """A project with a plan of three messages."""
    project.spec(3).towards(server)
    made = project.run("plan", "specs", "--out", "plan.json")
    assert made.code == 0, made.err
    assert "to send exactly this: msgspec-runner send --plan plan.json" in made.err
    return project


def send(project: Project, *arguments: str) -> tuple[int, str]:
    result = project.run("send", "--plan", "plan.json", "--yes", *arguments)
    return result.code, result.err


def refused_for(project: Project, server: Server, *words: str, sent: int = 0) -> None:
    """Send the plan; it is refused with these words, and nothing left."""
    code, said = send(project)
    assert code == 2
    assert said.startswith("error: this is not what was planned. Nothing was sent.\n")
    for word in words:
        assert f"  {word}\n" in said
    assert said.endswith("\nReview a new plan: msgspec-runner plan specs/hello.yaml --out PLAN\n")
    assert len(server.requests) == sent


def test_what_was_planned_is_sent_and_nothing_else(planned: Project, server: Server) -> None:
    planned.spec(2, name="later")  # not in the plan
    code, said = send(planned)
    assert code == 0, said
    assert "3 accepted" in said
    assert "later" not in said
    assert server.times_by_number == {number(row): 1 for row in (1, 2, 3)}
    code, said = send(planned)
    assert (code, "nothing to send" in said) == (0, True)


def test_a_plan_holds_nobody_and_is_small(planned: Project) -> None:
    planned.spec(2000)
    assert planned.run("plan", "--out", "plan.json").code == 0
    data = (planned.root / "plan.json").read_bytes()
    assert len(data) < 2000 * 12
    assert b"617555" not in data
    keys = [message["key"] for message in map(json.loads, planned.run("render", "--limit", "50").out.splitlines())]
    assert not [key for key in keys if key[:8].encode() in data]
    assert (planned.root / "plan.json").stat().st_mode & 0o077 == 0o044


def test_rows_bodies_and_files_that_drifted_are_named(planned: Project, server: Server) -> None:
    planned.replace("specs/hello.csv", ",P2\n", ",Bob\n")
    refused_for(planned, server, "specs/hello.csv changed")  # which bodies: two may share a bucket, so it may not say
    planned.replace("specs/hello.csv", ",P3\n", f",P3\n{number(4)},P4\n{number(5)},P5\n")
    assert "  hello: at least 2 messages added" in send(planned)[1]
    planned.replace("specs/hello.yaml", "Hi {{", "Hello {{")
    refused_for(planned, server, "specs/hello.yaml changed", "specs/hello.csv changed")
    planned.replace("specs/hello.yaml", "edition: 1", "edition: 2")
    refused_for(planned, server, "specs/hello.yaml: edition 1 became 2")


def test_what_changes_no_message_is_no_drift(planned: Project, server: Server) -> None:
    lines = (planned.root / "specs/hello.csv").read_text(encoding="utf-8").splitlines()
    planned.write("specs/hello.csv", "\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    planned.replace("specs/hello.yaml", "spec: hello\n", "# reviewed\nspec: hello\n")
    assert send(planned)[0] == 0
    assert len(server.requests) == 3


def test_how_it_is_delivered_is_part_of_the_plan(planned: Project, server: Server) -> None:
    planned.replace("specs/hello.yaml", "edition: 1\n", "edition: 1\ndelivery: {hold: 5m}\n")
    refused_for(planned, server, "specs/hello.yaml changed")


def test_vars_profiles_and_recipients_must_be_given_again(project: Project, server: Server) -> None:
    project.spec(2, text="{{ place }} {{ name }}").towards(server).write(
        "msgspec-runner.toml", '[vars]\nplace = "Elm"\n[profiles.staging.vars]\nplace = "Oak"\n'
    )
    shutil.copy(project.root / "specs/hello.csv", project.root / "others.csv")
    project.replace("others.csv", "P1", "Q1")
    given = ["--profile", "staging", "--var", "place=Yew", "--recipients", "others.csv"]
    assert project.run("plan", "--out", "plan.json", *given).code == 0
    for left_out, words in (
        (0, "the plan was made with --profile staging"),
        (2, "--var NAME=VALUE"),
        (4, "--recipients"),
    ):
        # Another profile alone changes no message here, as --var has the last word.
        rest = given[:left_out] + given[left_out + 2 :]
        code, said = send(project, *rest)
        if left_out:
            assert (code, words in said) == (2, True), said
        else:
            assert code == 0, said
    assert send(project)[0] == 2
    assert "the plan was made with --profile staging" in send(project)[1]
    assert project.run("plan", "--out", "plan.json").code == 0
    project.replace("msgspec-runner.toml", "Elm", "Ash")
    assert "msgspec-runner.toml changed" in send(project)[1]


def test_a_plan_without_a_ledger_is_good_for_the_ledger_too(planned: Project, server: Server) -> None:
    assert planned.send("--limit", "1").code == 0
    code, said = send(planned)
    assert code == 0, said
    assert "1 already sent" in said
    assert server.times_by_number == {number(row): 1 for row in (1, 2, 3)}


def test_the_ledger_has_moved_on_the_wrong_way(project: Project, serve: StartServer) -> None:
    """What was rejected when it was planned is free again: the plan does not have it, so it is not sent."""
    refuses = {number(2)}

    async def script(posted: Posted) -> bytes:
        return refused("No such channel.") if posted.to in refuses else accepted(posted)

    server = serve(script)
    project.spec(3).towards(server)
    assert project.send("--limit", "2").code == 1
    assert project.run("plan", "specs", "--out", "plan.json").code == 0
    with closing(open_ledger(None, project.root, loopback_or_sandbox=True, create=False)) as book:
        rejected = [record.key for record in book.messages(state=State.REJECTED)]
        assert book.release(rejected, "the channel is there now") == 1
    code, said = send(project)
    assert code == 2
    assert "1 of the messages that the plan leaves out would be sent now: they were released" in said
    assert len(server.requests) == 2


def test_an_interrupted_plan_goes_on(planned: Project, server: Server) -> None:
    server.hold()
    running = planned.start("send", "--plan", "plan.json", "--yes", "--concurrency", "1")
    server.wait_for(1)
    running.signal(signal.SIGKILL)
    running.wait()
    server.release()
    code, said = send(planned)
    assert code == 3, said
    assert set(server.times_by_number.values()) == {1}
    assert number(3) in server.times_by_number


def test_the_same_guards_hold(planned: Project, server: Server) -> None:
    code, said = send(planned, "--max", "2")
    assert (code, "more than --max 2" in said) == (2, True)
    assert server.requests == []
    assert send(planned, "--max", "3", "--limit", "2")[0] == 0
    assert len(server.requests) == 2
    assert send(planned, "--max", "1")[0] == 0
    assert len(server.requests) == 3


def test_somebody_who_opted_out_since_gets_nothing(planned: Project, server: Server) -> None:
    planned.write("msgspec-runner.toml", 'suppressions = ["never.txt"]\n').with_name("never.txt").write_text(number(2))
    code, said = send(planned)
    assert code == 0, said
    assert "1 skipped (suppressed)" in said
    assert server.times_by_number == {number(1): 1, number(3): 1}


def test_bad_rows_stay_left_out(project: Project, server: Server) -> None:
    project.spec(3).towards(server).replace("specs/hello.csv", number(2), "12")
    assert project.run("plan", "specs", "--skip-invalid", "--out", "plan.json").code == 1
    code, said = send(project)
    assert (code, "MSG503" in said) == (1, False)  # the finding is on standard output, as for any send
    code, said = send(project, "--skip-invalid")
    assert code == 1, said
    assert "2 accepted, 1 skipped" in said
    project.replace("specs/hello.csv", "12,", f"{number(2)},")
    code, said = send(project, "--skip-invalid")
    assert (code, "hello: at least 1 message added" in said) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--plan", "plan.json", "--dry-run"], "leave --plan out"),
        (["--plan", "none.json"], "none.json: cannot be read: No such file or directory. Nothing was sent."),
        (["--plan", "specs"], "specs: cannot be read: Is a directory"),
        (["--plan", "specs/hello.csv"], "no plan that can be sent: it is no JSON"),
        (["--plan", "plan.json", "--sandbox"], "and this would go to sandbox"),
        (["--plan", "plan.json", "--base-url", "http://127.0.0.1:9"], "and this would go to http://127.0.0.1:9"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_sent(planned: Project, server: Server, arguments: list[str], words: str) -> None:
    result = planned.run("send", "--yes", *arguments)
    assert result.code == 2
    assert words in result.err
    assert server.requests == []


def test_what_is_told_to_type_sends_the_plan_and_a_missing_flag_is_named(project: Project) -> None:
    project.spec(2, text="{{ place }} {{ name }}").write("msgspec-runner.toml", '[vars]\nplace = "Elm"\n')
    shutil.copy(project.root / "specs/hello.csv", project.root / "other people.csv")
    made = project.run(
        *("plan", "--sandbox", "--ledger", "book.db", "--out", "plan.json"),
        *("--var", "place=Oak & Yew", "--recipients", "other people.csv"),
    )
    words = made.err.splitlines()[-1].removeprefix("to send exactly this: ")
    assert words == (
        "msgspec-runner send --plan plan.json --sandbox --ledger book.db --recipients 'other people.csv' "
        "--var 'place=Oak & Yew'"
    )
    bare = project.run("send", "--plan", "plan.json", "--yes", env={"SOCIOCS_API_KEY": ""})
    assert bare.code == 2
    assert bare.err == (
        "error: the plan was made with --sandbox, --recipients FILE, --var NAME=VALUE: add it to --plan plan.json. "
        "Nothing was sent.\n"
    )
    sent = project.run(*shlex.split(words)[1:])
    assert (sent.code, "2 accepted" in sent.err) == (0, True), sent.err


def test_a_plan_that_leaves_rows_out_says_so_in_what_to_type(project: Project) -> None:
    project.spec(2).replace("specs/hello.csv", number(2), "12")
    made = project.run("plan", "--sandbox", "--skip-invalid", "--out", "plan.json")
    assert made.err.endswith("msgspec-runner send --plan plan.json --sandbox --skip-invalid\n")


def test_a_plan_cannot_lead_out_of_the_project(planned: Project, server: Server) -> None:
    outside = planned.root.parent / "outside"
    shutil.copytree(planned.root / "specs", outside)
    (planned.root / "link").symlink_to(outside)
    plan = json.loads((planned.root / "plan.json").read_text(encoding="utf-8"))
    for file in ("../outside/hello.yaml", str(outside / "hello.yaml"), "link/hello.yaml", "specs/gone.yaml", "a" * 999):
        plan["specs"][0]["file"] = file
        planned.write("plan.json", json.dumps(plan))
        code, said = send(planned)
        assert (code, "Nothing was sent" in said) == (2, True), file
    assert server.requests == []
    refusal = planned.run("plan", str(outside), "--out", "other.json")
    assert refusal.code in {0, 2}


@pytest.mark.parametrize("place", ["/dev/full", "nowhere/plan.json", "specs"])
def test_a_plan_that_cannot_be_written(planned: Project, place: str) -> None:
    result = planned.run("plan", "--out", place)
    assert result.code == 2
    assert f"--out {place}: cannot be written" in result.err


def test_paths_beside_a_plan_must_be_its_specs(planned: Project, server: Server) -> None:
    """The same words as for `send` and `plan` without --plan are no mistake, as long as they mean the same specs."""
    planned.spec(2, name="later")  # not in the plan
    planned.spec(2, name="more/third")
    for paths, words in (
        (["specs"], "not in the plan: specs/later.yaml, specs/more/third.yaml"),
        (["specs/later.yaml"], "not in the plan: specs/later.yaml; only in the plan: specs/hello.yaml"),
        (["specs/none.yaml"], "no file or folder specs/none.yaml"),
    ):
        code, said = send(planned, *paths)
        assert (code, words in said) == (2, True), said
    assert server.requests == []
    (planned.root / "link.yaml").symlink_to("specs/hello.yaml")
    code, said = send(planned, "specs/hello.yaml", "./specs/../specs/hello.yaml", "link.yaml")
    assert code == 0, said
    assert server.times_by_number == {number(row): 1 for row in (1, 2, 3)}


def test_a_folder_beside_a_plan_of_it(project: Project, server: Server) -> None:
    project.spec(2).spec(2, name="other", text="Ho {{ name }}").towards(server)
    assert project.run("plan", "--out", "plan.json").code == 0
    code, said = send(project, "specs")
    assert code == 0, said
    assert len(server.requests) == 4
    assert project.run("plan", "specs", "--out", "plan.json").code == 0
    code, said = send(project, "specs/hello.yaml")
    assert (code, "only in the plan: specs/other.yaml" in said) == (2, True)
