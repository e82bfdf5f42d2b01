"""HTTP clients, for as long as a run needs them."""

from __future__ import annotations

import asyncio
from typing import Self

from msgspec_runner.cluster.clients import Clients, Kind
from msgspec_runner.sociocs.client import Client

USUAL, UNUSUAL = Kind(30.0, retry_server_errors=False), Kind(7.0, retry_server_errors=False)


def make(kind: Kind) -> Client:
    return Client("http://127.0.0.1:9", "key", concurrency=2, **kind._asdict())


class Slow(Client):
    """A client whose opening takes a moment."""

    async def __aenter__(self) -> Self:
        await asyncio.sleep(0)
        return await super().__aenter__()


def test_runs_of_one_kind_share_a_client_also_while_it_is_opened() -> None:
    async def use() -> None:
        clients = Clients(lambda kind: Slow("http://127.0.0.1:9", "key", concurrency=2, **kind._asdict()))
        first, second = await asyncio.gather(clients.of("r1", USUAL), clients.of("r2", USUAL))
        assert first is second
        assert await clients.of("r1", UNUSUAL) is not first
        await clients.close()
        assert not len(clients)

    asyncio.run(use())


def test_a_client_is_closed_when_the_last_run_that_needs_it_is_over() -> None:
    async def use() -> None:
        clients = Clients(make)
        usual = await clients.of("r1", USUAL)
        await clients.of("r1", UNUSUAL)
        await clients.of("r2", USUAL)
        await clients.forget(["r1"])
        assert len(clients) == 1
        assert await clients.of("r2", USUAL) is usual
        await clients.forget(["r2", "unknown"])
        assert not len(clients)
        assert usual._wire is None, "it was not closed"

    asyncio.run(use())
