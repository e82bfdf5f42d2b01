"""What the sandbox's own calls can be asked for: parameters in, values or a sentence that says what to write out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec_runner.errors import UsageError
from msgspec_runner.sandbox.faults import FAULT_KINDS
from msgspec_runner.sandbox.shown import STATES, Wanted

MAX_LIMIT: Final = 1000
"""Requests in one list."""

MAX_WAIT_SECONDS: Final = 60.0
"""How long a list may wait for what is looked for; a test that waits longer asks again."""


MAX_DIGITS: Final = 15
"""Digits of a request's number, far more than there will be; int() of very many takes long."""


class Query(NamedTuple):
    """What a list is asked for.

    Attributes:
        wanted: which requests.
        limit: at most so many.
        before: only those with a lower number.
        after: only those with a higher number.
        wait: seconds to wait for them.
        at_least: how many to wait for.
    """

    wanted: Wanted
    limit: int = 100
    before: int | None = None
    after: int = 0
    wait: float = 0.0
    at_least: int = 1


class Following(NamedTuple):
    """What a stream of events is asked for.

    Attributes:
        wanted: which requests; other events always come.
        last_event_id: up to where the reader has read.
    """

    wanted: Wanted
    last_event_id: str = ""


def parse_query(parameters: Mapping[str, str]) -> Query:
    """Read the parameters of a list.

    Args:
        parameters: by name.

    Raises:
        UsageError: one is unknown or has a wrong value; says what to write.
    """
    _known(parameters, ("q", "to", "state", "fault", "limit", "before", "after", "wait", "at_least"))
    return Query(
        wanted=_wanted(parameters),
        limit=_whole(parameters, "limit", 100, MAX_LIMIT),
        before=_whole(parameters, "before", 0) if "before" in parameters else None,
        after=_whole(parameters, "after", 0),
        wait=_seconds(parameters, "wait"),
        at_least=_whole(parameters, "at_least", 1, MAX_LIMIT),
    )


def parse_following(parameters: Mapping[str, str]) -> Following:
    """Read the parameters of a stream of events.

    Args:
        parameters: by name.

    Raises:
        UsageError: one is unknown or has a wrong value; says what to write.
    """
    _known(parameters, ("q", "to", "fault", "last_event_id"))
    return Following(_wanted(parameters), parameters.get("last_event_id", ""))


def _known(parameters: Mapping[str, str], names: tuple[str, ...]) -> None:
    """Refuse a parameter that is not known: a test that looks for less than it thinks would pass."""
    for name in parameters:
        if name not in names:
            raise UsageError(f"Unknown parameter {name[:40]!r}; there are {', '.join(names)}.")


def _wanted(parameters: Mapping[str, str]) -> Wanted:
    """Read what is looked for."""
    state, fault = parameters.get("state", ""), parameters.get("fault", "")
    if state and state not in STATES:
        raise UsageError(f"state must be one of {', '.join(STATES)}.")
    if fault and fault != "any" and fault not in FAULT_KINDS:
        raise UsageError(f"fault must be any, or one of {', '.join(FAULT_KINDS)}.")
    return Wanted(parameters.get("q", ""), parameters.get("to", ""), state, fault)


def _whole(parameters: Mapping[str, str], name: str, default: int, most: int = 10**MAX_DIGITS) -> int:
    """Read a whole number."""
    text = parameters.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS) or int(text) > most:
        raise UsageError(f"{name} must be a whole number" + (f", at most {most}." if most == MAX_LIMIT else "."))
    return int(text)


def _seconds(parameters: Mapping[str, str], name: str) -> float:
    """Read a number of seconds."""
    text = parameters.get(name, "0")
    digits = text.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit() and len(text) <= MAX_DIGITS) or float(text) > MAX_WAIT_SECONDS:
        raise UsageError(f"{name} must be a number of seconds, at most {MAX_WAIT_SECONDS:g}.")
    return float(text)
