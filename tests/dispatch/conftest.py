"""Worlds to run a dispatcher in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dispatch.dispatcher_world import (
    Make,
    Script,
    World,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Make]:
    worlds: list[World] = []

    def make(messages: int, script: Script, **options: object) -> World:
        worlds.append(World(tmp_path, messages, script, **options))  # type: ignore[arg-type]
        return worlds[-1]

    yield make
    for made in worlds:
        made.ledger.close()
