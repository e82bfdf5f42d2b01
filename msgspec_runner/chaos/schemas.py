"""The schema of an experiment in PostgreSQL, which the next one drops where it was left behind.

An advisory lock is held as long as the experiment lives, from before the schema is made: neither a process id nor an
age can tell that. A schema is known for an experiment's by its name and by what is written on it, from the transaction
that makes it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import psycopg
from psycopg import sql

from msgspec_runner.ledger.postgres_address import parse_address
from msgspec_runner.ledger.postgres_connection import Connection, connect, postgres_errors

WRITTEN_ON_IT = "made by msgspec-runner chaos, which drops it"
"""The schema's comment."""

_HOLD = "SELECT pg_advisory_lock(hashtext('msgspec-runner chaos'), hashtext(%s))"
_IS_NOBODYS = "SELECT pg_try_advisory_xact_lock(hashtext('msgspec-runner chaos'), hashtext(%s))"
_LIKELY = """
SELECT nspname FROM pg_namespace
WHERE nspname ~ '^chaos_[0-9a-f]{12}$' AND obj_description(oid, 'pg_namespace') = %s
"""
_BRIEFLY = "SET LOCAL lock_timeout = '2s'"
"""Where the server has not yet missed somebody who was killed, and holds locks for him, the next one will do it."""


@contextmanager
def own_schema(server: str) -> Iterator[str]:
    """Yield the address of an empty schema, which is dropped at the end.

    What dead experiments have left on the server is dropped first.

    Args:
        server: a ``postgresql://`` address, whatever schema it names.

    Raises:
        UsageError: ``server`` is no such address.
        LedgerError: the server cannot be reached, or refuses to make or drop a schema.
    """
    place = f"{server}{'&' if '?' in server else '?'}schema=chaos_{secrets.token_hex(6)}"
    address = parse_address(place)
    with postgres_errors(address):
        holding = connect(address)
    with closing(holding):
        with postgres_errors(address):
            _drop_what_was_left(holding)
            holding.execute(_HOLD, (address.schema,))
            with holding.transaction():
                holding.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(address.schema)))
                said = sql.SQL("COMMENT ON SCHEMA {} IS {}")
                holding.execute(said.format(sql.Identifier(address.schema), sql.Literal(WRITTEN_ON_IT)))
        try:
            yield place
        finally:
            # A connection that nobody used for so long may be gone.
            with postgres_errors(address), closing(connect(address)) as connection:
                _drop(connection, address.schema)


def _drop_what_was_left(connection: Connection) -> None:
    for (schema,) in connection.execute(_LIKELY, (WRITTEN_ON_IT,)).fetchall():
        with suppress(psycopg.Error), connection.transaction():  # it may be another role's, too
            is_nobodys = connection.execute(_IS_NOBODYS, (schema,)).fetchone()
            if is_nobodys == (True,):
                connection.execute(_BRIEFLY)
                _drop(connection, str(schema))


def _drop(connection: Connection, schema: str) -> None:
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
