"""How long a worker that says nothing is waited for: the terms under which messages are shared between machines.

All of it follows from the **lease**: a claimed message is posted within it or not at all. Where the lock of a silent
session is free, its process is gone or cut off, and half a lease is waited for one that is just connecting again. Where
the lock is held, the process may be suspended: it is fenced when every claim of it is too old to be posted, with room
for a connection that takes its time.
"""

from __future__ import annotations

import os
from typing import NamedTuple

LEASE = 30.0
"""Seconds; a message waits for its turn a fifth of a second at most, so this is an age in which only a process that
stood still is late."""

VARIABLE = "MSGSPEC_RUNNER_TEST_LEASE"
"""Seconds of another lease, for tests: all workers of a ledger must have the same."""


class Terms(NamedTuple):
    """Seconds, all of them.

    Attributes:
        lease: from just before a claim to the start of its post.
        heartbeat: between two signs of life.
        grace: of silence, until a session is taken for dead whose lock is free.
        fence: of silence, until a session is fenced although its lock is held.
    """

    lease: float = LEASE
    heartbeat: float = LEASE / 6
    grace: float = LEASE / 2
    fence: float = LEASE * 1.5


def terms() -> Terms:
    """Return the terms of this process."""
    lease = float(os.environ.get(VARIABLE) or LEASE)
    return Terms(lease, lease / 6, lease / 2, lease * 1.5)
