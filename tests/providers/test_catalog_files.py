"""Which files the configuration's ``catalogs`` name; nothing outside of the project is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.errors import ConfigError
from msgspec_runner.providers.catalog_files import MAX_FILES, catalog_files, read_catalogs

OURS = "provider: {0}\ntemplates:\n  - id: {1}\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    (root / "catalogs").mkdir(parents=True)
    monkeypatch.chdir(root)
    for name, provider in (("b", "gswa"), ("a", "twlowa")):
        (root / "catalogs" / f"{name}.yaml").write_text(OURS.format(provider, name))
    (tmp_path / "outside.yaml").write_text(OURS.format("gswa", "secret"))
    return root


def test_files_and_patterns_each_file_once(project: Path) -> None:
    found = catalog_files(project, ["catalogs/b.yaml", "catalogs/*.yaml", "**/a.yaml"])
    assert [path.name for path in found] == ["b.yaml", "a.yaml"]
    catalogs = read_catalogs(project, ["catalogs/*"])
    assert [(item.id, item.file, item.line) for item in catalogs.templates] == [
        ("a", "catalogs/a.yaml", 3), ("b", "catalogs/b.yaml", 3),
    ]  # fmt: skip
    assert catalogs.knows("gswa")


def test_places_are_shown_from_where_the_command_runs(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "catalogs")
    assert read_catalogs(project, ["catalogs/a.yaml"]).templates[0].file == "a.yaml"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("catalogs/none.yaml", "no file catalogs/none.yaml; `msgspec-runner catalog import FILE` writes one"),
        ("catalogs", "no file catalogs"),
        ("none/*.yaml", "nothing matches none/"),
        ("../outside.yaml", "must lie inside the project's root"),
        ("catalogs/../../*.yaml", "must lie inside the project's root"),
        ("/etc/*", "must lie inside the project's root"),
        ("link.yaml", "leads out of the project's root"),
        ("link*", "leads out of the project's root"),
        ("linked/*.yaml", "leads out of the project's root"),
        ("circle.yaml", "no "),
        ("a\0b", "no file|is no path that can exist"),
        ("a\0*", "nothing matches|is no path that can exist"),
        ("x" * 5000, "is no path that can exist"),
        ("", "no file"),
        ("**/**/*.yaml", "more than one"),
    ],
)
def test_what_leads_nowhere_or_out_is_refused(project: Path, name: str, words: str) -> None:
    (project / "link.yaml").symlink_to("../outside.yaml")
    (project / "linked").symlink_to("..")
    (project / "circle.yaml").symlink_to("circle.yaml")
    with pytest.raises(ConfigError, match=words):
        read_catalogs(project, [name])


def test_a_pattern_that_matches_the_whole_disk_is_refused(project: Path) -> None:
    for number in range(MAX_FILES):
        (project / "catalogs" / f"{number}.yaml").touch()
    with pytest.raises(ConfigError, match="more than 100 files"):
        catalog_files(project, ["catalogs/*"])


def test_a_broken_catalog_is_named(project: Path) -> None:
    (project / "catalogs" / "a.yaml").write_text("provider: twlowa\ntemplates: [\n")
    with pytest.raises(ConfigError, match=r"^catalogs/a\.yaml:\d+: "):
        read_catalogs(project, ["catalogs/*.yaml"])
