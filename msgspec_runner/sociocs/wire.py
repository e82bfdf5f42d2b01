"""HTTP/1.1 requests over aiohttp's connections: what a request wrote, and what came back.

aiohttp opens and pools the connections (names, happy eyeballs, TLS, proxies) and parses the answers. Only the request
is written here: one buffer, whose head never changes. That is less than half the work of ``ClientSession``, which is
most of what a message costs, and it makes the one thing exact that the ledger has to know: nothing has left this
machine before ``transport.write``, and something may have from then on.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from msgspec_runner.sociocs.head_first import HeadFirst, is_interim

KEEPALIVE = 2.0
"""Seconds that an idle connection is kept. Servers close idle connections after 5 s and more; a POST on one that is
just being closed would be in doubt for nothing, so we close it well before."""

CONNECT_TIMEOUT = 10.0
"""Seconds for one connection attempt, and never more than the whole request may take."""

DNS_SECONDS = 60
"""Seconds that a host's addresses are remembered."""


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
    """A pool of connections to one host; an async context manager.

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
        self._url = URL(base_url, encoded=True)
        self._concurrency = concurrency
        self._timeout = timeout
        self._connect_timeout = aiohttp.ClientTimeout(sock_connect=min(CONNECT_TIMEOUT, timeout))
        self._context = context
        self._proxy = proxy
        self._proxy_headers = proxy_headers

    async def __aenter__(self) -> Self:
        self._connector = aiohttp.TCPConnector(
            limit=self._concurrency, keepalive_timeout=KEEPALIVE, ttl_dns_cache=DNS_SECONDS
        )
        # A connector has no parameter for what reads its connections; a subclass is what its type has not foreseen.
        self._connector._factory = partial(HeadFirst, loop=asyncio.get_running_loop())  # type: ignore[assignment]
        # It is never sent: a connector wants it to know where to connect to, and how.
        self._way = ClientRequest(
            "GET",
            self._url,
            loop=asyncio.get_running_loop(),
            ssl=self._context or True,
            proxy=URL(self._proxy) if self._proxy else None,
            proxy_headers=dict(self._proxy_headers or {}),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connector.close()

    @property
    def host(self) -> str:
        """What the ``Host`` header says."""
        return self._way.headers["Host"]

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
        try:
            async with asyncio.timeout(self._timeout) as patience:
                connection = await self._connect()
                if leave is not None:
                    may = leave()
                    if not (may if isinstance(may, bool) else await _patiently(may, patience, connection)):
                        raise Kept("it was not to leave when a connection was there")
                protocol, transport = connection.protocol, connection.transport
                assert isinstance(protocol, HeadFirst)
                assert transport is not None
                # What is not decoded for us cannot fail before its status is known.
                protocol.set_response_params(read_until_eof=True, auto_decompress=False)
                protocol.status = None
                left = True
                transport.write(request)
                message, payload = await protocol.read()
                while is_interim(message.code):  # the answer itself follows
                    message, payload = await protocol.read()
                status, headers = message.code, message.headers
                content = await _read(payload, limit) if always or 200 <= status <= 299 else b""
                if content:
                    content = _decoded(content, headers.get("Content-Encoding", ""), limit)
        except Kept as error:
            assert connection is not None
            connection.release()
            connection = None
            return Reply(left, status, headers, b"", error)
        except _FAILURES as error:
            if left and connection is not None and isinstance(connection.protocol, HeadFirst):
                status = connection.protocol.status
            return Reply(left, status, headers, b"", error)
        else:
            # An answer that came before the request had left whole: the rest of it would be taken for the next one.
            if content is not None and not transport.get_write_buffer_size():
                connection.release()  # to the pool, or closed, where the answer has not ended
                connection = None
            return Reply(left, status, headers, content, None)
        finally:
            if connection is not None:
                connection.close()

    async def _connect(self) -> Connection:
        """Return a connection on which nobody has said anything yet.

        A server may say something on an idle connection before it closes it (a 408, for example). It is not the answer
        to what comes next. That it has closed one is not known before the loop has looked at it again.
        """
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for _ in range(self._concurrency + 1):
            connection = await self._connector.connect(self._way, [], self._connect_timeout)
            assert connection.protocol is not None
            if not connection.protocol.should_close:
                return connection
            connection.close()
        raise aiohttp.ClientConnectionError("the server talks before it is asked")


async def _patiently(may: Awaitable[bool], patience: asyncio.Timeout, connection: Connection) -> bool:
    """Wait until it is known whether a request may leave; that is none of the time that it may take.

    Raises:
        aiohttp.ClientConnectionError: its connection did not last as long.
    """
    loop = asyncio.get_running_loop()
    began, until = loop.time(), patience.when()
    patience.reschedule(None)
    if not await may:
        return False
    if connection.protocol is None or connection.protocol.should_close:
        raise aiohttp.ClientConnectionError("the server closed the connection before anything was said")
    if until is not None:
        patience.reschedule(until + loop.time() - began)
    return True


def _decoded(body: bytes, encoding: str, limit: int) -> bytes | None:
    """Return what a compressed body says, or None where that is longer than ``limit`` bytes.

    We ask for no compression. What compresses all the same does it with gzip, or sends what nobody can read.
    """
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        return body
    inflated = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(body, limit + 1)
    return inflated if len(inflated) <= limit else None


async def _read(content: aiohttp.StreamReader, limit: int) -> bytes | None:
    """Return the whole body, or None where it is longer than ``limit`` bytes."""
    body = await content.readany()
    while not content.at_eof():
        body += await content.readany()
        if len(body) > limit:
            return None
    return body if len(body) <= limit else None
