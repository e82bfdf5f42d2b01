"""Windows, holds and expiries: when a message would arrive."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from msgspec_runner.dispatch.delivery import NO_RULES
from msgspec_runner.errors import UsageError
from msgspec_runner.spec import Delivery
from msgspec_runner.spec import Window as WrittenWindow
from msgspec_runner.timing import Due, Reason, Rules, Window, due, moment_of, next_opening, parse_hold, rules_of
from tests.rails import NOW, local, moments, rules, window, windows

# where in the day


@pytest.mark.parametrize(
    ("hours", "now", "expected"),
    [
        (("09:00", "19:00"), "2031-01-02T08:59:59", "2031-01-02T09:00:00"),
        (("09:00", "19:00"), "2031-01-02T09:00:00", None),
        (("09:00", "19:00"), "2031-01-02T18:59:59.999999", None),
        (("09:00", "19:00"), "2031-01-02T19:00:00", "2031-01-03T09:00:00"),
        (("09:00", "19:00"), "2031-12-31T23:00:00", "2032-01-01T09:00:00"),
        (("22:00", "06:00"), "2031-01-02T23:00:00", None),
        (("22:00", "06:00"), "2031-01-02T05:59:59", None),
        (("22:00", "06:00"), "2031-01-02T06:00:00", "2031-01-02T22:00:00"),
        (("09:00", "00:00"), "2031-01-02T23:59:59", None),
        (("09:00", "00:00"), "2031-01-03T00:00:00", "2031-01-03T09:00:00"),
        (("00:00", "23:59"), "2031-01-02T23:59:00", "2031-01-03T00:00:00"),
    ],
)
def test_a_window_is_open_from_its_opening_until_before_its_closing(
    hours: tuple[str, str], now: str, expected: str | None
) -> None:
    moment = local(now, "America/New_York")
    opening = next_opening(window(*hours), moment)
    assert opening == (moment if expected is None else local(expected, "America/New_York"))


@pytest.mark.parametrize(
    ("zone", "day", "wall", "expected"),
    [
        # The clock goes from 02:00 to 03:00: what is skipped is the moment in which it goes on.
        ("America/New_York", date(2031, 3, 9), "02:00", "2031-03-09T03:00:00-04:00"),
        ("America/New_York", date(2031, 3, 9), "02:59", "2031-03-09T03:00:00-04:00"),
        ("America/New_York", date(2031, 3, 9), "03:00", "2031-03-09T03:00:00-04:00"),
        # It goes from 02:00 back to 01:00: the first 01:30 counts.
        ("America/New_York", date(2031, 11, 2), "01:30", "2031-11-02T01:30:00-04:00"),
        ("America/New_York", date(2031, 11, 2), "02:00", "2031-11-02T02:00:00-05:00"),
        ("Europe/Berlin", date(2031, 3, 30), "02:30", "2031-03-30T03:00:00+02:00"),
        ("Europe/Berlin", date(2031, 10, 26), "02:30", "2031-10-26T02:30:00+02:00"),
        # Half an hour only.
        ("Australia/Lord_Howe", date(2031, 10, 5), "02:15", "2031-10-05T02:30:00+11:00"),
        ("Australia/Lord_Howe", date(2031, 4, 6), "01:45", "2031-04-06T01:45:00+11:00"),
        # A whole day that was never there.
        ("Pacific/Apia", date(2011, 12, 30), "09:00", "2011-12-31T00:00:00+14:00"),
    ],
)
def test_a_time_that_the_clock_skips_or_shows_twice(zone: str, day: date, wall: str, expected: str) -> None:
    moment = moment_of(day, time.fromisoformat(wall), ZoneInfo(zone))
    assert moment == datetime.fromisoformat(expected)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("hours", "now", "expected"),
    [
        # The opening is skipped: it opens when the clock goes on.
        (window("02:30", "19:00"), "2031-03-09T06:30:00+00:00", "2031-03-09T03:00:00-04:00"),
        (window("02:30", "19:00"), "2031-03-09T07:00:00+00:00", None),
        # All its hours are skipped: it opens on the next day.
        (window("02:00", "03:00"), "2031-03-09T06:30:00+00:00", "2031-03-10T02:00:00-04:00"),
        # The opening occurs twice: it opens at the first, and stays open.
        (window("01:30", "19:00"), "2031-11-02T05:29:00+00:00", "2031-11-02T01:30:00-04:00"),
        (window("01:30", "19:00"), "2031-11-02T06:15:00+00:00", None),
        # The closing occurs twice: it closes at the first, and stays closed.
        (window("20:00", "01:30"), "2031-11-02T05:30:00+00:00", "2031-11-02T20:00:00-05:00"),
        (window("20:00", "01:30"), "2031-11-02T06:15:00+00:00", "2031-11-02T20:00:00-05:00"),
        (window("02:15", "02:45", "Europe/Berlin"), "2031-03-30T00:59:00+00:00", "2031-03-31T02:15:00+02:00"),
        (window("02:10", "09:00", "Australia/Lord_Howe"), "2031-10-04T15:00:00+00:00", "2031-10-05T02:30:00+11:00"),
        (window("09:00", "10:00", "Pacific/Apia"), "2011-12-30T09:00:00+00:00", "2011-12-31T09:00:00+14:00"),
    ],
)
def test_a_window_on_the_days_on_which_the_clock_is_changed(hours: Window, now: str, expected: str | None) -> None:
    moment = datetime.fromisoformat(now)
    assert next_opening(hours, moment) == (moment if expected is None else datetime.fromisoformat(expected))


@given(windows, moments)
def test_the_next_opening_lies_in_the_window_and_is_the_next(hours: Window, moment: datetime) -> None:
    opening = next_opening(hours, moment)
    assert opening >= moment
    assert next_opening(hours, opening) == opening
    if opening > moment:
        before = opening - timedelta(microseconds=1)
        assert next_opening(hours, max(moment, before)) == opening, "a second before it, the window is closed"


@given(windows, moments)
def test_a_clock_on_the_wall_agrees_on_days_on_which_it_is_not_changed(hours: Window, moment: datetime) -> None:
    zone = ZoneInfo(hours.zone)
    opening = next_opening(hours, moment).astimezone(zone)
    days = [opening + timedelta(days=ahead) for ahead in range(-2, 3)]
    assume(len({day.utcoffset() for day in days}) == 1)
    wall = opening.replace(tzinfo=None).time()
    if hours.opens < hours.closes:
        assert hours.opens <= wall < hours.closes
    else:
        assert wall >= hours.opens or wall < hours.closes


# what follows from all rules


def test_the_window_holds_for_what_is_held() -> None:
    rules = Rules(window("09:00", "10:04"), timedelta(minutes=5))
    assert due(None, rules, NOW) == Due(local("2031-01-03T09:00", "America/New_York"), Reason.WINDOW)
    assert due(None, rules, NOW - timedelta(minutes=2)) == Due(NOW + timedelta(minutes=3), Reason.HOLD)
    # Rounded up to a second, it must not fall on the closing.
    late = NOW - timedelta(minutes=1, microseconds=1)
    assert due(None, rules, late).reason is Reason.WINDOW


@given(st.none() | moments, rules, moments)
def test_nothing_arrives_earlier_than_asked_nor_outside_of_its_window(
    own: datetime | None, rules: Rules, now: datetime
) -> None:
    arrival = due(own, rules, now)
    at = arrival.at or now
    assert at >= now + rules.hold
    assert own is None or at >= own
    assert rules.window is None or next_opening(rules.window, at) == at
    assert arrival.too_late is (rules.expires is not None and at >= rules.expires)
    assert (arrival.at is None) is (arrival.reason is None)


# what a spec says


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("2h", 7200)])
def test_a_hold_has_a_unit(text: str, seconds: int) -> None:
    assert parse_hold(text) == timedelta(seconds=seconds)


def test_what_a_spec_says_becomes_rules() -> None:
    delivery = Delivery(
        window=WrittenWindow("22:00", "06:00"), hold="90s", expires="2031-12-24T18:00:00-05:00", rate="10/s"
    )
    assert rules_of(delivery, "Europe/Berlin", "hello.yaml") == Rules(
        window("22:00", "06:00", "Europe/Berlin"),
        timedelta(seconds=90),
        datetime.fromisoformat("2031-12-24T18:00:00-05:00"),
    )
    assert rules_of(Delivery(), "", "hello.yaml") == NO_RULES


@pytest.mark.parametrize(
    ("delivery", "zone"),
    [
        (Delivery(window=WrittenWindow("9", "19:00")), "Mars/Olympus"),
        (Delivery(window=WrittenWindow("", "19:00")), "UTC"),
        (Delivery(window=WrittenWindow("09:00", "09:00")), "UTC"),
        (Delivery(window=WrittenWindow("09:00", "19:00")), ""),
        (Delivery(hold="soon"), ""),
        (Delivery(expires="2031-12-24T18:00:00"), ""),
    ],
)
def test_what_cannot_be_carried_out_is_refused(delivery: Delivery, zone: str) -> None:
    with pytest.raises(UsageError, match=r"hello\.yaml: delivery\..*Nothing was sent"):
        rules_of(delivery, zone, "hello.yaml")
