"""An API that answers as a test tells it to, on a real socket in a thread, and counts what it reads."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from socket import SO_LINGER, SOL_SOCKET, socket
from types import TracebackType
from typing import Any, Self

from msgspec_runner.chaos.arrivals import Pulse

PATIENCE = 120.0
"""Seconds until a test that waits for something gives up; nothing is expected to take that long on a busy machine."""


@dataclass(frozen=True, slots=True)
class Posted:
    """One request as it was read.

    Attributes:
        number: 1 for the first request of the server.
        target: method and path.
        headers: by lower-case name.
        raw: head and body as they came.
        body: the JSON, or None where there is none.
    """

    number: int
    target: str
    headers: dict[str, str]
    raw: bytes
    body: Any

    @property
    def to(self) -> str:
        """The recipient's number."""
        return str(self.body["to"])


Script = Callable[[Posted], Awaitable[bytes | None]]
"""What to answer to a request; None resets the connection."""


def answer(status: int, body: object = None, *headers: str) -> bytes:
    """Return an HTTP answer; ``body`` is sent as JSON, bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(content)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


def accepted(posted: Posted) -> bytes:
    """Return the documented success."""
    return answer(200, {"status": "success", "data": {"message_id": f"id-{posted.number}"}})


def refused(words: str) -> bytes:
    """Return the documented error."""
    return answer(200, {"status": "error", "errors": [{"msg": words}]})


async def accept(posted: Posted) -> bytes | None:
    """Accept everything: the script of a server that is given none."""
    return accepted(posted)


def always(said: bytes | None) -> Script:
    """Return the script that gives one answer to all."""

    async def script(_: Posted) -> bytes | None:
        return said

    return script


class Server:
    """A server on a free port of 127.0.0.1; a context manager.

    Args:
        script: answers requests; each is counted before it is called.

    Attributes:
        url: base URL.
        requests: what was read so far, in order.
        times: when each was read, in seconds of time.monotonic.
        beats: when it got round to reading, on the same clock.
    """

    def __init__(self, script: Script = accept) -> None:
        self.script = script
        self.url = ""
        self.requests: list[Posted] = []
        self.times: list[float] = []
        self._pulse = Pulse(time.monotonic)
        self.beats = self._pulse.beats
        self._open = 0
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._gate = asyncio.Event()
        self._gate.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._others: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="server")

    def __enter__(self) -> Self:
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(PATIENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def times_by_number(self) -> Counter[str]:
        """How often each recipient was posted to."""
        return Counter(posted.to for posted in self.requests)

    def also_on(self, listening: socket) -> None:
        """Serve a socket beside its own, which may belong to another network."""
        starting = asyncio.start_server(self._serve, sock=listening, backlog=1024)
        self._others.append(asyncio.run_coroutine_threadsafe(starting, self._loop).result(PATIENCE))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def hold(self) -> None:
        """Read requests, but answer none until :meth:`release`: none that is read from now on is answered."""

        async def close() -> None:
            self._gate.clear()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(PATIENCE)

    def release(self) -> None:
        """Answer again."""
        self._loop.call_soon_threadsafe(self._gate.set)

    def wait_for(self, requests: int) -> None:
        """Wait until so many requests were read."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= requests, PATIENCE), len(self.requests)

    def wait_until_left(self) -> None:
        """Wait until every connection is closed: what a killed client had written has been read by then."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._open, PATIENCE)

    async def _start(self) -> str:
        self._tasks.add(asyncio.create_task(self._pulse.run()))
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _end(self) -> None:
        for server in (self._server, *self._others):
            server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._count(1)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while True:
                    await self._exchange(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()
            self._count(-1)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        target, *lines = head.decode("latin-1").rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        with self._changed:
            body = json.loads(content) if content else None
            posted = Posted(len(self.requests) + 1, target, headers, head + content, body)
            self.requests.append(posted)
            self.times.append(time.monotonic())
            self._changed.notify_all()
        said = await self.script(posted)
        await self._gate.wait()
        if said is None:
            writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            raise ConnectionResetError
        writer.write(said)
        await writer.drain()

    def _count(self, change: int) -> None:
        with self._changed:
            self._open += change
            self._changed.notify_all()
