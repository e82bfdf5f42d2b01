"""Patience with a server that is away."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.postgres_address import parse_address
from msgspec_runner.ledger.postgres_connection import Patience, is_collision, is_lost, postgres_errors


class Clock:
    def __init__(self) -> None:
        self.time = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds

    def now(self) -> float:
        return self.time


@given(st.floats(0, 300), st.floats(0.01, 1), st.floats(1, 10))
def test_it_tries_at_once_and_once_more_at_the_end(seconds: float, first: float, longest: float) -> None:
    clock = Clock()
    tries = sum(1 for _ in Patience(seconds, first, longest, clock.sleep, clock.now).attempts())
    assert tries == len(clock.pauses) + 1
    assert clock.time == pytest.approx(seconds)
    assert all(0 < pause <= longest for pause in clock.pauses)
    assert all(pause <= first * 2.0 ** min(number, 50) for number, pause in enumerate(clock.pauses))


def test_what_waiting_may_help_against() -> None:
    assert is_lost(psycopg.OperationalError("connection refused"), None)
    assert not is_lost(errors.UndefinedTable(), None)
    assert is_collision(errors.DeadlockDetected())
    assert not is_collision(errors.DiskFull())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.LockNotAvailable("…"), "is locked: another process"),
        (errors.DiskFull("…"), "the server's disk or memory is full"),
        (errors.InsufficientPrivilege("permission denied for schema x"), "Ask for the rights to its schema team_a"),
        (
            psycopg.OperationalError("no password hunter2 supplied"),
            r"cannot be reached: no password ••• supplied\. Check",
        ),
        (psycopg.DataError("…"), "cannot be used"),
    ],
)
def test_errors_say_where_and_what_to_do(error: psycopg.Error, words: str) -> None:
    address = parse_address("postgresql://ann:hunter2@db/sms?schema=team_a")
    with pytest.raises(LedgerError, match=words) as told, postgres_errors(address):
        raise error
    assert str(told.value).startswith("the ledger postgresql://ann@db/sms?schema=team_a ")
