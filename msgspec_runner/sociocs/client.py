"""The only HTTP client: posts one body and says what that proved.

Whether a failed POST may have left this machine is known from one bit, which :mod:`.wire` sets just before it writes
the request: it stays unset for a refused connection, an unknown name, a connect timeout, a failed TLS handshake and a
wait for the pool, and it is set in every other failure. The bit decides, not the exception's name: one and the same
``TimeoutError`` stands for "never connected" and for "sent, no answer".

The key goes in the ``apikey`` header to the configured host only; redirects are not followed.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from msgspec_runner._version import __version__
from msgspec_runner.model import Outcome
from msgspec_runner.sociocs import classify
from msgspec_runner.sociocs.api_key import check_api_key
from msgspec_runner.sociocs.classify import Failure
from msgspec_runner.sociocs.network import proxy_for, tls_context
from msgspec_runner.sociocs.origin import check_base_url
from msgspec_runner.sociocs.wire import Leave, Reply, Wire

MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read; the documented answers are below 1 KiB."""


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
        self._key = check_api_key(api_key)
        self._concurrency = concurrency
        self._timeout = timeout
        self._retry_server_errors = retry_server_errors
        self._proxy, self._proxy_headers = proxy_for(self._base_url)
        self._wire: Wire | None = None
        self._common = self._post_head = b""

    def __repr__(self) -> str:
        return f"Client({self._base_url!r})"

    async def __aenter__(self) -> Self:
        self._wire = await Wire(
            self._base_url,
            concurrency=self._concurrency,
            timeout=self._timeout,
            context=tls_context() if self._base_url.startswith("https:") else None,  # SSL_CERT_FILE is read now
            proxy=self._proxy,
            proxy_headers=self._proxy_headers,
        ).__aenter__()
        self._common = (
            f"Host: {self._wire.host}\r\napikey: {self._key}\r\nAccept: application/json\r\n"
            f"Accept-Encoding: identity\r\nUser-Agent: msgspec-runner/{__version__}\r\n"
        ).encode("ascii")
        target = URL(self._base_url + "/message", encoded=True).raw_path_qs.encode("ascii")
        self._post_head = b"POST %b HTTP/1.1\r\n%bContent-Type: application/json\r\nContent-Length: " % (
            target,
            self._common,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._wire is not None:
            await self._wire.__aexit__(kind, error, trace)
            self._wire = None

    async def post(self, body: bytes, leave: Leave | None = None) -> Outcome:
        """Post one message and say what that proved; never raises for anything the network does.

        Cancelling it leaves the message in doubt: the caller has to record that.

        Args:
            body: the exact JSON, UTF-8.
            leave: asked when a connection is there: returns when it may leave, or False where it is not to leave, and
                then it is unsent. None: at once.
        """
        if self._wire is None:
            raise RuntimeError("enter the client with `async with` before posting")
        request = b"%b%d\r\n\r\n%b" % (self._post_head, len(body), body)
        reply = await self._wire.exchange(request, MAX_ANSWER, leave=leave)
        outcome = self._of_status(reply)
        if outcome is not None:
            return outcome
        if reply.error is None and reply.status is not None and reply.content is not None:
            return classify.from_body(reply.status, reply.content, self._key)
        return self._failed(reply)

    async def ask(self, method: str, path: str, query: Mapping[str, str], *, limit: int) -> Answer:
        """Make a call that sends nobody anything; never raises for anything the network does.

        Args:
            method: ``GET`` or ``DELETE``.
            path: below the base URL, with its first slash, quoted.
            query: parameters, not quoted.
            limit: bytes of the answer that are read.
        """
        if self._wire is None:
            raise RuntimeError("enter the client with `async with` before asking")
        target = URL(self._base_url + path, encoded=True).with_query(query).raw_path_qs
        request = f"{method} {target} HTTP/1.1\r\n".encode("ascii") + self._common + b"\r\n"
        reply = await self._wire.exchange(request, limit, always=True)
        problem = self._of_status(reply)
        if reply.error is not None or reply.content is None:
            return Answer(reply.status, b"", problem or self._failed(reply))
        return Answer(reply.status, reply.content, problem)

    def _of_status(self, reply: Reply) -> Outcome | None:
        """Return what the status proves, whatever came after it; None where it is a 2xx, or there is none."""
        if reply.status is None:
            return None
        return classify.from_status(
            reply.status,
            retry_after=self._retry_after(reply.headers),
            retry_server_errors=self._retry_server_errors,
        )

    def _failed(self, reply: Reply) -> Outcome:
        """Say what it proves that there is no answer, or none that can be read."""
        if reply.error is None:
            return classify.from_failure(Failure.OVERSIZED_ANSWER, http_status=reply.status)
        detail = _detail(reply.error).replace(self._key, "[the API key]")
        return classify.from_failure(failure_of(reply.error, left=reply.left), detail, http_status=reply.status)

    @staticmethod
    def _retry_after(headers: Mapping[str, str]) -> float | None:
        value = headers.get("Retry-After")
        return None if value is None else classify.retry_after_seconds(value, datetime.now(UTC))


def failure_of(error: BaseException, *, left: bool) -> Failure:
    """Name a failure: first by whether the request had left, then by what went wrong.

    Args:
        error: what aiohttp or the system raised.
        left: whether the request had been handed to the connection.
    """
    if left:
        if isinstance(error, TimeoutError):
            return Failure.TIMEOUT
        if isinstance(error, HttpProcessingError | aiohttp.ClientPayloadError | zlib.error):
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


def _detail(error: BaseException) -> str:
    """What the system said, without a host's address list; a bare timeout says nothing."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error)
    if isinstance(error, HttpProcessingError):
        return f"{error.code} {error.message}"
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{error.status} {error.message}"
    return str(error)
