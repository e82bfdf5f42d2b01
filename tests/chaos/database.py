"""A database of a test's own: whatever other experiments leave and clear up on the server meanwhile is none of its."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.cluster.private_postgres import PrivatePostgres


@contextmanager
def own_database() -> Iterator[str]:
    """Yield the address of an empty database.

    It is a server's of its own: one that drops a database first writes all that it has of others to the disk.
    """
    with PrivatePostgres() as postgres:
        yield postgres.url


def schemas(url: str) -> set[str]:
    """Return the schemas of experiments in a database."""
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'chaos%'")}
