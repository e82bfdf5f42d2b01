"""A database of a test's own: whatever other experiments leave and clear up on the server meanwhile is none of its."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg

from tests.ledger.postgres import server


@contextmanager
def own_database() -> Iterator[str]:
    """Yield the address of an empty database, which is dropped afterwards."""
    url, name = server(), f"test_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'".encode())
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def schemas(url: str) -> set[str]:
    """Return the schemas of experiments in a database."""
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'chaos%'")}
