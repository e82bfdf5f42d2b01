"""``msgspec-runner send``: once, only what was reviewed, and nothing where anything is wrong."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Callable
from xml.etree import ElementTree as ET

from msgspec_runner.sandbox.server import RunningSandbox
from tests.acceptance.project import COMMAND, KEY, Project, number
from tests.acceptance.server import Posted, Server, accepted, always, refused

StartServer = Callable[..., Server]

MESSAGE_KEYS = [
    "key",
    "recipient_key",
    "run",
    "spec",
    "edition",
    "row",
    "to",
    "state",
    "message_id",
    "http_status",
    "error",
    "attempts",
    "segments",
    "created_at",
    "updated_at",
]
"""The one message object of the contract, section 4."""


def test_a_message_is_sent_once_whatever_happens_to_its_words_and_its_file(
    project: Project, sandbox: RunningSandbox
) -> None:
    project.spec(3).towards(sandbox)
    first = project.send()
    assert first.code == 0
    assert "3 accepted" in first.err
    assert sorted(message.fields()["text"] for message in sandbox.messages) == ["Hi P1", "Hi P2", "Hi P3"]

    (project.root / "specs" / "later").mkdir()
    for name in ("hello.yaml", "hello.csv"):
        (project.root / "specs" / name).rename(project.root / "specs" / "later" / name)
    again = project.send()
    assert again.code == 0
    assert "3 already sent" in again.err
    assert "nothing to send" in again.err

    project.replace("specs/later/hello.yaml", "Hi {{ name }}", "Hello {{ name }}")
    project.replace("specs/later/hello.yaml", "channel_key: ch", "channel_key: other")
    corrected = project.send()
    assert corrected.code == 0
    assert "3 changed since sent" in corrected.err
    assert "nothing to send" in corrected.err
    assert sandbox.stats.received == 3

    project.replace("specs/later/hello.yaml", "edition: 1", "edition: 2")
    on_purpose = project.send()
    assert on_purpose.code == 0
    assert "3 accepted" in on_purpose.err
    assert sandbox.stats.kept == 6
    assert sandbox.messages[-1].fields()["text"].startswith("Hello P")


def test_one_wrong_row_and_nobody_gets_anything(project: Project, sandbox: RunningSandbox) -> None:
    project.spec(3).towards(sandbox).replace("specs/hello.csv", number(2), "12")
    refusal = project.send()
    assert refusal.code == 1
    assert "MSG503" in refusal.out
    assert "nothing was sent" in refusal.err
    assert sandbox.stats.received == 0


def test_the_paths_must_be_named(project: Project, sandbox: RunningSandbox) -> None:
    refusal = project.spec(1).towards(sandbox).run("send", "--yes")
    assert refusal.code == 2
    assert "msgspec-runner send specs/" in refusal.err
    assert sandbox.stats.received == 0


def test_without_a_terminal_yes_is_needed(project: Project, sandbox: RunningSandbox) -> None:
    refusal = project.spec(1).towards(sandbox).run("send", "specs", given="y\n")
    assert refusal.code == 2
    assert "--yes" in refusal.err
    assert sandbox.stats.received == 0


def test_the_key_comes_from_the_environment_or_a_file(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(1).towards(server)
    del project.env["SOCIOCS_API_KEY"]
    none = project.send()
    assert none.code == 2
    assert "SOCIOCS_API_KEY" in none.err
    assert "--api-key-file" in none.err
    empty = project.send("--api-key-file", str(project.write("empty.key", "\n")))
    assert empty.code == 2
    assert "is empty" in empty.err
    gone = project.send("--api-key-file", "gone.key")
    assert gone.code == 2
    assert "gone.key" in gone.err
    broken = project.send(env={"SOCIOCS_API_KEY": "two\nlines"})
    assert broken.code == 2
    assert "line break" in broken.err
    assert server.requests == []
    assert project.run("status").out in {"", "no runs yet\n"}

    project.write("api.key", KEY + "\n")
    assert project.send("--api-key-file", "api.key").code == 0
    assert [posted.headers["apikey"] for posted in server.requests] == [KEY]


def test_the_sandbox_needs_no_key_no_ledger_and_no_yes(project: Project) -> None:
    del project.env["SOCIOCS_API_KEY"]
    project.spec(2).towards("https://api.example")
    run = project.run("send", "specs", "--sandbox", "--results", "results.jsonl")
    assert run.code == 0, run.err
    assert "2 accepted" in run.err
    assert sorted(path.name for path in project.root.iterdir()) == ["results.jsonl", "specs"]

    kept = [project.run("send", "specs", "--sandbox", "--ledger", "sandbox.db") for _ in range(2)]
    assert [run.code for run in kept] == [0, 0]
    assert "2 accepted" in kept[0].err
    assert "nothing to send" in kept[1].err


def test_limit_sends_the_first_and_the_next_run_the_rest(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(5).towards(server)
    assert "2 accepted" in project.send("--limit", "2").err
    assert sorted(posted.to for posted in server.requests) == [number(1), number(2)]
    assert "3 accepted" in project.send("--limit", "9").err
    assert set(server.times_by_number.values()) == {1}


def test_max_refuses_more(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(3).towards(server)
    refusal = project.send("--max", "2")
    assert refusal.code == 2
    assert "3 messages are new, more than --max 2" in refusal.err
    assert "Nothing was sent" in refusal.err
    assert server.requests == []


def test_max_limit_and_max_recipients_each_say_no_by_themselves(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(4, more="delivery: {max_recipients: 4}\n").towards(server)
    assert "more than --max 3" in project.send("--max", "3", "--limit", "1").err  # a limit makes no list shorter
    assert server.requests == []
    assert project.send("--max", "4", "--limit", "3").code == 0
    assert project.send("--max", "1", "--limit", "3").code == 0  # one is new
    assert len(server.requests) == 4
    project.spec(5, more="delivery: {max_recipients: 4}\n")
    assert "delivery.max_recipients" in project.send("--max", "9", "--limit", "1").err
    assert len(server.requests) == 4


def test_a_run_as_a_test_report(project: Project, serve: StartServer) -> None:
    async def script(posted: Posted) -> bytes:
        return refused(f"No such number: {posted.to}.") if posted.to == number(2) else accepted(posted)

    project.spec(3).spec(1, name="other").towards(serve(script)).replace("specs/hello.csv", number(3), number(1))
    project.replace("specs/hello.csv", ",P3", ",P1")
    assert project.send("--junit", "run.xml").code == 1
    text = (project.root / "run.xml").read_text(encoding="utf-8")
    assert "617555" not in text
    suites = {suite.attrib["name"]: suite for suite in ET.fromstring(text)}
    ends = [(case.attrib["name"].split()[:2], [inner.tag for inner in case]) for case in suites["hello"]]
    assert ends == [(["row", "1"], []), (["row", "2"], ["failure"]), (["row", "3"], ["skipped"])]
    keys = {message["key"][:16] for message in project.messages()}
    assert {case.attrib["name"].split()[-1] for case in ET.fromstring(text).iter("testcase")} == keys
    assert suites["other"].attrib == {"name": "other", "tests": "1", "failures": "0", "errors": "0", "skipped": "0"}

    project.replace("specs/hello.csv", ",P2", ",Bob")
    again = project.send("--junit", "/dev/full", "--results", "run.jsonl")
    assert "--junit /dev/full: cannot be written" in again.err
    assert (project.root / "run.jsonl").is_file()
    assert project.send("--junit", "nowhere/run.xml").code == 2


def test_recipients_are_replaced_by_a_file_or_standard_input(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(1).towards(server)
    elsewhere = project.root.parent / "others.jsonl"
    elsewhere.write_text(f'{{"phone": "{number(21)}", "name": "Jo"}}\n', encoding="utf-8")
    assert project.send("--recipients", str(elsewhere)).code == 0
    assert project.send("--recipients", "-", given=f"phone,name\n{number(22)},Kim\n").code == 0
    assert [(posted.to, posted.body["text"]) for posted in server.requests] == [
        (number(21), "Hi Jo"),
        (number(22), "Hi Kim"),
    ]
    wrong = project.send("--recipients", "-", given="phone,name\n12,Kim\n")
    assert wrong.code == 1
    assert "nothing was sent" in wrong.err
    absent = project.send("--recipients", "absent.csv")
    assert absent.code == 2
    assert "absent.csv" in absent.err
    assert len(server.requests) == 2


def test_recipients_that_are_not_here_stop_everything(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(1).towards(server)
    (project.root / "specs" / "hello.csv").unlink()
    project.replace(
        "specs/hello.yaml", "file: hello.csv", 'file: hello.csv, samples: [{phone: "+16175559999", name: Sam}]'
    )
    away = project.send()
    assert away.code == 2
    assert "hello.csv" in away.err
    project.replace("specs/hello.yaml", "file: hello.csv, ", "")
    nobody = project.send()
    assert nobody.code == 2
    assert "--recipients" in nobody.err
    assert server.requests == []
    assert project.send("--recipients", "-", given=f"phone,name\n{number(1)},Ann\n").code == 0
    assert server.times_by_number == {number(1): 1}


def test_guard_rails_of_the_spec(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(3, more="delivery: {max_recipients: 2}\n").towards(server)
    many = project.send()
    assert many.code == 2
    assert "more than 2 recipients" in many.err
    assert "Nothing was sent" in many.err

    project.spec(3, more='delivery: {expires: "2021-01-01T00:00:00Z"}\n')
    late = project.send()
    assert late.code == 0
    assert "3 skipped (expired)" in late.err
    assert "nothing to send" in late.err
    assert server.requests == []


def test_results_hold_every_message_in_full_and_for_their_owner_only(project: Project, serve: StartServer) -> None:
    async def script(posted: Posted) -> bytes:
        return refused("Not today.") if posted.to == number(2) else accepted(posted)

    project.spec(2).towards(serve(script)).replace("specs/hello.csv", ",P2\n", f",P2\n{number(1)},P1\n")
    run = project.send("--results", "results.jsonl", "--output", "json")
    assert run.code == 1
    totals = dict.fromkeys(("planned", "sending", "in_doubt", "retry_wait", "released", "cancelled"), 0)
    assert run.json == {
        "version": 1,
        "run": run.json["run"],
        "totals": {**totals, "accepted": 1, "rejected": 1, "skipped": 1},
        "skipped": {"duplicate": 1, "expired": 0, "invalid": 0, "suppressed": 0},
        "expired": 0,
        "stopped": None,
    }

    path = project.root / "results.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [list(line) for line in lines] == [MESSAGE_KEYS] * 3
    told = [(line["row"], line["to"], line["state"], line["http_status"], line["error"]) for line in lines]
    assert told == [
        (1, number(1), "accepted", 200, None),
        (2, number(2), "rejected", 200, "Not today."),
        (3, number(1), "skipped", None, "duplicate"),
    ]
    assert lines[0]["message_id"].startswith("id-")
    assert lines[0]["key"] == lines[2]["key"]
    assert {line["run"] for line in lines} == {run.json["run"]}
    assert [line["attempts"] for line in lines] == [1, 1, 0]
    assert lines == project.messages(run.json["run"])

    # With nothing to send there are no results, and the file says so.
    again = project.send("--results", "results.jsonl", "--output", "json")
    assert again.code == 0
    assert again.json == {
        "version": 1,
        "run": None,
        "totals": {**totals, "accepted": 0, "rejected": 0, "skipped": 0},
        "skipped": {"duplicate": 1, "expired": 0, "invalid": 0, "suppressed": 0},
        "expired": 0,
        "stopped": None,
    }
    assert set(again.json["totals"].values()) == {0}
    assert path.read_bytes() == b""


def test_results_that_cannot_be_written_are_found_out_before(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(1).towards(server)
    for where in ("no-such-folder/results.jsonl", "specs"):
        refusal = project.send("--results", where)
        assert refusal.code == 2
        assert where in refusal.err
        assert "Nothing was sent" in refusal.err
    assert server.requests == []


def test_results_may_go_into_a_device_or_a_pipe(project: Project, serve: StartServer) -> None:
    piped = project.spec(2).towards(serve()).send("--results", "/dev/stdout")
    assert piped.code == 0
    assert [json.loads(line)["state"] for line in piped.out.splitlines()] == ["accepted", "accepted"]
    project.replace("specs/hello.yaml", "edition: 1", "edition: 2")
    full = project.send("--results", "/dev/full")
    assert full.code == 0
    assert "2 accepted" in full.err
    assert "--results /dev/full: cannot be written: No space left on device; `msgspec-runner status" in full.err


def test_a_rejection_is_exit_1_and_waits_for_a_correction(project: Project, serve: StartServer) -> None:
    server = serve(always(refused("Invalid channel_key.")))
    project.spec(2).towards(server)
    run = project.send()
    assert run.code == 1
    assert "2 rejected: Invalid channel_key." in run.err
    again = project.send()
    assert again.code == 0
    assert "2 rejected before" in again.err
    assert len(server.requests) == 2
    project.replace("specs/hello.yaml", "channel_key: ch", "channel_key: right")
    server.script = always(refused("Still wrong."))
    assert project.send().code == 1
    assert len(server.requests) == 4


def test_what_the_api_says_of_a_number_is_masked_on_screen_only(project: Project, serve: StartServer) -> None:
    words = f"The 'To' number {number(1)} is not a valid phone number."
    project.spec(1).towards(serve(always(refused(words))))
    run = project.send()  # every run's standard error is searched for numbers
    assert "The 'To' number +1•••••••01 is not a valid phone number." in run.err
    assert "The 'To' number +1•••••••01" in project.run("status", "--state", "rejected").out
    assert words in project.run("status", "--state", "rejected", "--show-numbers").out
    assert [message["error"] for message in project.messages()] == [words]
    # Not by `project.run`, which finds every number on standard error.
    for command in (["send", "specs", "--yes"], ["retry", "latest", "--yes"]):
        if command[0] == "send":
            project.replace("specs/hello.yaml", "Hi", "Hello")
        done = subprocess.run(
            [COMMAND, *command, "--show-numbers"], cwd=project.root, env=project.env, capture_output=True, text=True
        )
        assert words in done.stderr, done.stderr


def test_dry_run_is_the_plan(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(2).towards(server)
    del project.env["SOCIOCS_API_KEY"]
    dry = project.run("send", "specs", "--dry-run")
    assert dry == project.run("plan", "specs")
    assert dry.code == 0
    assert "`send` would send 2 messages" in dry.out
    assert server.requests == []
    assert not (project.root / ".msgspec-runner").exists()
