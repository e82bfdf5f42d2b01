"""Catalogs in a lint: read when the configuration names them, once, and by profile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from msgspec_runner.config import Config
from msgspec_runner.errors import ConfigError
from msgspec_runner.linting.linter import Linter
from msgspec_runner.source.document import parse_document

SPEC = """\
spec: {0}
message:
  provider: twlowa
  channel_key: k
  to: "+447911123456"
  template: {{id: HX0123456789abcdef0123456789abcdef}}
"""
OURS = "provider: twlowa\ntemplates:\n  - {{id: {0}, variables: []}}\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "live.yaml").write_text(OURS.format("HX0123456789abcdef0123456789abcdef"))
    (tmp_path / "staging.yaml").write_text(OURS.format("HX00000000000000000000000000000000"))
    return Config(root=tmp_path)


def lint(config: Config, *names: str) -> list[str]:
    specs = [parse_document(f"{name}.yaml", SPEC.format(name)) for name in names or ("a",)]
    return [f"{item.file} {item.code} {item.message}" for item in Linter(config).lint(specs).diagnostics]


def test_without_a_catalog_nothing_is_said(config: Config) -> None:
    assert lint(config) == []
    assert lint(replace(config, catalogs=("live.yaml",))) == []


def test_every_spec_is_held_against_all_of_them(config: Config) -> None:
    assert lint(replace(config, catalogs=("live.yaml", "staging.yaml")), "a", "b") == []
    found = lint(replace(config, catalogs=("staging.yaml",)), "a", "b")
    assert [item.split()[:2] for item in found] == [["a.yaml", "MSG305"], ["b.yaml", "MSG305"]]


def test_a_profile_has_catalogs_of_its_own(config: Config) -> None:
    profiles = {"live": {"catalogs": ["live.yaml"]}, "staging": {"catalogs": ["staging.yaml"]}}
    [found] = lint(replace(config, profiles=profiles))
    assert found.endswith("(profile staging)")


def test_one_that_cannot_be_read_ends_the_lint(config: Config) -> None:
    with pytest.raises(ConfigError, match=r"no file none\.yaml"):
        lint(replace(config, catalogs=("none.yaml",)))


def test_it_is_read_once_for_many_specs(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    unchanged = Path.open

    def counting(path: Path, *arguments: str) -> object:
        opened.append(path.name)
        return unchanged(path, *arguments)

    monkeypatch.setattr(Path, "open", counting)
    lint(replace(config, catalogs=("live.yaml",)), "a", "b", "c")
    assert opened.count("live.yaml") == 1
