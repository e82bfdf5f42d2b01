"""How fast ``send`` posts: dispatcher, ledger and client, against a bare aiohttp + orjson loop.

Both sides post the same bodies with the same concurrency to the same small server in a process of its own. Each
transaction of the ledger claims as many messages as may be posted at once, or fewer (tests/dispatch holds it to that).
The ledger in PostgreSQL is measured where there is a server for tests.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
import orjson
import psycopg

from msgspec_runner.__main__ import COLLECT_AFTER
from msgspec_runner.dispatch.dispatcher import Dispatcher
from msgspec_runner.ledger import Run, init_ledger, new_run_id
from msgspec_runner.model import Message
from msgspec_runner.sociocs.client import Client
from tests.benchmarks.harness import Line, Scale, by_turns
from tests.ledger.postgres import SERVER, own_schema

AIMS = {("SQLite", 50): 0.9, ("SQLite", 200): 0.9, ("PostgreSQL", 50): 0.7, ("PostgreSQL", 200): 0.7}
"""The speed that is aimed at, by ledger and requests at once; without any ledger it is 1."""

PAIRS = 11
"""At least; the disk is what differs most from one to the next."""

_ANSWER = orjson.dumps({"status": "success", "data": {"message_id": "65f0c0ffee0123456789abcd"}})
_RESPONSE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_ANSWER)
) + _ANSWER


class _Fast(asyncio.Protocol):
    """Answers every request with a success; knows just enough HTTP for a client that sends one at a time."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, mark, rest = self._buffer.partition(b"\r\n\r\n")
        if not mark:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) >= length:
            self._buffer = rest[length:]
            assert isinstance(self._transport, asyncio.Transport)
            self._transport.write(_RESPONSE)


def _serve(pipe: Connection) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Fast, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def _bodies(count: int) -> list[dict[str, object]]:
    text = "Hi Ann, see you on Friday 2 January at Deer Park. Reply YES to confirm."
    return [
        {"provider": "twlo", "channel_key": "main", "to": f"+1617555{n:04}", "name": "Ann Lee", "text": text}
        for n in range(count)
    ]


async def _bare(url: str, bodies: list[dict[str, object]], concurrency: int) -> float:
    """Seconds that a loop without any promise needs."""
    remaining = iter(bodies)

    async def work(session: aiohttp.ClientSession) -> None:
        for body in remaining:
            async with session.post(f"{url}/message", data=orjson.dumps(body)) as answer:
                assert orjson.loads(await answer.read())["status"] == "success"

    headers = {"apikey": "k", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        start = time.perf_counter()
        await asyncio.gather(*(work(session) for _ in range(concurrency)))
        return time.perf_counter() - start


async def _ours(url: str, bodies: list[dict[str, object]], place: str, folder: Path, concurrency: int) -> float:
    """Seconds from the first claim to the closed run, for a planned run in a fresh ledger."""
    ledger = init_ledger(place, folder)
    run_id = new_run_id()
    ledger.begin(Run(run_id, url))
    messages = [
        Message(
            hashlib.sha256(str(row).encode()).hexdigest(), "", "bench", 1, row, str(body["to"]), orjson.dumps(body), "d"
        )
        for row, body in enumerate(bodies, 1)
    ]
    ledger.plan(run_id, messages)
    async with Client(url, "k", concurrency=concurrency) as client:
        start = time.perf_counter()
        result = await Dispatcher(ledger, client, run_id, concurrency=concurrency).run()
        seconds = time.perf_counter() - start
    ledger.close()
    assert result.totals.accepted == len(bodies), result
    return seconds


@contextmanager
def _file() -> Iterator[str]:
    yield "ledger.db"


def _ledgers() -> dict[str, Callable[[], AbstractContextManager[str]]]:
    try:
        psycopg.connect(SERVER, connect_timeout=3).close()
    except psycopg.OperationalError:
        return {"SQLite": _file}
    return {"SQLite": _file, "PostgreSQL": own_schema}


def run(scale: Scale) -> Iterator[Line]:
    """Post the same bodies to the same server, by turns with and without a ledger."""
    bodies = _bodies(scale.of(3000, 1000))
    ours_end, theirs_end = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(theirs_end,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ours_end.recv()}"
    gc.set_threshold(COLLECT_AFTER)  # as the command does; for both sides
    try:
        for name, ledger in _ledgers().items():
            for concurrency in (50, 200):
                yield _line(scale, url, bodies, name, ledger, concurrency)
    finally:
        server.kill()
        server.join()


def _line(
    scale: Scale,
    url: str,
    bodies: list[dict[str, object]],
    name: str,
    ledger: Callable[[], AbstractContextManager[str]],
    concurrency: int,
) -> Line:
    def ours() -> float:
        with tempfile.TemporaryDirectory() as folder, ledger() as place:
            return asyncio.run(_ours(url, bodies, place, Path(folder), concurrency))

    def bare() -> float:
        return asyncio.run(_bare(url, bodies, concurrency))

    pairs = by_turns(ours, bare, scale.of(max(PAIRS, scale.pairs), scale.pairs))
    return Line(
        f"send, {name}, {concurrency} at once: speed, without a ledger = 1",
        f"{len(bodies) / pairs.ours:,.0f}/s",
        f"{len(bodies) / pairs.other:,.0f}/s",
        pairs.speed,
        aim=AIMS[name, concurrency],
    )
