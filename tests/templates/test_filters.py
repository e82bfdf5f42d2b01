"""Dates, money and schedules in the spec's locale and time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from msgspec_runner.templates import Environment, RenderError, parse

MOMENT = datetime(2026, 3, 7, 14, 30, tzinfo=UTC)


def render(source: str, locale: str | None = "en_US", zone: str | None = "America/New_York", **values: Any) -> str:
    template = parse(source)
    assert template.problems == ()
    return Environment(locale, zone).bind(template).render(values)


@pytest.mark.parametrize(
    ("source", "value", "text"),
    [
        ("{{ x | date }}", date(2026, 1, 2), "Jan 2, 2026"),
        ("{{ x | date('EEEE d MMMM') }}", "2026-01-02", "Friday 2 January"),
        ("{{ x | date('full', locale='de_DE') }}", date(2026, 1, 2), "Freitag, 2. Januar 2026"),
        ("{{ x | date('short') }}", datetime(2026, 1, 2, 1, 0, tzinfo=UTC), "1/1/26"),
        ("{{ x | date('HH:mm') }}", MOMENT, "09:30"),
        ("{{ x | datetime('HH:mm zzz') }}", MOMENT, "09:30 EST"),
        ("{{ x | datetime('yyyy-MM-dd HH:mm') }}", "2026-03-07T14:30:00Z", "2026-03-07 09:30"),
        ("{{ x | datetime('HH:mm') }}", datetime(2026, 1, 2, 8, 15), "08:15"),
        ("{{ x | number }}", 1234567, "1,234,567"),
        ("{{ x | number }}", Decimal("1234.50"), "1,234.5"),
        ("{{ x | number(2) }}", "1234.505", "1,234.51"),
        ("{{ x | number(0) }}", Decimal("2.5"), "3"),
        ("{{ x | number(1, 'de_DE') }}", 1234.5, "1.234,5"),
        ("{{ x | number(2, 'en_IN') }}", "1234567.5", "12,34,567.50"),
        ("{{ x | number(0, 'hi_IN') }}", 123456, "1,23,456"),
        ("{{ x | currency('USD') }}", Decimal("3.5"), "$3.50"),
        ("{{ x | currency('USD') }}", Decimal("2.665"), "$2.67"),
        ("{{ x | currency('JPY') }}", Decimal("2.5"), "¥3"),
        ("{{ x | currency('INR', 'en_IN') }}", 1234567, "₹12,34,567.00"),
        ("{{ x | currency('EUR', 'de_DE') }}", "3.5", "3,50\xa0€"),
        ("{{ x | currency('JPY') }}", 350, "¥350"),
        ("{{ x | iso }}", date(2026, 1, 2), "2026-01-02"),
        ("{{ x | iso }}", MOMENT, "2026-03-07T09:30:00-05:00"),
        ("{{ x | iso }}", datetime(2026, 1, 2, 15, 4, 5, 999), "2026-01-02T15:04:05-05:00"),
        ("{{ x | plus(days=1) | iso }}", MOMENT, "2026-03-08T09:30:00-04:00"),
        ("{{ x | plus(hours=24) | iso }}", MOMENT, "2026-03-08T10:30:00-04:00"),
        ("{{ x | plus(months=1) | iso }}", date(2026, 1, 31), "2026-02-28"),
        ("{{ x | minus(months=13, days=1) | iso }}", date(2026, 1, 31), "2024-12-30"),
        ("{{ x | minus(weeks=1) | iso }}", "2026-01-08", "2026-01-01"),
        ("{{ x | plus(minutes=90) | iso }}", MOMENT, "2026-03-07T11:00:00-05:00"),
        ("{{ x | minus(days=1) | at('09:00') | iso }}", MOMENT, "2026-03-06T09:00:00-05:00"),
        ("{{ x | at('2:30') | iso }}", date(2026, 3, 8), "2026-03-08T03:30:00-04:00"),
        ("{{ x | at('01:30') | iso }}", date(2026, 11, 1), "2026-11-01T01:30:00-04:00"),
        ("{{ x | at('23:00') | iso }}", datetime(2026, 1, 2, 3, 0, tzinfo=UTC), "2026-01-01T23:00:00-05:00"),
        (
            "{{ x | at('23:00') | iso }}",
            datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=9))),
            "2026-01-01T23:00:00-05:00",
        ),
    ],
)
def test_a_filter_writes(source: str, value: Any, text: str) -> None:
    assert render(source, x=value).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("source", "locale", "zone", "words"),
    [
        ("{{ '2026-01-02' | date }}", None, None, "locale: en_US"),
        ("{{ 1 | number }}", None, "UTC", "locale: en_US"),
        ("{{ '2026-01-02T10:00' | datetime }}", "en_US", None, "timezone: America/New_York"),
        ("{{ '2026-01-02T10:00Z' | iso }}", "en_US", None, "timezone: America/New_York"),
        ("{{ '2026-01-02' | at('9:00') }}", "en_US", None, "timezone: America/New_York"),
        ("{{ '2026-01-02' | date }}", "xx_YY", "UTC", "no locale 'xx_YY'"),
        ("{{ '2026-01-02' | at('9:00') }}", "en_US", "Mars/Base", "no time zone 'Mars/Base'"),
        ("{{ 'tomorrow' | date }}", "en_US", "UTC", "not a date"),
        ("{{ 5 | date }}", "en_US", "UTC", "not a number"),
        ("{{ '2026-01-02' | datetime }}", "en_US", "UTC", "a date with a time"),
        ("{{ '2026-01-02' | plus(day=1) }}", "en_US", "UTC", "no 'day'"),
        ("{{ '2026-01-02' | plus }}", "en_US", "UTC", "plus(days=1)"),
        ("{{ '2026-01-02' | plus(hours=1) }}", "en_US", "UTC", "at('09:00')"),
        ("{{ '2026-01-02' | plus(days=1.5) }}", "en_US", "UTC", "whole number"),
        ("{{ '2026-01-02' | at('9 am') }}", "en_US", "UTC", "'09:00'"),
        ("{{ '2026-01-02' | at(9) }}", "en_US", "UTC", "in quotes"),
        ("{{ 'three' | number }}", "en_US", "UTC", "a number is needed"),
        ("{{ 1 | currency('Euro') }}", "en_US", "UTC", "'EUR'"),
        ("{{ true | currency('EUR') }}", "en_US", "UTC", "a number is needed"),
        ("{{ '2026-01-02' | date('') }}", "en_US", "UTC", "CLDR"),
        ("{{ '9999-12-31' | plus(days=1) }}", "en_US", "UTC", "out of range"),
    ],
)
def test_an_error_says_what_to_write(source: str, locale: str | None, zone: str | None, words: str) -> None:
    with pytest.raises(RenderError) as caught:
        render(source, locale, zone)
    assert words in caught.value.message
    assert source[caught.value.start : caught.value.end] == source[3:-3]
