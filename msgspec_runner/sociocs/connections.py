"""Connections to one host, kept while they are idle: whether one may be used again, and when its time is up.

aiohttp makes the connections and sees to their number (names, happy eyeballs, TLS, proxies, limit). Asking it for each
request costs more than writing the request, so what is idle is kept here. It stays lent, as aiohttp sees it: there are
never more connections than requests at once.
"""

from __future__ import annotations

import asyncio
import math
import select
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import connector
from aiohttp.client_reqrep import ClientRequest
from yarl import URL

from msgspec_runner.sociocs.head_first import HeadFirst

KEEPALIVE = 2.0
"""Seconds that an idle connection is kept. Servers close idle connections after 5 s and more; a POST on one that is
just being closed would be in doubt for nothing, so we close it well before."""

CONNECT_TIMEOUT = 10.0
"""Seconds for one connection attempt, and never more than the whole request may take."""

DNS_SECONDS = 60
"""Seconds that a host's addresses are remembered."""


class Alarm:
    """Calls back once its time has come, which is put off with every request.

    A timer that goes off too early is set anew, so putting it off makes none: there is one in a while, not one each
    time.

    Args:
        loop: whose clock it goes by.
        call: what to call.
    """

    __slots__ = ("_call", "_loop", "_timer", "when")

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        self._loop = loop
        self._call = call
        self._timer: asyncio.TimerHandle | None = None
        self.when = math.inf
        """The moment of the call; infinite: there is none."""

    def set(self, when: float) -> None:
        """Call at that moment, and not at the one before."""
        self.when = when
        if self._timer is None or when < self._timer.when():
            self._arm()

    def stop(self) -> None:
        """Never call."""
        self.when = math.inf
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if self.when == math.inf else self._loop.call_at(self.when, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._loop.time() < self.when:
            self._arm()
        else:
            self.when = math.inf
            self._call()


class Connection:
    """A connection that carries one request after another.

    Args:
        made: as aiohttp lends it; open.
        loop: that it runs in.

    Attributes:
        protocol: reads its answers.
        transport: takes its requests.
        alarm: ends it. Whoever waits for an answer gets a ``TimeoutError``.
    """

    __slots__ = ("_made", "_poll", "alarm", "protocol", "transport")

    def __init__(self, made: connector.Connection, loop: asyncio.AbstractEventLoop) -> None:
        assert isinstance(made.protocol, HeadFirst)
        assert made.transport is not None
        self._made = made
        self.protocol = made.protocol
        self.transport = made.transport
        self.alarm = Alarm(loop, partial(_time_is_up, self.protocol))
        self._poll: select.poll | None = None
        if hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)

    @property
    def is_open(self) -> bool:
        """Whether nobody has closed it or said anything unasked, as far as the loop has seen."""
        return not (self.transport.is_closing() or self.protocol.should_close)

    def is_quiet(self) -> bool:
        """Whether nobody has closed it or said anything unasked, as far as anything has reached this machine."""
        return self.is_open and not (self._poll is not None and self._poll.poll(0))

    def may_be_kept(self) -> bool:
        """Whether another request may follow.

        None may after an answer that has not ended, or that came before its request had left whole: the rest of either
        would be taken for what comes next.
        """
        return self.is_open and not self.protocol.is_held and not self.transport.get_write_buffer_size()

    def give_back(self) -> None:
        """Let aiohttp have it for somebody else."""
        self.alarm.stop()
        self._made.release()

    def close(self) -> None:
        """End it; what was not written yet may still be."""
        self.alarm.stop()
        self._made.close()


class Connections:
    """The connections to one host; an async context manager.

    Args:
        url: whose host is connected to.
        limit: connections at most.
        connect_timeout: seconds for one connection attempt.
        context: verifies the host, for https.
        proxy: URL of a proxy that tunnels https; None goes straight.
        proxy_headers: for the proxy.
    """

    def __init__(
        self,
        url: URL,
        *,
        limit: int,
        connect_timeout: float,
        context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        proxy_headers: Mapping[str, str] | None = None,
    ) -> None:
        self._url = url
        self._limit = limit
        self._connect_timeout = aiohttp.ClientTimeout(sock_connect=min(CONNECT_TIMEOUT, connect_timeout))
        self._context = context
        self._proxy = proxy
        self._proxy_headers = proxy_headers
        self._idle: list[Connection] = []
        self._asking = 0
        """Requests that wait for aiohttp to lend them a connection."""

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        # Windows has no `poll`, and reads before it is asked to: what has come is known when the loop has looked.
        self._must_look = not hasattr(select, "poll")
        self._connector = aiohttp.TCPConnector(
            limit=self._limit, keepalive_timeout=KEEPALIVE, ttl_dns_cache=DNS_SECONDS
        )
        # A connector has no parameter for what reads its connections; a subclass is what its type has not foreseen.
        self._connector._factory = partial(HeadFirst, loop=self._loop)  # type: ignore[assignment]
        # It is never sent: a connector wants it to know where to connect to, and how.
        self._way = ClientRequest(
            "GET",
            self._url,
            loop=self._loop,
            ssl=self._context or True,
            proxy=URL(self._proxy) if self._proxy else None,
            proxy_headers=dict(self._proxy_headers or {}),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._idle:
            self._idle.pop().give_back()  # who made it knows best how to close it
        await self._connector.close()

    @property
    def host(self) -> str:
        """What the ``Host`` header says."""
        return self._way.headers["Host"]

    async def get(self, until: float) -> Connection:
        """Return a connection on which nobody has said anything yet.

        A server may say something on an idle connection before it closes it (a 408, for example). It is not the answer
        to what comes next.

        Args:
            until: when to give up, on the loop's clock.

        Raises:
            TimeoutError: there was none in time.
            aiohttp.ClientError, OSError: none could be made.
        """
        if self._must_look:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        now = self._loop.time()
        while self._idle:
            connection = self._idle.pop()
            if now < connection.alarm.when and connection.is_quiet():
                return connection
            connection.close()
        self._asking += 1
        try:
            async with asyncio.timeout_at(until):
                return await self._ask()
        finally:
            self._asking -= 1

    async def _ask(self) -> Connection:
        """Have aiohttp lend a connection: a new one, or one that was given back."""
        for _ in range(self._limit + 1):
            made = await self._connector.connect(self._way, [], self._connect_timeout)
            assert isinstance(made.protocol, HeadFirst)
            if made.protocol.is_connected() and not made.protocol.should_close:
                connection = Connection(made, self._loop)
                # What a new one has to say may be a part of its TLS handshake.
                if made.protocol.status is None or connection.is_quiet():
                    return connection
            made.close()
        raise aiohttp.ClientConnectionError("the server talks before it is asked")

    def put_back(self, connection: Connection) -> None:
        """Keep a connection for another request, where there may be one."""
        if not connection.may_be_kept():
            connection.close()
        elif self._asking:
            connection.give_back()
        else:
            connection.alarm.set(self._loop.time() + KEEPALIVE)
            self._idle.append(connection)


def _time_is_up(protocol: HeadFirst) -> None:
    protocol.set_exception(TimeoutError())
    if protocol.transport is not None:
        protocol.transport.close()
