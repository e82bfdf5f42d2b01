"""What the dispatcher wants of whoever posts."""

from __future__ import annotations

from typing import Protocol

from msgspec_runner.model import Outcome


class Poster(Protocol):
    """Posts a body and says what that proved; :class:`~msgspec_runner.sociocs.client.Client` is one."""

    async def post(self, body: bytes, not_after: float) -> Outcome:
        """Post one body, unless :func:`~msgspec_runner.boottime.boot_time` is beyond ``not_after`` when it would
        leave: then it is unsent. May be cancelled, and is expected to raise nothing else.
        """
        ...
