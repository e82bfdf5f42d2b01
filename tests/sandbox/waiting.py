"""Waiting for what a server does in its own thread."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(ask: Callable[[], object]) -> None:
    """Ask until the answer is true; what takes two minutes is broken, on a busy machine too."""
    deadline = time.monotonic() + 120
    while not ask():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
