"""What a shell offers, asked as click asks: in a process of its own for the tree of commands, without a shell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import BashComplete

from msgspec_runner.cli import COMMANDS, completing, main
from msgspec_runner.cli.completion import VARIABLE
from msgspec_runner.ledger.ledger import Run
from msgspec_runner.ledger.stores import FileStore
from msgspec_runner.linting.rules import RULES

RUN = "20261123-114501-x7k2"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two specs and a profile; its folder is the working folder."""
    for name in [name for name in os.environ if name.startswith("MSGSPEC_RUNNER_")]:
        monkeypatch.delenv(name)
    (tmp_path / "specs" / "old").mkdir(parents=True)
    (tmp_path / "msgspec-runner.toml").write_text("[profiles.staging]\nrate = '1/s'\n", encoding="utf-8")
    for name in ("specs/reminder.yaml", "specs/old/reminder.yml", "specs/.hidden.yaml", "specs/people.csv"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ledger(project: Path) -> Path:
    """The project's ledger at its default place, with one run."""
    file = project / ".msgspec-runner" / "ledger.db"
    book = FileStore(file).create()
    book.begin(Run(RUN, "sandbox", ("reminder",), "1"))
    book.close()
    return file


def offered(*words: str) -> list[tuple[str, str]]:
    """Return what is offered for the last of some words: kind and value."""
    *before, begun = words
    items = BashComplete(main, {}, "msgspec-runner", VARIABLE).get_completions(before, begun)
    return [(item.type, item.value) for item in items]


def values(*words: str) -> list[str]:
    found = offered(*words)
    assert {kind for kind, _ in found} <= {"plain"}
    return [value for _, value in found]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["re"], ["render", "report", "retry", "reconcile"]),
        (["--v"], ["--version"]),
        (["ledger", "in"], ["info", "init"]),
        (["lint", ""], ["specs/old/reminder.yml", "specs/reminder.yaml"]),
        (["send", "specs", "specs/r"], ["specs/reminder.yaml"]),
        (["chaos", "specs/o"], ["specs/old/reminder.yml"]),
        (["lint", "--unsafe"], ["--unsafe-fixes"]),
        (["lint", "--output", "s"], ["sarif"]),
        (["lint", "--output=g"], ["github", "gitlab"]),
        (["lint", "--select", "MSG3,MSG90"], ["MSG3,MSG901", "MSG3,MSG902", "MSG3,MSG903"]),
        (["lint", "--ignore", "MSG70"], ["MSG701", "MSG702", "MSG703"]),
        (["rule", "several"], ["several-media"]),
        (["plan", "--profile", ""], ["staging"]),
        (["render", "--as", "j"], ["jsonl", "json", "java"]),
        (["report", "latest", "--output", ""], ["html", "markdown", "junit", "csv"]),
        (["sandbox", "--fault", "reset"], ["reset-before=0.05", "reset-after=0.05"]),
        (["chaos", "specs/reminder.yaml", "--fault", "slow"], ["slow=0.05"]),
        (["status", "--state", "in"], ["in_doubt"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
    ],
    ids=" ".join,
)
def test_what_is_offered(project: Path, words: list[str], expected: list[str]) -> None:
    assert values(*words) == expected


def test_every_rule_is_offered(project: Path) -> None:
    assert values("rule", "") == values("lint", "--select", "") == [rule.code for rule in RULES]


def test_a_command_that_is_none_is_no_error(project: Path) -> None:
    assert values("sned", "") == list(COMMANDS)


@pytest.mark.parametrize("command", ["status", "report", "retry", "reconcile", "cancel"])
def test_runs_are_offered(ledger: Path, command: str) -> None:
    assert values(command, "") == ["latest", RUN]
    assert values(command, "2026") == [RUN]
    assert values(command, "--ledger", "other.db", "") == []


def test_runs_are_those_of_the_profile(ledger: Path, project: Path) -> None:
    ledger.rename(project / "staging.db")
    (project / "msgspec-runner.toml").write_text("[profiles.staging]\nledger = 'staging.db'\n", encoding="utf-8")
    assert values("status", "") == []
    assert values("status", "--profile", "staging", "") == ["latest", RUN]


def test_specs_that_were_sent_are_offered(ledger: Path) -> None:
    assert values("status", "--spec", "") == ["reminder"]


def test_a_server_is_not_asked_for_runs(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSGSPEC_RUNNER_LEDGER", "postgresql://192.0.2.1/nobody")
    assert values("status", "") == []


def test_looking_makes_no_ledger_and_changes_none(project: Path) -> None:
    assert values("status", "") == []
    assert not (project / ".msgspec-runner").exists()
    file = project / ".msgspec-runner" / "ledger.db"
    FileStore(file).create().close()
    before = sorted((path, path.stat().st_mtime_ns) for path in project.rglob("*"))
    values("status", "")
    assert sorted((path, path.stat().st_mtime_ns) for path in project.rglob("*")) == before


def test_elsewhere_the_shell_offers_its_files(project: Path) -> None:
    assert offered("lint", "recipients/") == [("file", "recipients/")]
    assert offered("send", "specs", "--results", "r") == [("file", "r")]


@pytest.mark.parametrize("config", ["specs = 1", "nonsense", "ledger = '/etc/passwd'", "specs = ['/\\u0000']"])
def test_a_wrong_configuration_offers_files_and_says_nothing(
    project: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "msgspec-runner.toml").write_text(config, encoding="utf-8")
    assert values("status", "") == values("plan", "--profile", "") == []
    assert {kind for kind, _ in offered("lint", "x")} == {"file"}
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["a;b", "$(id)", "`id`", "a b", "a'b", "a&b", "a|b", "\x1b[2J", "a\nb", "~", "*"])
def test_what_a_shell_could_run_is_never_offered(project: Path, name: str) -> None:
    (project / "specs" / f"{name}.yaml").touch()
    (project / f"{name}.yaml").touch()
    (project / "msgspec-runner.toml").write_text(
        f"specs = ['specs', '.']\n[profiles.{toml(name)}]\nrate = '1/s'\n", encoding="utf-8"
    )
    assert values("lint", "") == ["specs/old/reminder.yml", "specs/reminder.yaml"]
    assert values("lint", "--profile", "") == []


def test_what_would_be_an_option_is_never_offered(project: Path) -> None:
    (project / "--yes.yaml").touch()
    (project / "msgspec-runner.toml").write_text("specs = '.'\n[profiles.--yes]\nrate = '1/s'\n", encoding="utf-8")
    assert values("send", "") == ["specs/old/reminder.yml", "specs/reminder.yaml"]
    assert values("send", "--profile", "") == []


def toml(text: str) -> str:
    return '"' + "".join(f"\\u{ord(character):04x}" for character in text) + '"'


def test_a_configuration_cannot_make_it_look_for_long(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    scan = os.scandir

    class Counted:
        def __init__(self, folder: str) -> None:
            self._entries = scan(folder)

        def __enter__(self) -> Counted:
            return self

        def __exit__(self, *_: object) -> None:
            self._entries.close()

        def __iter__(self) -> Iterator[os.DirEntry[str]]:
            for entry in self._entries:
                seen.append(entry)
                yield entry

    monkeypatch.setattr(completing, "MOST_ENTRIES", 30)
    for number in range(20):
        (project / "specs" / f"f{number}").mkdir()
        for name in range(20):
            (project / "specs" / f"f{number}" / f"{name}.yaml").touch()
    monkeypatch.setattr(os, "scandir", Counted)
    assert values("lint", "specs/")
    assert len(seen) == 30


def test_commands_are_offered_without_loading_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msgspec_runner.cli.import_module", lambda name: pytest.fail(f"loaded {name}"))
    assert values("") == list(COMMANDS)


def test_every_value_that_can_be_offered_is() -> None:
    """A value that somebody types is offered, or it is a number, a free text, or the shell's own business: files."""
    free = {
        *("base_url", "before", "host", "keys", "latency", "ledger", "metrics", "number", "queue", "queues", "rate"),
        *("reason", "since", "test_to", "variables"),
    }
    known = (click.Path, click.Choice, click.IntRange, click.FloatRange, type(click.INT))
    missing = {
        f"{' '.join(path)} {parameter.name}"
        for path, command in tree(main, ())
        for parameter in command.params
        if not isinstance(parameter, click.Option) or not (parameter.is_flag or parameter.is_eager)
        if parameter.name not in free and not isinstance(parameter.type, known)
        if parameter._custom_shell_complete is None
    }
    # Only a server has runs to steer, and completion asks none.
    assert missing == {f"cluster {name} run" for name in ("pause", "resume", "stop")}


def tree(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(command)
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in command.list_commands(context):
        part = command.get_command(context, name)
        assert part is not None
        yield from tree(part, (*path, name))
