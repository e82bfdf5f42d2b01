"""A repository for each test, and what changed in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from msgspec_runner.changes.before import Before, before
from msgspec_runner.changes.files import Files
from msgspec_runner.changes.specs import Changes, find_changes
from msgspec_runner.git.repository import open_repository
from msgspec_runner.project import load
from tests.git.repo import Repo, isolate

FindChanges = Callable[..., Changes]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    isolate(monkeypatch, tmp_path)
    repo = Repo(tmp_path / "repo")
    monkeypatch.chdir(repo.root)
    return repo


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def old(repo: Repo, stack: ExitStack) -> Callable[[], Before]:
    """Return a function that opens the version of the last commit."""

    def open_() -> Before:
        repository = open_repository(repo.root)
        return stack.enter_context(before(Files(repository, repository.tree(repository.since("HEAD").commit))))

    return open_


@pytest.fixture
def changes(old: Callable[[], Before]) -> FindChanges:
    """Return a function that compares what is here with the last commit."""

    def find(*paths: str, profile: str | None = None) -> Changes:
        given = [Path(path) for path in paths]
        opened = old()
        return find_changes(load(given, profile), given, opened, opened.files.repository.since("HEAD"))

    return find
