"""A line to a server that is real, and goes on while the line is cut."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from msgspec_runner.chaos.line import Line
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.postgres_address import parse_address
from tests.acceptance.server import PATIENCE
from tests.cluster.private_postgres import PrivatePostgres

A_WHILE = 0.3


@pytest.fixture(scope="module")
def postgres() -> Iterator[PrivatePostgres]:
    with PrivatePostgres() as postgres:
        yield postgres


def opened(ledger: str) -> psycopg.Connection:
    return psycopg.connect(parse_address(ledger).conninfo, autocommit=True)


def answers(ledger: str) -> bool:
    try:
        with closing(opened(ledger)) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def addresses(postgres: PrivatePostgres) -> dict[str, str]:
    port = urlsplit(postgres.url).port
    return {
        "a port": f"{postgres.url}?schema=team_a",
        "a socket file": f"postgresql://postgres@/postgres?host={postgres.folder}&port={port}&schema=team_a",
        "several hosts": f"postgresql://postgres@127.0.0.1:1,localhost:{port}/postgres?schema=team_a",
    }


@pytest.mark.parametrize("kind", ["a port", "a socket file", "several hosts"])
def test_an_outage(postgres: PrivatePostgres, tmp_path: Path, kind: str) -> None:
    """Whoever is connected is cut off, and nobody gets in until it is over; the server notices nothing else."""
    with Line(addresses(postgres)[kind], tmp_path) as line:
        assert parse_address(line.ledger).schema == "team_a"
        with closing(opened(line.ledger)) as first, closing(opened(line.ledger)) as second:
            large = "x" * 1_000_000
            assert first.execute("SELECT %s || ''", (large,)).fetchone() == (large,)
            assert (first.info.host.startswith("/"), second.info.hostaddr) in ((True, ""), (False, "127.0.0.1"))
            line.outage(A_WHILE)
            for connection in (first, second):
                with pytest.raises(psycopg.OperationalError):
                    connection.execute("SELECT 1")
            refused = time.monotonic()
            assert not answers(line.ledger)
            assert answers(postgres.url)
        deadline = refused + PATIENCE
        while not answers(line.ledger):
            assert time.monotonic() < deadline, "it never came back"
    assert not answers(line.ledger)
    with closing(opened(postgres.url)) as watching:
        others = "SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        while watching.execute(others).fetchall():
            assert time.monotonic() < deadline, "somebody is still connected"


def test_a_host_that_is_a_name_stays_one_for_its_certificate(postgres: PrivatePostgres, tmp_path: Path) -> None:
    with Line(addresses(postgres)["several hosts"], tmp_path) as line, closing(opened(line.ledger)) as connection:
        assert (connection.info.host, connection.info.hostaddr) == ("localhost", "127.0.0.1")
        assert connection.info.port != urlsplit(postgres.url).port


def test_a_password_in_a_file_is_for_the_servers_port_and_goes_along(
    postgres: PrivatePostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"127.0.0.1:{urlsplit(postgres.url).port}:*:*:sesame\n")
    passwords.chmod(0o600)
    with Line(postgres.url, tmp_path) as line:
        assert line.environment == {}
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    with Line(postgres.url, tmp_path) as line:
        assert line.environment == {"PGPASSWORD": "sesame"}
        assert "sesame" not in line.ledger


def test_a_server_that_is_away(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be reached"):
        Line("postgresql://127.0.0.1:1/none", tmp_path)
