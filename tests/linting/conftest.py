"""A project in a folder of its own, and its linter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from msgspec_runner.config import Config
from msgspec_runner.linting.linter import Linter, LintResult
from msgspec_runner.source.document import read_document

HEAD = """\
spec: {id}
message:
  provider: twlo
  channel_key: your_channel_key
  to: "{{{{ phone }}}}"
"""

NOW = datetime(2030, 12, 15, 12, tzinfo=UTC)
"""When everything is linted, unless a test says otherwise: schedules in the first days of 2031 are near."""

Lint = Callable[..., LintResult]


def spec(text: str, name: str = "s") -> str:
    """Return a spec whose message begins as usual and goes on with ``text``."""
    return HEAD.format(id=name) + text


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty project, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    return tmp_path


@pytest.fixture
def lint(project: Path) -> Lint:
    """Return a function that writes specs (by name), lints them, and returns the result."""

    def run(specs: Mapping[str, str] | str, *, linter: Mapping[str, Any] | None = None, **config: Any) -> LintResult:
        files = {"specs/s.yaml": specs} if isinstance(specs, str) else specs
        for name, text in files.items():
            (project / name).write_text(text, encoding="utf-8")
        settings = replace(Config(root=project), **config)
        documents = (read_document(name, (project / name).read_bytes()) for name in files)
        return Linter(settings, **{"now": NOW, **(linter or {})}).lint(documents)

    return run
