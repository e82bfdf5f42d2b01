"""A port for a server that is not started yet, or that is started again."""

from __future__ import annotations

import random
import socket

_FIRST, _LAST = 20_000, 29_999
"""Below those that systems give to whoever connects: one of those may be another test's by the time it is needed."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens to."""
    while True:
        port = random.SystemRandom().randint(_FIRST, _LAST)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
