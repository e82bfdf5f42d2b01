"""A worker's clocks: one that goes on while the machine sleeps, and the time of day as the database has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec_runner.boottime import boot_time
from msgspec_runner.ledger.postgres_connection import Connection

_SERVER_TIME = "SELECT extract(epoch FROM clock_timestamp())::float8"


class BootClock:
    """The dispatcher's clock of a worker."""

    def now(self) -> float:
        """Return :func:`~msgspec_runner.boottime.boot_time`."""
        return boot_time()

    async def sleep(self, seconds: float) -> None:
        """Sleep in the event loop."""
        await asyncio.sleep(seconds)


def server_clock(connection: Connection, boot: Callable[[], float] = boot_time) -> Callable[[], datetime]:
    """Return a clock that tells the database's time of day from now on, aware.

    A machine's own may be hours off, and nobody notices: delivery hours and expiries would be off as much.

    Args:
        connection: to the ledger.
        boot: tells how much time has passed; for tests.
    """
    row: Any = connection.execute(_SERVER_TIME).fetchone()
    ahead = row[0] - boot()
    return lambda: datetime.fromtimestamp(boot() + ahead, UTC)
