"""Ledgers in PostgreSQL, with a queue for workers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.cluster.team import Ask, asking, with_queue
from tests.acceptance.project import Project
from tests.ledger.postgres import own_schema


@pytest.fixture
def url() -> Iterator[str]:
    """The address of a ledger that nobody else has."""
    with own_schema() as url:
        yield url


@pytest.fixture
def team(project: Project, url: str) -> Project:
    """A project whose ledger has a queue."""
    return with_queue(project, url)


@pytest.fixture
def rows(url: str) -> Ask:
    """Ask the ledger's tables."""
    return asking(url)
