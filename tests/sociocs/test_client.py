"""The client against a real socket that misbehaves in every way of ``docs/outcomes.md``."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET, socket

import aiohttp
import orjson
import pytest

from msgspec_runner.errors import UsageError
from msgspec_runner.model import Outcome, OutcomeKind
from msgspec_runner.sociocs.classify import FAILURE_RULES, Failure
from msgspec_runner.sociocs.client import MAX_ANSWER, Client, failure_of, proxy_for

KEY = "sk-live-0123456789"
BODY = b'{"provider":"twlo","to":"+16175551212","text":"Hi"}'
PEM = Path(__file__).with_name("data") / "localhost.pem"
OK = {"status": "success", "data": {"message_id": "65f0c0ff"}}

Behaviour = Callable[["Exchange"], Awaitable[None]]


class Exchange:
    """One connection as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: list[bytes]) -> None:
        self._reader = reader
        self._writer = writer
        self._requests = requests

    async def read_request(self) -> None:
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        self._requests.append(head + await self._reader.readexactly(length))

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def reset(self) -> None:
        """Close with a TCP reset."""
        self._writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def client_gone(self) -> None:
        await self._reader.read()


@asynccontextmanager
async def serving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server on a free port: its base URL, and the requests that it has read."""
    requests: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            await behaviour(Exchange(reader, writer, requests))

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}", requests


def answer(status: int, body: bytes = b"", *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 %d X" % status, b"Content-Length: %d" % len(body), *headers, b"", body]
    return b"\r\n".join(lines)


def answering(data: bytes) -> Behaviour:
    async def behave(exchange: Exchange) -> None:
        await exchange.read_request()
        await exchange.write(data)

    return behave


def post(behaviour: Behaviour, *, timeout: float = 5.0) -> tuple[Outcome, list[bytes]]:
    async def main() -> tuple[Outcome, list[bytes]]:
        async with serving(behaviour) as (url, requests), Client(url, KEY, timeout=timeout) as client:
            return await client.post(BODY), requests

    return asyncio.run(main())


async def reset_before_reading(exchange: Exchange) -> None:
    exchange.reset()


async def close_before_reading(exchange: Exchange) -> None:
    pass


async def reset_after_reading(exchange: Exchange) -> None:
    await exchange.read_request()
    exchange.reset()


async def close_after_reading(exchange: Exchange) -> None:
    await exchange.read_request()


async def hang(exchange: Exchange) -> None:
    await exchange.read_request()
    await exchange.client_gone()


async def hang_in_body(exchange: Exchange) -> None:
    await exchange.read_request()
    await exchange.write(b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"status":"succ')
    await exchange.client_gone()


def in_doubt(failure: Failure) -> str:
    return FAILURE_RULES[failure].meaning


@pytest.mark.parametrize(
    ("behaviour", "kind", "status", "error"),
    [
        (answering(answer(200, orjson.dumps(OK))), OutcomeKind.ACCEPTED, 200, None),
        (answering(answer(201, orjson.dumps(OK))), OutcomeKind.ACCEPTED, 201, None),
        (
            answering(answer(200, b'{"status":"error","errors":[{"msg":"Invalid channel_key."}]}')),
            OutcomeKind.REJECTED,
            200,
            "Invalid channel_key.",
        ),
        (answering(answer(200, b"<html>")), OutcomeKind.IN_DOUBT, 200, "not JSON"),
        (answering(answer(204)), OutcomeKind.IN_DOUBT, 204, "not JSON"),
        (answering(answer(200, b"x" * (MAX_ANSWER + 1))), OutcomeKind.IN_DOUBT, 200, "too long"),
        (answering(answer(307, b"", b"Location: /elsewhere")), OutcomeKind.STOP, 307, "redirects"),
        *[(answering(answer(status)), OutcomeKind.REJECTED, status, str(status)) for status in (400, 413, 422)],
        *[(answering(answer(status)), OutcomeKind.STOP, status, str(status)) for status in (401, 402, 403, 404, 405)],
        (answering(answer(429)), OutcomeKind.THROTTLED, 429, "lower rate"),
        *[
            (answering(answer(status)), OutcomeKind.IN_DOUBT, status, str(status))
            for status in (300, 304, 408, 409, 418, 500, 501, 502, 503, 504, 511, 599)
        ],
        (reset_before_reading, OutcomeKind.IN_DOUBT, None, in_doubt(Failure.RESET)),
        (close_before_reading, OutcomeKind.IN_DOUBT, None, in_doubt(Failure.RESET)),
        (reset_after_reading, OutcomeKind.IN_DOUBT, None, in_doubt(Failure.RESET)),
        (close_after_reading, OutcomeKind.IN_DOUBT, None, in_doubt(Failure.RESET)),
        (answering(b"garbage\r\n\r\n"), OutcomeKind.IN_DOUBT, None, in_doubt(Failure.BROKEN_ANSWER)),
        (
            answering(b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"status":"succ'),
            OutcomeKind.IN_DOUBT,
            200,
            in_doubt(Failure.BROKEN_ANSWER),
        ),
        (answering(b"HTTP/1.1 200 OK\r\nContent-"), OutcomeKind.IN_DOUBT, None, in_doubt(Failure.RESET)),
    ],
)
def test_each_answer_proves_what_the_table_says(
    behaviour: Behaviour, kind: OutcomeKind, status: int | None, error: str | None
) -> None:
    outcome, requests = post(behaviour)
    assert (outcome.kind, outcome.http_status) == (kind, status)
    assert (outcome.error is None) if error is None else (error in (outcome.error or ""))
    assert len(requests) <= 1, "nothing is ever posted twice"


@pytest.mark.parametrize(("behaviour", "status"), [(hang, None), (hang_in_body, 200)])
def test_a_hanging_server_leaves_the_message_in_doubt(behaviour: Behaviour, status: int | None) -> None:
    outcome, _ = post(behaviour, timeout=0.2)
    assert (outcome.kind, outcome.http_status) == (OutcomeKind.IN_DOUBT, status)
    assert (outcome.error or "").startswith(in_doubt(Failure.TIMEOUT))


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_outside_2xx_the_body_is_not_waited_for(status: int) -> None:
    async def behave(exchange: Exchange) -> None:
        await exchange.read_request()
        await exchange.write(b"HTTP/1.1 %d X\r\nContent-Length: 1000000\r\n\r\n" % status)
        await exchange.client_gone()

    outcome, _ = post(behave)
    assert outcome.http_status == status


def test_a_refused_connection_is_unsent() -> None:
    with socket() as bound:  # bound, but not listening
        bound.bind(("127.0.0.1", 0))

        async def main() -> Outcome:
            async with Client(f"http://127.0.0.1:{bound.getsockname()[1]}", KEY) as client:
                return await client.post(BODY)

        outcome = asyncio.run(main())
    assert outcome.kind is OutcomeKind.UNSENT
    assert (outcome.error or "").startswith("no connection to the API (")
    assert outcome.http_status is None


def test_a_wait_for_the_pool_is_unsent_and_a_wait_for_the_answer_is_in_doubt() -> None:
    async def main() -> list[Outcome]:
        async with serving(hang) as (url, _), Client(url, KEY, concurrency=1, timeout=0.2) as client:
            return await asyncio.gather(client.post(BODY), client.post(BODY))

    first, second = asyncio.run(main())
    assert (first.kind, second.kind) == (OutcomeKind.IN_DOUBT, OutcomeKind.UNSENT)


def test_the_request_is_what_the_api_documents() -> None:
    _, [request] = post(answering(answer(200, orjson.dumps(OK))))
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /message HTTP/1.1\r\n")
    assert b"apikey: " + KEY.encode() in head
    assert b"Content-Type: application/json" in head
    assert b"User-Agent: msgspec-runner/" in head
    assert body == BODY


def test_the_base_url_may_have_a_path() -> None:
    async def main() -> list[bytes]:
        async with serving(answering(answer(200, orjson.dumps(OK)))) as (url, requests):
            async with Client(url + "/v1/", KEY) as client:
                await client.post(BODY)
            return requests

    assert asyncio.run(main())[0].startswith(b"POST /v1/message ")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_does_not_follow_a_redirect(status: int) -> None:
    async def main() -> tuple[Outcome, list[bytes]]:
        async with serving(answering(answer(200, orjson.dumps(OK)))) as (other, stolen):
            redirect = answering(answer(status, b"", b"Location: %s/message" % other.encode()))
            async with serving(redirect) as (url, _), Client(url, KEY) as client:
                return await client.post(BODY), stolen

    outcome, stolen = asyncio.run(main())
    assert outcome.kind is OutcomeKind.STOP
    assert not stolen


def test_retry_after_is_read() -> None:
    outcome, _ = post(answering(answer(429, b"", b"Retry-After: 7")))
    assert (outcome.kind, outcome.retry_after) == (OutcomeKind.THROTTLED, 7.0)


def test_a_key_that_the_api_quotes_is_cut_out() -> None:
    quoting = {"status": "error", "errors": [{"msg": "x" * 490 + f" bad key {KEY}"}]}
    outcome, _ = post(answering(answer(200, orjson.dumps(quoting))))
    assert KEY[:6] not in (outcome.error or "")


def test_the_client_does_not_show_its_key() -> None:
    assert KEY not in repr(Client("http://127.0.0.1:1", KEY))


def test_connections_are_kept_alive() -> None:
    connections = 0

    async def behave(exchange: Exchange) -> None:
        nonlocal connections
        connections += 1
        for _ in range(3):
            await exchange.read_request()
            await exchange.write(answer(200, orjson.dumps(OK)))

    async def main() -> list[Outcome]:
        async with serving(behave) as (url, _), Client(url, KEY) as client:
            return [await client.post(BODY) for _ in range(3)]

    assert [outcome.kind for outcome in asyncio.run(main())] == [OutcomeKind.ACCEPTED] * 3
    assert connections == 1


def test_a_cancelled_post_is_cancelled() -> None:
    async def main() -> None:
        async with serving(hang) as (url, requests), Client(url, KEY) as client:
            task = asyncio.ensure_future(client.post(BODY))
            while not requests:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


def tls_server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


def post_over_tls(context: ssl.SSLContext) -> tuple[Outcome, list[bytes]]:
    async def main() -> tuple[Outcome, list[bytes]]:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the server's side of a failed handshake
        answers = answering(answer(200, orjson.dumps(OK)))
        async with serving(answers, context) as (url, requests), Client(url, KEY) as client:
            return await client.post(BODY), requests

    return asyncio.run(main())


def test_an_untrusted_certificate_stops_the_run() -> None:
    outcome, requests = post_over_tls(tls_server())
    assert outcome.kind is OutcomeKind.STOP
    assert "SSL_CERT_FILE" in (outcome.error or "")
    assert not requests


def test_ssl_cert_file_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    outcome, requests = post_over_tls(tls_server())
    assert outcome.kind is OutcomeKind.ACCEPTED
    assert len(requests) == 1


def test_a_failed_handshake_is_unsent() -> None:
    async def plain(exchange: Exchange) -> None:
        await exchange.write(b"I do not speak TLS\r\n")

    async def main() -> Outcome:
        async with serving(plain) as (url, _), Client(url.replace("http:", "https:"), KEY) as client:
            return await client.post(BODY)

    assert asyncio.run(main()).kind is OutcomeKind.UNSENT


def test_a_proxy_that_refuses_leaves_it_unsent_and_never_sees_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> tuple[Outcome, list[bytes]]:
        async with serving(answering(answer(403))) as (proxy, requests):
            monkeypatch.setenv("HTTPS_PROXY", proxy.replace("http://", "http://user:pass@"))
            async with Client("https://api.example.com", KEY) as client:
                return await client.post(BODY), requests

    outcome, [request] = asyncio.run(main())
    assert outcome.kind is OutcomeKind.UNSENT
    assert "HTTPS_PROXY" in (outcome.error or "")
    assert request.startswith(b"CONNECT api.example.com:443")
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz" in request
    assert KEY.encode() not in request


def test_the_proxy_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert proxy_for("https://api.example.com") == (None, None)
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert proxy_for("https://api.example.com") == ("http://proxy.example:3128", None)
    assert proxy_for("http://127.0.0.1:8025") == (None, None)
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert proxy_for("https://api.example.com") == (None, None)
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.example:1080")
    with pytest.raises(UsageError, match="HTTPS_PROXY"):
        proxy_for("https://api.example.com")


def test_posting_needs_an_entered_client() -> None:
    with pytest.raises(RuntimeError):
        asyncio.run(Client("http://127.0.0.1:1", KEY).post(BODY))


def test_what_has_left_is_in_doubt_whatever_the_error() -> None:
    errors: list[BaseException] = [
        aiohttp.ClientError(), OSError(), TimeoutError(), ssl.SSLError(), aiohttp.ServerDisconnectedError(),
        aiohttp.ClientPayloadError(), aiohttp.ConnectionTimeoutError(), ConnectionResetError(),
    ]  # fmt: skip
    for error in errors:
        assert FAILURE_RULES[failure_of(error, left=True)].kind is OutcomeKind.IN_DOUBT
        assert FAILURE_RULES[failure_of(error, left=False)].kind is OutcomeKind.UNSENT
