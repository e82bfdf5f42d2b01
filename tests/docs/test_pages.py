"""The pages say what the program does: what is generated is fresh, and what is typed works."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from msgspec_runner._version import __version__
from msgspec_runner.cli import COMMANDS
from msgspec_runner.settings import SETTINGS
from tests.docs.pages import GENERATED_FOLDER, ROOT, generated, written
from tests.docs.sessions import BLOCK, refreshed

PAGES = [*written(), ROOT / "CHANGELOG.md", *(path for path, _ in generated())]
COMMAND = re.compile(r"msgspec-runner ([a-z]+)")
ILLUSTRATIONS = {
    "README.md": 1,
    "cluster.md": 4,
    "getting-started.md": 2,
    "ci.md": 1,
    "editors.md": 1,
    "ledger.md": 1,
    "sending.md": 1,
}
"""Blocks of commands that no test runs, by page. Keep them few."""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_what_is_generated_is_fresh() -> None:
    stale = [name(path) for path, text in generated() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    left = sorted({*map(name, GENERATED_FOLDER.glob("*"))} - {name(path) for path, _ in generated()})
    assert (stale, left) == ([], []), "run `make docs`"


@pytest.mark.parametrize("path", written(), ids=name)
def test_what_is_typed_works_and_prints_what_the_page_shows(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert refreshed(text, tmp_path).splitlines() == text.splitlines(), "run `make docs`, and look at what changes"


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_command_that_is_named_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    prose = re.findall(r"`(msgspec-runner [^`]*)`", BLOCK.sub("", text))
    assert {command for words in prose for command in COMMAND.findall(words)} <= set(COMMANDS)


def test_few_commands_are_not_run() -> None:
    counts: Counter[str] = Counter()
    for path in written():
        blocks = BLOCK.finditer(path.read_text("utf-8"))
        counts[path.name] += sum("illustration" in block["words"].split() for block in blocks)
    assert {page: number for page, number in counts.items() if number} == ILLUSTRATIONS


def test_no_command_hides_in_a_block_of_another_kind() -> None:
    kinds = {block["kind"] for path in written() for block in BLOCK.finditer(path.read_text(encoding="utf-8"))}
    assert kinds <= {"console", "sh", "python", "yaml", "toml", "json", "csv", "lua"}


def test_every_key_of_the_configuration_is_explained() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert {key for key in SETTINGS if not re.search(rf"^{key} = |^\[{key}[].]|`{key}`", page, re.MULTILINE)} == set()


def test_the_readme_says_at_once_what_it_is_not() -> None:
    head = (ROOT / "README.md").read_text(encoding="utf-8").split("\n\n")[1]
    assert "Not `msgspec`" in head


def test_the_changelog_has_this_version() -> None:
    assert re.search(rf"^## .*\b{re.escape(__version__)}\b", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
