"""What goes over the wire, and that each answer is taken for that of its own request."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from msgspec_runner.model import OutcomeKind
from msgspec_runner.sociocs.client import Client
from msgspec_runner.sociocs.wire import Wire
from tests.sociocs.misbehaving import (
    BODY,
    KEY,
    OK,
    PEM,
    Exchange,
    answer,
    answering,
    in_pieces,
    post,
    serving,
    tls_server,
)

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
GOODBYE = answer(408, b"", b"Connection: close")
"""What some servers say on an idle connection before they close it."""


def wire_to(url: str) -> Wire:
    return Wire(url, concurrency=1, timeout=5)


def test_what_a_server_says_unasked_answers_nobody() -> None:
    said = asyncio.Event()
    connections = 0

    async def behave(exchange: Exchange) -> None:
        nonlocal connections
        connections += 1
        await exchange.read_request()
        await exchange.write(answer(200, OK))
        if connections == 1:
            await exchange.write(GOODBYE)
            said.set()

    async def main() -> None:
        async with serving(behave) as (url, requests), Client(url, KEY, concurrency=1) as client:
            assert (await client.post(BODY)).kind is OutcomeKind.ACCEPTED
            await said.wait()
            for _ in range(20):  # turns of the loop, in which it comes in
                await asyncio.sleep(0)
            assert (await client.post(BODY)).kind is OutcomeKind.ACCEPTED
            assert len(requests) == 2

    asyncio.run(main())
    assert connections == 2


def test_two_answers_at_once_are_one_too_many() -> None:
    async def behave(exchange: Exchange) -> None:
        await exchange.read_request()
        await exchange.write(answer(200, OK) + answer(400))
        await exchange.client_gone()

    async def main() -> None:
        async with serving(behave) as (url, _), Client(url, KEY, concurrency=1) as client:
            for _ in range(3):
                assert (await client.post(BODY)).kind is OutcomeKind.ACCEPTED

    asyncio.run(main())


@pytest.mark.parametrize("interim", [100, 102, 103])
def test_an_interim_answer_is_not_the_answer(interim: int) -> None:
    outcome, _ = post(answering(b"HTTP/1.1 %d X\r\n\r\n" % interim + answer(200, OK)))
    assert outcome.kind is OutcomeKind.ACCEPTED


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("lead", [b"", b"HTTP/1.1 103 X\r\nLink: x\r\n\r\n"])
def test_how_the_network_cuts_an_answer_does_not_matter(lead: bytes, end: bytes) -> None:
    said = lead + b"HTTP/1.1 400 X%bTransfer-Encoding: chunked%b%bZZ\r\n" % (end, end, end)
    cuts = [(said[:at], said[at:]) for at in range(1, len(said))]

    async def main() -> None:
        for pieces in ([said], *cuts, [b"%c" % byte for byte in said]):
            async with serving(in_pieces(*pieces)) as (url, _), Client(url, KEY, timeout=5) as client:
                outcome = await client.post(BODY)
            assert (outcome.kind, outcome.http_status) == (OutcomeKind.REJECTED, 400), pieces

    asyncio.run(main())


def test_a_switch_to_another_protocol_is_in_doubt() -> None:
    outcome, _ = post(answering(b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"))
    assert (outcome.kind, outcome.http_status) == (OutcomeKind.IN_DOUBT, 101)


def test_a_chunked_answer_is_put_together() -> None:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in OK) + b"0\r\n\r\n"
    outcome, _ = post(answering(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks))
    assert outcome.kind is OutcomeKind.ACCEPTED


def test_an_answer_may_end_with_its_connection() -> None:
    outcome, _ = post(answering(b"HTTP/1.0 200 X\r\n\r\n" + OK))
    assert outcome.kind is OutcomeKind.ACCEPTED


def test_a_body_is_read_up_to_its_bound() -> None:
    async def exchange(limit: int) -> bytes | None:
        async with serving(answering(answer(200, b"x" * 1000))) as (url, _), wire_to(url) as wire:
            return (await wire.exchange(GET, limit)).content

    assert asyncio.run(exchange(1000)) == b"x" * 1000
    assert asyncio.run(exchange(999)) is None


def test_a_body_that_nobody_asked_for_is_left_unread() -> None:
    async def content(*, always: bool) -> bytes | None:
        async with serving(answering(answer(500, b"oh"))) as (url, _), wire_to(url) as wire:
            return (await wire.exchange(GET, 100, always=always)).content

    assert asyncio.run(content(always=False)) == b""
    assert asyncio.run(content(always=True)) == b"oh"


def test_a_cancelled_request_lets_go_of_its_connection() -> None:
    arrived = asyncio.Event()
    calls = 0

    async def behave(exchange: Exchange) -> None:
        nonlocal calls
        calls += 1
        await exchange.read_request()
        if calls == 1:
            arrived.set()
            await exchange.client_gone()
        await exchange.write(answer(200, OK))

    async def main() -> None:
        async with serving(behave) as (url, _), Client(url, KEY, concurrency=1) as client:
            task = asyncio.ensure_future(client.post(BODY))
            await arrived.wait()
            task.cancel()
            await asyncio.wait([task])
            assert (await client.post(BODY)).kind is OutcomeKind.ACCEPTED

    asyncio.run(main())


@pytest.mark.parametrize("answers", [1, 3])
def test_a_connection_that_was_closed_behind_an_answer_is_not_used_again(answers: int) -> None:
    async def behave(exchange: Exchange) -> None:
        for number in range(answers):
            await exchange.read_request()
            await exchange.write(answer(200, OK))
            if number == answers - 1:
                exchange.end()

    async def main() -> list[OutcomeKind]:
        async with serving(behave) as (url, _), Client(url, KEY, concurrency=1) as client:
            return [(await client.post(BODY)).kind for _ in range(12)]

    assert set(asyncio.run(main())) == {OutcomeKind.ACCEPTED}


def test_an_answer_before_the_whole_request_was_read_ends_the_connection() -> None:
    large = b"x" * 16_000_000
    connections = 0
    done = asyncio.Event()

    async def behave(exchange: Exchange) -> None:
        nonlocal connections
        connections += 1
        if connections == 1:
            exchange.stop_reading()
            await exchange.write(answer(413))
            await done.wait()
        else:
            await exchange.read_request()
            await exchange.write(answer(200, OK))

    async def main() -> list[OutcomeKind]:
        async with serving(behave) as (url, _), Client(url, KEY, concurrency=1) as client:
            kinds = [(await client.post(body)).kind for body in (large, BODY)]
            done.set()
            return kinds

    assert asyncio.run(main()) == [OutcomeKind.REJECTED, OutcomeKind.ACCEPTED]


def test_a_compressed_answer_that_nobody_asked_for_is_read() -> None:
    outcome, _ = post(answering(answer(200, gzip.compress(OK), b"Content-Encoding: gzip")))
    assert outcome.kind is OutcomeKind.ACCEPTED


def test_a_compressed_answer_is_bounded_by_what_it_says() -> None:
    outcome, _ = post(answering(answer(200, gzip.compress(b" " * 10_000_000), b"Content-Encoding: gzip")))
    assert outcome.error == "the answer is too long to be the API's"


@pytest.mark.parametrize(
    ("status", "kind"), [(200, OutcomeKind.IN_DOUBT), (401, OutcomeKind.STOP), (429, OutcomeKind.THROTTLED)]
)
@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip", "deflate"])
def test_the_status_decides_first_whatever_the_body_is_packed_in(status: int, kind: OutcomeKind, encoding: str) -> None:
    outcome, _ = post(answering(answer(status, b"\xff\x00rubbish", b"Content-Encoding: " + encoding.encode())))
    assert (outcome.kind, outcome.http_status) == (kind, status)


async def never() -> bool:
    return False


async def at_once() -> bool:
    return True


def test_what_is_not_to_leave_is_unsent() -> None:
    async def main() -> tuple[OutcomeKind, int]:
        async with serving(answering(answer(200, OK))) as (url, requests), Client(url, KEY) as client:
            outcome = await client.post(BODY, never)
            assert (await client.post(BODY, at_once)).kind is OutcomeKind.ACCEPTED
            return outcome.kind, len(requests)

    assert asyncio.run(main()) == (OutcomeKind.UNSENT, 1)


def test_who_is_not_to_leave_keeps_its_connection_for_others() -> None:
    connections = 0

    async def behave(exchange: Exchange) -> None:
        nonlocal connections
        connections += 1
        await exchange.read_request()
        await exchange.write(answer(200, OK))
        await exchange.client_gone()

    async def main() -> None:
        async with serving(behave) as (url, _), Client(url, KEY) as client:
            assert (await client.post(BODY, never)).kind is OutcomeKind.UNSENT
            assert (await client.post(BODY, at_once)).kind is OutcomeKind.ACCEPTED

    asyncio.run(main())
    assert connections == 1


def test_a_slow_handshake_comes_before_the_wait_to_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for after it: the request is written in the moment in which it may leave."""
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    order: list[str] = []

    async def main() -> None:
        async def behave(exchange: Exchange) -> None:
            order.append("connected")
            await exchange.read_request()
            order.append("read")
            await exchange.write(answer(200, OK))

        async def leave() -> bool:
            for _ in range(50):  # turns of the loop, in which whatever was written would be read
                await asyncio.sleep(0)
            order.append("may leave")
            return True

        async with serving(behave, tls_server()) as (url, _), Client(url.replace("127.0.0.1", "localhost"), KEY) as it:
            assert (await it.post(BODY, leave)).kind is OutcomeKind.ACCEPTED

    asyncio.run(main())
    assert order == ["connected", "may leave", "read"]


def test_the_wait_to_leave_is_none_of_the_requests_time() -> None:
    async def main() -> OutcomeKind:
        loop = asyncio.get_running_loop()

        async def leave() -> bool:
            until = loop.time() + 0.3
            while loop.time() < until:
                await asyncio.sleep(0)
            return True

        async with serving(answering(answer(200, OK))) as (url, _), Client(url, KEY, timeout=0.25) as client:
            return (await client.post(BODY, leave)).kind

    assert asyncio.run(main()) is OutcomeKind.ACCEPTED


def test_a_connection_that_ends_while_it_waits_to_leave_is_not_written_to() -> None:
    async def main() -> tuple[OutcomeKind, int]:
        gone = asyncio.Event()

        async def behave(exchange: Exchange) -> None:
            exchange.end()
            gone.set()

        async def leave() -> bool:
            await gone.wait()
            for _ in range(50):
                await asyncio.sleep(0)
            return True

        async with serving(behave) as (url, requests), Client(url, KEY) as client:
            return (await client.post(BODY, leave)).kind, len(requests)

    assert asyncio.run(main()) == (OutcomeKind.UNSENT, 0)
