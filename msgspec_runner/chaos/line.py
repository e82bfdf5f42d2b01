"""A line to the ledger's server that can be cut, so that a restart can be played without touching the server.

Workers and who watches connect through it; the server is somebody's, and is never stopped. An outage looks to them as
a restart does: every connection breaks at once, and for a while none can be made.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from msgspec_runner.ledger.postgres_address import parse_address
from msgspec_runner.ledger.postgres_connection import connect, postgres_errors

_Result = TypeVar("_Result")

_HERE = "127.0.0.1"
_CHUNK = 1 << 16
_NO_GOODBYE = struct.pack("ii", 1, 0)
"""SO_LINGER: a connection that is closed is reset."""


class Line:
    """Forwards connections to the server of a ledger. A context manager.

    A server behind a socket file gets another socket file before it, in a folder that is this user's alone: a port
    would let in everybody who is on the machine, in this user's name. Of several hosts in the address, the line leads
    to the one that answers now. The name stays in the address, for certificates.

    Args:
        ledger: its address.
        folder: for the socket file.

    Attributes:
        ledger: its address through the line.
        environment: variables that go with it: the password, as libpq would not find it in a file for another port.

    Raises:
        LedgerError: the server cannot be reached.
    """

    def __init__(self, ledger: str, folder: Path) -> None:
        address = parse_address(ledger)
        with postgres_errors(address), closing(connect(address)) as connection:
            info = connection.info
            host, hostaddr, port, password = info.host, info.hostaddr, info.port, info.password
        self.environment: Mapping[str, str] = {"PGPASSWORD": password} if password else {}
        self._file = folder / f".s.PGSQL.{port}" if host.startswith("/") else None
        self._server = (f"{host}/.s.PGSQL.{port}", 0) if self._file else (hostaddr, port)
        self._keeping: socket.socket | None = None
        """Keeps the port during an outage: it is bound, and does not listen."""
        if self._file is not None:
            self.ledger = _with(ledger, host=str(folder), port=str(port))
        else:
            self._keeping = _bound(0)
            self.ledger = _with(ledger, host=host, hostaddr=_HERE, port=str(self._keeping.getsockname()[1]))
        self._listening: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line", daemon=True)

    def __enter__(self) -> Line:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._keeping is not None:
            self._keeping.close()

    def outage(self, seconds: float) -> None:
        """Cut all connections, and refuse others for so long; returns at once."""
        self._do(self._cut())
        self._loop.call_soon_threadsafe(lambda: self._start(self._listen_after(seconds)))

    def _do(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._listen()

    async def _listen(self) -> None:
        if self._keeping is None:
            self._listening = await asyncio.start_unix_server(self._carry, self._file)
        else:
            self._listening = await asyncio.start_server(self._carry, sock=_bound(self._keeping.getsockname()[1]))

    async def _cut(self) -> None:
        if self._listening is not None:
            self._listening.close()
        for end in self._ends:
            with suppress(OSError):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_GOODBYE)
            end.transport.abort()

    async def _end(self) -> None:
        await self._cut()
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until an end of it closes."""
        self._ends.add(writer)
        ends = [writer]
        try:
            host, port = self._server
            opening = asyncio.open_connection(host, port) if port else asyncio.open_unix_connection(host)
            answers, there = await opening
            ends.append(there)
            if writer.transport.is_closing():  # it was cut meanwhile
                return
            self._ends.add(there)
            ways = [asyncio.ensure_future(_forward(reader, there)), asyncio.ensure_future(_forward(answers, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
        except OSError:  # the server is away by itself
            writer.transport.abort()
        finally:
            self._ends.difference_update(ends)
            for end in ends:
                end.close()


async def _forward(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()


def _bound(port: int) -> socket.socket:
    """Return a socket on a port of this machine, which another of ours may have too; 0: a free one."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((_HERE, port))
    return bound


def _with(ledger: str, **options: str) -> str:
    """Return an address with options in its query, which go before what stands in front of it."""
    parts = urlsplit(ledger)
    said = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **options}
    return urlunsplit(parts._replace(query=urlencode(said, quote_via=quote)))
