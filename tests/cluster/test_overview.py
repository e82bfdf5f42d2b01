"""What monitoring hears of a ledger's shared runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from msgspec_runner.cluster.housekeeping import Housekeeper
from msgspec_runner.cluster.overview import Overview, look
from msgspec_runner.cluster.queue import deferring, migrate, queue_of
from msgspec_runner.cluster.troubles import Reach
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.ledger import Run
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import Connection, connect
from msgspec_runner.ledger.postgres_shared import Sharing, enqueue, steer
from msgspec_runner.ledger.windows import SMALLEST_WINDOW
from msgspec_runner.model import Message
from tests.ledger.postgres import address, own_schema

ORIGIN = "https://api.test"
QUEUE = queue_of("default", ORIGIN)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def book(tmp_path: Path, stack: ExitStack) -> PostgresLedger:
    url = stack.enter_context(own_schema())
    return stack.enter_context(closing(PostgresLedger(address(url), tmp_path, create=True)))


@pytest.fixture
def connection(book: PostgresLedger, stack: ExitStack) -> Connection:
    connection = stack.enter_context(closing(connect(book.address)))
    migrate(connection)
    return connection


def enter(connection: Connection, book: PostgresLedger, run: str, count: int) -> None:
    messages = [Message(f"{run}-{n}", "", "s", 1, n, "+16175551212", b"{}", "d") for n in range(count)]
    enqueue(
        *(connection, book.id, Run(run, ORIGIN), Sharing(QUEUE, "{}", {})),
        *(messages, (), deferring(run, QUEUE), datetime.now(UTC)),
    )


def test_what_is_left_of_the_runs_that_have_not_ended(connection: Connection, book: PostgresLedger) -> None:
    assert look(connection, 15) == Overview(0, 0, 0, 0, 0)
    for run, wanted in (("a", "go"), ("b", "go"), ("c", "pause"), ("d", "stop")):
        enter(connection, book, run, SMALLEST_WINDOW + 7)
        steer(connection, run, wanted, None)
    assert look(connection, 15) == Overview(2, 1, 1, 4 * (SMALLEST_WINDOW + 7), 0)
    connection.execute("UPDATE windows SET done = true WHERE run = 'a' AND first = 1")
    connection.execute("UPDATE runs SET status = 'stopped' WHERE id = 'd'")
    connection.execute(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()), (now() - interval '1 minute'), (now())"
    )
    assert look(connection, 15) == Overview(2, 1, 0, 7 + 2 * (SMALLEST_WINDOW + 7), 2)


def test_a_window_that_somebody_damaged_is_no_database_that_is_away(
    connection: Connection, book: PostgresLedger
) -> None:
    enter(connection, book, "a", 3)
    connection.execute("UPDATE windows SET first = %s, last = %s", (-(2**63), 2**63 - 1))
    assert look(connection, 15).left == pytest.approx(2.0**64)


def test_the_ledger_is_asked_only_for_who_wants_to_know(connection: Connection, book: PostgresLedger) -> None:
    enter(connection, book, "a", 3)
    with closing(Housekeeper(book.address, Terms(), Reach(print, lambda _: None), print)) as keeper:
        found = [keeper.round(idle=False, watched=watched) for watched in (False, True, False)]
    assert [each and each.overview for each in found] == [None, Overview(1, 0, 0, 3, 0), None]
