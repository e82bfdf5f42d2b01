"""Patience with a server that is away."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.postgres_address import parse_address
from msgspec_runner.ledger.postgres_connection import (
    Patience,
    find_schema,
    is_collision,
    is_lost,
    may_come_back,
    postgres_errors,
)
from tests.ledger.postgres import address, own_schema


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


def test_who_is_in_a_hurry_tries_once() -> None:
    clock = Clock()
    hurried = False
    patience = Patience(sleep=clock.sleep, now=clock.now, is_over=lambda: hurried)
    attempts = patience.attempts()
    next(attempts)
    next(attempts)
    hurried = True
    assert not list(attempts)
    assert len(list(patience.attempts())) == 1


@pytest.mark.parametrize(
    ("words", "comes_back"),
    [
        ('connection to server at "db", port 5432 failed: Connection refused', True),
        ("failed to resolve host 'db': [Errno -3] Temporary failure in name resolution", True),
        ('socket "/run/.s.PGSQL.5432" failed: No such file or directory', True),
        ("FATAL:  the database system is starting up", True),
        ("FATAL:  sorry, too many clients already", True),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", True),
        ('FATAL:  password authentication failed for user "ann"', False),
        ('FATAL:  database "sms" does not exist', False),
        ('FATAL:  role "ann" does not exist', False),
        ("fe_sendauth: no password supplied", False),
        ("server does not support SSL, but SSL was required", False),
    ],
)
def test_what_a_start_waits_for(words: str, *, comes_back: bool) -> None:
    assert may_come_back(psycopg.OperationalError(words)) is comes_back


def test_a_start_waits_for_a_standby_and_for_no_mistake() -> None:
    assert may_come_back(errors.ReadOnlySqlTransaction())
    assert may_come_back(errors.AdminShutdown())
    assert not may_come_back(errors.InsufficientPrivilege())
    assert not may_come_back(None)


def test_what_waiting_may_help_against() -> None:
    assert is_lost(psycopg.OperationalError("connection refused"), None)
    assert is_lost(errors.IdleInTransactionSessionTimeout(), None), "it stood still, and the server ended the session"
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
            r"does not take this password: no password ••• supplied\. Correct it",
        ),
        (psycopg.DataError("…"), "cannot be used"),
        (
            psycopg.OperationalError("refused\n\tIs the server accepting TCP/IP connections?"),
            r"accepting TCP/IP connections\. Check the host and the port in the address, and that the server runs",
        ),
        (errors.InsufficientPrivilege("permission denied."), r"permission denied\. Ask"),
        (
            psycopg.OperationalError("failed to resolve host 'db': [Errno -2] Name or service not known"),
            r"service not known\. Check the host's name in the address, and the network$",
        ),
        (
            psycopg.OperationalError('could not translate host name "db" to address: No such host is known.'),
            r"No such host is known\. Check the host's name in the address, and the network$",
        ),
        *(
            (psycopg.OperationalError(words), r"\. Check sslmode and the certificates in the address, and the server$")
            for words in (
                "server does not support SSL, but SSL was required",
                "SSL error: certificate verify failed",
                'root certificate file "/home/ann/.postgresql/root.crt" does not exist\nEither provide the file, …',
                'server certificate for "a" does not match host name "b"',
            )
        ),
        (
            psycopg.OperationalError('password authentication failed for user "ann"\nno pg_hba.conf entry, SSL off'),
            r'does not take this password: .*"ann" no pg_hba.conf entry, SSL off\. Correct it',
        ),
        (
            psycopg.OperationalError("FATAL:  sorry, too many clients already"),
            r"has no connection left: .*already\. Try again",
        ),
        (
            psycopg.OperationalError("FATAL:  the database system is starting up"),
            r"takes no connections just now: .*starting up\. Try again in a moment$",
        ),
        (
            psycopg.OperationalError("was sagst du?"),
            r"cannot be reached: was sagst du\. Check the address, the password",
        ),
        (
            errors.AdminShutdown("terminating connection"),
            r"cannot be reached: terminating connection\. Check the address",
        ),
        *(
            (
                error("deadlock detected\nDETAIL:  Process 71 waits for ShareLock on transaction 7; hint."),
                r"is in use: another process was writing to the same messages\. Nothing was sent: run it again$",
            )
            for error in (errors.DeadlockDetected, errors.SerializationFailure)
        ),
    ],
)
def test_errors_say_where_and_what_to_do(error: psycopg.Error, words: str) -> None:
    address = parse_address("postgresql://ann:hunter2@db/sms?schema=team_a")
    with pytest.raises(LedgerError, match=words) as told, postgres_errors(address):
        raise error
    assert str(told.value).startswith("the ledger postgresql://ann@db/sms?schema=team_a ")


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("standard_conforming_strings", "off", "on"),
        ("DateStyle", "German", "ISO, YMD"),
        ("TimeZone", "Asia/Kathmandu", "UTC"),
        ("default_transaction_isolation", "serializable", "read committed"),
    ],
)
def test_a_session_of_the_event_loop_sets_what_it_relies_on(name: str, wrong: str, right: str) -> None:
    """The queue and the paces go over those; the other sessions are in tests/acceptance/cluster."""

    async def shown() -> str:
        with own_schema() as url:
            place = address(url)
            options = f"-c {name}={wrong}"
            async with await psycopg.AsyncConnection.connect(
                place.conninfo, autocommit=True, options=options
            ) as session:
                await find_schema(session, place)
                row = await (await session.execute(f"SHOW {name}".encode())).fetchone()
                assert row is not None
                return str(row[0])

    assert asyncio.run(shown()) == right
