"""``reconcile``, ``retry`` and ``cancel``: what can still be done about a run that is over. The sandbox is the other
side, and its store is the truth about who was texted."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen

import pytest

from msgspec_runner.sandbox.faults import Fault
from msgspec_runner.sandbox.server import RunningSandbox, SandboxOptions
from tests.acceptance.project import Project, number
from tests.acceptance.server import Posted, Server, accept, accepted, always, answer, refused
from tests.sandbox.waiting import until

StartServer = Callable[..., Server]
StartSandbox = Callable[..., RunningSandbox]


@pytest.fixture
def start_sandbox(stack: ExitStack) -> StartSandbox:
    def start(**options: Any) -> RunningSandbox:
        return stack.enter_context(RunningSandbox(SandboxOptions(**{"seed": 1, **options})))

    return start


@pytest.fixture
def losing(start_sandbox: StartSandbox) -> RunningSandbox:
    """A sandbox that keeps messages and never says so, or loses them: everything is in doubt."""
    return start_sandbox(faults=(Fault("reset-after", 0.5), Fault("reset-before", 0.5)))


def newest_run(project: Project) -> str:
    return project.run("status").out.split()[0]


def times(sandbox: RunningSandbox) -> Counter[str]:
    """How often each recipient was texted."""
    return Counter(message.fields()["to"] for message in sandbox.messages)


def by_state(project: Project, *arguments: str) -> dict[str, dict[str, Any]]:
    """Return the message objects of each state by number."""
    found: dict[str, dict[str, Any]] = {}
    for message in project.messages(*arguments):
        found.setdefault(message["state"], {})[message["to"]] = message
    return found


# reconcile


def test_after_kill_9_everybody_gets_exactly_one_message(project: Project, start_sandbox: StartSandbox) -> None:
    rows = 40  # each in doubt is searched for, five a second
    faults = (Fault("reset-after", 0.12), Fault("reset-before", 0.08), Fault("slow", 0.3, 0.05))
    first = start_sandbox(faults=faults)
    project.spec(rows).towards(first)
    running = project.start("send", "specs", "--yes", "--concurrency", "4", "--rate", "100/s")
    until(lambda: first.stats.kept >= 15)
    running.signal(signal.SIGKILL)
    running.wait()
    for _ in range(40):  # the faults stop runs early: five in doubt in a row
        if project.send("--concurrency", "4").code == 3:
            break
    texted = times(first)
    assert set(texted.values()) == {1}

    before = by_state(project)
    doubts = before["in_doubt"]
    assert set(before) == {"accepted", "in_doubt"}
    report = project.run("reconcile", "--output", "json")
    assert report.code == 3
    assert report.json["troubles"] == []
    after = by_state(project)
    ids = {message.fields()["to"]: message.message_id for message in first.messages}
    arrived, lost = set(doubts) & set(ids), set(doubts) - set(ids)
    assert arrived
    assert lost
    assert set(after["in_doubt"]) == lost
    assert {to: message["message_id"] for to, message in after["accepted"].items()} == ids
    assert {message["to"] for message in report.json["accepted"]} == arrived
    assert {message["to"] for message in report.json["in_doubt"]} == lost
    assert set(report.json["why"].values()) == {"not found"}

    # Nothing is sent again by itself; then a person decides.
    assert "nothing to send" in project.send().err
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    words = ("--release-all", "--before", tomorrow, "--reason", "not in the outbox")
    released = project.run("reconcile", *words, "--yes")
    assert released.code == 0, released.err
    assert f"{len(lost)} messages released" in released.out
    for _ in range(40):
        if project.send("--concurrency", "4").code == 0:
            break
        project.run("reconcile", *words, "--yes")
    assert times(first) == {number(row): 1 for row in range(1, rows + 1)}
    assert set(project.states().values()) == {"accepted"}
    decisions = project.run("status", "--output", "json").json["decisions"]
    assert {(each["what"], each["reason"]) for each in decisions} == {
        ("accepted", "the API lists it"),
        ("released", "not in the outbox"),
    }
    assert all("@" in each["by"] for each in decisions if each["what"] == "released")


def test_nothing_in_doubt_is_said_without_asking(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(1).towards(server)
    assert project.send().code == 0
    nothing = project.run("reconcile")
    assert (nothing.code, nothing.out) == (0, "nothing is in doubt\n")
    assert len(server.requests) == 1


def test_the_text_names_what_is_settled_and_what_is_not(project: Project, losing: RunningSandbox) -> None:
    project.spec(4).towards(losing)
    assert project.send().code == 3
    kept = times(losing)
    assert 0 < len(kept) < 4
    run = newest_run(project)
    text = project.run("reconcile", run[:-3])
    assert text.code == 3
    assert text.out.startswith(f"{len(kept)} accepted: the API lists them\n")
    assert f"{4 - len(kept)} still in doubt\n" in text.out
    assert not re.search(r"1617555", text.out)
    assert "not found is no proof" in text.err
    key = re.search(r"--release ([0-9a-f]{12}) ", text.err)
    assert key is not None
    assert f"  {key[1]}  hello:" in text.out
    assert re.search(r"\+1617555\d{4}", project.run("reconcile", "--show-numbers").out)

    unconfirmed = project.run("reconcile", "--release-all", "--before", "2099-01-01", "--reason", "x")
    assert unconfirmed.code == 2
    assert "add --yes. Nothing was released" in unconfirmed.err
    wrong = project.run("reconcile", "--release", "0" * 12, "--reason", "x", "--yes")
    assert wrong.code == 2
    assert "no message in doubt has a key that begins like this" in wrong.err
    one = project.run("reconcile", "--release", key[1], "--reason", "asked her", "--yes", "--output", "json")
    assert [message["key"][:12] for message in one.json["released"]] == [key[1]]
    assert one.json["released"][0]["state"] == "released"
    assert one.code == (3 if len(kept) < 3 else 0)
    assert "1 new" in project.run("plan").out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--release-all", "--reason", "x"], "--release-all needs --before"),
        (["--before", "2031-01-31"], "--before is for --release-all"),
        (["--release", "1234567", "--reason", "x"], "write 8 characters of the key"),
        (["--release", "12345678"], "say why with --reason"),
        (["--release", "12345678", "--reason", "  "], "say why with --reason"),
        (["--release", "12345678", "--reason", "a\nb"], "must be one line"),
        (["--release", "12345678", "--reason", "x" * 501], "must be one line"),
        (["--reason", "x"], "--reason is for --release"),
        (["--release-all", "--before", "soon", "--reason", "x"], "--before is no time"),
        (["--release", "12345678", "--release-all", "--before", "2031-01-31", "--reason", "x"], "leave one out"),
    ],
)
def test_flags_of_a_release_that_do_not_fit_together(project: Project, flags: list[str], words: str) -> None:
    refusal = project.run("reconcile", *flags)
    assert refusal.code == 2
    assert words in refusal.err


def test_what_was_tried_later_is_not_released(project: Project, losing: RunningSandbox) -> None:
    project.spec(4).towards(losing)
    assert project.send().code == 3
    early = project.run("reconcile", "--release-all", "--before", "2026-01-01", "--reason", "x", "--yes")
    assert early.code == 3
    assert "nothing to release" in early.err
    assert "released" not in project.states().values()


def test_an_api_that_cannot_be_asked_settles_nothing(project: Project, serve: StartServer) -> None:
    async def script(posted: Posted) -> bytes | None:
        return answer(200, {"status": "error", "errors": [{"msg": "No lists today."}]}) if posted.body is None else None

    project.spec(2).towards(serve(script))
    assert project.send().code == 3
    asked = project.run("reconcile")
    assert asked.code == 3
    assert "the API did not answer everything: No lists today." in asked.err
    everything = ("--release-all", "--before", "2099-01-01", "--reason", "x", "--yes")
    refusal = project.run("reconcile", *everything)
    assert refusal.code == 2
    assert "Nothing was released" in refusal.err
    assert set(project.states().values()) == {"in_doubt"}
    # Who names a message has looked for it.
    key = project.messages()[0]["key"]
    assert project.run("reconcile", "--release", key, "--reason", "looked", "--yes").code == 3
    assert sorted(project.states().values()) == ["in_doubt", "released"]


def test_a_refused_key_stops(project: Project, serve: StartServer) -> None:
    async def script(posted: Posted) -> bytes | None:
        return answer(401) if posted.body is None else None

    project.spec(1).towards(serve(script))
    assert project.send().code == 3
    refusal = project.run("reconcile")
    assert refusal.code == 5
    assert "the API refused the key" in refusal.err


def test_a_number_that_was_forgotten_is_not_looked_for(project: Project, losing: RunningSandbox) -> None:
    project.spec(1).towards(losing)
    assert project.send().code == 3
    assert project.run("ledger", "forget", number(1), "--yes").code == 0
    text = project.run("reconcile")
    assert text.code == 3
    assert "its data was erased: there is nothing to look for" in text.out


def test_what_may_be_listed_is_not_released_with_all(project: Project, serve: StartServer) -> None:
    """Two rows say the same to one number, and the API lists one such message: nobody can know whose it is."""
    posts: list[Posted] = []

    async def script(posted: Posted) -> bytes | None:
        if posted.body is not None:
            posts.append(posted)
            return None
        one = {**posts[0].body, "id": "m1", "created_at": datetime.now(UTC).isoformat()}
        return answer(200, {"status": "success", "data": [one]})

    project.spec(2, text="Hi").towards(serve(script))
    project.write("specs/hello.csv", f"phone,name\n{number(1)},P1\n{number(1)},P2\n")
    project.replace("specs/hello.yaml", "file: hello.csv", 'file: hello.csv, key: "{{ name }}"')
    assert project.send().code == 3
    everything = ("--release-all", "--before", "2099-01-01", "--reason", "x", "--yes")
    asked = project.run("reconcile", *everything)
    assert asked.code == 3
    assert asked.out.count("the API lists 1 like it") == 2
    assert "nothing to release" in asked.err
    key = project.messages()[0]["key"]
    assert project.run("reconcile", "--release", key[:8], "--reason", "asked her", "--yes").code == 3
    assert sorted(project.states().values()) == ["in_doubt", "released"]


# retry


async def choosy(posted: Posted) -> bytes:
    """Refuse numbers that end in an odd digit."""
    return refused("Invalid number.") if int(posted.to[-1]) % 2 else accepted(posted)


def test_retry_posts_only_what_was_rejected_as_it_was(project: Project, serve: StartServer) -> None:
    server = serve(choosy)
    project.spec(6).towards(server)
    assert project.send().code == 1
    run = newest_run(project)
    server.script = accept
    project.replace("specs/hello.yaml", "Hi {{ name }}", "Bye {{ name }}")
    refusal = project.run("retry", run)
    assert refusal.code == 2
    assert "add --yes. Nothing was sent" in refusal.err
    assert len(server.requests) == 6

    again = project.run("retry", run, "--yes", "--results", "results.jsonl", "--junit", "run.xml", "--output", "json")
    assert again.code == 0, again.err
    assert "specs and recipients may have changed since" in again.err
    assert "        3 to send again" in again.err
    assert again.json["totals"]["accepted"] == 3
    assert [posted.to for posted in server.requests[6:]] == [number(1), number(3), number(5)]
    assert [posted.body["text"] for posted in server.requests[6:]] == ["Hi P1", "Hi P3", "Hi P5"]
    assert len((project.root / "results.jsonl").read_text(encoding="utf-8").splitlines()) == 3
    assert (project.root / "run.xml").exists()
    assert set(project.states().values()) == {"accepted"}
    assert {message["run"] for message in project.messages()} == {run, again.json["run"]}
    nothing = project.run("retry", run, "--yes")
    assert (nothing.code, len(server.requests)) == (0, 9)
    assert "nothing to retry" in nothing.err
    decisions = project.run("status", again.json["run"], "--output", "json").json["decisions"]
    assert {each["reason"] for each in decisions} == {f"retry {run}"}
    assert len(decisions) == 3
    assert project.run("status", run, "--output", "json").json["decisions"] == []


def test_a_retry_that_was_cut_off_goes_on_by_its_own_run(project: Project, serve: StartServer) -> None:
    """Stopped, and killed: what was rejected and what a person released are neither lost nor sent twice."""

    async def first(posted: Posted) -> bytes | None:
        if posted.body is None:
            return answer(200, {"status": "success", "data": []})
        return None if posted.to == number(1) else refused("Not today.")

    server = serve(first)
    project.spec(5).towards(server)
    assert project.send("--concurrency", "1").code == 3
    old = newest_run(project)
    (doubt,) = project.messages("--state", "in_doubt")
    assert project.run("reconcile", "--release", doubt["key"], "--reason", "asked her", "--yes").code == 0
    server.script = always(answer(401))
    stopped = project.run("retry", old, "--yes", "--concurrency", "1", "--output", "json")
    assert stopped.code == 5
    second = stopped.json["run"]
    assert f"`msgspec-runner retry {second}` to go on: nothing is sent twice" in stopped.err
    assert set(project.states().values()) == {"planned"}
    nothing = project.run("retry", old, "--yes")
    assert (nothing.code, "nothing to retry" in nothing.err) == (0, True)
    assert f"run {second} was a retry and was cut off: `msgspec-runner retry {second}` goes on with it" in nothing.err

    stopped_at = len(server.requests)
    server.script = accept
    server.hold()
    running = project.start("retry", second, "--yes", "--concurrency", "1")
    server.wait_for(stopped_at + 1)
    running.signal(signal.SIGKILL)
    running.wait()
    server.release()
    third = newest_run(project)
    assert f"`msgspec-runner retry {third}` goes on with it" in project.run("retry", old, "--yes").err
    assert project.run("retry", third, "--yes").code == 3, "what the kill left in doubt still is"
    states = Counter(project.states().values())
    assert states["accepted"] + states["in_doubt"] == 5
    assert 1 <= states["in_doubt"] <= 2, "2 x concurrency"
    assert set(Counter(posted.to for posted in server.requests[stopped_at:]).values()) == {1}
    assert "nothing to retry" in project.run("retry", third, "--yes").err


def test_retry_leaves_doubts_alone_and_takes_what_was_released(project: Project, serve: StartServer) -> None:
    async def script(posted: Posted) -> bytes | None:
        if posted.body is None:
            return answer(200, {"status": "success", "data": []})
        return {1: accepted(posted), 2: refused("No.")}.get(int(posted.to[-1]))

    server = serve(script)
    project.spec(4).towards(server)
    assert project.send().code == 3
    run = newest_run(project)
    doubts = [message["key"] for message in project.messages("--state", "in_doubt")]
    assert len(doubts) == 2
    assert project.run("reconcile", run, "--release", doubts[0], "--reason", "asked", "--yes").code == 3
    before = len([posted for posted in server.requests if posted.body])
    server.script = accept
    retried = project.run("retry", run, "--yes")
    assert (retried.code, f"1 message of run {run} still in doubt" in retried.err) == (3, True)
    posted = [each.to for each in server.requests if each.body][before:]
    assert posted == [number(2), number(3)]
    assert project.states() == {1: "accepted", 2: "accepted", 3: "accepted", 4: "in_doubt"}


def test_retry_respects_suppressions_expiry_and_erasure(project: Project, serve: StartServer) -> None:
    server = serve(choosy)
    project.spec(6).towards(server)
    assert project.send().code == 1
    run = newest_run(project)
    server.script = accept
    project.write("msgspec-runner.toml", 'suppressions = ["stop.txt"]\n')
    project.write("stop.txt", f"{number(3)}\n")
    assert project.run("ledger", "forget", number(5), "--yes").code == 0
    again = project.run("retry", run, "--yes")
    assert again.code == 0, again.err
    assert "1 skipped (suppressed)" in again.err
    assert "1 cannot be sent again: their data was erased" in again.err
    assert [posted.to for posted in server.requests[6:]] == [number(1)]
    skipped = project.messages("--state", "skipped")
    assert [(message["to"], message["error"]) for message in skipped] == [(number(3), "suppressed")]
    assert by_state(project)["rejected"].keys() == {number(3), ""}
    nothing = project.run("retry", run, "--yes")
    assert nothing.code == 1
    assert "nothing to retry" in nothing.err


def test_retry_keeps_the_hold_and_the_rate_of_the_spec(project: Project, start_sandbox: StartSandbox) -> None:
    project.spec(3, more="delivery: {hold: 5m, rate: 600/min}\n")
    refuser = start_sandbox()
    project.replace("specs/hello.yaml", "channel_key: ch", "channel_key: invalid")
    project.towards(refuser)
    assert project.send().code == 1
    before = datetime.now(UTC)
    again = project.run("retry", newest_run(project), "--yes")
    assert again.code == 1, "the channel is still invalid"
    assert "3 of them scheduled for later" in again.err
    schedules = [datetime.fromisoformat(json.loads(each.body)["schedule"]) for each in refuser.requests[3:]]
    assert len(schedules) == 3
    assert all(schedule >= before + timedelta(minutes=5) for schedule in schedules)
    (project.root / "specs" / "hello.yaml").unlink()
    gone = project.run("retry", newest_run(project), "--yes")
    assert "not in the project any more: hello" in gone.err


def test_a_run_is_retried_where_it_went_only(project: Project, serve: StartServer) -> None:
    server, other = serve(choosy), serve()
    project.spec(2).towards(server)
    assert project.send().code == 1
    run = newest_run(project)
    for command in (["retry", run], ["reconcile", run], ["cancel", run]):
        refusal = project.run(*command, "--yes", "--base-url", other.url)
        assert refusal.code == 2
        assert f"it went to {server.url}: choose that with --base-url" in refusal.err
    assert "is not retried at sandbox" in project.run("retry", run, "--yes", "--sandbox").err
    assert other.requests == []
    for command in ("retry", "reconcile", "cancel"):
        empty = project.run(command, "", "--yes")
        assert (empty.code, "RUN is empty" in empty.err) == (2, True), "a script's variable that was never set"
    for command in ("retry", "reconcile", "cancel", "status"):
        unknown = project.run(command, run[:-1] + "!")
        assert unknown.code == 2
        assert f"did you mean {run}?" in unknown.err


def test_a_run_for_a_sandbox_of_its_own_is_retried_in_one(project: Project) -> None:
    project.spec(2)
    project.replace("specs/hello.yaml", "channel_key: ch", "channel_key: invalid")
    assert project.run("send", "specs", "--sandbox", "--ledger", "mine.db").code == 1
    run = project.run("status", "--ledger", "mine.db").out.split()[0]
    refusal = project.run("retry", run, "--yes", "--ledger", "mine.db", "--base-url", "http://127.0.0.1:1")
    assert refusal.code == 2
    assert "it went to a sandbox of its own" in refusal.err
    assert project.run("retry", run, "--sandbox", "--ledger", "mine.db").code == 1
    assert len(project.run("status", "--ledger", "mine.db").out.splitlines()) == 2


def test_a_run_that_is_under_way_is_not_retried(project: Project, serve: StartServer) -> None:
    server = serve()
    server.hold()
    project.spec(1).towards(server)
    running = project.start("send", "specs", "--yes")
    server.wait_for(1)
    refusal = project.run("retry", newest_run(project), "--yes")
    assert refusal.code == 2
    assert "is still under way" in refusal.err
    server.release()
    assert running.wait().code == 0


# cancel


@pytest.fixture
def held(project: Project, start_sandbox: StartSandbox) -> tuple[RunningSandbox, list[float]]:
    """Three messages that are held for five minutes, and the sandbox's clock, which can be moved."""
    ahead = [0.0]
    sandbox = start_sandbox(clock=lambda: datetime.now(UTC).timestamp() + ahead[0])
    project.spec(3, more="delivery: {hold: 5m}\n").towards(sandbox)
    assert project.send().code == 0
    return sandbox, ahead


def test_cancel_takes_back_what_is_still_scheduled(project: Project, held: tuple[RunningSandbox, list[float]]) -> None:
    sandbox, _ = held
    run = newest_run(project)
    refusal = project.run("cancel", run)
    assert refusal.code == 2
    assert "add --yes. Nothing was cancelled" in refusal.err
    done = project.run("cancel", run, "--yes")
    assert (done.code, done.out) == (0, "3 messages cancelled\n")
    assert sandbox.messages == []
    assert sandbox.stats.cancelled == 3
    assert set(project.states().values()) == {"cancelled"}
    assert all(message["message_id"] for message in project.messages())
    again = project.run("cancel", run, "--yes")
    assert (again.code, again.out) == (0, "nothing is scheduled any more\n")
    assert "3 cancelled before" in project.send().err
    assert sandbox.stats.kept == 3
    decisions = project.run("status", run, "--output", "json").json["decisions"]
    assert {(each["what"], each["reason"]) for each in decisions} == {("cancelled", f"cancel {run}")}


def test_cancel_reports_what_the_api_refuses(project: Project, held: tuple[RunningSandbox, list[float]]) -> None:
    _, ahead = held
    ahead[0] = 3600.0
    run = newest_run(project)
    refused_ = project.run("cancel", run, "--yes")
    assert refused_.code == 1
    assert refused_.out.startswith("0 messages cancelled\n3 not cancelled, so still accepted: the API refused\n")
    assert "The message is being sent or was sent already." in refused_.out
    assert set(project.states().values()) == {"accepted"}
    report = project.run("cancel", run, "--yes", "--output", "json")
    assert report.code == 1
    assert [message["to"] for message in report.json["refused"]] == [number(1), number(2), number(3)]


def test_what_a_cancel_that_was_killed_has_deleted_is_not_said_to_be_refused(
    project: Project, start_sandbox: StartSandbox
) -> None:
    """It had no time to record it. Whether the API does not find it for that, or because it was sent, nobody knows."""
    sandbox = start_sandbox()
    project.spec(2, more="delivery: {hold: 5m}\n").towards(sandbox)
    assert project.send().code == 0
    first = project.messages()[0]
    deletion = Request(f"{sandbox.url}/messages/scheduled/{first['message_id']}", method="DELETE")
    deletion.add_header("apikey", "anything")
    with urlopen(deletion) as answered:
        assert answered.status == 200
    run = newest_run(project)
    report = project.run("cancel", run, "--yes")
    assert report.code == 3
    gone = "1 no longer scheduled at the API, so left as accepted: perhaps cancelled before, perhaps sent\n"
    assert report.out.startswith(f"1 message cancelled\n{gone}  {first['key'][:12]}  hello:1")
    assert "refused" not in report.out
    assert "look in app.sociocs.com" in report.err
    assert "run the command again" not in report.err, "it would bring the same"
    assert project.states() == {1: "accepted", 2: "cancelled"}
    again = project.run("cancel", run, "--yes", "--output", "json")
    assert (again.code, [message["row"] for message in again.json["gone"]], again.json["refused"]) == (3, [1], [])
    assert "nothing to send" in project.send().err


def test_cancel_when_no_answer_comes_leaves_the_message_as_it_is(project: Project, serve: StartServer) -> None:
    async def script(posted: Posted) -> bytes | None:
        return answer(200, b"<html>") if posted.body is None else accepted(posted)

    project.spec(2, more="delivery: {hold: 5m}\n").towards(serve(script))
    assert project.send().code == 0
    unknown = project.run("cancel", newest_run(project), "--yes")
    assert unknown.code == 3
    assert "perhaps cancelled, so still accepted" in unknown.out
    assert set(project.states().values()) == {"accepted"}


def test_cancel_with_a_refused_key_stops(project: Project, serve: StartServer) -> None:
    async def script(posted: Posted) -> bytes | None:
        return answer(403) if posted.body is None else accepted(posted)

    project.spec(2, more="delivery: {hold: 5m}\n").towards(serve(script))
    assert project.send().code == 0
    assert project.run("cancel", newest_run(project), "--yes").code == 5
    assert set(project.states().values()) == {"accepted"}


def test_what_was_sent_at_once_cannot_be_cancelled(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(1).towards(server)
    assert project.send().code == 0
    assert project.run("cancel", newest_run(project)).out == "nothing is scheduled any more\n"
    assert len(server.requests) == 1


def test_a_held_message_whose_run_was_killed_is_found_among_the_scheduled(
    project: Project, start_sandbox: StartSandbox
) -> None:
    sandbox = start_sandbox(faults=(Fault("hang-after", 1.0, 60.0),))
    project.spec(2, more="delivery: {hold: 5m}\n").towards(sandbox)
    running = project.start("send", "specs", "--yes", "--concurrency", "2")
    until(lambda: sandbox.stats.kept == 2)
    running.signal(signal.SIGKILL)
    running.wait()
    settled = project.run("reconcile")
    assert settled.code == 0, settled.out
    assert "2 accepted: the API lists them" in settled.out
    assert project.run("cancel", newest_run(project), "--yes").out == "2 messages cancelled\n"
    assert sandbox.messages == []
