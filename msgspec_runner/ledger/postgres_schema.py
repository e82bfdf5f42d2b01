"""The numbered migrations of a PostgreSQL ledger (``sql/postgres/``), in a schema of its own."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import cast

from psycopg import sql

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.postgres_address import Address
from msgspec_runner.ledger.postgres_connection import Connection

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('msgspec-runner'), hashtext(%s))"
_EXISTS = "SELECT to_regclass(%s) IS NOT NULL"
_OTHER = "SELECT count(*) FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)"
_VERSION = "SELECT id, schema FROM ledger"


@cache
def migrations() -> tuple[str, ...]:
    """Return the scripts; the first one makes schema version 1."""
    folder = files("msgspec_runner.ledger").joinpath("sql", "postgres")
    scripts = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    return tuple(script.read_text(encoding="utf-8") for script in scripts)


def exists(connection: Connection, address: Address) -> bool:
    """Return whether there is a ledger in the address's schema."""
    row = connection.execute(_EXISTS, (f"{address.schema}.ledger",)).fetchone()
    return bool(row and row[0])


def migrate(connection: Connection, address: Address, *, create: bool) -> str:
    """Bring the ledger to this program's schema, in one transaction; return its id.

    Args:
        connection: see :func:`~msgspec_runner.ledger.postgres_connection.connect`.
        address: where it is.
        create: make one where there is none.

    Raises:
        LedgerError: there is none, it is of a newer schema, or the schema is another program's.
    """
    newest = len(migrations())
    with connection.transaction():
        connection.execute(_ONE_AT_A_TIME, (address.schema,))
        if not exists(connection, address):
            if not create:
                raise LedgerError(f"there is no ledger at {address.location}")
            return _create(connection, address)
        ledger_id, version = cast("tuple[str, int]", connection.execute(_VERSION).fetchone())
        if version > newest:
            raise LedgerError(
                f"the ledger {address.location} was written by a newer msgspec-runner (its schema is {version}, this "
                f"program knows {newest}). Upgrade: pip install --upgrade msgspec-runner"
            )
        for script in migrations()[version:]:
            connection.execute(script.encode())
        if version < newest:
            connection.execute("UPDATE ledger SET schema = %s", (newest,))
    return ledger_id


def _create(connection: Connection, address: Address) -> str:
    known = connection.execute("SELECT FROM pg_namespace WHERE nspname = %s", (address.schema,)).fetchone()
    if known is None:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(address.schema)))
    elif cast("tuple[int]", connection.execute(_OTHER, (address.schema,)).fetchone())[0]:
        raise LedgerError(
            f"the schema {address.schema} holds another program's tables, no ledger. "
            "Choose another one: --ledger 'postgresql://…?schema=NAME'"
        )
    for script in migrations():
        connection.execute(script.encode())
    ledger_id = str(uuid.uuid4())
    values = (ledger_id, timestamp(datetime.now(UTC)), len(migrations()))
    connection.execute("INSERT INTO ledger (id, created_at, schema) VALUES (%s, %s, %s)", values)
    return ledger_id
