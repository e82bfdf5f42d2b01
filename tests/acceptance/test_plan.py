"""``msgspec-runner plan``: what ``send`` would do, and nothing done."""

from __future__ import annotations

from collections.abc import Callable

from tests.acceptance.project import Project, number
from tests.acceptance.server import Posted, Server, accepted, answer, refused

StartServer = Callable[..., Server]


def test_without_a_ledger_everything_is_new_and_none_is_created(project: Project) -> None:
    project.spec(3)
    plan = project.run("plan")
    assert plan.code == 0
    assert plan.out == (
        "hello (edition 1)  specs/hello.yaml\n          3 new  3 segments\n`send` would send 3 messages (3 segments)\n"
    )
    assert plan.err == "no ledger here: everything is taken as new\n"
    assert sorted(path.name for path in project.root.iterdir()) == ["specs"]


def test_every_decision_is_told_in_text_json_and_markdown(project: Project, serve: StartServer) -> None:
    said = {
        number(2): refused("No such channel."),
        number(3): answer(500),
        number(4): refused("No such channel."),
    }

    async def script(posted: Posted) -> bytes:
        return said.get(posted.to) or accepted(posted)

    server = serve(script)
    project.spec(5).towards(server)
    assert project.send().code == 3
    assert len(server.requests) == 5

    # Row 1 is as it was, 2 and 3 too; 4 (rejected) and 5 (accepted) are corrected, 6 and 7 are new, 8 is 7 again.
    project.replace("specs/hello.csv", ",P4\n", ",Dora\n")
    project.replace("specs/hello.csv", ",P5\n", f",Emil\n{number(6)},P6\n{number(7)},P7\n{number(7)},P7\n")
    plan = project.run("plan", "--output", "json")
    assert plan.code == 0
    assert "MSG504" in plan.err  # row 8 is row 7 again: a warning
    counts = {
        "new": 3,
        "sent": 1,
        "changed": 1,
        "changed_in_doubt": 0,
        "in_doubt": 1,
        "rejected": 1,
        "cancelled": 0,
        "busy": 0,
        "duplicate": 1,
        "expired": 0,
        "suppressed": 0,
        "invalid": 0,
    }
    scheduled = {"schedule": 0, "hold": 0, "window": 0}
    assert plan.json == {
        "version": 1,
        "specs": [
            {
                "spec": "hello",
                "edition": 1,
                "file": "specs/hello.yaml",
                "recipients": 8,
                **counts,
                "scheduled": scheduled,
                "segments": 3,
            }
        ],
        "totals": {**counts, "scheduled": scheduled, "segments": 3},
    }
    assert project.run("plan", "specs/hello.yaml").out == (
        "hello (edition 1)  specs/hello.yaml\n"
        "          3 new  3 segments\n"
        "          1 already sent\n"
        "          1 changed since sent\n"
        "          1 in doubt\n"
        "          1 rejected before\n"
        "          1 skipped (duplicate)\n"
        "`send` would send 3 messages (3 segments)\n"
    )
    assert project.run("plan", "--output", "markdown").out == (
        "**`send` would send 3 messages (3 segments).**\n\n"
        "| spec | edition | new | already sent | changed since sent | in doubt | rejected before"
        " | skipped (duplicate) | segments |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| `hello` | 1 | 3 | 1 | 1 | 1 | 1 | 1 | 3 |\n\n"
        "- **changed since sent**: the words are others now, and nobody is texted again: raise `edition` to send again "
        "on purpose.\n"
        "- **in doubt**: an earlier run could not tell whether it was sent: it is not sent again by itself.\n"
        "- **rejected before**: the API refused it: it is sent again when its words change.\n"
        "- **skipped (duplicate)**: another row says the same to the same number.\n"
        "- **segments**: what the new SMS are billed by; one holds 160 characters, 70 with an emoji in it.\n"
    )
    assert len(server.requests) == 5, "a plan sent something"

    # What was planned is what is sent: the new rows and the corrected one that had been rejected.
    assert project.send().code == 3
    assert sorted(posted.to for posted in server.requests[5:]) == [number(4), number(6), number(7)]
    skipped = [message for message in project.messages() if message["state"] == "skipped"]
    assert [(message["row"], message["error"]) for message in skipped] == [(8, "duplicate")]


def test_a_doubt_whose_words_are_others_now_is_changed_and_still_a_doubt(project: Project, serve: StartServer) -> None:
    """Whoever edits a text must not be told by exit code 0 that everything is settled."""
    said = {number(3): answer(500), number(4): refused("No such channel.")}

    async def script(posted: Posted) -> bytes:
        if posted.body is None:
            return answer(200, {"status": "success", "data": []})
        return said.get(posted.to) or accepted(posted)

    server = serve(script)
    project.spec(4).towards(server)
    assert project.send().code == 3
    run = project.run("status").out.split()[0]
    project.replace("specs/hello.yaml", "Hi {{", "Hello {{")

    plan = project.run("plan", "--output", "json")
    assert {name: plan.json["totals"][name] for name in ("new", "changed", "changed_in_doubt", "in_doubt")} == {
        "new": 1,
        "changed": 3,
        "changed_in_doubt": 1,
        "in_doubt": 0,
    }
    assert plan.json["specs"][0]["changed_in_doubt"] == 1
    assert "\n          3 changed since sent, of these 1 in doubt\n" in project.run("plan").out
    markdown = project.run("plan", "--output", "markdown").out
    assert "raise `edition` to send again on purpose. Of these, 1 is in doubt: an earlier run could" in markdown

    said.clear()
    for expected in (1, 0):  # what was rejected is sent with its new words; then there is nothing to send
        sent = project.send()
        assert sent.code == 3, sent.err
        assert ("1 accepted" in sent.err) == bool(expected)
        assert "1 message of earlier runs still in doubt: settle it with `msgspec-runner reconcile`" in sent.err
    retried = project.run("retry", run, "--yes")
    assert (retried.code, "nothing to retry" in retried.err) == (3, True)
    assert f"1 message of run {run} still in doubt: settle it with `msgspec-runner reconcile`" in retried.err
    posts = [posted.to for posted in server.requests if posted.body is not None]
    assert sorted(posts) == [number(1), number(2), number(3), number(4), number(4)]

    [doubt] = [message["key"] for message in project.messages("--state", "in_doubt")]
    assert project.run("reconcile", "--release", doubt, "--reason", "asked her", "--yes").code == 0
    assert project.send().code == 0


def test_a_reviewer_is_told_that_there_is_no_ledger_and_that_nothing_is_new(
    project: Project, serve: StartServer
) -> None:
    project.spec(1, more="").towards(serve())
    first = project.run("plan", "--output", "markdown").out.splitlines()[0]
    assert first == "**`send` would send 1 message (1 segment).** There is no ledger here: everything is taken as new."
    assert project.send().code == 0
    assert project.run("plan", "--output", "markdown").out == (
        "**Nothing to send.**\n\n"
        "| spec | edition | new | already sent |\n| --- | ---: | ---: | ---: |\n| `hello` | 1 | 0 | 1 |\n"
    )
    sandbox = project.run("plan", "--output", "markdown", "--sandbox").out
    assert "There is no ledger for the sandbox: everything is new." in sandbox


def test_two_messages_for_one_number_are_refused_before_anything_is_sent(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(3).towards(server).replace("specs/hello.csv", number(3), number(1))
    for arguments in (["plan"], ["send", "specs", "--yes"]):
        refusal = project.run(*arguments)
        assert refusal.code in {1, 2}  # a finding of the linter's, or else the planner's refusal
        assert "MSG504" in refusal.out + refusal.err
        assert "nothing was sent" in refusal.err.lower()
    assert server.requests == []

    project.replace("specs/hello.yaml", "file: hello.csv", 'file: hello.csv, key: "{{ name }}"')
    assert project.send().code == 0
    assert server.times_by_number == {number(1): 2, number(2): 1}


def test_several_specs_are_planned_in_order_and_the_sandbox_has_seen_nothing(
    project: Project, serve: StartServer
) -> None:
    project.spec(2, name="one").spec(3, name="two").towards(serve())
    assert project.send().code == 0
    rows = [line.split()[0] for line in project.run("plan").out.splitlines() if "edition" in line]
    assert rows == ["one", "two"]
    assert project.run("plan", "--output", "json").json["totals"]["new"] == 0
    assert project.run("plan", "--sandbox", "--output", "json").json["totals"]["new"] == 5


def test_a_plan_of_broken_specs_is_exit_1_and_of_none_exit_4(project: Project) -> None:
    empty = project.run("plan")
    assert empty.code == 4
    assert "msgspec-runner init" in empty.err
    project.spec(1).replace("specs/hello.yaml", "provider: twlo", "provider: twloo")
    broken = project.run("plan")
    assert broken.code == 1
    assert "specs/hello.yaml:3:" in broken.out
    assert "MSG206" in broken.out


def test_a_ledger_from_sends_on_this_machine_keeps_nobody_from_planning(project: Project, serve: StartServer) -> None:
    project.spec(2).towards(serve())
    assert project.send().code == 0
    project.towards("https://api.example.com")
    planned = project.run("plan", "--output", "json")
    assert (planned.code, planned.json["totals"]["new"]) == (0, 2), planned.err
    refusal = project.send()
    assert (refusal.code, "ledger init" in refusal.err) == (2, True)
