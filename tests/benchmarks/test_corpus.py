"""What the benchmarks measure with: every tool must find it clean, or some would pay for reports and others not."""

from __future__ import annotations

from pathlib import Path

from yamllint import linter
from yamllint.config import YamlLintConfig

from msgspec_runner.config import Config
from msgspec_runner.linting.linter import Linter
from msgspec_runner.source.document import read_document
from msgspec_runner.source.schema import fits
from tests.benchmarks.corpus import write_project, write_specs


def test_the_specs_are_clean_to_every_tool_and_all_different(tmp_path: Path) -> None:
    files = write_specs(tmp_path / "specs", 40)
    documents = [read_document(file.name, file.read_bytes()) for file in files]
    assert Linter(Config(root=tmp_path)).lint(documents).diagnostics == ()
    assert all(fits("spec", document.value) for document in documents)
    config = YamlLintConfig("extends: default")
    assert [list(linter.run(document.text, config)) for document in documents] == [[]] * 40
    assert len({document.text.partition("text:")[2] for document in documents}) == 40
    assert {len(document.text.splitlines()) for document in documents} == {27}


def test_the_project_with_many_rows_is_clean(tmp_path: Path) -> None:
    spec = write_project(tmp_path / "project", 300)
    document = read_document(str(spec), spec.read_bytes())
    assert Linter(Config(root=spec.parent)).lint([document]).diagnostics == ()
