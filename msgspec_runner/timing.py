"""When a message may reach somebody: window, hold and expiry. Pure; the linter warns of it, the dispatcher keeps it.

A window is a time of day in a zone. Its opening and closing are moments, made for each day: a time that the clock
skips is the moment in which the clock goes on; of a time that occurs twice, the first counts. The closing is no part
of the window.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from msgspec_runner.conversions import parse_schedule
from msgspec_runner.errors import UsageError
from msgspec_runner.spec import Delivery
from msgspec_runner.templates.filters import find_zone
from msgspec_runner.templates.problems import Refusal

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}
_HOLD = re.compile(r"([0-9]{1,6})([smh])")
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)

_DAYS_AHEAD = 4
"""Local days in which the next opening is looked for. One day can lack the window, where its hours are skipped; the
longest skip was a whole day (Samoa, 30 December 2011)."""

_LAST_YEAR = 9000
"""A moment beyond it is left as it is: near the end of the calendar, arithmetic with zones has no result."""


class Window(NamedTuple):
    """Hours of the day, in a zone.

    Attributes:
        opens: local time.
        closes: local time, exclusive; before ``opens``: on the next day.
        zone: IANA name.
    """

    opens: time
    closes: time
    zone: str


class Rules(NamedTuple):
    """What holds for one message when it is posted.

    Attributes:
        window: in which it may arrive; None: always.
        hold: for how long it can be taken back.
        expires: it arrives before that aware moment, or not at all; None: it never gets too late.
    """

    window: Window | None = None
    hold: timedelta = timedelta()
    expires: datetime | None = None


class Reason(StrEnum):
    """Why a message goes out later than it is posted."""

    SCHEDULE = "schedule"
    HOLD = "hold"
    WINDOW = "window"


class Due(NamedTuple):
    """When a message would arrive.

    Attributes:
        at: an aware moment; None: as soon as it is posted.
        reason: what made it that late; None where ``at`` is.
        too_late: it would arrive when ``expires`` has passed, so it must not be posted.
    """

    at: datetime | None = None
    reason: Reason | None = None
    too_late: bool = False


def parse_hold(text: str) -> timedelta:
    """Read a length of time: ``30s``, ``5m``, ``2h``.

    Raises:
        ValueError: it is none.
    """
    match = _HOLD.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def rules_of(delivery: Delivery, zone: str, file: str) -> Rules:
    """Return the rules that a spec's ``delivery`` sets for the recipients of one time zone.

    Args:
        delivery: as written.
        zone: whose hours the window means.
        file: of the spec, for the error.

    Raises:
        UsageError: something in it cannot be carried out; the linter has said so before.
    """
    window, hold, expires = None, timedelta(), None
    if delivery.window is not None:
        try:
            window = Window(time.fromisoformat(delivery.window.opens), time.fromisoformat(delivery.window.closes), zone)
            find_zone(zone)
        except (ValueError, Refusal):
            window = None
        if window is None or window.opens == window.closes:
            raise UsageError(
                f"{file}: delivery.window needs two different times and a time zone: write it like "
                '{from: "09:00", to: "19:00", timezone: America/New_York}. Nothing was sent.'
            )
    if delivery.hold is not None:
        try:
            hold = parse_hold(delivery.hold)
        except ValueError:
            raise UsageError(
                f"{file}: delivery.hold is no length of time: write it like 5m. Nothing was sent."
            ) from None
    if delivery.expires is not None:
        expires = parse_schedule(delivery.expires)
        if expires is None:
            raise UsageError(
                f"{file}: delivery.expires is no date and time with an offset: "
                'write it like "2031-12-24T18:00:00-05:00". Nothing was sent.'
            )
    return Rules(window, hold, expires)


def due(own: datetime | None, rules: Rules, now: datetime) -> Due:
    """Return when a message arrives that is posted now.

    Args:
        own: the moment that its body asks for; None: at once.
        rules: that hold for it.
        now: the present, aware.
    """
    at, reason = now, None
    if own is not None:
        at, reason = max(own, now), Reason.SCHEDULE
    if rules.hold and at < (held := _whole(now + rules.hold)):
        at, reason = held, Reason.HOLD
    if rules.window is not None and at.year < _LAST_YEAR:
        opening = next_opening(rules.window, at)
        if opening != at:
            at, reason = opening, Reason.WINDOW
    return Due(at if reason else None, reason, rules.expires is not None and at >= rules.expires)


def next_opening(window: Window, moment: datetime) -> datetime:
    """Return the first moment from ``moment`` on that lies in a window: itself, or an opening in the zone's offset."""
    zone = find_zone(window.zone)
    for opens, closes in _hours(window, moment.astimezone(zone).date()):
        if opens <= moment < closes:
            return moment
        if moment < opens < closes:
            # A moment of the zone itself equals no other where its hour occurs twice (PEP 495).
            return opens.astimezone(timezone(opens.astimezone(zone).utcoffset() or timedelta()))
    raise AssertionError(f"no opening in {_DAYS_AHEAD} days")


@lru_cache(maxsize=4096)
def _hours(window: Window, day: date) -> tuple[tuple[datetime, datetime], ...]:
    """Return the moments in which a window opens and closes: the day before, that day, and the days to come."""
    zone = find_zone(window.zone)
    over_midnight = _DAY if window.closes < window.opens else timedelta()
    days = [day + ahead * _DAY for ahead in range(-1, _DAYS_AHEAD)]
    return tuple(
        (moment_of(each, window.opens, zone), moment_of(each + over_midnight, window.closes, zone)) for each in days
    )


def moment_of(day: date, wall: time, zone: tzinfo) -> datetime:
    """Return the moment, in UTC, in which a clock on the wall shows a time: the first, or when it skips over it."""
    local = datetime.combine(day, wall, zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    # The clock goes from before it to behind it somewhere between what its offsets after and before would make it.
    before, after = local.replace(fold=1).astimezone(UTC), moment
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def _whole(moment: datetime) -> datetime:
    """Round up to a second, which is what a ``schedule`` tells."""
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + _SECOND
