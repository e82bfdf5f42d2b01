"""Where turns are reserved: a real ledger, and a clock of our own."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from msgspec_runner.boottime import boot_time
from msgspec_runner.cluster.desk import Desk
from msgspec_runner.cluster.exchange import Report
from msgspec_runner.cluster.pace import AHEAD, LATE, first_state
from msgspec_runner.cluster.queue import deferring, migrate
from msgspec_runner.ledger.ledger import Run
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import connect
from msgspec_runner.ledger.postgres_shared import Sharing, enqueue
from msgspec_runner.model import Message
from tests.ledger.postgres import address, own_schema

RUN = "20261124-120000-desk"
RATE = 60.0
ALL = {"": Report(wanted=100)}


class Machine:
    """A clock that can be set against the server's."""

    shift = 0.0

    def now(self) -> float:
        return boot_time() + self.shift


def test_when_the_servers_clock_is_set_forward_the_turns_it_gave_are_used_up_first(tmp_path: Path) -> None:
    """To its pace the time has passed for which they were given: both together would be too many for a second."""
    with own_schema() as url, closing(PostgresLedger(address(url), tmp_path, create=True)) as book:
        with closing(connect(address(url))) as connection:
            migrate(connection)
            enqueue(
                *(connection, book.id, Run(RUN, "https://api.test"), Sharing("q", "{}", {"": first_state(RATE)})),
                *([Message("k", "", "s", 1, 1, "+16175550001", b"{}", "d")], (), deferring(RUN, "q")),
                datetime.now(UTC),
            )

        async def exchanges() -> None:
            machine = Machine()
            desk = Desk(address(url), machine.now)
            given = (await desk.exchange(RUN, ALL))[""].turns
            assert len(given) > RATE * AHEAD / 2
            machine.shift = -60.0  # seen from here, the server's clock has gone a minute forward
            with closing(connect(address(url))) as connection:
                connection.execute("UPDATE paces SET state = %s", (first_state(RATE),))  # and its pace is all rested
            assert not await desk.exchange(RUN, ALL)
            machine.shift += AHEAD / 2
            assert not await desk.exchange(RUN, ALL), "some of them are still to come"
            machine.shift += AHEAD / 2 + LATE
            assert (await desk.exchange(RUN, ALL))[""].turns
            await desk.close()

        asyncio.run(exchanges())
