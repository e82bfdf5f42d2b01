"""``docs/outcomes.md`` row by row: every row has a scenario here, on a real socket, and proves what the page says."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from socket import socket
from typing import NamedTuple

import orjson
import pytest

from msgspec_runner.model import Outcome, OutcomeKind
from msgspec_runner.sociocs.client import MAX_ANSWER, Client
from tests.sociocs.misbehaving import (
    BODY,
    KEY,
    OK,
    Behaviour,
    Exchange,
    answer,
    answering,
    close_after_reading,
    close_before_reading,
    hang,
    hang_in_body,
    in_pieces,
    reset_after_reading,
    reset_before_reading,
    serving,
    tls_server,
)

PAGE = Path(__file__).parents[2] / "docs" / "outcomes.md"
SHORT = 0.2
"""Seconds of patience with a server that never answers; what is tested is what it proves, not how long it takes."""
LONG = 20.0


class Row(NamedTuple):
    """One row of the page."""

    what: str
    kind: OutcomeKind
    meaning: str


class Seen(NamedTuple):
    """What came of one post, and the requests that a server has read whole."""

    outcome: Outcome
    requests: list[bytes]


class Scenario(NamedTuple):
    """One way to meet a row.

    Attributes:
        row: what happens, as the page has it.
        how: in a word or two.
        play: posts once.
        status: the HTTP status that is recorded.
    """

    row: str
    how: str
    play: Callable[[pytest.MonkeyPatch], Awaitable[Seen]]
    status: int | None = None


def page() -> list[Row]:
    table = PAGE.read_text(encoding="utf-8").partition("<!-- table: begin -->")[2].partition("<!-- table: end -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.strip().splitlines()[2:]]
    return [Row(what, OutcomeKind(kind.strip("`")), meaning) for what, kind, meaning in rows]


def answered(behaviour: Behaviour, *, timeout: float = LONG) -> Callable[[pytest.MonkeyPatch], Awaitable[Seen]]:
    """Post to a server on a socket of its own."""

    async def play(_: pytest.MonkeyPatch) -> Seen:
        async with serving(behaviour) as (url, requests), Client(url, KEY, timeout=timeout) as client:
            return Seen(await client.post(BODY), requests)

    return play


def over_tls(
    behaviour: Behaviour, context: ssl.SSLContext | None, host: str = "127.0.0.1"
) -> Callable[..., Awaitable[Seen]]:
    """Post over https, to a server that has a certificate which nobody signed, or that knows no TLS."""

    async def play(_: pytest.MonkeyPatch) -> Seen:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the server's side of a failed handshake
        async with serving(behaviour, context) as (url, requests):
            secure = url.replace("http:", "https:").replace("127.0.0.1", host)
            async with Client(secure, KEY, timeout=LONG) as client:
                return Seen(await client.post(BODY), requests)

    return play


def through_proxy(behaviour: Behaviour, *, timeout: float = LONG) -> Callable[[pytest.MonkeyPatch], Awaitable[Seen]]:
    """Post over https through a proxy; none of its requests may hold the key."""

    async def play(environment: pytest.MonkeyPatch) -> Seen:
        async with serving(behaviour) as (proxy, requests):
            environment.setenv("HTTPS_PROXY", proxy)
            async with Client("https://api.example.com", KEY, timeout=timeout) as client:
                outcome = await client.post(BODY)
        assert not any(KEY.encode() in request for request in requests)
        return Seen(outcome, [])

    return play


async def nobody_listens(_: pytest.MonkeyPatch) -> Seen:
    with socket() as bound:  # bound, but not listening
        bound.bind(("127.0.0.1", 0))
        async with Client(f"http://127.0.0.1:{bound.getsockname()[1]}", KEY) as client:
            return Seen(await client.post(BODY), [])


async def nobody_listens_at_the_proxy(environment: pytest.MonkeyPatch) -> Seen:
    with socket() as bound:
        bound.bind(("127.0.0.1", 0))
        environment.setenv("HTTPS_PROXY", f"http://127.0.0.1:{bound.getsockname()[1]}")
        async with Client("https://api.example.com", KEY) as client:
            return Seen(await client.post(BODY), [])


async def nobody_knows_the_name(_: pytest.MonkeyPatch) -> Seen:
    async with Client("https://nowhere.invalid", KEY) as client:  # RFC 6761: never a name
        return Seen(await client.post(BODY), [])


async def nobody_accepts(_: pytest.MonkeyPatch) -> Seen:
    """Fill the queue of a socket that accepts nobody: the next connection is never made."""
    with socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket() for _ in range(4)]
        try:
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(full.getsockname())
            async with Client(f"http://127.0.0.1:{full.getsockname()[1]}", KEY, timeout=SHORT) as client:
                return Seen(await client.post(BODY), [])
        finally:
            for each in waiting:
                each.close()


async def no_place_in_the_pool(_: pytest.MonkeyPatch) -> Seen:
    taken, over = asyncio.Event(), asyncio.Event()

    async def leave() -> bool:  # who waits for that keeps its place, for as long as it takes
        taken.set()
        return not await over.wait()

    async with serving(hang) as (url, requests), Client(url, KEY, concurrency=1, timeout=SHORT) as client:
        first = asyncio.ensure_future(client.post(BODY, leave))
        await taken.wait()
        second = await client.post(BODY)
        over.set()
        assert (await first).kind is OutcomeKind.UNSENT
        return Seen(second, requests)


@asynccontextmanager
async def one_connection(behaviour: Behaviour) -> AsyncIterator[tuple[Client, list[bytes], list[Exchange]]]:
    """A client whose one connection has carried one message, and waits for the next."""
    connections: list[Exchange] = []

    async def behave(exchange: Exchange) -> None:
        connections.append(exchange)
        await exchange.read_request()
        await exchange.write(answer(200, OK))
        await behaviour(exchange)

    async with serving(behave) as (url, requests), Client(url, KEY, concurrency=1) as client:
        assert (await client.post(BODY)).kind is OutcomeKind.ACCEPTED
        yield client, requests, connections


async def stale_and_known(_: pytest.MonkeyPatch) -> Seen:
    """The server closes an idle connection, and the client has seen it: it takes a new one."""
    closed = asyncio.Event()

    async def close(_: Exchange) -> None:
        closed.set()

    async with one_connection(close) as (client, requests, connections):
        await closed.wait()
        for _ in range(20):  # turns of the loop, in which the end of the connection comes in
            await asyncio.sleep(0)
        outcome = await client.post(BODY)
        assert len(connections) == 2
        return Seen(outcome, requests[1:])


def stale(behaviour: Behaviour) -> Callable[[pytest.MonkeyPatch], Awaitable[Seen]]:
    """The server ends a kept connection while the next request is on its way."""

    async def play(_: pytest.MonkeyPatch) -> Seen:
        async with one_connection(behaviour) as (client, requests, connections):
            outcome = await client.post(BODY)
            assert len(connections) == 1, "a POST is never tried again on another connection"
            return Seen(outcome, requests[1:])

    return play


async def drip_head(exchange: Exchange) -> None:
    await exchange.read_request()
    await exchange.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    await _drip(exchange)


async def drip_body(exchange: Exchange) -> None:
    await exchange.read_request()
    await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    await _drip(exchange)


async def _drip(exchange: Exchange) -> None:
    while True:  # each byte is news: only the time for the whole request can end it
        await exchange.write(b" ")
        await asyncio.sleep(SHORT / 10)


async def endless(exchange: Exchange) -> None:
    await exchange.read_request()
    await exchange.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await exchange.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")


async def hang_before_reading(exchange: Exchange) -> None:
    await exchange.client_gone()


async def plain_words(exchange: Exchange) -> None:
    await exchange.write(b"I do not speak TLS\r\n")


async def tunnel_lost(exchange: Exchange) -> None:
    await exchange.read_request()


def statuses(row: str) -> list[int]:
    found = re.fullmatch(r"HTTP (\d+)(?:-(\d+))?", row)
    return [*range(int(found[1]), int(found[2] or found[1]) + 1)] if found else []


def chunked(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n" % status + body


BROKEN_BODIES: Mapping[str, Callable[[int], bytes]] = {
    "no size of a chunk": lambda status: chunked(status, b"ZZ\r\n{}"),
    "a broken second chunk": lambda status: chunked(status, b"2\r\n{}\r\nZZ\r\n"),
    "a chunk that is too long": lambda status: chunked(status, b"1\r\n{}}}"),
    "an interim answer, then no size of a chunk": (
        lambda status: b"HTTP/1.1 103 X\r\nLink: x\r\n\r\n" + chunked(status, b"ZZ\r\n")
    ),
    "words after its end": lambda status: answer(status, b"{}") + b"I have more to say\r\n\r\n",
    "half of it": lambda status: answer(status, b"{}")[:-1],
}
"""What a server may send with a status, all of it in one piece."""


def scenarios() -> Iterator[Scenario]:
    taken, refused, nonsense = (row.what for row in page()[:3])
    for status in (200, 201, 202, 299):
        yield Scenario(taken, str(status), answered(answering(answer(status, OK))), status)
    yield Scenario(taken, "stale connection, seen", stale_and_known, 200)
    for status in (200, 203):
        said = answer(status, b'{"status":"error","errors":[{"msg":"the API refused the message"}]}')
        yield Scenario(refused, str(status), answered(answering(said)), status)
    for how, body in {
        "html": b"<html>",
        "nothing": b"",
        "success without an id": b'{"status":"success","data":{}}',
        "success and error at once": b'{"status":"error","errors":[{"msg":"No."}],"data":{"message_id":"65f0"}}',
        "two statuses": b'{"status":"success","status":"error","data":{"message_id":"65f0"}}',
        "another status": b'{"status":"queued","data":{"message_id":"65f0"}}',
    }.items():
        yield Scenario(nonsense, how, answered(answering(answer(200, body))), 200)
    yield Scenario(nonsense, "204", answered(answering(answer(204))), 204)
    for row in page():
        for status in statuses(row.what):
            elsewhere = (
                (b"Location: http://127.0.0.1:1/message",) if row.kind is OutcomeKind.STOP and status < 400 else ()
            )
            yield Scenario(row.what, str(status), answered(answering(answer(status, b"", *elsewhere))), status)
    # What a body says does not count outside 2xx, and an unknown status proves nothing.
    yield Scenario("HTTP 500-511", "500 and a success", answered(answering(answer(500, OK))), 500)
    yield Scenario("HTTP 400", "400 and a success", answered(answering(answer(400, OK))), 400)
    # Nor does what is wrong with a body: head and body come in one piece.
    for name, broken in BROKEN_BODIES.items():
        yield Scenario("HTTP 400", f"400 and {name}", answered(answering(broken(400))), 400)
        yield Scenario("HTTP 500-511", f"500 and {name}", answered(answering(broken(500))), 500)
        yield Scenario("HTTP 307-308", f"307 and {name}", answered(answering(broken(307))), 307)
        yield Scenario("HTTP 429", f"429 and {name}", answered(answering(broken(429))), 429)
    for status in (300, 304, 306, 406, 409, 410, 415, 418, 425, 451, 499, 512, 520, 599, 600, 999):
        yield Scenario("any other HTTP status", str(status), answered(answering(answer(status))), status)
    yield from failures()


def failures() -> Iterator[Scenario]:
    row = "connection refused, unreachable host or unknown name"
    yield Scenario(row, "refused", nobody_listens)
    yield Scenario(row, "unknown name", nobody_knows_the_name)
    row = "no connection within the timeout"
    yield Scenario(row, "connect timeout", nobody_accepts)
    yield Scenario(row, "no place in the pool", no_place_in_the_pool)
    yield Scenario(row, "proxy hangs", through_proxy(hang, timeout=SHORT))
    row = "TLS handshake failed"
    yield Scenario(row, "plain server", over_tls(plain_words, None))
    row = "certificate not trusted"
    yield Scenario(row, "signed by nobody", over_tls(answering(answer(200, OK)), tls_server()))
    yield Scenario(row, "signed by nobody, by name", over_tls(answering(answer(200, OK)), tls_server(), "localhost"))
    row = "the proxy did not open a tunnel"
    for status in (403, 407, 429, 502, 302):
        yield Scenario(row, f"proxy says {status}", through_proxy(answering(answer(status))))
    yield Scenario(row, "no proxy there", nobody_listens_at_the_proxy)
    row = "any other failure before the request left"
    yield Scenario(row, "proxy cuts the line", through_proxy(tunnel_lost))
    row = "connection lost after the request left"
    for behaviour in (reset_before_reading, close_before_reading, reset_after_reading, close_after_reading):
        yield Scenario(row, behaviour.__name__, answered(behaviour))
    yield Scenario(row, "half a head", answered(answering(b"HTTP/1.1 200 OK\r\nContent-")))
    yield Scenario(row, "stale, closed", stale(close_after_reading))
    yield Scenario(row, "stale, reset", stale(reset_after_reading))
    row = "no answer within the timeout"
    yield Scenario(row, "hangs unread", answered(hang_before_reading, timeout=SHORT))
    yield Scenario(row, "hangs before the head", answered(hang, timeout=SHORT))
    yield Scenario(row, "hangs in the body", answered(hang_in_body, timeout=SHORT), 200)
    yield Scenario(row, "drips the head", answered(drip_head, timeout=SHORT))
    yield Scenario(row, "drips the body", answered(drip_body, timeout=SHORT), 200)
    row = "the answer is not HTTP, or ends in the middle"
    yield Scenario(row, "garbage", answered(answering(b"garbage\r\n\r\n")))
    yield Scenario(row, "half a body", answered(answering(answer(200, OK)[:-3])), 200)
    # Told at once, and not when the time is up.
    yield Scenario(row, "no size of a chunk", answered(answering(chunked(200, b"ZZ\r\n"))), 200)
    yield Scenario(row, "no size of a chunk, later", answered(in_pieces(chunked(200, b""), b"ZZ\r\n")), 200)
    yield Scenario(row, "a status that is none", answered(answering(b"HTTP/1.1 abc OK\r\n\r\n")))
    row = "the answer is longer than 64 KiB"
    yield Scenario(row, "a byte more", answered(answering(answer(200, b"x" * (MAX_ANSWER + 1)))), 200)
    yield Scenario(row, "10 MB", answered(answering(answer(200, b"x" * 10_000_000))), 200)
    yield Scenario(row, "endless", answered(endless), 200)


ROWS = {row.what: row for row in page()}
SCENARIOS = tuple(scenarios())


def test_every_row_of_the_page_has_its_scenario() -> None:
    assert {scenario.row for scenario in SCENARIOS} == set(ROWS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: f"{scenario.row}: {scenario.how}")
def test_it_proves_what_the_page_says(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    outcome, requests = asyncio.run(scenario.play(monkeypatch))  # type: ignore[arg-type]
    row = ROWS[scenario.row]
    assert (outcome.kind, outcome.http_status) == (row.kind, scenario.status), outcome
    if outcome.kind is OutcomeKind.ACCEPTED:
        assert (outcome.error, outcome.message_id) == (None, orjson.loads(OK)["data"]["message_id"])
    else:
        assert row.meaning in (outcome.error or "")
        assert outcome.message_id is None
        assert KEY not in (outcome.error or "")
    assert len(requests) <= 1, "nothing is ever posted twice"
    if outcome.kind is OutcomeKind.UNSENT:
        assert requests == [], "what was read was sent"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_does_not_follow_a_redirect(status: int) -> None:
    async def main() -> tuple[Outcome, list[bytes]]:
        async with serving(answering(answer(200, OK))) as (other, stolen):
            redirect = answering(answer(status, b"", b"Location: %s/message" % other.encode()))
            async with serving(redirect) as (url, _), Client(url, KEY) as client:
                return await client.post(BODY), stolen

    outcome, stolen = asyncio.run(main())
    assert outcome.kind is OutcomeKind.STOP
    assert not stolen
