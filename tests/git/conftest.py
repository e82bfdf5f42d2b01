"""A repository for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.git.repo import Repo, isolate


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    isolate(monkeypatch, tmp_path)
    return Repo(tmp_path / "repo")
