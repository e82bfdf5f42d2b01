"""Windows, holds and expiries: when a message would arrive, and what is posted so that it does."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from msgspec_runner.dispatch.delivery import (
    NO_RULES,
    Due,
    Posting,
    Reason,
    Rules,
    Window,
    due,
    is_too_late,
    moment_of,
    next_opening,
    own_schedule,
    parse_hold,
    posting,
    read,
    rules_of,
    written,
)
from msgspec_runner.errors import UsageError
from msgspec_runner.spec import Delivery
from msgspec_runner.spec import Window as WrittenWindow

NOW = datetime(2031, 1, 2, 15, tzinfo=UTC)
"""Ten in the morning in New York."""

ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC")

zones = st.sampled_from(ZONES)
times = st.times(max_value=time(23, 59)).map(lambda wall: wall.replace(second=0, microsecond=0))
windows = st.builds(Window, times, times, zones).filter(lambda window: window.opens != window.closes)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2040, 12, 31), timezones=st.just(UTC))
rules = st.builds(
    Rules,
    st.none() | windows,
    st.integers(0, 999_999).map(lambda seconds: timedelta(seconds=seconds)),
    st.none() | moments,
)


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def window(opens: str, closes: str, zone: str = "America/New_York") -> Window:
    return Window(time.fromisoformat(opens), time.fromisoformat(closes), zone)


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


def test_without_rules_a_message_arrives_when_it_is_posted() -> None:
    assert due(None, NO_RULES, NOW) == Due()
    assert posting(b'{"text":"Hi"}', None, NOW) == Posting(b'{"text":"Hi"}')


def test_a_schedule_of_its_own_stays_as_it_is_written() -> None:
    body = b'{"text":"Hi","schedule":"2031-01-05T09:00:00.5-05:00"}'
    assert posting(body, None, NOW) == Posting(body, "2031-01-05T09:00:00.500000-05:00")
    held = written(Rules(hold=timedelta(minutes=5)))
    assert posting(body, held, NOW) == Posting(body, "2031-01-05T09:00:00.500000-05:00"), "it is later anyhow"


def test_a_schedule_in_the_past_is_the_linters_business_but_a_window_holds_for_it() -> None:
    body = b'{"schedule":"2021-01-05T09:00:00-05:00"}'
    assert posting(body, None, NOW) == Posting(body, "2021-01-05T09:00:00-05:00")
    moved = posting(body, written(Rules(window("12:00", "13:00"))), NOW)
    assert moved is not None
    assert moved.scheduled_for == "2031-01-02T12:00:00-05:00"


def test_a_schedule_outside_of_the_window_moves_to_the_next_opening() -> None:
    body = b'{"text":"Hi","schedule":"2031-01-05T20:00:00-05:00","to":"+16175551212"}'
    moved = posting(body, written(Rules(window("09:00", "19:00", "America/Los_Angeles"))), NOW)
    assert moved == Posting(body, "2031-01-05T20:00:00-05:00"), "17:00 over there"
    moved = posting(body, written(Rules(window("09:00", "19:00"))), NOW)
    assert moved is not None
    assert json.loads(moved.body) == {
        "text": "Hi",
        "schedule": "2031-01-06T09:00:00-05:00",
        "to": "+16175551212",
    }


def test_what_is_no_moment_is_no_schedule() -> None:
    assert own_schedule(b'{"schedule":"soon"}') is None
    assert own_schedule(b'{"schedule":5}') is None
    assert own_schedule(b'{"text":"\\"schedule\\":"}') is None
    assert own_schedule(b'{"text":"the \\"schedule\\""}') is None


def test_a_hold_is_a_schedule_in_whole_seconds_that_is_never_too_short() -> None:
    held = posting(b"{}", written(Rules(hold=timedelta(minutes=5))), NOW + timedelta(microseconds=1))
    assert held == Posting(b'{"schedule":"2031-01-02T15:05:01+00:00"}', "2031-01-02T15:05:01+00:00")


def test_the_window_holds_for_what_is_held() -> None:
    rules = Rules(window("09:00", "10:04"), timedelta(minutes=5))
    assert due(None, rules, NOW) == Due(local("2031-01-03T09:00", "America/New_York"), Reason.WINDOW)
    assert due(None, rules, NOW - timedelta(minutes=2)) == Due(NOW + timedelta(minutes=3), Reason.HOLD)
    # Rounded up to a second, it must not fall on the closing.
    late = NOW - timedelta(minutes=1, microseconds=1)
    assert due(None, rules, late).reason is Reason.WINDOW


@pytest.mark.parametrize(
    ("rules", "expires", "too_late"),
    [
        (Rules(), "2031-01-02T15:00:00+00:00", True),
        (Rules(), "2031-01-02T15:00:01+00:00", False),
        (Rules(hold=timedelta(minutes=5)), "2031-01-02T15:05:00+00:00", True),
        (Rules(hold=timedelta(minutes=5)), "2031-01-02T15:05:01+00:00", False),
        (Rules(window("11:00", "12:00")), "2031-01-02T11:00:00-05:00", True),
        (Rules(window("11:00", "12:00")), "2031-01-02T11:00:01-05:00", False),
    ],
)
def test_what_would_arrive_when_it_has_expired_is_too_late(rules: Rules, expires: str, too_late: bool) -> None:
    rules = rules._replace(expires=datetime.fromisoformat(expires))
    assert due(None, rules, NOW).too_late is too_late
    assert (posting(b"{}", written(rules), NOW) is None) is too_late
    assert is_too_late(b"{}", written(rules), NOW) is too_late


def test_the_end_of_the_calendar_is_no_trap() -> None:
    hours = written(Rules(window("09:00", "10:00", "Pacific/Apia"), timedelta(hours=1)))
    for schedule in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"):
        assert posting(json.dumps({"schedule": schedule}).encode(), hours, NOW) is not None


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


@given(st.none() | moments, rules, moments)
def test_to_apply_the_rules_to_what_they_gave_changes_nothing(
    own: datetime | None, rules: Rules, now: datetime
) -> None:
    body = b'{"text":"Hi"}' if own is None else json.dumps({"text": "Hi", "schedule": own.isoformat()}).encode()
    delivery = written(rules._replace(expires=None))
    first = posting(body, delivery, now)
    assert first is not None
    again = posting(first.body, delivery, now)
    assert again is not None
    assert again.body == first.body
    if first.body != body:
        assert json.loads(first.body)["text"] == "Hi"
        assert datetime.fromisoformat(json.loads(first.body)["schedule"]) == due(own, rules, now).at


# how rules are written


@given(rules)
def test_what_is_written_is_read(rules: Rules) -> None:
    assert read(written(rules)) == rules


def test_no_rules_are_nothing() -> None:
    assert written(NO_RULES) is None
    assert read(None) == NO_RULES


def test_rules_are_compact() -> None:
    expires = datetime.fromisoformat("2031-12-24T18:00:00-05:00")
    assert written(Rules(window("09:00", "19:00"), timedelta(minutes=5), expires)) == (
        '{"window":["09:00","19:00","America/New_York"],"hold":300,"expires":"2031-12-24T18:00:00-05:00"}'
    )


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
