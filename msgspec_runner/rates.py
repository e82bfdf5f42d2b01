"""How a rate is written: ``20/s``, ``300/min``, ``1000/h``. The configuration, a flag and a spec write it alike."""

from __future__ import annotations

import re
from typing import NamedTuple

from msgspec_runner.errors import UsageError

_UNITS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*/\s*([a-z]+)", re.ASCII)


class Rate(NamedTuple):
    """A rate as it was written, and in messages a second."""

    text: str
    per_second: float


def parse_rate(text: str) -> Rate:
    """Read a rate: ``20/s``, ``300/min``, ``1000/h``.

    Raises:
        UsageError: it is none, or it is zero.
    """
    match = _RATE.fullmatch(text.strip().lower())
    unit = _UNITS.get(match[2]) if match else None
    if match is None or unit is None or float(match[1]) == 0:
        raise UsageError(f"{text!r} is no rate: write messages per s, min or h, like 20/s or 300/min")
    return Rate(text.strip(), float(match[1]) / unit)
