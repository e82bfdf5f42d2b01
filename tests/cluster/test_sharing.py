"""How a run enters the ledger for workers while others write there too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from msgspec_runner.cluster.carrying import RunSettings
from msgspec_runner.cluster.queue import queue_of
from msgspec_runner.cluster.sharing import Shared
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Run, Totals
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import Connection, Patience, connect
from msgspec_runner.model import Message
from tests.ledger.postgres import address, own_schema

ORIGIN = "https://api.test"
MANNER = RunSettings(30.0, retry_server_errors=False, rate=None, rates={})
MESSAGES = [Message(f"k{n}", "", "s", 1, n, "+16175551212", b"{}", "d") for n in range(1, 4)]

IN_THE_WAY = """
CREATE SEQUENCE attempts;
CREATE FUNCTION be_in_the_way() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('attempts') <= {times} THEN
        RAISE EXCEPTION 'somebody is in the way' USING ERRCODE = '{code}';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER in_the_way BEFORE INSERT ON messages FOR EACH STATEMENT EXECUTE FUNCTION be_in_the_way()
"""


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
    Shared(book).migrate()
    return stack.enter_context(closing(connect(book.address)))


def enter(book: PostgresLedger, asked: list[int], said: list[str], seconds: float = 60) -> int:
    """Enter a run; ``asked`` gets an entry each time when the plan is asked for."""

    def plan() -> tuple[list[Message], list[object]]:
        asked.append(len(asked))
        return MESSAGES[len(asked) - 1 :], []

    patience = Patience(seconds=seconds, sleep=lambda _: None)
    queue = queue_of("default", ORIGIN)
    return Shared(book).enter(Run("run", ORIGIN), queue, MANNER, plan, said.append, patience)  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["40P01", "40001", "55P03"], ids=["deadlock", "serialization", "lock timeout"])
def test_who_is_in_the_way_is_waited_for_and_the_plan_is_asked_for_anew(
    book: PostgresLedger, connection: Connection, code: str
) -> None:
    connection.execute(IN_THE_WAY.format(times=2, code=code).encode())
    asked: list[int] = []
    said: list[str] = []
    assert enter(book, asked, said) == 1
    assert len(asked) == 3
    assert said == ["another process is writing to the same messages: waits for it"]
    assert book.totals() == Totals(planned=1)


def test_who_is_always_in_the_way_is_told(book: PostgresLedger, connection: Connection) -> None:
    connection.execute(IN_THE_WAY.format(times=99, code="40P01").encode())
    asked: list[int] = []
    with pytest.raises(LedgerError, match=r"writing to the same messages\. Nothing was sent"):
        enter(book, asked, [], seconds=0)
    assert book.totals() == Totals()
    assert book.runs() == []


def test_what_waiting_does_not_help_is_told_at_once(book: PostgresLedger, connection: Connection) -> None:
    connection.execute(IN_THE_WAY.format(times=99, code="53100").encode())
    asked: list[int] = []
    with pytest.raises(LedgerError, match="disk or memory is full"):
        enter(book, asked, [])
    assert asked == [0]
