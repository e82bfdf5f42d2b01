"""A ledger for one experiment: gone when it is over. The project's own is never opened."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec_runner.errors import UsageError


@contextmanager
def throwaway(server: str | None, folder: Path) -> Iterator[str]:
    """Yield the place of a ledger that does not exist yet.

    Args:
        server: a ``postgresql://`` address: the ledger gets a schema of its own there, which is dropped at the end,
            whatever schema the address names; None: a file.
        folder: where the file goes; the caller removes it.

    Raises:
        UsageError: ``server`` is no such address.
    """
    if server is None:
        yield str(folder / "ledger.db")
        return
    if not server.startswith(("postgresql://", "postgres://")):
        raise UsageError("--ledger takes a postgresql:// address here; without it, a SQLite file is made and removed")
    from msgspec_runner.ledger.postgres_address import parse_address

    place = f"{server}{'&' if '?' in server else '?'}schema=chaos_{secrets.token_hex(6)}"
    address = parse_address(place)
    try:
        yield place
    finally:
        from psycopg import sql

        from msgspec_runner.ledger.postgres_connection import connect, postgres_errors

        with postgres_errors(address), closing(connect(address)) as connection:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(address.schema)))
            connection.commit()
