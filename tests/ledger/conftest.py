"""What every test of the ledger needs: a message, and a ledger file that is closed at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from msgspec_runner.ledger.ledger import Run
from msgspec_runner.ledger.sqlite import SqliteLedger
from msgspec_runner.model import Message, identity

NOON = datetime(2026, 11, 23, 12, 0, 0, 250000, tzinfo=UTC)

MakeMessage = Callable[..., Message]
OpenLedger = Callable[..., SqliteLedger]


@pytest.fixture
def message() -> MakeMessage:
    def make(
        row: int = 1, *, to: str | None = None, text: str = "hi", key: str = "", spec: str = "reminder"
    ) -> Message:
        to = to or f"+1617555{row:04d}"
        digest = hashlib.sha256(text.encode()).hexdigest()
        return Message(identity("sandbox", spec, 1, to, key), key, spec, 1, row, to, text.encode(), digest, 1)

    return make


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenLedger]:
    """Open the same ledger file as often as wanted, as several processes would."""
    path = tmp_path / "ledger.db"
    path.touch(0o600)
    ledgers: list[SqliteLedger] = []

    def open_it() -> SqliteLedger:
        ledgers.append(SqliteLedger(path, clock=lambda: NOON))
        return ledgers[-1]

    yield open_it
    for ledger in ledgers:
        ledger.close()


@pytest.fixture
def ledger(opened: OpenLedger) -> SqliteLedger:
    ledger = opened()
    ledger.begin(Run("run-1", "sandbox", ("reminder",), "0.1.0", "laptop", 7))
    return ledger
