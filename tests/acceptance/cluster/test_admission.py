"""A server that lets nobody in: the exit code is that of every ledger that cannot be used, and the words tell why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.acceptance.project import Project
from tests.cluster.private_postgres import PrivatePostgres


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    """The host and port of a server that asks for passwords."""
    with PrivatePostgres() as server:
        with closing(psycopg.connect(server.url, autocommit=True)) as connection:
            connection.execute("CREATE ROLE ann LOGIN PASSWORD 'right'")
            connection.execute("CREATE ROLE few LOGIN PASSWORD 'right' CONNECTION LIMIT 0")
            connection.execute("CREATE DATABASE closed")
            connection.execute("REVOKE CONNECT ON DATABASE closed FROM public")
            connection.execute("CREATE DATABASE asleep ALLOW_CONNECTIONS false")
        server.admit("host all away all reject\nhost all stranger all trust\nhost all all all scram-sha-256\n")
        yield urlsplit(server.url).netloc.rpartition("@")[2]


@pytest.mark.parametrize(
    ("address", "password", "words"),
    [
        ("ann@{}/postgres", "wrong", ("does not take this password: ", '"ann". Correct it (PGPASSWORD, or ~/.pgpass)')),
        (
            "bob@{}/postgres",
            "right",
            ("does not take this password: ", "it says the same of an unknown one"),
        ),
        ("ann@{}/postgres", "", ("asks for a password: ", "Set PGPASSWORD, or write it into ~/.pgpass")),
        ("stranger@{}/postgres", "", ("does not know this role: ", "Correct the role in the address")),
        ("ann@{}/nothing", "right", ("has no such database: ", "createdb -E UTF8 NAME")),
        ("ann@{}/closed", "right", ("does not let this role in: ", "GRANT CONNECT ON DATABASE")),
        ("ann@{}/asleep", "right", ("takes no connections just now: ", "Try again in a moment")),
        ("few@{}/postgres", "right", ("has no connection left: ", "CONNECTION LIMIT")),
        ("away@{}/postgres", "right", ("does not let this role in from this machine: ", "pg_hba.conf; if it wants")),
        ("ann@{}/postgres?sslmode=require", "right", ("cannot be reached: ", "Check sslmode and the certificates")),
        ("ann@{}/postgres?sslmode=bogus", "right", ("has an address that makes no sense: ", "behind the ? in it")),
        ("ann@{}/postgres?sslmod=require", "right", ("has an address that makes no sense: ", "behind the ? in it")),
        ("ann@127.0.0.1:1/postgres", "right", ("cannot be reached: ", "Check the host and the port in the address")),
        ("ann@nowhere.invalid/postgres", "right", ("cannot be reached: ", "Check the host's name in the address")),
        ("ann@{}/postgres", "right", ("there is no ledger at ", "Run once: msgspec-runner ledger init")),
    ],
)
def test_who_is_not_let_in_hears_why(
    project: Project, place: str, address: str, password: str, words: tuple[str, str]
) -> None:
    where = f"postgresql://{address.format(place)}"
    result = project.run("status", env={"MSGSPEC_RUNNER_LEDGER": where, "PGPASSWORD": password})
    assert result.code == 2
    assert [each for each in words if each not in result.err] == [], result.err
    assert f"{where.partition('?')[0]} {words[0]}" in result.err or "there is no ledger" in result.err
