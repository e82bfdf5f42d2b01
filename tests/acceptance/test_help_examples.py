"""Every example of every ``--help`` is typed as it stands, in a project as somebody has it who would type that.

A line differs from what the help shows in this only: a run's id is that of a run, what asks gets the yes that a person
would give at a terminal, and a sandbox takes a free port and is stopped. The commands of workers are in
``cluster/test_runs.py``.
"""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

import click
import pytest

from msgspec_runner.cli import main
from msgspec_runner.sandbox.faults import Fault
from msgspec_runner.sandbox.server import RunningSandbox, SandboxOptions
from tests.acceptance.project import COMMAND, Project
from tests.acceptance.server import PATIENCE
from tests.acceptance.test_commands import GALLERY, HELPS, NEEDS_WORKERS, RUN_ID, examples
from tests.git.repo import PERSON
from tests.ledger.postgres import server
from tests.programs import program

SPEC = """\
spec: reminder
description: An appointment, the day before
message:
  provider: twlo
  channel_key: ch
  to: "{{ phone }}"
  text: Hi {{ name }}, see you tomorrow.
recipients:
  columns: {phone: {type: phone}, name: {}}
  file: ../people.csv
  samples: [{phone: "+16175551212", name: Ann}, {phone: "+16175551213", name: Bob}]
"""
LATER = """\
spec: birthday
message: {provider: twlo, channel_key: ch, to: "+16175550009", text: Happy birthday!, schedule: "2031-12-24T10:00:00Z"}
"""
PEOPLE = "phone,name\n+16175550001,Ann\n+16175550002,Bob\n"
OPTED_OUT = "+15005550004,Eve\n"
"""The sandbox refuses this number (docs/sandbox.md)."""
LOST = 12
"""Seed with which the sandbox takes the message to Ann and cuts the line, and does so with nobody else's."""

AFTERWARDS = re.compile(r"msgspec-runner (status|report|retry|reconcile|cancel|ledger)\b")
"""Commands about what was sent: typed by somebody who has sent, and not everything went well."""

CODES = {
    f"msgspec-runner retry {RUN_ID} --yes": (3, "who has opted out is refused again, and one is in doubt"),
    "msgspec-runner retry latest --rate 5/s --results results.jsonl --yes": (1, "and again"),
    "msgspec-runner reconcile --release-all --before 2031-01-31 --reason lost": (
        0,
        "the one before has settled what was in doubt: nothing is left to give up",
    ),
}
"""Examples and the exit code that is right for them, where it is not 0 or where 0 is worth a word, and why."""

ADDRESS = "postgresql://db.example.com/sms"
"""A PostgreSQL server's, in the examples."""

ASKS = re.compile(r"msgspec-runner (send |reconcile --release)")
"""Commands that ask a person who is at a terminal."""

SHELLS = {"completion zsh": "zsh", "completion fish": "fish"}
"""Lines that are for another shell than bash."""


@pytest.fixture
def world(project: Project, sandbox: RunningSandbox) -> Project:
    """A project in git, whose specs differ from those of its upstream branch, and a sandbox for the API."""
    project.towards(sandbox)
    project.write("specs/reminder.yaml", SPEC.replace("tomorrow", "today"))
    project.write("people.csv", PEOPLE)
    (project.root / "templates.json").write_bytes((GALLERY / "catalogs" / "twilio.json").read_bytes())
    project.env |= PERSON | {
        "PATH": f"{COMMAND.parent}:{project.env['PATH']}",
        "BROWSER": "true",
        "GITHUB_STEP_SUMMARY": str(project.root / "summary.md"),
    }
    for line in ("init --quiet", "add .", "commit --quiet -m One", "update-ref refs/remotes/origin/main HEAD"):
        subprocess.run(["git", *line.split()], cwd=project.root, env=project.env, check=True, timeout=PATIENCE)
    project.write("specs/reminder.yaml", SPEC)
    return project


@pytest.fixture
def run_id(world: Project, stack: ExitStack) -> str:
    """A run in which one message was accepted, one is in doubt, one was rejected, and one is kept for later."""
    options = SandboxOptions(seed=LOST, faults=(Fault("reset-after", 0.25),))
    world.towards(stack.enter_context(RunningSandbox(options)))
    world.write("people.csv", PEOPLE + OPTED_OUT)
    world.write("specs/birthday.yaml", LATER)
    sent = world.send()
    assert sent.code == 3, sent.err
    states = {(message["spec"], message["row"]): message["state"] for message in world.messages()}
    assert states == {  # if the bodies have changed, try other seeds
        ("birthday", 1): "accepted",
        ("reminder", 1): "in_doubt",
        ("reminder", 2): "accepted",
        ("reminder", 3): "rejected",
    }
    run: str = world.run("status", "--output", "json").json["runs"][0]["run"]
    return run


def typed(line: str, run: str) -> str:
    """Return an example as it is typed here."""
    line = line.replace(RUN_ID, run)
    if ADDRESS in line:
        line = line.replace(ADDRESS, shlex.quote(server()))
    return f"{line} --yes" if ASKS.match(line) and "--yes" not in line else line


@pytest.mark.parametrize("name", [name for name in HELPS if not NEEDS_WORKERS.match(name)])
def test_every_example_runs(request: pytest.FixtureRequest, world: Project, name: str) -> None:
    lines = examples(HELPS[name])
    assert lines, f"the help of `{name}` shows no example"
    run = request.getfixturevalue("run_id") if AFTERWARDS.match(name) else ""
    assert run or not any(RUN_ID in line for line in lines)
    if name == "msgspec-runner sandbox":
        for line in lines:
            keep_running(world, line)
        return
    codes = world.root.parent / "codes"
    script = "".join(f"{in_its_shell(typed(line, run))}\necho $? >> {codes}\n" for line in lines)
    done = subprocess.run(
        ["bash", "-uc", script],
        cwd=world.root,
        env=world.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=2 * PATIENCE,
        check=False,
    )
    expected = [CODES.get(line, (0, ""))[0] for line in lines]
    assert [int(code) for code in codes.read_text("utf-8").split()] == expected, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr


def in_its_shell(line: str) -> str:
    """Return a line that bash can run: itself, or another shell with it."""
    for words, other in SHELLS.items():
        if words in line:
            before = "autoload -U compinit; compinit -u -D; " if other == "zsh" else ""
            return f"{program(other)} -c '{before}{line}'"
    return line


def keep_running(world: Project, line: str) -> None:
    """Type what starts a server, and stop it."""
    running = world.start(*line.split()[1:], "--port", "0")
    running.read_until("send to it: MSGSPEC_RUNNER_BASE_URL=http://127.0.0.1:")
    running.signal(signal.SIGINT)
    assert running.wait().code == 0


def test_what_is_said_of_exit_codes_is_about_examples() -> None:
    assert set(CODES) <= {line for text in HELPS.values() for line in examples(text)}


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("name", HELPS)
def test_the_help_fits(name: str, columns: int) -> None:
    """No line is longer than the terminal is wide, and no name with a hyphen is taken apart."""
    command: click.Command | None = main
    context = click.Context(main, info_name="msgspec-runner", terminal_width=columns, max_content_width=100)
    for word in name.split()[1:]:
        assert isinstance(command, click.Group)
        command = command.get_command(context, word)
        assert command is not None
        context = click.Context(command, parent=context, info_name=word, terminal_width=columns, max_content_width=100)
    assert command is not None
    _, *lines = command.get_help(context).splitlines()
    assert [line for line in lines if len(line) > columns or line.endswith(("-", "..."))] == []


def test_the_installed_command_shows_that_help(project: Project) -> None:
    shown = project.run("send", "--help", env={"COLUMNS": "100"}).out
    assert "Examples:\n    msgspec-runner send specs --sandbox\n" in shown
    assert Path(COMMAND).name in shown
