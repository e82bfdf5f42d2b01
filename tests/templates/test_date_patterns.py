"""Date patterns: what people write by habit and what it would have sent."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from msgspec_runner.templates import Environment, RenderError, parse
from msgspec_runner.templates.date_patterns import checked_pattern, has_time
from msgspec_runner.templates.problems import Refusal


@pytest.mark.parametrize(
    "pattern",
    ["EEEE d MMMM", "dd-MMM-yyyy", "dd/MM/yyyy", "d 'of' MMMM", "HH:mm", "h:mm a", "hh:mm a", "h:mm b", "hh:mm B", "h", "y", "full", "d. MMMM 'um' H 'Uhr'",
     "yyyy年M月d日", "''yy", "QQQ yyyy", "HH:mm, MMM d"],
)  # fmt: skip
def test_patterns(pattern: str) -> None:
    assert checked_pattern(pattern) == pattern


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("MM/dd/YYYY", "yyyy"),
        ("DD.MM.yyyy", "dd"),
        ("%d/%m/%Y", "strftime|yyyy"),
        ("%m", "strftime"),
        ("dd/mm/yyyy", "months are M"),
        ("HH:MM", "minutes are m"),
        ("dd/MM/yyyy hh:mm", "HH:mm"),
        ("hh:mm:ss 'a'", "h:mm a"),
        ("dddd, MMMM d", "dddd"),
        ("MMMM do", "'o'"),
        ("foo", "'f'|'foo'"),
        ("d of MMMM", "'o'"),
        ("Tuesday", "'T'"),
        ("", "CLDR"),
        ("12", "no date"),
        ("d" * 101, "100"),
    ],
)
def test_mistakes(pattern: str, words: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked_pattern(pattern)
    assert any(word in refused.value.message for word in words.split("|"))


@pytest.mark.parametrize(
    ("pattern", "places"),
    [
        ("MM/DD/YYYY", ["DD", "YYYY"]),
        ("YY 'Y' D", ["YY", "D"]),
        ("EEE %d.%m", ["%"]),
        ("dd/mm/yyyy", ["mm"]),
        ("HH:MM", ["MM"]),
        ("d 'of' MMMM at h:mm a", ["t"]),
        ("12", ["12"]),
    ],
)
def test_each_wrong_letter_has_its_place(pattern: str, places: list[str]) -> None:
    with pytest.raises(Refusal) as refused:
        checked_pattern(pattern)
    assert [pattern[fault.start : fault.end] for fault in refused.value.faults] == places


@pytest.mark.parametrize(("pattern", "cure"), [("D MMMM", "write d"), ("DD.MM.", "write dd"), ("DDD", "write d")])
def test_the_day_keeps_its_digits(pattern: str, cure: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked_pattern(pattern)
    assert refused.value.message.endswith(cure)


def test_the_year_of_the_week_never_reaches_a_recipient() -> None:
    bound = Environment("en_US", "UTC").bind(parse("{{ day | date('MM/dd/YYYY') }}"))
    with pytest.raises(RenderError, match="yyyy"):
        bound.render({"day": date(2026, 12, 31)})


def test_a_date_has_no_hours() -> None:
    bound = Environment("en_US", "UTC").bind(parse("{{ day | date('d MMM HH:mm') }}"))
    with pytest.raises(RenderError, match="no hours"):
        bound.render({"day": date(2026, 12, 31)})
    assert bound.render({"day": datetime(2026, 12, 31, 9, 5)}) == "31 Dec 09:05"
    assert has_time("HH:mm")
    assert not has_time("d 'at' MMMM")
