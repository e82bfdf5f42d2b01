"""What every test of the ledger needs: a message, and a ledger of each kind that is closed at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from msgspec_runner.ledger.ledger import Ledger, Run
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.sqlite import SqliteLedger
from msgspec_runner.model import Message, identity
from tests.ledger.postgres import address, own_schema

NOON = datetime(2026, 11, 23, 12, 0, 0, 250000, tzinfo=UTC)
STORES = ("sqlite", "postgres")

MakeMessage = Callable[..., Message]
OpenLedger = Callable[..., Ledger]


@pytest.fixture
def message() -> MakeMessage:
    def make(
        row: int = 1, *, to: str | None = None, text: str = "hi", key: str = "", spec: str = "reminder"
    ) -> Message:
        to = to or f"+1617555{row:04d}"
        digest = hashlib.sha256(text.encode()).hexdigest()
        return Message(identity("sandbox", spec, 1, to, key), key, spec, 1, row, to, text.encode(), digest, 1)

    return make


@pytest.fixture(params=STORES)
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The place of a ledger, as ``--ledger`` has it: every test that uses it runs on each kind."""
    with ExitStack() as stack:
        if request.param == "postgres":
            yield stack.enter_context(own_schema())
        else:
            yield str(tmp_path / "ledger.db")


def open_ledger(location: str, journals: Path) -> Ledger:
    """Open a ledger whose clock stands still, as one more process would."""
    if "://" in location:
        return PostgresLedger(address(location), journals, create=True, clock=lambda: NOON)
    Path(location).touch(0o600)
    return SqliteLedger(Path(location), clock=lambda: NOON)


@pytest.fixture
def opened(location: str, tmp_path: Path) -> Iterator[OpenLedger]:
    """Open the same ledger as often as wanted, as several processes would."""
    ledgers: list[Ledger] = []

    def open_it() -> Ledger:
        ledgers.append(open_ledger(location, tmp_path / "journals"))
        return ledgers[-1]

    yield open_it
    for ledger in ledgers:
        ledger.close()


@pytest.fixture
def ledger(opened: OpenLedger) -> Ledger:
    ledger = opened()
    ledger.begin(Run("run-1", "sandbox", ("reminder",), "0.1.0", "laptop", 7))
    return ledger
