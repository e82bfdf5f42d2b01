"""What is found in an open text is what ``lint`` finds in the file, project and all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from lsprotocol import types

from msgspec_runner.config import load_config
from msgspec_runner.editor import wire
from msgspec_runner.editor.helper import answer
from msgspec_runner.editor.positions import Units
from msgspec_runner.editor.questions import Check, Checked, CheckRows, Desk, Settings
from msgspec_runner.editor.workplace import Memory
from msgspec_runner.linting.linter import Linter
from msgspec_runner.project import load
from msgspec_runner.reports.json_report import json_report
from msgspec_runner.source.document import read_document
from tests.editor.conftest import Mark
from tests.editor.desks import At
from tests.editor.texts import SPEC

ROOT = Path(__file__).resolve().parents[2]
GALLERY = ROOT / "tests" / "gallery"
TEXTS = sorted(
    path.relative_to(GALLERY).as_posix() for part in ("clumsy", "specs") for path in (GALLERY / part).glob("*.yaml")
)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("gallery") / "project"
    shutil.copytree(GALLERY, root, ignore=shutil.ignore_patterns("golden", "__pycache__", "*.py", "*.out"))
    return root


def desk(path: Path, units: Units = "utf-32", text: str | None = None) -> Desk:
    text = path.read_bytes().decode(errors="replace") if text is None else text
    return Desk(str(path), text, {str(path): text}, Settings(), units)


def both(desk: Desk) -> tuple[Checked, Checked]:
    memory = Memory()
    first = answer(Check(desk), memory)
    assert isinstance(first, Checked)
    whole = answer(CheckRows(desk, first.others), memory)
    assert isinstance(whole, Checked)
    return first, whole


@pytest.mark.parametrize("name", TEXTS)
def test_each_finding_is_where_lint_says(name: str, gallery: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(gallery)
    path = gallery / name
    first, whole = both(desk(path))
    report = json.loads(json_report(Linter(load_config(gallery)).lint([read_document(name, path.read_bytes())])))
    expected = [(item["code"], item["message"], item["range"]) for item in report["diagnostics"]]
    found = [
        (item.code, item.message, as_lint_counts(item.range)) for item in wire.diagnostics(whole, {}, related=True)
    ]
    assert found == expected
    assert [item.diagnostic.fingerprint for item in whole.found] == [
        item["fingerprint"] for item in report["diagnostics"]
    ]
    # What is said before the recipients were read stays true afterwards.
    later = {(item.diagnostic.code, item.extent) for item in whole.found}
    assert {(item.diagnostic.code, item.extent) for item in first.found} <= later


def as_lint_counts(place: types.Range) -> dict[str, dict[str, int]]:
    return {
        name: {"line": position.line + 1, "col": position.character + 1}
        for name, position in (("start", place.start), ("end", place.end))
    }


# Of each rule the first bad example: all of them take too long for what they add.
RULES = [
    min(folder.glob("*.yaml"))
    for folder in sorted((ROOT / "tests" / "rules").glob("*/bad"))
    if [*folder.glob("*.yaml")]
]


@pytest.mark.parametrize("path", RULES, ids=lambda path: "/".join(path.parts[-3:]))
def test_nothing_is_said_too_early(path: Path) -> None:
    first, whole = both(desk(path))
    later = {(item.diagnostic.code, item.extent) for item in whole.found}
    assert {(item.diagnostic.code, item.extent) for item in first.found} <= later


def test_names_that_only_later_recipients_have(root: Path, mark: Mark) -> None:
    """Objects need not have the same keys: what the first ones lack is no mistake of the spec."""
    (root / "people.jsonl").write_text('{"phone": "+16175551212"}\n{"street": "Elm"}\n', encoding="utf-8")
    text = 'spec: a\nmessage: {provider: twlo, channel_key: k, to: "{{ phone }}", text: "{{ street }}"}\n'
    place = At(root / "specs/a.yaml", f"{text}recipients: {{file: ../people.jsonl}}\n")
    assert [item.diagnostic.code for item in place.checked().found] == []
    assert "MSG402" not in [item.code for item in place.findings()]


def test_places_as_the_client_counts_them(root: Path, mark: Mark) -> None:
    text = mark("{{ clinic }}", "😀é {{ clinik }}").replace("\n", "\r\n")
    path = root / "specs/hello.yaml"
    line = next(number for number, each in enumerate(text.split("\r\n")) if "clinik" in each)
    columns = {}
    for units in ("utf-8", "utf-16", "utf-32"):
        [found] = [item for item in both(desk(path, units, text))[1].found if item.diagnostic.code == "MSG402"]  # type: ignore[arg-type]
        assert found.extent.start.line == found.extent.end.line == line
        columns[units] = found.extent.start.character, found.extent.end.character
    assert columns == {"utf-8": (46, 52), "utf-16": (43, 49), "utf-32": (42, 48)}


def test_a_byte_order_mark_moves_the_first_line_only(root: Path) -> None:
    path = root / "specs/hello.yaml"
    found = both(desk(path, "utf-16", "\ufeffspek: a\nmessage: {too: b}\n"))[1].found
    places = {
        item.diagnostic.message.split("`")[1]: item.extent.start for item in found if item.diagnostic.code == "MSG107"
    }
    assert places == {"spek": (0, 1), "too": (1, 10)}


def test_the_cell_that_is_to_blame(root: Path, mark: Mark) -> None:
    people = 'phone,First name,Straße,starts_at,nick\n+16175551212,Ann,"Elm, 1",yesterday,\n'
    (root / "people.csv").write_text(people, encoding="utf-8")
    found = At(root / "specs/hello.yaml", SPEC).checked_rows().found
    [item] = [item for item in found if item.diagnostic.code == "MSG502"]
    [(target, words)] = item.places
    assert Path(target.path) == root / "people.csv"
    assert words == "row 1, column `starts_at`"
    assert (target.extent.start, target.extent.end) == ((1, 26), (1, 35))
    assert "yesterday" not in str(found)
    asked = At(root / "specs/hello.yaml", SPEC, settings=Settings(show_data=True)).checked_rows().found
    assert "yesterday" in str([item.places for item in asked])


def test_unsaved_texts_stand_in_for_files(root: Path, mark: Mark) -> None:
    partial = str(root / "partials/signature.txt")
    place = At(root / "specs/hello.yaml", SPEC, opened={partial: "{{ kompany }}"})
    assert any("kompany" in item.message for item in place.findings())
    assert not any("company" in item.message for item in At(root / "specs/hello.yaml", SPEC).findings())
    new = mark('"signature.txt"', '"new.txt"')
    assert "MSG410" in {item.code for item in At(root / "specs/hello.yaml", new).findings()}
    opened = {str(root / "partials/new.txt"): "Bye"}
    assert "MSG410" not in {item.code for item in At(root / "specs/hello.yaml", new, opened=opened).findings()}


def test_ids_of_other_specs_those_that_are_open_as_they_are(root: Path) -> None:
    other = root / "specs/another.yaml"
    other.write_text(SPEC.replace("spec: hello", "spec: another"), encoding="utf-8")
    hello = At(root / "specs/hello.yaml", SPEC)
    assert "MSG209" not in {item.code for item in hello.findings()}
    opened = {str(other): SPEC}
    [finding] = [item for item in At(hello.path, SPEC, opened=opened).findings() if item.code == "MSG209"]
    assert "specs/another.yaml" in finding.message
    # As `lint` has it: the second of them is told.
    assert "MSG209" not in {item.code for item in At(other, SPEC, opened={str(hello.path): SPEC}).findings()}
    new = At(root / "specs/zoo.yaml", SPEC)
    assert "MSG209" in {item.code for item in new.findings()}


def test_ids_are_read_again_when_their_files_change(root: Path) -> None:
    memory = Memory()
    hello = At(root / "specs/hello.yaml", SPEC, memory=memory)
    other = root / "specs/another.yaml"
    for id_ in ("other", "hello", "other"):
        other.write_text(SPEC.replace("spec: hello", f"spec: {id_}"), encoding="utf-8")
        found = {item.code for item in hello.findings()}
        assert ("MSG209" in found) == (id_ == "hello")


def test_it_is_what_lint_says_of_the_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    (root / "specs/another.yaml").write_text(SPEC.replace("{{ clinic }}", "{{ clinik }}"), encoding="utf-8")
    project = load([], None)
    expected = list(Linter(project.config).lint(project.documents()).diagnostics)
    found = [item for file in project.files for item in At(file, file.read_text(encoding="utf-8")).findings()]
    assert found == expected


@pytest.mark.parametrize(
    ("name", "text", "is_spec"),
    [
        ("specs/a.yaml", "", True),
        ("specs/deep/a.yml", "a: b", True),
        ("specs/a.txt", SPEC, False),
        (".github/workflows/ci.yaml", "on: push", False),
        ("elsewhere/a.yaml", SPEC, True),
        ("catalog.yaml", "provider: twlowa", False),
        ("specs/old/a.yaml", SPEC, False),
    ],
)
def test_which_texts_are_specs(name: str, text: str, is_spec: bool, root: Path) -> None:
    config = root / "msgspec-runner.toml"
    config.write_text('exclude = ["specs/old"]\n' + config.read_text(encoding="utf-8"), encoding="utf-8")
    assert At(root / name, text).checked().is_spec is is_spec


def test_a_broken_configuration_is_said_and_nothing_else(root: Path) -> None:
    (root / "msgspec-runner.toml").write_text("lokale = 1\n", encoding="utf-8")
    found = At(root / "specs/hello.yaml", SPEC).checked()
    assert found.found == ()
    assert found.trouble == "msgspec-runner.toml: unknown key `lokale`; did you mean `locale`?"
    assert At(root / "specs/hello.yaml", SPEC).proposals() == ()
    assert At(root / "specs/hello.yaml", SPEC).hover() == ""


def test_a_profile_of_the_person_where_the_project_has_it(root: Path, mark: Mark) -> None:
    with (root / "msgspec-runner.toml").open("a", encoding="utf-8") as config:
        config.write('[profiles.live.vars]\nstreet = "Elm"\n[profiles.test]\n')
    text = mark("{{ clinic }}", "{{ street }}")

    def told(profile: str) -> list[str]:
        place = At(root / "specs/hello.yaml", text, settings=Settings(profile=profile))
        return [item.message for item in place.findings() if item.code == "MSG402"]

    assert told("live") == []
    assert "(profile test)" in told("")[0]
    assert "(profile test)" in told("unknown")[0]


def test_the_nearest_configuration_is_the_projects(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "specs").mkdir(parents=True)
    (other / "msgspec-runner.toml").write_text('[vars]\nclinic2 = "x"\n', encoding="utf-8")
    text = 'spec: a\nmessage: {provider: twlo, channel_key: k, to: "+16175551212", text: "{{ clinic2 }}"}\n'
    assert At(other / "specs/a.yaml", text).findings() == ()
    assert [item.code for item in At(root / "specs/a.yaml", text).findings()] == ["MSG402"]
    assert Path.cwd() not in (root, other)
