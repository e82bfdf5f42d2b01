"""Connections to PostgreSQL that are safe to trust, and patience with a server that restarts.

psycopg's errors leave this package as :class:`LedgerError` only.
"""

from __future__ import annotations

import os
import random
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.postgres_address import Address

OLDEST_SERVER = 130000
"""PostgreSQL 13: the oldest that the tests' statements are known to work with."""

BUSY_SECONDS = 30
"""How long a writer waits for another's lock (each is held for milliseconds) before it gives up."""

_NETWORK = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    "application_name": "msgspec-runner",
}
"""Seconds (the last but one: milliseconds) after which a peer that says nothing is gone; the address may say others."""

_TEXT = """
SET standard_conforming_strings = on;
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET TimeZone = 'UTC';
SET bytea_output = 'hex';
SET extra_float_digits = 1;
SET array_nulls = on;
SET transform_null_equals = off;
SET default_transaction_isolation = 'read committed';
"""
"""How values are written in statements and answers, and what a transaction is, whatever a role or a database has for
defaults: a body that is escaped for another way of reading it is not the body that was planned."""

_SESSION = f"""{_TEXT}
SET synchronous_commit = on;
SET lock_timeout = '{BUSY_SECONDS}s';
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET tcp_keepalives_idle = 30;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 3;
SET jit = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
SET client_min_messages = warning
"""
"""``synchronous_commit`` makes "recorded before the request leaves" true whatever the server's default is; plain
``on`` also waits for a standby where the server names one. A machine that loses its power does not hang up: the
keepalives tell the server within a minute, and with it everybody who wonders whether the run lives. The last ones: each
page of a plan is a walk along an index; a planner without statistics, as in the first minute of a large plan, would
read and sort all that is left for each."""

_AWAY = re.compile(
    r"refused|timed? ?out|timeout|unreachable|no route|no such file|resolve host|closed the connection|connection reset"
    r"|starting up|shutting down|not yet accepting|not accepting|recovery|too many (?:clients|connections)"
    r"|connection slots|terminating connection",
    re.IGNORECASE,
)
"""What is said of a server that is away, restarts, or has no place just now."""

_REFUSALS = (
    (
        r"no password supplied",
        "asks for a password",
        "Set PGPASSWORD, or write it into ~/.pgpass",
    ),
    (
        r"password",  # without TLS it may have been tried, too, and that is told after it
        "does not take this password",
        "Correct it (PGPASSWORD, or ~/.pgpass), or the role in the address: it says the same of an unknown one",
    ),
    (
        r'role "[^"]*" (?:does not exist|is not permitted)',
        "does not know this role",
        "Correct the role in the address (postgresql://ROLE@…), or ask for it: createuser ROLE",
    ),
    (
        r'database "[^"]*" does not exist',
        "has no such database",
        "Correct its name in the address, or make it: createdb -E UTF8 NAME",
    ),
    (
        r"permission denied for database|does not have CONNECT",
        "does not let this role in",
        "Ask who owns the database: GRANT CONNECT ON DATABASE NAME TO ROLE",
    ),
    (
        r"too many (?:clients|connections)|connection slots",
        "has no connection left",
        "Try again; if that is often so, raise max_connections at the server, or the role's CONNECTION LIMIT",
    ),
    (
        r"starting up|shutting down|not yet accepting|recovery|not (?:currently )?accepting",
        "takes no connections just now",
        "Try again in a moment",
    ),
    (
        r"pg_hba\.conf",
        "does not let this role in from this machine",
        "Ask for a line in the server's pg_hba.conf; if it wants encryption, add ?sslmode=require to the address",
    ),
    (
        r"resolve host|translate host name",
        "cannot be reached",
        "Check the host's name in the address, and the network",
    ),
    (
        r"\bSSL\b|\bTLS\b|\bcertificate\b",
        "cannot be reached",
        "Check sslmode and the certificates in the address, and the server",
    ),
    (
        r"invalid (?:URI|connection option|\w+ value)",
        "has an address that makes no sense",
        "Correct what stands behind the ? in it",
    ),
    (
        r"refused|timed? ?out|timeout|unreachable|no route|no such file|server closed the connection",
        "cannot be reached",
        "Check the host and the port in the address, and that the server runs and listens there",
    ),
)
"""What is said of a connection that was not made, what that means, and what to do; the first that fits is told."""

NOT_IDLE = "SET idle_in_transaction_session_timeout = '2s'"
"""For sessions whose short transactions lock what others wait for: where the client stands still or is cut off in the
middle of one, the server ends it, long before it misses the connection."""

Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server that is away, and how.

    Attributes:
        seconds: from the first failure to giving up.
        first: seconds of the first pause; each is twice the one before.
        longest: seconds of a pause at most.
        sleep: waits; may wake early where there is nothing to wait for any more.
        now: tells the time in seconds.
        is_over: says whether whoever waits shall end: then there is no attempt after the next.
    """

    seconds: float = 300.0
    first: float = 0.1
    longest: float = 5.0
    sleep: Callable[[float], object] = time.sleep
    now: Callable[[], float] = time.monotonic
    is_over: Callable[[], bool] = lambda: False

    def attempts(self) -> Iterator[None]:
        """Yield at once, and then after each pause, until the time is up."""
        deadline = self.now() + self.seconds
        pause = self.first
        while True:
            yield
            left = deadline - self.now()
            if left <= 0 or self.is_over():
                return
            # Many that wait for one server should not all come back at once.
            self.sleep(min(left, pause * (0.5 + random.random() / 2)))  # noqa: S311
            pause = min(2 * pause, self.longest)


def connect(address: Address) -> Connection:
    """Open a session that is durable at each commit, in the ledger's schema only.

    Raises:
        psycopg.Error: the server cannot be reached, or says no.
        LedgerError: it is no server for a ledger.
    """
    connection = psycopg.connect(address.conninfo, autocommit=True, **parameters(address))
    try:
        _check_server(connection.info, address)
        connection.execute(_SESSION)
        connection.execute("SELECT set_config('search_path', %s, false)", (f'"{address.schema}", pg_catalog',))
        if connection.info.server_version >= 140000:
            connection.execute("SET idle_session_timeout = 0")
    except BaseException:
        connection.close()
        raise
    return connection


async def connect_async(address: Address) -> psycopg.AsyncConnection[tuple[object, ...]]:
    """Open a session in the ledger's schema for an event loop, as the server has them otherwise.

    Raises:
        psycopg.Error: the server cannot be reached, or says no.
    """
    connection = await psycopg.AsyncConnection.connect(address.conninfo, autocommit=True, **parameters(address))
    try:
        await find_schema(connection, address)
    except BaseException:
        await connection.close()
        raise
    return connection


async def find_schema(connection: psycopg.AsyncConnection[Any], address: Address) -> None:
    """Let a session see the ledger's schema only; no transaction is open afterwards that was not open before."""
    await connection.execute(f"{_TEXT}{NOT_IDLE}")
    await connection.execute("SELECT set_config('search_path', %s, false)", (f'"{address.schema}", pg_catalog',))
    if not connection.autocommit:
        await connection.commit()


def parameters(address: Address) -> dict[str, Any]:
    """Return what a connection is opened with beside its address: what that says itself is left as it is."""
    given = conninfo_to_dict(address.conninfo)
    return {"client_encoding": "utf8", **{name: value for name, value in _NETWORK.items() if name not in given}}


def break_line(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    """Let fail whoever waits for a connection's answer. For another thread than the one that waits."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def text(value: str | None) -> str | None:
    """Return what PostgreSQL can hold of a text: it has no NUL, and no half of a surrogate pair."""
    return value if value is None else value.replace("\0", "␀").encode("utf-8", "replace").decode()


def _check_server(info: psycopg.ConnectionInfo, address: Address) -> None:
    """Raise LedgerError where a server is none for a ledger."""
    if info.server_version < OLDEST_SERVER:
        raise LedgerError(f"the ledger {address.location} is on a PostgreSQL older than 13: upgrade the server")
    if info.parameter_status("server_encoding") != "UTF8":
        raise LedgerError(
            f"the ledger {address.location} is in a database that is not UTF-8. Make one: createdb -E UTF8 NAME"
        )


_ENDED = errors.IdleInTransactionSessionTimeout, errors.ReadOnlySqlTransaction
"""What else than an error of the connection says that it is of no use any more. The first one is said to a client that
stood still, or was cut off, in the middle of a transaction. A server that has become a standby takes no writes until
somebody promotes it, or another is found."""


def is_lost(error: psycopg.Error, connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any] | None) -> bool:
    """Return whether the server is away, so that waiting may help.

    Args:
        error: what psycopg raised.
        connection: the one that it happened on; None: while connecting.
    """
    if isinstance(error, _ENDED):
        return True
    of_it = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return of_it and (connection is None or connection.closed)


def is_collision(error: psycopg.Error) -> bool:
    """Return whether the transaction lost against another one, and will do better when it is tried again."""
    return isinstance(error, errors.DeadlockDetected | errors.SerializationFailure)


def is_locked(error: psycopg.Error) -> bool:
    """Return whether another's lock was in the way of a statement for longer than is waited for."""
    return isinstance(error, errors.LockNotAvailable)


def is_hindered(error: psycopg.Error) -> bool:
    """Return whether somebody's lock, or a person, was in the way of a statement: of the server's upkeep, as a rule."""
    return is_locked(error) or isinstance(error, errors.QueryCanceled)


def may_come_back(error: BaseException | None) -> bool:
    """Return whether a server that could not be used at a start is one that may be there soon.

    What it says no to, a password or a name that it does not know, stays wrong. psycopg has nothing but words for what
    happens before a session begins. The words of a server that speaks another language than English mean no.
    """
    if isinstance(error, errors.ConnectionTimeout | errors.ReadOnlySqlTransaction):
        return True
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and (
        (error.sqlstate or "")[:3] in ("57P", "08") or _AWAY.search(str(error)) is not None
    )


@contextmanager
def postgres_errors(address: Address) -> Iterator[None]:
    """Turn errors of PostgreSQL inside the block into a :class:`LedgerError` that tells what to do."""
    try:
        yield
    except psycopg.Error as error:
        raise LedgerError(f"the ledger {address.location} {_explain(error, address)}") from error


def _explain(error: psycopg.Error, address: Address) -> str:
    """Return the rest of a sentence that begins with "the ledger …"."""
    said = address.without_password(" ".join(str(error).split())).rstrip(" .,;:?!")
    match error:
        case errors.LockNotAvailable():
            return f"is locked: another process has been writing to it for more than {BUSY_SECONDS} s. Try again"
        case errors.DeadlockDetected() | errors.SerializationFailure():
            return "is in use: another process was writing to the same messages. Nothing was sent: run it again"
        case errors.DiskFull() | errors.OutOfMemory():
            return "cannot grow: the server's disk or memory is full. Free some and send again"
        case errors.InsufficientPrivilege():
            return f"may not be used by this role: {said}. Ask for the rights to its schema {address.schema}"
        case errors.UniqueViolation():
            return f"has that already: {said}"
    for pattern, means, what_to_do in _REFUSALS if _is_of_connecting(error) else ():
        if re.search(pattern, said, re.IGNORECASE):
            return f"{means}: {said}. {what_to_do}"
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return f"cannot be reached: {said}. Check the address, the password (PGPASSWORD) and the server"
    return f"cannot be used: {said}"


def _is_of_connecting(error: psycopg.Error) -> bool:
    """Return whether an error may be one of a connection that was not made: those have no code."""
    return error.sqlstate is None or isinstance(error, psycopg.OperationalError)
