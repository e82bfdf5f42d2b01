"""A project with everything in it that an editor asks about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.editor.client import Client
from tests.editor.texts import CATALOG, CONFIG, PEOPLE, SPEC


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project; the working folder is another one, as for an editor that was started from a desktop."""
    root = tmp_path / "project"
    for name, text in {
        "msgspec-runner.toml": CONFIG,
        "catalog.yaml": CATALOG,
        "people.csv": PEOPLE,
        "partials/signature.txt": "{{ company }}. Reply STOP to opt out.",
        "specs/hello.yaml": SPEC,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return root


Mark = Callable[[str, str], str]


@pytest.fixture
def mark() -> Mark:
    """Return a function that puts a marked piece in the place of one in the spec."""

    def replaced(old: str, new: str, spec: str = SPEC) -> str:
        assert spec.count(old) == 1, f"{old!r} is there {spec.count(old)} times"
        return spec.replace(old, new)

    return replaced


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server for the tests that do it no harm."""
    client = Client(tmp_path_factory.mktemp("cwd"))
    client.begin()
    yield client
    try:
        assert client.end() == 0
        assert client.log == ""
    finally:
        client.kill()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Client]:
    """A server of one test's own."""
    client = Client(tmp_path)
    yield client
    client.kill()
