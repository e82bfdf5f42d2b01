"""Which schemas are dropped, and which are left alone; a real PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import psycopg
import pytest

from msgspec_runner.chaos.schemas import WRITTEN_ON_IT, own_schema
from msgspec_runner.ledger.postgres_address import parse_address
from tests.chaos.database import own_database, schemas

MARKED = f"COMMENT ON SCHEMA {{}} IS '{WRITTEN_ON_IT}'"


@pytest.fixture
def url() -> Iterator[str]:
    with own_database() as url:
        yield url


def make(url: str, name: str, *more: str) -> str:
    with psycopg.connect(url) as connection:
        for statement in (f"CREATE SCHEMA {name}", f"CREATE TABLE {name}.messages ()", *more):
            connection.execute(statement.format(name).encode())
    return name


def test_it_is_there_from_the_beginning_and_gone_in_the_end(url: str) -> None:
    with own_schema(f"{url}?schema=mine&application_name=x") as place:
        schema = parse_address(place).schema
        assert schemas(url) == {schema}
        make(url, "chaos_elsewhere")
        with psycopg.connect(url) as connection:
            connection.execute(f"CREATE TABLE {schema}.messages ()".encode())
    assert schemas(url) == {"chaos_elsewhere"}


def test_what_the_dead_left_is_dropped_and_nothing_else(url: str) -> None:
    make(url, "chaos_0123456789ab", MARKED)
    kept = {
        make(url, "chaos_ba9876543210"),
        make(url, "chaos_of_mine", MARKED),
        make(url, "chaos_0123456789ac", "COMMENT ON SCHEMA {} IS 'my own'"),
    }
    with own_schema(url) as living:
        first = parse_address(living).schema
        assert schemas(url) == {*kept, first}
        with own_schema(url) as place:
            assert schemas(url) == {*kept, first, parse_address(place).schema}
        assert schemas(url) == {*kept, first}
    assert schemas(url) == kept


def test_somebody_elses_schema_is_none_of_ours(url: str) -> None:
    """Who may not drop it is not stopped by that."""
    name = f"test_{secrets.token_hex(6)}"
    make(url, "chaos_0123456789ab", MARKED)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name}".encode())
        try:
            connection.execute(f"GRANT CREATE ON DATABASE {connection.info.dbname} TO {name}".encode())
            with own_schema(f"{url}{'&' if '?' in url else '?'}options=-crole%3D{name}") as place:
                assert schemas(url) == {"chaos_0123456789ab", parse_address(place).schema}
        finally:
            connection.execute(f"DROP OWNED BY {name}".encode())
            connection.execute(f"DROP ROLE {name}".encode())
