"""A PostgreSQL server for tests: each test gets a schema of its own, dropped afterwards."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from msgspec_runner.ledger.postgres_address import Address, parse_address

SERVER = os.environ.get("MSGSPEC_RUNNER_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")


def server() -> str:
    """Return the server's address, or skip the test where there is none; CI has one."""
    try:
        psycopg.connect(SERVER, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        reason = f"no PostgreSQL for tests (set MSGSPEC_RUNNER_TEST_POSTGRES): {error}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return SERVER


def with_schema(url: str, schema: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}schema={schema}&application_name=msgspec-runner%20{schema}"


@contextmanager
def own_schema() -> Iterator[str]:
    """Yield the address of a schema that nobody else has."""
    url = server()
    schema = f"test_{secrets.token_hex(6)}"
    try:
        yield with_schema(url, schema)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET client_min_messages = error")
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def address(url: str) -> Address:
    return parse_address(url)


def application(url: str) -> str:
    """Return the name under which a test's own connections are known to the server."""
    return f"msgspec-runner {parse_address(url).schema}"


def cut(url: str) -> int:
    """End the test's own connections, as a restart of the server does; return how many there were."""
    with psycopg.connect(SERVER, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", (application(url),)
        ).fetchall()
    return len(rows)
