"""The only HTTP client: posts one body and says what that proved.

Whether a failed POST may have left this machine is known from one bit, set when the connector hands out a connection:
it stays unset for a refused connection, an unknown name, a connect timeout, a failed TLS handshake and a wait for the
pool, and it is set in every other failure. It is the moment just before aiohttp's ``on_request_headers_sent`` (facts,
section 9), without the 13 µs that tracing adds to each request of 80. The bit decides, not the exception's name: one
and the same ``TimeoutError`` stands for "never connected" and for "sent, no answer".

The key goes in the ``apikey`` header to the configured host only: redirects are not followed, because aiohttp would
send a custom header along to the new host.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from msgspec_runner._version import __version__
from msgspec_runner.model import Outcome
from msgspec_runner.sociocs import classify
from msgspec_runner.sociocs.api_key import check_api_key
from msgspec_runner.sociocs.classify import Failure
from msgspec_runner.sociocs.network import proxy_for, tls_context
from msgspec_runner.sociocs.origin import check_base_url

MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read; the documented answers are below 1 KiB."""

KEEPALIVE = 2.0
"""Seconds that an idle connection is kept. Servers close idle connections after 5 s and more; a POST on one that is
just being closed would be in doubt for nothing, so we close it well before."""

CONNECT_TIMEOUT = 10.0
"""Seconds for one connection attempt, and never more than the whole request may take."""


class Answer(NamedTuple):
    """What came back from a call that sends nobody anything.

    Attributes:
        status: the HTTP status; None where there was none.
        content: the body of a 2xx, or of another status that can be read; empty where there was none.
        problem: what went wrong, as for a post; None for a 2xx that was read whole.
    """

    status: int | None
    content: bytes
    problem: Outcome | None


class _Flight:
    """The one bit of a request in flight: does it have a connection, over which it may have left?"""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = False


_FLIGHT: ContextVar[_Flight] = ContextVar("flight")


class _Connector(aiohttp.TCPConnector):
    """Sets the bit when the pool hands out a connection: the next thing aiohttp does is write the headers."""

    async def connect(  # its parameters are aiohttp's
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        _FLIGHT.get().left = True
        return connection


class Client:
    """Posts messages to one Sociocs-compatible API; an async context manager.

    Args:
        base_url: for example ``https://api.sociocs.com``; http only for a loopback address.
        api_key: goes into the ``apikey`` header of each request and nowhere else.
        concurrency: connections at most.
        timeout: seconds for one request, from connecting to the last byte of the answer.
        retry_server_errors: take a 500-511 as a proof that nothing was sent (``server-errors = "retry"``).

    Raises:
        UsageError: the base URL, the key or the proxy cannot be used; on entering, ``SSL_CERT_FILE``.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        concurrency: int = 10,
        timeout: float = 30.0,
        retry_server_errors: bool = False,
    ) -> None:
        self._base_url = check_base_url(base_url)
        self._url = self._base_url + "/message"
        self._key = check_api_key(api_key)
        self._concurrency = concurrency
        self._timeout = timeout
        self._retry_server_errors = retry_server_errors
        self._proxy, self._proxy_headers = proxy_for(self._base_url)
        # Given with each request: a session's own headers would also go to the proxy, in the clear.
        self._secret_headers = {"apikey": self._key}
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"Client({self._base_url!r})"

    async def __aenter__(self) -> Self:
        secure = self._base_url.startswith("https:")
        connector = _Connector(
            limit=self._concurrency,
            keepalive_timeout=KEEPALIVE,
            ttl_dns_cache=60,
            ssl=tls_context() if secure else True,  # made here: SSL_CERT_FILE is read now
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": f"msgspec-runner/{__version__}",
            },
            timeout=aiohttp.ClientTimeout(
                total=self._timeout, sock_connect=min(CONNECT_TIMEOUT, self._timeout), ceil_threshold=60
            ),
            trust_env=False,  # it would also read ~/.netrc
            proxy=self._proxy,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, body: bytes) -> Outcome:
        """Post one message and say what that proved; never raises for anything the network does.

        Cancelling it leaves the message in doubt: the caller has to record that.

        Args:
            body: the exact JSON, UTF-8.
        """
        if self._session is None:
            raise RuntimeError("enter the client with `async with` before posting")
        flight = _Flight()
        _FLIGHT.set(flight)
        status: int | None = None
        try:
            async with self._session.post(
                self._url,
                data=body,
                headers=self._secret_headers,
                allow_redirects=False,
                proxy_headers=self._proxy_headers,
            ) as answer:
                status = answer.status
                outcome = classify.from_status(
                    status,
                    retry_after=self._retry_after(answer.headers),
                    retry_server_errors=self._retry_server_errors,
                )
                if outcome is not None:
                    return outcome
                content = await _read(answer.content)
        except (aiohttp.ClientError, OSError) as error:  # OSError: TimeoutError, ssl.SSLError
            detail = _detail(error).replace(self._key, "[the API key]")
            return classify.from_failure(failure_of(error, left=flight.left), detail, http_status=status)
        if content is None:
            return classify.from_failure(Failure.OVERSIZED_ANSWER, http_status=status)
        return classify.from_body(status, content, self._key)

    async def ask(self, method: str, path: str, query: Mapping[str, str], *, limit: int) -> Answer:
        """Make a call that sends nobody anything; never raises for anything the network does.

        Args:
            method: ``GET`` or ``DELETE``.
            path: below the base URL, with its first slash, quoted.
            query: parameters, not quoted.
            limit: bytes of the answer that are read.
        """
        if self._session is None:
            raise RuntimeError("enter the client with `async with` before asking")
        flight = _Flight()
        _FLIGHT.set(flight)
        status: int | None = None
        try:
            async with self._session.request(
                method,
                URL(self._base_url + path, encoded=True).with_query(query),
                headers=self._secret_headers,
                allow_redirects=False,
                proxy_headers=self._proxy_headers,
            ) as answer:
                status = answer.status
                problem = classify.from_status(status, retry_after=self._retry_after(answer.headers))
                content = await _read(answer.content, limit)
        except (aiohttp.ClientError, OSError) as error:
            detail = _detail(error).replace(self._key, "[the API key]")
            failed = classify.from_failure(failure_of(error, left=flight.left), detail, http_status=status)
            return Answer(status, b"", failed)
        if content is None:
            return Answer(status, b"", problem or classify.from_failure(Failure.OVERSIZED_ANSWER, http_status=status))
        return Answer(status, content, problem)

    @staticmethod
    def _retry_after(headers: Mapping[str, str]) -> float | None:
        value = headers.get("Retry-After")
        return None if value is None else classify.retry_after_seconds(value, datetime.now(UTC))


def failure_of(error: BaseException, *, left: bool) -> Failure:
    """Name a failure: first by whether the request had left, then by what went wrong.

    Args:
        error: what aiohttp or the system raised.
        left: whether the headers had been handed to the connection.
    """
    if left:
        if isinstance(error, TimeoutError):
            return Failure.TIMEOUT
        if isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientPayloadError):
            return Failure.BROKEN_ANSWER
        return Failure.RESET
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        return Failure.CERTIFICATE
    if isinstance(error, aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError):
        return Failure.PROXY
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return Failure.TLS
    if isinstance(error, TimeoutError):
        return Failure.CONNECT_TIMEOUT
    if isinstance(error, aiohttp.ClientConnectorError):
        return Failure.NO_CONNECTION
    return Failure.BEFORE_REQUEST


async def _read(content: aiohttp.StreamReader, limit: int = MAX_ANSWER) -> bytes | None:
    """The whole body, or None where it is longer than ``limit`` bytes."""
    body = bytearray(await content.readany())
    while not content.at_eof():
        body += await content.readany()
        if len(body) > limit:
            return None
    return bytes(body) if len(body) <= limit else None


def _detail(error: BaseException) -> str:
    """What the system said, without a host's address list; a bare timeout says nothing."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error)
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{error.status} {error.message}"
    return str(error)
