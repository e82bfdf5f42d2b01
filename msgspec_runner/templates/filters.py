"""Filters for dates and money, in the spec's locale and time zone, written by Babel (CLDR).

The machine's own locale and time zone are never used: a message must be the same wherever it is rendered.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec_runner.templates.date_patterns import STYLES, checked_pattern, has_time
from msgspec_runner.templates.problems import Refusal, describe_type

if TYPE_CHECKING:
    from babel import Locale

FORMATTING_FILTERS = ("at", "currency", "date", "datetime", "iso", "minus", "number", "plus")
"""The names of these filters."""
SPANS = ("months", "weeks", "days", "hours", "minutes")
"""By what ``plus`` and ``minus`` move a date: the names of their arguments."""
_MAX_SPAN = 1_000_000


@lru_cache(maxsize=64)
def find_locale(name: str) -> Locale:
    """Return the CLDR locale of a name.

    Raises:
        Refusal: Babel knows none of that name.
    """
    from babel import UnknownLocaleError

    from msgspec_runner.templates.locales import OwnLocale

    try:
        return OwnLocale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        raise Refusal("value", f"there is no locale {name!r}; write one such as en_US or de_DE") from None


@lru_cache(maxsize=64)
def find_zone(name: str) -> tzinfo:
    """Return the IANA time zone of a name.

    Raises:
        Refusal: there is none of that name.
    """
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise Refusal("value", f"there is no time zone {name!r}; write one such as America/New_York") from None


@lru_cache(maxsize=64)
def _is_currency(code: str) -> bool:
    """Say whether there is a currency of that code; Babel gathers all 300 to answer, a third of the filter's time."""
    from babel.numbers import is_currency

    return bool(is_currency(code))


class _Formatting:
    """The filters of one environment.

    Args:
        locale: the spec's locale; None where it names none.
        timezone: the spec's time zone; None where it names none.
    """

    def __init__(self, locale: str | None, timezone: str | None) -> None:
        self.locale_name = locale
        self.timezone_name = timezone

    def locale(self, name: str | None = None) -> Locale:
        """Return the locale to write in."""
        chosen = name if name is not None else self.locale_name
        if chosen is None:
            raise Refusal("value", "this needs a locale; write 'locale: en_US' (or another) in the spec")
        if not isinstance(chosen, str):
            raise Refusal("type", "a locale is named by a text such as 'en_US'")
        return find_locale(chosen)

    def zone(self) -> tzinfo:
        """Return the time zone to write in."""
        if self.timezone_name is None:
            message = "this needs a time zone; write 'timezone: America/New_York' (or another) in the spec"
            raise Refusal("value", message)
        return find_zone(self.timezone_name)

    def moment(self, value: Any) -> datetime:
        """Return a value as a moment in the spec's time zone; one without offset is read as that zone's."""
        moment = parse_moment(value)
        zone = self.zone()
        try:
            return _existing(moment.replace(tzinfo=zone)) if moment.tzinfo is None else moment.astimezone(zone)
        except (OverflowError, ValueError):
            raise Refusal("value", "this moment is out of range") from None

    def write_date(self, value: Any, format: str = "medium", locale: str | None = None) -> str:  # noqa: A002 - Babel's word
        """Write a date; of a moment, its date in the spec's time zone."""
        from babel.dates import format_date, format_datetime

        pattern = checked_pattern(format)
        day = parse_date(value)
        language = self.locale(locale)
        if not isinstance(day, datetime):
            if has_time(pattern):
                raise Refusal("type", "a date has no hours: leave h, H, m and s out of the pattern")
            return str(format_date(day, pattern, locale=language))
        moment = self.moment(day)
        if pattern in STYLES:
            return str(format_date(moment.date(), pattern, locale=language))
        return str(format_datetime(moment, pattern, tzinfo=moment.tzinfo, locale=language))

    def write_datetime(self, value: Any, format: str = "medium", locale: str | None = None) -> str:  # noqa: A002
        """Write a moment in the spec's time zone."""
        from babel.dates import format_datetime

        moment = self.moment(value)
        return str(format_datetime(moment, checked_pattern(format), tzinfo=moment.tzinfo, locale=self.locale(locale)))

    def number(self, value: Any, decimals: int | None = None, locale: str | None = None) -> str:
        """Write a number with the locale's separators; ``decimals`` fixes the digits behind the point."""
        from decimal import ROUND_HALF_UP, Decimal

        from babel.numbers import format_decimal

        amount = parse_amount(value)
        language = self.locale(locale)
        if decimals is None:
            return str(format_decimal(amount, locale=language, decimal_quantization=False))
        if not isinstance(decimals, int) or not 0 <= decimals <= 20:
            raise Refusal("value", "decimals is a number from 0 to 20")
        amount = amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
        # The locale's own groups: in India 1,23,456.50.
        whole = language.decimal_formats[None].pattern.partition(".")[0]
        pattern = whole + ("." + "0" * decimals if decimals else "")
        return str(format_decimal(amount, pattern, locale=language))

    def currency(self, value: Any, code: str, locale: str | None = None) -> str:
        """Write an amount of money, half a cent rounded up as ``number`` does; ``code`` is ISO 4217, as ``USD``."""
        from decimal import ROUND_HALF_UP, Decimal

        from babel.numbers import format_currency, get_currency_precision

        amount = parse_amount(value)
        if not isinstance(code, str) or not _is_currency(code):
            raise Refusal("value", "a currency is named by its code, as 'USD' or 'EUR'")
        amount = amount.quantize(Decimal(1).scaleb(-get_currency_precision(code)), ROUND_HALF_UP)
        return str(format_currency(amount, code, locale=self.locale(locale)))

    def plus(self, value: Any, **spans: Any) -> date:
        """Move a date forward; see :meth:`_move`."""
        return self._move(value, spans, 1)

    def minus(self, value: Any, **spans: Any) -> date:
        """Move a date back; see :meth:`_move`."""
        return self._move(value, spans, -1)

    def _move(self, value: Any, spans: dict[str, Any], sign: int) -> date:
        """Move a date: months, weeks and days keep the wall clock, hours and minutes pass in real time.

        The 31st plus a month is the last day of the next one. A wall-clock time that the change to summer time
        leaves out is moved forward by as much as the clock is.
        """
        if not spans:
            raise Refusal("type", "say by how much: plus(days=1), minus(hours=2)")
        for name, amount in spans.items():
            if name not in SPANS:
                raise Refusal("type", f"there is no {name!r}; use months, weeks, days, hours or minutes")
            if not isinstance(amount, int) or isinstance(amount, bool) or abs(amount) > _MAX_SPAN:
                raise Refusal("type", f"{name} is a whole number")
        day = parse_date(value)
        if isinstance(day, datetime):
            day = self.moment(day)
        elif "hours" in spans or "minutes" in spans:
            raise Refusal("type", "a date without a time has no hours; write | at('09:00') before")
        try:
            day = _add_months(day, sign * spans.get("months", 0))
            day += timedelta(days=sign * (7 * spans.get("weeks", 0) + spans.get("days", 0)))
            if not isinstance(day, datetime):
                return day
            exact = timedelta(minutes=sign * (60 * spans.get("hours", 0) + spans.get("minutes", 0)))
            return (day.astimezone(UTC) + exact).astimezone(day.tzinfo)
        except (OverflowError, ValueError):
            raise Refusal("value", "this date is out of range") from None

    def at(self, value: Any, clock: str) -> datetime:
        """Set the time of day in the spec's time zone: ``at('09:00')``.

        A time that the change to summer time leaves out is moved forward by as much as the clock is; of a time
        that the change back repeats, the first is meant.
        """
        if not isinstance(clock, str):
            raise Refusal("type", "a time of day is written in quotes, as at('09:00')")
        try:
            hour, minute = clock.split(":")
            if not (len(hour) <= 2 and len(minute) == 2 and hour.isdecimal() and minute.isdecimal()):
                raise ValueError
            wall = time(int(hour), int(minute))
        except ValueError:
            raise Refusal("value", "a time of day is written as '09:00'") from None
        zone = self.zone()
        day = parse_date(value)
        if isinstance(day, datetime):
            day = self.moment(day).date()
        try:
            return _existing(datetime.combine(day, wall, zone))
        except (OverflowError, ValueError):
            raise Refusal("value", "this date is out of range") from None

    def iso(self, value: Any) -> str:
        """Write ISO 8601: a date as 2026-01-02, a moment with seconds and offset as the API wants it."""
        day = parse_date(value)
        if not isinstance(day, datetime):
            return day.isoformat()
        return self.moment(day).isoformat(timespec="seconds")


def parse_date(value: Any) -> date:
    """Return a date or datetime, or what an ISO 8601 text says.

    Raises:
        Refusal: it is neither.
    """
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        text = value.strip()
        try:
            return date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
        except ValueError:
            message = "this text is not a date; dates are written 2026-01-02 or 2026-01-02T15:04:05-05:00"
            raise Refusal("value", message) from None
    raise Refusal("type", f"a date is needed here, not {describe_type(value)}")


def parse_moment(value: Any) -> datetime:
    """Return a date with a time, or what an ISO 8601 text says.

    Raises:
        Refusal: it is neither.
    """
    moment = parse_date(value)
    if not isinstance(moment, datetime):
        raise Refusal("type", "a date with a time is needed here, as 2026-01-02T15:04")
    return moment


def parse_amount(value: Any) -> Any:
    """Return a number as a Decimal, or what a text says.

    Raises:
        Refusal: it is neither, or too long.
    """
    from decimal import Decimal, InvalidOperation

    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise Refusal("type", f"a number is needed here, not {describe_type(value)}")
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise Refusal("type", "a number is needed here, and this text is not one") from None
    if not amount.is_finite() or abs(amount.adjusted()) > 30 or len(amount.as_tuple().digits) > 60:
        raise Refusal("bound", "this number is too long")
    return amount


def _add_months(day: date, months: int) -> date:
    if not months:
        return day
    from calendar import monthrange

    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    if not 1 <= year <= 9999:
        raise ValueError
    return day.replace(year=year, month=month, day=min(day.day, monthrange(year, month)[1]))


def _existing(moment: datetime) -> datetime:
    """Return a wall-clock moment that exists: through UTC and back, a gap moves it forward."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo)


def formatting_filters(locale: str | None, timezone: str | None) -> dict[str, Callable[..., Any]]:
    """Make the filters of :data:`FORMATTING_FILTERS`.

    Args:
        locale: as ``en_US``; None makes the filters that need one say so.
        timezone: IANA name; None makes the filters that need one say so.
    """
    formatting = _Formatting(locale, timezone)
    return {
        "at": formatting.at,
        "currency": formatting.currency,
        "date": formatting.write_date,
        "datetime": formatting.write_datetime,
        "iso": formatting.iso,
        "minus": formatting.minus,
        "number": formatting.number,
        "plus": formatting.plus,
    }
