"""Projects to preview."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reports.preview.project import Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project, which the working folder is."""
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)
