"""HTTP/1.1 requests over aiohttp's connections: what a request wrote, and what came back.

aiohttp opens the connections (names, happy eyeballs, TLS, proxies) and parses the answers; :mod:`.connections` keeps
them. Only the request is written here: one buffer, whose head never changes. That is a third of the work of
``ClientSession``, which is most of what a message costs, and it makes the one thing exact that the ledger has to know:
nothing has left this machine before ``transport.write``, and something may have from then on.
"""

from __future__ import annotations

import asyncio
import math
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from msgspec_runner.sociocs.connections import Connection, Connections
from msgspec_runner.sociocs.head_first import is_interim

Leave = Callable[[], bool | Awaitable[bool]]
"""Asked when a connection is there, as the last thing before the first byte goes into it: whether the request may
leave, told at once, or when it may. Nothing else happens between a True and that byte."""


class Kept(Exception):  # noqa: N818 - reads as what it says
    """A request was not to leave."""


_FAILURES = (aiohttp.ClientError, HttpProcessingError, OSError, zlib.error)
"""What may go wrong; OSError stands for TimeoutError and ssl.SSLError too."""


class Reply(NamedTuple):
    """What came of a request.

    Attributes:
        left: whether any of it may have left this machine; where not, nobody got it.
        status: the HTTP status; None where there was none.
        headers: of the answer.
        content: its body; empty where it was not read; None where it is longer than what is read.
        error: why there is no answer, or no whole one.
    """

    left: bool
    status: int | None
    headers: Mapping[str, str]
    content: bytes | None
    error: Exception | None


class Wire:
    """Requests to one host; an async context manager.

    Args:
        base_url: whose host is connected to.
        concurrency: connections at most; a request waits for one.
        timeout: seconds for one request, from waiting for a connection to the last byte of the answer, less the time
            in which it waited for leave.
        context: verifies the host, for https.
        proxy: URL of a proxy that tunnels https; None goes straight.
        proxy_headers: for the proxy.
    """

    def __init__(
        self,
        base_url: str,
        *,
        concurrency: int,
        timeout: float,
        context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        proxy_headers: Mapping[str, str] | None = None,
    ) -> None:
        self._timeout = timeout
        self._connections = Connections(
            URL(base_url, encoded=True),
            limit=concurrency,
            connect_timeout=timeout,
            context=context,
            proxy=proxy,
            proxy_headers=proxy_headers,
        )

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await self._connections.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connections.__aexit__(kind, error, trace)

    @property
    def host(self) -> str:
        """What the ``Host`` header says."""
        return self._connections.host

    async def exchange(self, request: bytes, limit: int, *, always: bool = False, leave: Leave | None = None) -> Reply:
        """Write one request and read its answer; raises nothing for anything the network does.

        Cancelling it closes the connection; what was written may have arrived.

        Args:
            request: the whole request, from its method to the end of its body.
            limit: bytes of the answer's body that are read.
            always: read the body of every answer, not only of a 2xx.
            leave: says when it may leave; None: at once. Where it is not to leave, its connection is kept for others.
        """
        left = False
        status: int | None = None
        headers: Mapping[str, str] = {}
        connection: Connection | None = None
        until = self._loop.time() + self._timeout
        try:
            connection = await self._connections.get(until)
            if leave is not None:
                may = leave()
                if not isinstance(may, bool):
                    waits = self._loop.time()
                    may = await _patiently(may, connection)
                    until += self._loop.time() - waits  # that is none of the time that the request may take
                if not may:
                    raise Kept("it was not to leave when a connection was there")
            protocol = connection.protocol
            connection.alarm.set(until)
            # What is not decoded for us cannot fail before its status is known.
            protocol.set_response_params(read_until_eof=True, auto_decompress=False)
            protocol.status = None
            left = True
            connection.transport.write(request)
            message, payload = await protocol.read()
            while is_interim(message.code):  # the answer itself follows
                message, payload = await protocol.read()
            status, headers = message.code, message.headers
            content: bytes | None = b""
            if always or 200 <= status <= 299:
                content = _whole(payload, limit) if payload.is_eof() else await _read(payload, limit)
                if content and "Content-Encoding" in headers:
                    content = _decoded(content, headers["Content-Encoding"], limit)
        except Kept as error:
            assert connection is not None
            self._connections.put_back(connection)
            connection = None
            return Reply(left, status, headers, b"", error)
        except _FAILURES as error:
            if left and connection is not None:
                status = connection.protocol.status
            return Reply(left, status, headers, b"", error)
        else:
            if content is not None:
                self._connections.put_back(connection)
                connection = None
            return Reply(left, status, headers, content, None)
        finally:
            if connection is not None:
                connection.close()


async def _patiently(may: Awaitable[bool], connection: Connection) -> bool:
    """Wait until it is known whether a request may leave.

    Raises:
        aiohttp.ClientConnectionError: its connection did not last as long.
    """
    connection.alarm.set(math.inf)
    if not await may:
        return False
    if not connection.is_open:
        raise aiohttp.ClientConnectionError("the server closed the connection before anything was said")
    return True


def _decoded(body: bytes, encoding: str, limit: int) -> bytes | None:
    """Return what a compressed body says, or None where that is longer than ``limit`` bytes.

    We ask for no compression. What compresses all the same does it with gzip, or sends what nobody can read.
    """
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        return body
    inflated = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(body, limit + 1)
    return inflated if len(inflated) <= limit else None


def _whole(content: aiohttp.StreamReader, limit: int) -> bytes | None:
    """Return a body that has come whole, or None where it is longer than ``limit`` bytes."""
    body = content.read_nowait()
    return body if len(body) <= limit else None


async def _read(content: aiohttp.StreamReader, limit: int) -> bytes | None:
    """Return the whole body, or None where it is longer than ``limit`` bytes."""
    body = await content.readany()
    while not content.at_eof():
        body += await content.readany()
        if len(body) > limit:
            return None
    return body if len(body) <= limit else None
