"""Which connection a request gets, and when a connection ends; on real sockets, with a clock that a test moves on."""

from __future__ import annotations

import asyncio
import gc
import math
import select
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from socket import create_server, socket

import pytest
from yarl import URL

from msgspec_runner.model import OutcomeKind
from msgspec_runner.sociocs.client import Client
from msgspec_runner.sociocs.connections import KEEPALIVE, Alarm, Connections
from msgspec_runner.sociocs.wire import Reply, Wire
from tests.sociocs.misbehaving import BODY, KEY, OK, PEM, Exchange, answer, serving, tls_server

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
TIMEOUT = 20.0
GOODBYE = answer(408, b"", b"Connection: close")
"""What some servers say on an idle connection before they close it."""


class MovableLoop(asyncio.SelectorEventLoop):
    """A loop whose clock can be put forward."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


class Peer:
    """A server that does what a test says, and when it says it: no turn of the client's loop lies between."""

    def __init__(self, loop: MovableLoop, listening: socket) -> None:
        self.loop = loop
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self._listening = listening
        self.connections: list[socket] = []

    def wire(self, concurrency: int = 1) -> Wire:
        return Wire(self.url, concurrency=concurrency, timeout=TIMEOUT)

    async def accept(self) -> socket:
        connection, _ = await self.loop.sock_accept(self._listening)
        connection.setblocking(False)
        self.connections.append(connection)
        return connection

    async def serve(self, connection: socket, said: bytes = answer(200, OK)) -> None:
        assert await self.loop.sock_recv(connection, 65536) == GET
        await self.loop.sock_sendall(connection, said)

    async def first(self, wire: Wire) -> socket:
        """Carry one exchange on a new connection; return it with nothing else having happened."""
        asked = asyncio.ensure_future(wire.exchange(GET, 1000))
        accepting = asyncio.ensure_future(self.accept())
        await asyncio.wait({asked, accepting}, return_when=asyncio.FIRST_COMPLETED)
        if not accepting.done():
            accepting.cancel()
            raise AssertionError(f"no new connection was made: {asked.result()}")
        connection = accepting.result()
        await self.serve(connection)
        assert is_ok(await asked)
        return connection

    async def again(self, wire: Wire, connection: socket) -> Reply:
        """Carry another exchange on a connection."""
        asked = asyncio.ensure_future(wire.exchange(GET, 1000))
        await self.serve(connection)
        return await asked

    async def is_closed(self, connection: socket) -> bool:
        """Whether the client has closed a connection."""
        await turns()
        try:
            return connection.recv(1) == b""
        except BlockingIOError:
            return False
        except ConnectionResetError:  # with something in it that it had not read
            return True


def is_ok(reply: Reply) -> bool:
    return (reply.status, reply.content, reply.error) == (200, OK, None)


async def turns() -> None:
    """Let the loop see to all that has come, and to all that is due."""
    for _ in range(20):
        await asyncio.sleep(0)


@contextmanager
def listening() -> Iterator[socket]:
    with create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def play(scene: Callable[[Peer], Awaitable[None]]) -> None:
    """Play a scene with a peer; whatever it leaves open is a failure."""
    with listening() as server, asyncio.Runner(loop_factory=MovableLoop) as runner:

        async def main() -> None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, MovableLoop)
            peer = Peer(loop, server)
            try:
                await asyncio.wait_for(scene(peer), 300)
            finally:
                for connection in peer.connections:
                    connection.close()

        runner.run(main())
    gc.collect()  # what was not closed says so, and warnings are errors


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_requests_share_a_connection(monkeypatch: pytest.MonkeyPatch, secure: bool) -> None:
    """Over TLS 1.3, too: what a server adds to the handshake is not taken for something unasked."""
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    connections = 0

    async def behave(exchange: Exchange) -> None:
        nonlocal connections
        connections += 1
        while True:
            await exchange.read_request()
            await exchange.write(answer(200, OK))

    async def main() -> None:
        async with (
            serving(behave, tls_server() if secure else None) as (url, requests),
            Client(url.replace("127.0.0.1", "localhost"), KEY, concurrency=3) as client,
        ):
            for _ in range(10):
                assert (await client.post(BODY)).kind is OutcomeKind.ACCEPTED
            assert len(requests) == 10

    asyncio.run(main())
    assert connections == 1


@pytest.mark.parametrize("polls", [True, False], ids=["", "without poll"])
def test_a_connection_that_was_closed_between_two_requests_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
    polls: bool,
) -> None:
    """The loop cannot know of it yet, and looks first where there is no poll, as on Windows."""
    if not polls:
        monkeypatch.delattr(select, "poll", raising=False)

    async def scene(peer: Peer) -> None:
        async with peer.wire() as wire:
            (await peer.first(wire)).close()
            await peer.first(wire)

    play(scene)


@pytest.mark.parametrize("said", [GOODBYE, b"H"], ids=["whole", "in part"])
@pytest.mark.parametrize("seen", [False, True], ids=["on its way to us", "seen"])
def test_what_is_said_between_two_requests_answers_nobody(said: bytes, seen: bool) -> None:
    async def scene(peer: Peer) -> None:
        async with peer.wire() as wire:
            connection = await peer.first(wire)
            connection.send(said)
            if seen:
                await turns()
            await peer.first(wire)
            assert await peer.is_closed(connection)

    play(scene)


@pytest.mark.parametrize("answers", [1, 3])
def test_without_poll_a_connection_that_was_closed_behind_an_answer_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch, answers: int
) -> None:
    monkeypatch.delattr(select, "poll", raising=False)

    async def behave(exchange: Exchange) -> None:
        for number in range(answers):
            await exchange.read_request()
            await exchange.write(answer(200, OK))
            if number == answers - 1:
                exchange.end()

    async def main() -> set[OutcomeKind]:
        async with serving(behave) as (url, _), Client(url, KEY, concurrency=1) as client:
            return {(await client.post(BODY)).kind for _ in range(12)}

    assert asyncio.run(main()) == {OutcomeKind.ACCEPTED}


def test_an_idle_connection_is_closed_in_time() -> None:
    async def scene(peer: Peer) -> None:
        async with peer.wire() as wire:
            connection = await peer.first(wire)
            for _ in range(5):  # that it was used puts its end off
                peer.loop.ahead += 0.6 * KEEPALIVE
                assert not await peer.is_closed(connection)
                assert is_ok(await peer.again(wire, connection))
            peer.loop.ahead += 1.1 * KEEPALIVE
            assert await peer.is_closed(connection)
            await peer.first(wire)

    play(scene)


def test_a_connection_that_was_idle_for_too_long_is_not_used_though_nobody_has_closed_it() -> None:
    """A process that stood still has not closed what it would have closed meanwhile."""

    async def scene(peer: Peer) -> None:
        async with peer.wire() as wire:
            connection = await peer.first(wire)
            peer.loop.ahead += 1.1 * KEEPALIVE
            await peer.first(wire)
            assert await peer.is_closed(connection)

    play(scene)


def test_each_request_has_its_own_time() -> None:
    async def scene(peer: Peer) -> None:
        async with peer.wire() as wire:
            connection = await peer.first(wire)
            peer.loop.ahead += 0.9 * KEEPALIVE
            asked = asyncio.ensure_future(wire.exchange(GET, 1000))
            await turns()
            peer.loop.ahead += 0.9 * TIMEOUT  # far beyond the time of the one before, and of an idle connection
            await turns()
            await peer.serve(connection)
            assert is_ok(await asked)
            asked = asyncio.ensure_future(wire.exchange(GET, 1000))
            await turns()
            peer.loop.ahead += 1.1 * TIMEOUT
            reply = await asked
            assert (reply.left, type(reply.error)) == (True, TimeoutError)
            await peer.loop.sock_recv(connection, 65536)
            assert await peer.is_closed(connection)

    play(scene)


def test_a_connection_is_not_idle_while_its_request_waits_to_leave() -> None:
    async def scene(peer: Peer) -> None:
        async def leave() -> bool:
            peer.loop.ahead += 10 * TIMEOUT
            await turns()
            return True

        async with peer.wire() as wire:
            connection = await peer.first(wire)
            asked = asyncio.ensure_future(wire.exchange(GET, 1000, leave=leave))
            await peer.serve(connection)
            assert is_ok(await asked)

    play(scene)


def test_no_request_gets_a_connection_that_is_not_read_from() -> None:
    """aiohttp may read no more while much of a body lies about (3.11 does, though all of it has come)."""

    async def scene(peer: Peer) -> None:
        async with Connections(URL(peer.url), limit=1, connect_timeout=TIMEOUT) as connections:
            connection = await connections.get(math.inf)
            connection.protocol.set_response_params(read_until_eof=True, auto_decompress=False)
            connection.protocol.data_received(answer(400, b"x" * 200_000))
            await connection.protocol.read()
            connections.put_back(connection)
            connection = await connections.get(math.inf)
            assert not connection.protocol.is_held
            connections.put_back(connection)

    play(scene)


def test_a_connection_is_read_on_once_what_came_was_taken() -> None:
    async def scene(peer: Peer) -> None:
        async with Connections(URL(peer.url), limit=1, connect_timeout=TIMEOUT) as connections:
            connection = await connections.get(math.inf)
            connection.protocol.set_response_params(read_until_eof=True, auto_decompress=False)
            connection.protocol.data_received(answer(200, b"x" * 2_000_000)[:-1])
            _, payload = await connection.protocol.read()
            assert (connection.protocol.is_held, connection.transport.is_reading()) == (True, False)
            assert len(payload.read_nowait()) == 1_999_999
            assert (connection.protocol.is_held, connection.transport.is_reading()) == (False, True)
            connection.close()

    play(scene)


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_there_are_never_more_connections_than_requests_at_once(limit: int) -> None:
    """However they end, and whoever waits for one gets one."""
    is_open = most = 0

    async def behave(exchange: Exchange) -> None:
        nonlocal is_open, most
        is_open += 1
        most = max(most, is_open)
        try:
            for _ in range(3):
                await exchange.read_request()
                await exchange.write(answer(200, OK))
        finally:
            is_open -= 1

    async def main() -> None:
        async with serving(behave) as (url, requests), Client(url, KEY, concurrency=limit) as client:
            for number in (3 * limit, 1, 5 * limit):
                outcomes = await asyncio.gather(*(client.post(BODY) for _ in range(number)))
                assert {outcome.kind for outcome in outcomes} == {OutcomeKind.ACCEPTED}
            assert len(requests) == 8 * limit + 1

    asyncio.run(main())
    assert most == limit


def test_whoever_waits_gets_the_connection_that_comes_back() -> None:
    async def scene(peer: Peer) -> None:
        async with peer.wire() as wire:
            asked = [asyncio.ensure_future(wire.exchange(GET, 1000)) for _ in range(3)]
            connection = await peer.accept()
            for _ in asked:
                await peer.serve(connection)
            assert all([is_ok(await each) for each in asked])

    play(scene)


@pytest.mark.parametrize("later", range(5))
def test_what_comes_back_to_whoever_waits_is_looked_at_too(later: int) -> None:
    """Whatever turn of the loop it is in which the server closes it."""

    async def scene(peer: Peer) -> None:
        async with peer.wire() as wire:
            asked = [asyncio.ensure_future(wire.exchange(GET, 1000)) for _ in range(2)]
            connection = await peer.accept()
            await peer.serve(connection)
            for _ in range(later):
                await asyncio.sleep(0)
            try:
                too_late = connection.recv(65536) == GET
            except BlockingIOError:
                too_late = False
            connection.close()
            if not too_late:
                await peer.serve(await peer.accept())
            replies = [await each for each in asked]
            assert is_ok(replies[0])
            assert too_late or is_ok(replies[1])

    play(scene)


def test_all_is_closed_at_the_end() -> None:
    async def scene(peer: Peer) -> None:
        async with peer.wire(5) as wire:
            asked = [asyncio.ensure_future(wire.exchange(GET, 1000)) for _ in range(5)]
            for _ in asked:
                await peer.accept()
            for connection in peer.connections[:3]:
                await peer.serve(connection)
            await turns()  # three are idle, two are waiting for their answers
            assert sum(each.done() for each in asked) == 3
            for each in asked:
                each.cancel()
            await asyncio.wait(asked)
        for connection in peer.connections[3:]:
            connection.recv(65536)
        assert all([await peer.is_closed(connection) for connection in peer.connections])

    play(scene)


class Timers(asyncio.SelectorEventLoop):
    """A loop that stands still; it counts the timers that are asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0
        self._now = 0.0
        self._timers: list[asyncio.TimerHandle] = []

    def time(self) -> float:
        return self._now

    def call_at(self, when, callback, *args, context=None):  # type: ignore[no-untyped-def,override]
        self.made += 1
        self._timers.append(asyncio.TimerHandle(when, callback, args, self, context))
        return self._timers[-1]

    def pass_to(self, moment: float) -> None:
        """Let the time pass, and what is due happen in its moment."""
        while due := [timer for timer in self._timers if not timer.cancelled() and timer.when() <= moment]:
            timer = min(due, key=lambda each: each.when())
            self._timers.remove(timer)
            self._now = timer.when()
            timer._run()
        self._now = moment


@pytest.fixture
def timers() -> Iterator[Timers]:
    loop = Timers()
    yield loop
    loop.close()


def test_an_alarm_that_is_put_off_goes_off_once_and_not_before(timers: Timers) -> None:
    calls: list[float] = []
    alarm = Alarm(timers, lambda: calls.append(timers.time()))
    for request in range(1000):
        timers.pass_to(request / 100)
        alarm.set(request / 100 + 5)
    timers.pass_to(100)
    assert calls == [999 / 100 + 5]
    assert timers.made <= 4, "a timer for every few seconds, not for every request"


def test_an_alarm_can_be_brought_forward(timers: Timers) -> None:
    calls: list[float] = []
    alarm = Alarm(timers, lambda: calls.append(timers.time()))
    alarm.set(30)
    alarm.set(2)
    timers.pass_to(100)
    assert calls == [2]


@pytest.mark.parametrize("end", [lambda alarm: alarm.stop(), lambda alarm: alarm.set(math.inf)], ids=["stop", "never"])
def test_an_alarm_that_is_not_to_go_off_does_not(timers: Timers, end: Callable[[Alarm], None]) -> None:
    calls: list[float] = []
    alarm = Alarm(timers, lambda: calls.append(timers.time()))
    alarm.set(1)
    end(alarm)
    timers.pass_to(100)
    assert not calls
    alarm.set(101)  # and can be set again
    timers.pass_to(200)
    assert calls == [101]
