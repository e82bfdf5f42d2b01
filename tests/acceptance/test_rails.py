"""The guard rails of ``delivery`` and the lists of ``suppressions``, carried out by the installed command."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from msgspec_runner.sandbox.server import RunningSandbox
from tests.acceptance.project import Project, number
from tests.acceptance.server import Server

StartServer = Callable[..., Server]


def hours(begin: int, end: int) -> tuple[str, str]:
    """Return a window in UTC that begins and ends so many hours from now."""
    now = datetime.now(UTC)
    return f"{now + timedelta(hours=begin):%H:%M}", f"{now + timedelta(hours=end):%H:%M}"


def window(opens: str, closes: str, zone: str = "UTC") -> str:
    return f'delivery: {{window: {{from: "{opens}", to: "{closes}", timezone: "{zone}"}}}}\n'


def test_what_is_posted_outside_of_the_window_is_scheduled_for_its_opening(
    project: Project, sandbox: RunningSandbox
) -> None:
    opens, closes = hours(2, 4)
    project.spec(3, more=window(opens, closes)).towards(sandbox)
    plan = project.run("plan")
    assert f"          3 new  3 segments\n          3 of them scheduled for {opens} (window)\n" in plan.out
    assert plan.out.endswith("`send` would send 3 messages (3 segments), 3 of them scheduled for later\n")
    assert project.run("plan", "--output", "json").json["totals"]["scheduled"] == {
        "schedule": 0,
        "hold": 0,
        "window": 3,
    }
    assert "| spec | edition | new | scheduled (window) | segments |" in project.run("plan", "--output", "markdown").out

    sent = project.send()
    assert sent.code == 0, sent.err
    assert f"3 of them scheduled for {opens} (window)" in sent.err
    assert "3 accepted" in sent.err
    schedules = {message.fields()["schedule"] for message in sandbox.messages}
    assert len(schedules) == 1
    moment = datetime.fromisoformat(schedules.pop())
    assert f"{moment.astimezone(UTC):%H:%M}" == opens
    assert timedelta(0) < moment - datetime.now(UTC) <= timedelta(hours=2)

    # What was sent is what was written: without the window it is the same message.
    project.replace("specs/hello.yaml", window(opens, closes), "")
    again = project.send()
    assert again.code == 0
    assert "3 already sent" in again.err
    assert sandbox.stats.kept == 3


def test_inside_of_the_window_nothing_is_scheduled(project: Project, sandbox: RunningSandbox) -> None:
    project.spec(2, more=window(*hours(-2, 2))).towards(sandbox)
    assert "scheduled" not in project.run("plan").out
    assert project.send().code == 0
    assert ["schedule" in message.fields() for message in sandbox.messages] == [False, False]


def test_a_hold_is_a_schedule_that_can_be_taken_back(project: Project, sandbox: RunningSandbox) -> None:
    project.spec(2, more="delivery: {hold: 5m}\n").towards(sandbox)
    before = datetime.now(UTC)
    sent = project.send()
    after = datetime.now(UTC)
    assert sent.code == 0
    assert "2 of them scheduled 5m later (hold)" in sent.err
    for message in sandbox.messages:
        moment = datetime.fromisoformat(message.fields()["schedule"])
        assert before + timedelta(minutes=5) <= moment <= after + timedelta(minutes=5, seconds=1)


def test_what_would_arrive_after_its_expiry_is_skipped(project: Project, sandbox: RunningSandbox) -> None:
    opens, closes = hours(2, 4)
    expires = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    rails = window(opens, closes).replace("}}", f'}}, expires: "{expires}"}}')
    project.spec(3, more=rails).spec(1, name="other").towards(sandbox)
    sent = project.send()
    assert sent.code == 0, sent.err
    assert "3 skipped (expired)" in sent.err
    assert "1 accepted, 3 skipped" in sent.err
    skipped = [message for message in project.messages() if message["state"] == "skipped"]
    assert [(message["spec"], message["row"], message["error"]) for message in skipped] == [
        ("hello", 1, "expired"),
        ("hello", 2, "expired"),
        ("hello", 3, "expired"),
    ]


def test_each_recipient_has_hours_of_its_own(project: Project, sandbox: RunningSandbox) -> None:
    project.spec(2).towards(sandbox)
    project.write("specs/hello.csv", f"phone,name,tz\n{number(1)},P1,Etc/GMT+5\n{number(2)},P2,Etc/GMT-7\n")
    now = datetime.now(UTC)
    opens, closes = (f"{now + timedelta(hours=ahead):%H:%M}" for ahead in (-5 - 1, -5 + 1))
    project.replace("specs/hello.yaml", "edition: 1\n", "edition: 1\n" + window(opens, closes, "{{ tz }}"))
    sent = project.send()
    assert sent.code == 0, sent.err
    assert f"1 of them scheduled for {opens} (window)" in sent.err
    schedules = {message.fields()["to"]: message.fields().get("schedule") for message in sandbox.messages}
    assert schedules[number(1)] is None
    assert (schedules[number(2)] or "").endswith(f"{opens}:00+07:00")


def test_a_zone_that_is_none_is_found_by_the_linter_and_stops_everything(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(2, more=window("09:00", "19:00", "{{ name }}")).towards(server)
    lint = project.run("lint", "--output", "concise")
    assert lint.code == 1
    assert "MSG609 `delivery.window.timezone`: it is not a time zone" in lint.out
    assert "column `name`" in project.run("lint", "--output", "full").out
    refusal = project.send()
    assert refusal.code == 1
    assert "nothing was sent" in refusal.err
    project.write("msgspec-runner.toml", 'ignore = ["MSG609"]\n')
    refusal = project.send()
    assert refusal.code == 1
    assert "row 1 cannot be sent" in refusal.err
    assert server.requests == []


@pytest.mark.parametrize(
    ("rails", "code"),
    [
        ('{window: {from: "09:00", to: "19:00"}}', "MSG210"),
        ('{window: {from: "09:00", to: "09:00", timezone: UTC}}', "MSG109"),
        ('{window: {from: "09:00", to: "25:00", timezone: UTC}}', "MSG109"),
        ('{window: {from: "09:00", to: "19:00", timezone: Mars/Olympus}}', "MSG109"),
        ("{hold: soon}", "MSG109"),
        ("{rate: 0/s}", "MSG109"),
        ('{expires: "2031-12-24T18:00:00"}', "MSG109"),
    ],
)
def test_a_guard_rail_that_cannot_be_kept_is_found_by_the_linter_whatever_is_ignored(
    project: Project, serve: StartServer, rails: str, code: str
) -> None:
    server = serve()
    project.spec(1, more=f"delivery: {rails}\n").towards(server)
    lint = project.run("lint", "--output", "concise")
    assert lint.code == 1
    assert code in lint.out
    project.write("msgspec-runner.toml", f'ignore = ["{code}"]\n')
    refusal = project.send()
    assert refusal.code == 1
    assert code in refusal.err
    assert "Nothing was sent" in refusal.err
    assert server.requests == []


def test_an_expiry_that_has_passed_is_a_warning_of_the_linter(project: Project) -> None:
    project.spec(1, more='delivery: {expires: "2021-01-01T00:00:00Z"}\n')
    lint = project.run("lint", "--output", "concise")
    assert lint.code == 0
    assert "MSG611" in lint.out


def test_who_asked_not_to_be_texted_is_left_out_whoever_names_them(project: Project, sandbox: RunningSandbox) -> None:
    project.spec(3).towards(sandbox)
    project.write("msgspec-runner.toml", 'suppressions = ["stop/never.txt", "stop/export.csv"]\n')
    project.write("stop/never.txt", f"# who wrote STOP\n{number(2).removeprefix('+')}\n")
    project.write("stop/export.csv", f"name,Phone\nDora,{number(7)}\n")
    plan = project.run("plan")
    assert plan.code == 0
    assert "          2 new  2 segments\n          1 skipped (suppressed)\n" in plan.out
    sent = project.send()
    assert sent.code == 0
    assert "2 accepted, 1 skipped" in sent.err
    skipped = [message for message in project.messages() if message["state"] == "skipped"]
    assert [(message["row"], message["to"], message["error"]) for message in skipped] == [(2, number(2), "suppressed")]

    others = project.write("others.csv", f"phone,name\n{number(7)},P7\n{number(8)},P8\n")
    assert "1 skipped (suppressed)" in project.send("--recipients", str(others)).err
    assert sorted(message.fields()["to"] for message in sandbox.messages) == [number(1), number(3), number(8)]


def test_a_list_with_a_line_that_is_no_number_stops_everything(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(1).towards(server)
    project.write("msgspec-runner.toml", 'suppressions = ["never.txt"]\n')
    project.write("never.txt", "+16175550009\n0044\n")
    for arguments in (["plan"], ["send", "specs", "--yes"]):
        refusal = project.run(*arguments)
        assert refusal.code == 2
        assert "never.txt:2: starts with 00" in refusal.err
    assert server.requests == []


def test_too_many_recipients_are_refused_whatever_the_limit(project: Project, serve: StartServer) -> None:
    server = serve()
    project.spec(3, more="delivery: {max_recipients: 2}\n").towards(server)
    refusal = project.send("--limit", "1")
    assert refusal.code == 2
    assert "more than 2 recipients" in refusal.err
    others = project.write("others.csv", f"phone,name\n{number(8)},P8\n")
    assert project.send("--recipients", str(others)).code == 0
    assert len(server.requests) == 1
