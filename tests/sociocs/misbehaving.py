"""A server on a real socket that misbehaves in every way of ``docs/outcomes.md``, and a client that posts to it."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET

import orjson

from msgspec_runner.model import Outcome
from msgspec_runner.sociocs.client import Client

KEY = "sk-live-0123456789"
BODY = b'{"provider":"twlo","to":"+16175551212","text":"Hi"}'
PEM = Path(__file__).with_name("data") / "localhost.pem"
OK = orjson.dumps({"status": "success", "data": {"message_id": "65f0c0ff"}})

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

    def end(self) -> None:
        """Close without a word, at once."""
        self._writer.transport.close()

    def stop_reading(self) -> None:
        """Read nothing more of what the client sends."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    async def client_gone(self) -> None:
        await self._reader.read()


@asynccontextmanager
async def serving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server on a free port: its base URL, and the requests that it has read."""
    requests: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
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


def in_pieces(*pieces: bytes) -> Behaviour:
    """Answer piece by piece, the next one when the loop has seen to the one before."""

    async def behave(exchange: Exchange) -> None:
        await exchange.read_request()
        for piece in pieces:
            await exchange.write(piece)
            for _ in range(20):
                await asyncio.sleep(0)
        await exchange.client_gone()

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


def tls_server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context
