"""Quiet where the text is right: specs as teams of many trades and languages would commit them.

``specs/`` is one project. The linter says nothing of it but what stands in ``golden/<spec>.findings``, for specs of
which a finding is what the author would be thankful for. What every recipient gets stands in ``golden/<spec>.messages``:
read it as who knows the language would. ``clumsy/`` holds specs with mistakes as people make them, and what helps them.

``UPDATE_GOLDENS=1 pytest tests/gallery`` writes the goldens; read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from msgspec_runner import load_spec, render, segments
from msgspec_runner.config import load_config
from msgspec_runner.linting.linter import Linter, LintResult
from msgspec_runner.project import load
from msgspec_runner.reports.concise import concise
from msgspec_runner.reports.full import full
from msgspec_runner.source.document import read_document
from tests.recipients.conftest import Cell, write_workbook

FOLDER = Path(__file__).parent
GOLDEN = FOLDER / "golden"
SPECS = sorted(path.name for path in (FOLDER / "specs").glob("*.yaml"))
CLUMSY = sorted(path.name for path in (FOLDER / "clumsy").glob("*.yaml"))
UPDATE = "UPDATE_GOLDENS=1 pytest tests/gallery"

TOLD = frozenset({"vaccination-camp"})
"""Specs of which the linter has something to say, and rightly: why stands in a comment of the spec."""

GYM: list[list[Cell]] = [
    ["Phone", "Member", "Class", "Room", "Starts", "From waitlist"],
    [2015550123.0, "Kim", "Spin 45", "Studio b", (48283.270833333336, 2), True],
    ["(201) 555-1234", None, "Power Yoga", "Studio a", (48283.75, 2), None],
]
"""A spreadsheet as it comes: a number that lost its brackets, an empty name, moments as numbers with a format."""


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project, with the one file that a diff cannot show."""
    root = tmp_path_factory.mktemp("gallery") / "project"
    shutil.copytree(FOLDER, root, ignore=shutil.ignore_patterns("golden", "__pycache__", "*.py", "*.out"))
    write_workbook(root / "recipients" / "gym.xlsx", GYM)
    return root


@pytest.fixture(autouse=True)
def in_the_project(gallery: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(gallery)


def expected(golden: Path, said: str) -> str:
    """Return what a golden file says, once it is updated where that is asked for; nothing where there is no file."""
    if os.environ.get("UPDATE_GOLDENS"):
        golden.parent.mkdir(exist_ok=True)
        if said:
            golden.write_text(said, encoding="utf-8", newline="")
        else:
            golden.unlink(missing_ok=True)
    return golden.read_bytes().decode() if golden.is_file() else ""


def shown(result: LintResult) -> str:
    return f"{concise(result)}\n{full(result, color=False)}".rstrip() + "\n" if result.diagnostics else ""


def test_the_gallery_is_large() -> None:
    assert len(SPECS) >= 48
    assert len(CLUMSY) >= 12
    names = {path.stem for path in GOLDEN.iterdir()}
    assert names == {Path(name).stem for name in SPECS}, f"run {UPDATE}; remove what is left"
    assert {path.stem for path in GOLDEN.glob("*.findings")} == TOLD


def test_what_editors_like_to_tidy_is_still_there() -> None:
    assert Path("specs/waste-calendar.yaml").read_bytes().count(b"\r\n") > 10
    for name in ("desligamentos.csv", "zaehler.csv"):
        assert Path("recipients", name).read_bytes().startswith(b"\xef\xbb\xbf")


def test_as_one_project() -> None:
    project = load([], None)
    assert [file.name for file in project.files] == SPECS
    result = Linter(project.config).lint(project.documents())
    told = {Path(item.file).stem for item in result.diagnostics}
    assert told == TOLD, concise(result)


@pytest.mark.parametrize("name", SPECS)
def test_each_spec_alone(name: str, gallery: Path) -> None:
    file = f"specs/{name}"
    result = Linter(load_config(gallery)).lint([read_document(file, Path(file).read_bytes())])
    said = shown(result)
    assert said == expected(GOLDEN / f"{Path(name).stem}.findings", said), f"if this is right, run {UPDATE}"


@pytest.mark.parametrize("name", SPECS)
def test_what_people_get(name: str) -> None:
    said = "\n".join(messages(f"specs/{name}")) + "\n"
    assert said == expected(GOLDEN / f"{Path(name).stem}.messages", said), f"if this is better, run {UPDATE}"


@pytest.mark.parametrize("name", CLUMSY)
def test_a_clumsy_spec_is_helped(name: str, gallery: Path) -> None:
    file = f"clumsy/{name}"
    result = Linter(load_config(gallery)).lint([read_document(file, Path(file).read_bytes())])
    assert result.diagnostics
    said = shown(result)
    golden = FOLDER / "clumsy" / f"{Path(name).stem}.out"
    assert said == expected(golden, said), f"if this helps more than before, run {UPDATE}"


def messages(file: str) -> Iterator[str]:
    """Yield a spec's messages as people read them, line by line; invented recipients where it names none."""
    spec = load_spec(file)
    invented = spec.samples if spec.has_recipients and spec.file is None and spec.rows is None else None
    for message in render(spec, invented):
        yield f"row {message.row}" + (f", key {message.recipient_key}" if message.recipient_key else "")
        for name, value in message.body.items():
            if name != "text" or not isinstance(value, str):
                yield f"  {name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
                continue
            encoding, _, count = segments(value)
            cost = f" ({encoding}, {count})" if message.body["provider"] == "twlo" else ""
            yield f"  text{cost}:"
            yield from (f"    {line}" for line in value.split("\n"))
