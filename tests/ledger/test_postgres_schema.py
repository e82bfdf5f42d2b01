"""Opening a schema: made once, migrated, and left alone where it is not ours or from the future."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Run, Settlement
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_schema import migrations
from msgspec_runner.model import State
from tests.ledger.conftest import MakeMessage
from tests.ledger.postgres import address, own_schema


@pytest.fixture
def url() -> Iterator[str]:
    with own_schema() as url:
        yield url


def opened(url: str, folder: Path, *, create: bool = True) -> PostgresLedger:
    return PostgresLedger(address(url), folder, create=create)


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(address(url).conninfo, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.replace("NAME", address(url).schema).encode())


def test_many_may_make_it_at_once(url: str, tmp_path: Path) -> None:
    def open_it(_: int) -> str:
        ledger = opened(url, tmp_path)
        try:
            return ledger.id
        finally:
            ledger.close()

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(open_it, range(12)))) == 1


def test_a_newer_schema_is_refused(url: str, tmp_path: Path) -> None:
    opened(url, tmp_path).close()
    execute(url, f"UPDATE NAME.ledger SET schema = {len(migrations()) + 1}")
    with pytest.raises(LedgerError, match=r"newer msgspec-runner .* Upgrade: pip install --upgrade"):
        opened(url, tmp_path)


def test_another_programs_schema_is_refused_and_left_alone(url: str, tmp_path: Path) -> None:
    execute(url, "CREATE SCHEMA NAME", "CREATE TABLE NAME.mails ()")
    with pytest.raises(LedgerError, match="another program's tables"):
        opened(url, tmp_path)
    with pytest.raises(LedgerError, match="there is no ledger"):
        opened(url, tmp_path, create=False)


def test_a_schema_that_somebody_made_for_us_is_taken(url: str, tmp_path: Path) -> None:
    execute(url, "CREATE SCHEMA NAME")
    opened(url, tmp_path).close()
    opened(url, tmp_path, create=False).close()


def test_a_commit_waits_for_the_disk_whatever_the_server_would_do(url: str, tmp_path: Path) -> None:
    lazy = f"{url}&options=-c%20synchronous_commit%3Doff"
    ledger = opened(lazy, tmp_path)
    ledger.begin(Run("run", "sandbox"))
    assert ledger._connection is not None
    session = ledger._held["run"]._connection
    assert session is not None
    for connection in (ledger._connection, session):
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    ledger.close()


def test_a_role_without_rights_is_told_so(url: str, tmp_path: Path) -> None:
    opened(url, tmp_path).close()
    with pytest.raises(LedgerError, match="may not be used by this role"):
        opened(f"{url}&options=-c%20role%3Dpg_monitor", tmp_path, create=False)


def test_a_server_that_is_not_there_is_a_ledger_error(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"postgresql://ann@127\.0\.0\.1:1/sms cannot be reached: .*refused"):
        opened("postgresql://ann:secret@127.0.0.1:1/sms", tmp_path)


def test_a_commit_looks_up_its_keys_however_long_the_run_is(url: str, tmp_path: Path, message: MakeMessage) -> None:
    """Without statistics, as just after a plan, the planner would rather read the whole run."""
    planned = [message(row) for row in range(1, 3001)]
    ledger = opened(url, tmp_path)
    ledger.begin(Run("run-1", "sandbox"))
    ledger.plan("run-1", planned)
    session = ledger._held["run-1"]._connection
    assert session is not None
    with session.transaction():
        keys = [message.key for message in planned[500:550]]
        ledger.commit("run-1", keys, ())
        ledger.commit("run-1", (), [Settlement(key, State.ACCEPTED, 200, "id") for key in keys])
        read = session.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'messages'::regclass"
        ).fetchone()
    assert read is not None
    assert int(str(read[0])) <= 4 * len(keys)
    ledger.close()
