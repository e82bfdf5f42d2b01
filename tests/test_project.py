"""Which files are specs, and what a path that is not there was meant to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.cli import run
from msgspec_runner.errors import ConfigError, UsageError
from msgspec_runner.project import TOOLS, load, shown


@pytest.fixture(autouse=True)
def in_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("specs/welcome.yaml", "specs/spring/offer.yml", "specs/autumn/offer.yml", "drafts/reminder.yaml"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("spec: s\n", encoding="utf-8")
    Path("drafts/notes.txt").touch()
    Path("msgspec-runner.toml").touch()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("specs/welcom.yaml", "specs/welcome.yaml"),
        ("specs/welcome.yml", "specs/welcome.yaml"),
        ("specs/Welcome", "specs/welcome.yaml"),
        ("spec/welcome.yaml", "specs/welcome.yaml"),
        ("welcome", "specs/welcome.yaml"),
        ("spec", "specs"),
        ("specs/sprin", "specs/spring"),
        ("specs/spring/ofer.yml", "specs/spring/offer.yml"),
        ("specs/autum/offer.yml", "specs/autumn/offer.yml"),
        ("drafts/remind.yaml", "drafts/reminder.yaml"),  # no spec of the project's, but it lies there
    ],
)
def test_the_nearest_spec_or_folder_is_named(typed: str, meant: str) -> None:
    with pytest.raises(UsageError, match=rf"^no file or folder {typed}; did you mean {meant}\?$"):
        load([Path(typed)], None)


@pytest.mark.parametrize(
    "typed",
    ["specs/goodbye.yaml", "drafts/note.txt", "nowhere/at/all.yaml", "5", "x" * 5000, "a\0b"],
)
def test_where_nothing_is_near_nothing_is_named(typed: str) -> None:
    with pytest.raises(UsageError, match=r"^no file or folder") as caught:
        load([Path(typed)], None)
    assert "did you mean" not in str(caught.value)


def test_a_name_that_a_terminal_would_obey_is_not_shown() -> None:
    Path("specs/goodby\x1b[2J.yaml").touch()
    with pytest.raises(UsageError, match=r"goodbye\[2J\.yaml$"):
        load([Path("specs/goodbye[2J.yaml")], None)


@pytest.mark.parametrize("command", [["lint"], ["send", "--sandbox"], ["plan", "--sandbox"], ["render"]])
def test_every_command_asks(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "specs/welcom.yaml"]) == 2
    assert "did you mean specs/welcome.yaml?" in capsys.readouterr().err


def make(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("spec: s\n", encoding="utf-8")


def found(*places: str) -> set[str]:
    return {shown(file) for file in load([Path(place) for place in places], None).files}


SPECS = {"specs/welcome.yaml", "specs/spring/offer.yml", "specs/autumn/offer.yml"}


def test_no_spec_below_a_spec_folder_is_skipped() -> None:
    others = {"specs/.hidden.yaml", "specs/.drafts/a.yml", "specs/Loud.YAML", "specs/sub/.b.Yml"}
    make(*others, "specs/notes.yaml.txt", "specs/yaml")
    assert found() == SPECS | others
    assert found("specs/sub") == {"specs/sub/.b.Yml"}


def test_a_link_that_leads_nowhere_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    Path("specs/.#welcome.yaml").symlink_to("ann@desk.4711:1700000000")  # as Emacs locks what is edited
    assert run(["lint", "--select", "MSG101", "--output", "concise"]) == 1
    assert "specs/.#welcome.yaml:1:1: MSG101" in capsys.readouterr().out


@pytest.mark.parametrize("folder", sorted(TOOLS))
def test_what_tools_fill_is_looked_into_only_if_it_is_named(folder: str) -> None:
    make(f"specs/{folder}/a.yaml", f"specs/x/{folder}/b/c.yaml")
    assert found() == SPECS
    assert found(f"specs/{folder}", f"specs/x/{folder}") == {f"specs/{folder}/a.yaml", f"specs/x/{folder}/b/c.yaml"}


def test_in_the_root_hidden_files_are_for_other_tools() -> None:
    make(".pre-commit-config.yaml", ".github/workflows/ci.yml", "specs/.hidden.yaml", "drafts/.a/b.yaml")
    expected = SPECS | {"specs/.hidden.yaml", "drafts/.a/b.yaml", "drafts/reminder.yaml"}
    assert found(".") == expected
    Path("msgspec-runner.toml").write_text('specs = ["."]', encoding="utf-8")
    assert found() == expected
    assert found(".github") == {".github/workflows/ci.yml"}


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("offer.yml", {"specs/welcome.yaml"}),
        ("*.yml", {"specs/welcome.yaml"}),
        ("spring", SPECS - {"specs/spring/offer.yml"}),
        ("spring/", SPECS - {"specs/spring/offer.yml"}),
        ("spr*", SPECS - {"specs/spring/offer.yml"}),
        ("offer.yml/", SPECS),
        ("specs/spring", SPECS - {"specs/spring/offer.yml"}),
        ("specs/spring/", SPECS - {"specs/spring/offer.yml"}),
        ("specs/*/offer.yml", {"specs/welcome.yaml"}),
        ("specs/offer.yml", SPECS),
        ("offer", SPECS),
        ("", SPECS),
    ],
)
def test_exclude_is_as_in_a_gitignore(pattern: str, left: set[str]) -> None:
    Path("msgspec-runner.toml").write_text(f'exclude = ["{pattern}"]', encoding="utf-8")
    assert found() == left


def test_specs_of_another_project_are_not_read() -> None:
    Path("msgspec-runner.toml").write_text('specs = ["specs/", "link/"]', encoding="utf-8")
    Path("link").symlink_to("..")
    with pytest.raises(ConfigError, match='`specs` names "link/", outside the project'):
        load([], None)
