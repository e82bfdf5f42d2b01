"""The specs of this repository: examples that are right, and stay so when years have gone by."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from msgspec_runner.config import load_config
from msgspec_runner.linting.linter import Linter
from msgspec_runner.reports.concise import concise
from msgspec_runner.source.document import read_document

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("year", [2026, 2028, 2031])
def test_they_lint_without_a_finding(year: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    documents = [read_document(path.as_posix(), path.read_bytes()) for path in sorted(Path("specs").glob("*.yaml"))]
    assert documents
    assert concise(Linter(load_config(ROOT), now=datetime(year, 3, 1, tzinfo=UTC)).lint(documents)) == ""
