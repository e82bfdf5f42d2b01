"""The HTTP clients of a worker: one for each way in which runs want to be posted, as long as such a run goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import NamedTuple

from msgspec_runner.sociocs.client import Client


class Kind(NamedTuple):
    """How posts are made.

    Attributes:
        timeout: seconds for one request.
        retry_server_errors: take a 500-511 as a proof that nothing was sent.
    """

    timeout: float
    retry_server_errors: bool


class Clients:
    """Opens clients and closes them.

    Args:
        make: makes one of a kind.
    """

    def __init__(self, make: Callable[[Kind], Client]) -> None:
        self._make = make
        self._open: dict[Kind, Client] = {}
        self._users: dict[Kind, set[str]] = {}
        """The runs that each is for."""
        self._opening = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._open)

    async def of(self, run_id: str, kind: Kind) -> Client:
        """Return the client for a run's messages."""
        self._users.setdefault(kind, set()).add(run_id)
        async with self._opening:
            if kind not in self._open:
                self._open[kind] = await self._make(kind).__aenter__()
            return self._open[kind]

    async def forget(self, run_ids: Collection[str]) -> None:
        """Close what was only for runs that are over."""
        for kind in tuple(self._users):
            self._users[kind] -= {*run_ids}
            if not self._users[kind]:
                del self._users[kind]
                client = self._open.pop(kind, None)
                if client is not None:
                    await client.__aexit__(None, None, None)

    async def close(self) -> None:
        """Close all of them."""
        await self.forget(set[str]().union(*self._users.values()))
