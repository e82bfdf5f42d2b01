"""Projects, and servers to send to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from msgspec_runner.sandbox.server import RunningSandbox, SandboxOptions
from tests.acceptance.project import KEY, Project
from tests.acceptance.server import Script, Server, accept


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def project(tmp_path: Path, stack: ExitStack) -> Iterator[Project]:
    """An empty project; no file in it may ever hold the key."""
    root, home = tmp_path / "project", tmp_path / "home"
    root.mkdir()
    home.mkdir()
    yield Project(root, home, stack)
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.suffix != ".key":
            assert KEY.encode() not in path.read_bytes(), path


@pytest.fixture
def serve(stack: ExitStack) -> Callable[..., Server]:
    """Start a server with a script."""

    def start(script: Script = accept) -> Server:
        return stack.enter_context(Server(script))

    return start


@pytest.fixture
def sandbox(stack: ExitStack) -> RunningSandbox:
    """A sandbox that judges every body by the API's document."""
    return stack.enter_context(RunningSandbox(SandboxOptions(seed=1)))
