"""Moments, windows and delivery rules to try things with."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from msgspec_runner.timing import Rules, Window

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
