"""Trouble on demand: which requests fail, how, and how slowly, reproducibly from one seed.

What happens to a request depends on the seed, its body and how often that body came before, never on the
order in which requests arrive. So one seed gives one story, whatever the concurrency of the client, and
a message that is sent again gets a new draw.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from msgspec_runner.errors import UsageError


class FaultKind(NamedTuple):
    """What one kind of fault does.

    Attributes:
        keeps: whether the message is kept (a real server would have sent it) before the trouble starts.
        says: one line for ``--help`` and for messages.
        unit: what the number after a colon means (``429:2``), or "" where none is taken.
        default: that number where none is given.
    """

    keeps: bool
    says: str
    unit: str = ""
    default: float = 0.0


FAULT_KINDS: Final[dict[str, FaultKind]] = {
    "429": FaultKind(keeps=False, says="rate limit; 429:2 adds Retry-After: 2", unit="seconds to wait"),
    **{
        str(status): FaultKind(keeps=False, says=f"answers {status}, the message is not kept")
        for status in range(500, 512)
    },
    "500-after": FaultKind(keeps=True, says="answers 500, yet the message is kept"),
    "reset-before": FaultKind(keeps=False, says="resets the connection, the message is not kept"),
    "reset-after": FaultKind(keeps=True, says="keeps the message, then resets the connection"),
    "hang": FaultKind(keeps=False, says="never answers, the message is not kept", unit="seconds", default=600.0),
    "hang-after": FaultKind(keeps=True, says="keeps the message, then never answers", unit="seconds", default=600.0),
    "garbage": FaultKind(keeps=True, says="keeps the message, answers 200 with something that is no JSON"),
    "slow": FaultKind(keeps=True, says="keeps the message, answers rightly but late", unit="seconds", default=2.0),
}
"""Every kind of fault by name. 429 and 500-511 are the statuses of the API document; ``hang`` ends by itself
after 600 s (with a reset), because a client that waits longer than that has no timeout at all."""


class Fault(NamedTuple):
    """One kind of fault and how often it strikes.

    Attributes:
        kind: a key of :data:`FAULT_KINDS`.
        rate: the share of requests, above 0 and at most 1.
        seconds: Retry-After of a 429 (0 sends no header), or how long a hang or a slow answer takes.
    """

    kind: str
    rate: float
    seconds: float = 0.0

    @property
    def keeps(self) -> bool:
        """Whether the message is kept before the trouble starts."""
        return FAULT_KINDS[self.kind].keeps

    @property
    def text(self) -> str:
        """The fault as :func:`parse_fault` reads it: ``429:2=0.05``."""
        about = FAULT_KINDS[self.kind]
        seconds = f":{_plain(self.seconds)}" if about.unit and self.seconds != about.default else ""
        return f"{self.kind}{seconds}={_plain(self.rate)}"


class Latency(NamedTuple):
    """How long every answer takes at least: evenly spread from ``low`` to ``high``, in seconds."""

    low: float = 0.0
    high: float = 0.0

    @property
    def text(self) -> str:
        """The latency as :func:`parse_latency` reads it: ``20ms..80ms``."""
        low, high = (f"{_plain(seconds * 1000)}ms" for seconds in self)
        return low if low == high else f"{low}..{high}"


NO_LATENCY: Final = Latency()
"""Every answer at once."""


class Fate(NamedTuple):
    """What happens to one request.

    Attributes:
        message_id: the id it gets if it is accepted: 16 hexadecimal digits.
        fault: the trouble it meets, if any.
        delay: seconds to wait before anything else.
    """

    message_id: str
    fault: Fault | None
    delay: float


_FAULT = re.compile(r"(?P<kind>[a-z0-9-]+)(?::(?P<seconds>[0-9.]+)s?)?=(?P<rate>[0-9.]+)(?P<percent>%?)", re.ASCII)
_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s)", re.ASCII)

MAX_SECONDS: Final = 3600.0
"""The longest hang, wait or latency that can be asked for: an hour. More is a typing mistake."""


def parse_fault(text: str, source: str = "--fault") -> Fault:
    """Read one ``--fault`` value.

    Args:
        text: ``KIND=RATE``, for example ``500=0.05``, ``reset-after=5%``, ``429:2=0.1`` or ``slow:3=1``.
        source: where the text comes from, as messages name it.

    Returns:
        The fault.

    Raises:
        UsageError: the text is not of that form, or a number is out of range; says what to type.
    """
    match = _FAULT.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(f"{source} {text!r}: write KIND=RATE, for example 500=0.05 or reset-after=5%")
    kind = match["kind"]
    if kind not in FAULT_KINDS:
        raise UsageError(f"{source} {text!r}: there is no fault {kind!r}; the kinds are {kinds_in_short()}")
    rate = _number(match["rate"], f"{source} {text!r}") / (100.0 if match["percent"] else 1.0)
    if not 0.0 < rate <= 1.0:
        raise UsageError(f"{source} {text!r}: the rate must be above 0 and at most 1 (or 100%)")
    about = FAULT_KINDS[kind]
    if match["seconds"] is None:
        return Fault(kind, rate, about.default)
    if not about.unit:
        raise UsageError(f"{source} {text!r}: {kind} takes no seconds; write {kind}={match['rate']}{match['percent']}")
    seconds = _number(match["seconds"], f"{source} {text!r}")
    if seconds > MAX_SECONDS:
        raise UsageError(f"{source} {text!r}: at most {MAX_SECONDS:.0f} seconds")
    return Fault(kind, rate, seconds)


def parse_faults(texts: Sequence[str], source: str = "--fault") -> tuple[Fault, ...]:
    """Read all ``--fault`` values of one command line.

    Args:
        texts: one item per flag; an item may hold several faults, separated by commas.
        source: where the texts come from, as messages name it.

    Returns:
        The faults in the order given.

    Raises:
        UsageError: one of them is wrong, a kind comes twice, or the rates add up to more than 1.
    """
    faults = tuple(parse_fault(part, source) for text in texts for part in text.split(","))
    kinds = [fault.kind for fault in faults]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise UsageError(f"{source} {kind} is given {kinds.count(kind)} times: give it once")
    if math.fsum(fault.rate for fault in faults) > 1.0 + 1e-9:
        raise UsageError(f"{source}: the rates add up to more than 1; a request meets at most one fault")
    return faults


def parse_latency(text: str, source: str = "--latency") -> Latency:
    """Read the ``--latency`` value.

    Args:
        text: one duration or a range: ``20ms``, ``1.5s``, ``20ms..80ms``.
        source: where the text comes from, as messages name it.

    Returns:
        The latency, in seconds.

    Raises:
        UsageError: the text is not of that form, the range runs backwards, or it is longer than an hour.
    """
    low_text, dots, high_text = text.strip().lower().partition("..")
    low = _duration(low_text, f"{source} {text!r}")
    high = _duration(high_text, f"{source} {text!r}") if dots else low
    if high < low:
        raise UsageError(f"{source} {text!r}: the range runs backwards; write {high_text}..{low_text}")
    return Latency(low, high)


def decide(seed: int, body: bytes, nth: int, faults: Sequence[Fault], latency: Latency) -> Fate:
    """Decide what happens to a request; the same arguments give the same fate on every machine.

    Args:
        seed: the sandbox's seed.
        body: the request's raw body.
        nth: how often this very body came before; 0 for the first time.
        faults: what may strike; their rates add up to at most 1.
        latency: the delay of every answer.

    Returns:
        The request's fate.
    """
    digest = hashlib.blake2b(body, digest_size=24, key=b"%d.%d" % (seed, nth)).digest()
    struck = None
    if faults:
        roll = int.from_bytes(digest[8:16], "big") / 2**64
        for fault in faults:
            if roll < fault.rate:
                struck = fault
                break
            roll -= fault.rate
    delay = latency.low
    if latency.high > latency.low:
        delay += (latency.high - latency.low) * (int.from_bytes(digest[16:], "big") / 2**64)
    return Fate(digest[:8].hex(), struck, delay)


def _plain(number: float) -> str:
    """Write a number without an exponent, rounded to 12 digits: what arithmetic added at its end is left out."""
    return f"{Decimal(f'{number:.12g}'):f}"


def _number(digits: str, whole: str) -> float:
    """Turn digits and dots into a number, or complain about the whole value."""
    try:
        return float(digits)
    except ValueError:
        raise UsageError(f"{whole}: {digits!r} is no number; write it as 0.05 or 5%") from None


def _duration(part: str, whole: str) -> float:
    """Turn ``20ms`` or ``1.5s`` into seconds."""
    match = _DURATION.fullmatch(part.strip())
    if match is None:
        raise UsageError(f"{whole}: write a duration with its unit, for example 20ms or 20ms..80ms")
    seconds = float(match["number"]) / (1000.0 if match["unit"] == "ms" else 1.0)
    if seconds > MAX_SECONDS:
        raise UsageError(f"{whole}: at most {MAX_SECONDS:.0f}s")
    return seconds


def kinds_in_short() -> str:
    """Name all kinds of faults in a line, the sisters of 500 from the first to the last."""
    statuses = [kind for kind in FAULT_KINDS if kind.isdigit() and kind != "429"]
    others = [kind for kind in FAULT_KINDS if kind not in statuses and kind != "429"]
    return ", ".join(["429", f"{statuses[0]} to {statuses[-1]}", *others])
