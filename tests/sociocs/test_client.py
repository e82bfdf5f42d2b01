"""What the client sends, to whom, and what it keeps to itself. What each answer proves: ``test_outcomes.py``."""

from __future__ import annotations

import asyncio
import ssl

import aiohttp
import orjson
import pytest

from msgspec_runner.model import Outcome, OutcomeKind
from msgspec_runner.sociocs.classify import FAILURE_RULES
from msgspec_runner.sociocs.client import Client, failure_of
from tests.sociocs.misbehaving import BODY, KEY, OK, PEM, Exchange, answer, answering, hang, post, serving, tls_server


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_outside_2xx_the_body_is_not_waited_for(status: int) -> None:
    async def behave(exchange: Exchange) -> None:
        await exchange.read_request()
        await exchange.write(b"HTTP/1.1 %d X\r\nContent-Length: 1000000\r\n\r\n" % status)
        await exchange.client_gone()

    outcome, _ = post(behave)
    assert outcome.http_status == status


def test_the_request_is_what_the_api_documents() -> None:
    _, [request] = post(answering(answer(200, OK)))
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /message HTTP/1.1\r\n")
    assert b"apikey: " + KEY.encode() in head
    assert b"Content-Type: application/json" in head
    assert b"User-Agent: msgspec-runner/" in head
    assert body == BODY


def test_the_base_url_may_have_a_path() -> None:
    async def main() -> list[bytes]:
        async with serving(answering(answer(200, OK))) as (url, requests):
            async with Client(url + "/v1/", KEY) as client:
                await client.post(BODY)
            return requests

    assert asyncio.run(main())[0].startswith(b"POST /v1/message ")


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
            await exchange.write(answer(200, OK))

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


def post_over_tls(context: ssl.SSLContext) -> tuple[Outcome, list[bytes]]:
    async def main() -> tuple[Outcome, list[bytes]]:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the server's side of a failed handshake
        answers = answering(answer(200, OK))
        async with serving(answers, context) as (url, requests), Client(url, KEY) as client:
            return await client.post(BODY), requests

    return asyncio.run(main())


def test_ssl_cert_file_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    outcome, requests = post_over_tls(tls_server())
    assert outcome.kind is OutcomeKind.ACCEPTED
    assert len(requests) == 1


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
