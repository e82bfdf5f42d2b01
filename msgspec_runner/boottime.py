"""The clock of leases: it goes on while the machine is suspended, so that what is too late afterwards knows it."""

from __future__ import annotations

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux's CLOCK_MONOTONIC stands still in a suspension (clock_gettime(2)); other systems' goes on."""


def boot_time() -> float:
    """Return seconds since the machine started, suspensions included."""
    return time.clock_gettime(_CLOCK)
