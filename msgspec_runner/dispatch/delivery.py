"""A message's delivery rules on their way: as the ledger keeps them, and applied in the moment in which it is posted.

The rules travel with the message, because a run may take hours. What may not go out now is posted with a ``schedule``,
so that the API keeps it until then. Pure; :mod:`msgspec_runner.timing` knows what the rules mean.
"""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

import orjson

from msgspec_runner.conversions import parse_schedule
from msgspec_runner.timing import Reason, Rules, Window, due


class Posting(NamedTuple):
    """What to post.

    Attributes:
        body: with a ``schedule`` where it must wait.
        scheduled_for: the moment that the API is asked to wait for, ISO 8601; None: at once.
    """

    body: bytes
    scheduled_for: str | None = None


NO_RULES = Rules()


def written(rules: Rules) -> str | None:
    """Return rules as the ledger keeps them: compact JSON; None where there are none."""
    parts: dict[str, object] = {}
    if rules.window is not None:
        opens, closes, zone = rules.window
        parts["window"] = [opens.isoformat("minutes"), closes.isoformat("minutes"), zone]
    if rules.hold:
        parts["hold"] = int(rules.hold.total_seconds())
    if rules.expires is not None:
        parts["expires"] = rules.expires.isoformat()
    return json.dumps(parts, separators=(",", ":")) if parts else None


@lru_cache(maxsize=1024)  # a run has one a time zone
def read(text: str | None) -> Rules:
    """Return the rules that :func:`written` wrote."""
    if text is None:
        return NO_RULES
    parts = json.loads(text)
    window, expires = parts.get("window"), parts.get("expires")
    return Rules(
        Window(time.fromisoformat(window[0]), time.fromisoformat(window[1]), window[2]) if window else None,
        timedelta(seconds=parts.get("hold", 0)),
        datetime.fromisoformat(expires) if expires else None,
    )


def own_schedule(body: bytes) -> datetime | None:
    """Return the moment that a body asks for itself; None where it asks for none, or for what is no moment."""
    if b'"schedule"' not in body:
        return None
    schedule = orjson.loads(body).get("schedule")
    return parse_schedule(schedule) if isinstance(schedule, str) else None


def is_too_late(body: bytes, delivery: str | None, now: datetime) -> bool:
    """Say whether :func:`posting` would give None; quick where nothing expires. What cannot be read is not too late."""
    try:
        rules = read(delivery)
        return rules.expires is not None and due(own_schedule(body), rules, now).too_late
    except Exception:  # noqa: BLE001 - whatever somebody wrote there; `posting` tells
        return False


def posting(body: bytes, delivery: str | None, now: datetime) -> Posting | None:
    """Return what to post now, or None where it is too late for it.

    Args:
        body: as planned, before the rules.
        delivery: the message's rules, see :func:`written`.
        now: the present, aware.
    """
    own = own_schedule(body)
    if own is None and delivery is None:
        return Posting(body)
    arrival = due(own, read(delivery), now)
    if arrival.too_late:
        return None
    if arrival.at is None:
        return Posting(body)
    if arrival.reason is Reason.SCHEDULE:
        return Posting(body, own.isoformat() if own is not None else None)
    moment = arrival.at.isoformat(timespec="seconds")
    return Posting(orjson.dumps({**orjson.loads(body), "schedule": moment}), moment)
