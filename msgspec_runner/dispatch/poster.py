"""What the dispatcher wants of whoever posts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec_runner.model import Outcome

Leave = Callable[[], bool | Awaitable[bool]]
"""Says whether a post may leave that could leave now: at once, or when it may; False: it is not to leave."""


class Poster(Protocol):
    """Posts a body and says what that proved; :class:`~msgspec_runner.sociocs.client.Client` is one."""

    async def post(self, body: bytes, leave: Leave) -> Outcome:
        """Post one body. May be cancelled, and is expected to raise nothing else.

        A connection may take its time, and the rate and the claim are those of the moment in which the message leaves:
        so ``leave`` is asked when everything else is ready, and nothing is waited for after it. Where it says False,
        the message is unsent.
        """
        ...
