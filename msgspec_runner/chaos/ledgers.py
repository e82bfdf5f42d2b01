"""A ledger for one experiment: gone when it is over. The project's own is never opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec_runner.chaos.folders import owned
from msgspec_runner.errors import UsageError


@contextmanager
def throwaway(server: str | None, folder: Path) -> Iterator[str]:
    """Yield the place of a ledger that does not exist yet.

    An experiment that is killed leaves it, and its folder; the next one removes both before it begins.

    Args:
        server: a ``postgresql://`` address: the ledger gets a schema of its own there, which is dropped at the end,
            whatever schema the address names; None: a file.
        folder: an empty one, for all that the experiment writes; removed at the end.

    Raises:
        UsageError: ``server`` is no such address.
        LedgerError: the server cannot be reached, or refuses to make or drop a schema.
    """
    with owned(folder):
        if server is None:
            yield str(folder / "ledger.db")
            return
        if not server.startswith(("postgresql://", "postgres://")):
            raise UsageError(
                "--ledger takes a postgresql:// address here; without it, a SQLite file is made and removed"
            )
        from msgspec_runner.chaos.schemas import own_schema

        with own_schema(server) as place:
            yield place
