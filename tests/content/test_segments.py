"""Segments: counts that Twilio's own calculator gives, and properties that hold for any text."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.content.graphemes import graphemes
from msgspec_runner.content.segments import GSM_BASIC, GSM_EXTENSION, first_ucs2, segment_count, segments

GSM = GSM_BASIC + GSM_EXTENSION
FAMILY = "👨‍👩‍👧‍👦"  # 11 code units
COUPLE = "👩🏽‍❤️‍👩🏽"

# Answers of Twilio's calculator (sms-segments-calculator 1.3.0).
ANSWERS = [
    ("", "GSM-7", 0, 1),
    ("a" * 160, "GSM-7", 160, 1),
    ("a" * 161, "GSM-7", 161, 2),
    ("a" * 306, "GSM-7", 306, 2),
    ("a" * 307, "GSM-7", 307, 3),
    ("€" * 80, "GSM-7", 160, 1),
    ("€" * 81, "GSM-7", 162, 2),
    ("€" * 153, "GSM-7", 306, 3),
    ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),
    ("\r\n" * 80, "GSM-7", 160, 1),
    ("ç" * 70, "UCS-2", 70, 1),
    ("ç" * 71, "UCS-2", 71, 2),
    ("Ç" * 71, "GSM-7", 71, 1),
    ("`" + "a" * 133, "UCS-2", 134, 2),
    ("`" + "a" * 134, "UCS-2", 135, 3),
    ("🎉" * 35, "UCS-2", 70, 1),
    ("🎉" * 36, "UCS-2", 72, 2),
    ("🎉" * 67, "UCS-2", 134, 3),
    ("a" * 66 + "🎉" + "a" * 10, "UCS-2", 78, 2),
    (FAMILY * 6, "UCS-2", 66, 1),
    (FAMILY * 12, "UCS-2", 132, 2),
    (FAMILY * 13, "UCS-2", 143, 3),
    ("🇺🇸" * 17, "UCS-2", 68, 1),
    ("🇺🇸" * 33, "UCS-2", 132, 3),
    ("e\u0301" * 67, "UCS-2", 134, 3),
    ("e" + "\u0301" * 100, "UCS-2", 101, 2),
    ("x" + "\u0301" * 69 + "y" + "\u0301" * 69, "UCS-2", 140, 2),
    ("हिन्दी " * 20, "UCS-2", 140, 3),
    ("\ud83d\ude00" * 36, "UCS-2", 72, 2),
]


@pytest.mark.parametrize(("text", "encoding", "units", "count"), ANSWERS)
def test_twilio_s_answers(text: str, encoding: str, units: int, count: int) -> None:
    assert segments(text) == (encoding, units, count)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("\r\n", ["\r", "\n"]),
        ("e\u0301a", ["e\u0301", "a"]),
        (FAMILY + "a", [FAMILY, "a"]),
        ("🇺🇸🇬🇧🇫", ["🇺🇸", "🇬🇧", "🇫"]),
        ("👍🏿👍", ["👍🏿", "👍"]),
        ("1️⃣2", ["1️⃣", "2"]),
        ("한국각", ["한", "국", "각"]),
        ("한ᄀ", ["한", "ᄀ"]),
        ("नि", ["नि"]),
        ("\u0600a", ["\u0600a"]),
        ("a\u200db", ["a\u200d", "b"]),
        # Where Twilio's calculator is stricter than UAX #29:
        (COUPLE, ["👩🏽‍❤️‍👩", "🏽"]),
        ("a\u0301🏽", ["a\u0301", "🏽"]),
        ("🇺🇸\u0301\u0301", ["🇺🇸\u0301", "\u0301"]),
    ],
)
def test_graphemes(text: str, parts: list[str]) -> None:
    assert list(graphemes(text)) == parts


def test_a_very_long_grapheme_takes_no_long_time() -> None:
    assert segments("e" + "\u0301" * 100_000).count == 2


@given(st.text())
def test_graphemes_are_the_whole_text(text: str) -> None:
    parts = list(graphemes(text))
    assert "".join(parts) == text
    assert all(parts)


@given(st.text(GSM, max_size=700))
def test_gsm_is_filled_greedily_and_never_splits_an_escape_pair(text: str) -> None:
    sizes = [2 if character in GSM_EXTENSION else 1 for character in text]
    found = segments(text)
    assert found[:2] == ("GSM-7", sum(sizes))
    if sum(sizes) <= 160:
        assert found.count == 1
        return
    count, used = 1, 0
    for size in sizes:
        if used + size > 153:
            count, used = count + 1, 0
        used += size
    assert found.count == count
    assert first_ucs2(text) is None


@settings(max_examples=200)
@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    encoding, units, count = segments(text)
    first = first_ucs2(text)
    assert (encoding == "UCS-2") == (first is not None)
    if first is not None:
        assert text[first] not in GSM
        assert all(character in GSM for character in text[:first])
        assert units == len(text.encode("utf-16-le", "surrogatepass")) // 2
    single, part = (160, 153) if encoding == "GSM-7" else (70, 67)
    assert count == 1 if units <= single else count >= 2
    short = max((len(grapheme) for grapheme in graphemes(text)), default=0) <= 10
    if short and units > single:
        assert count >= math.ceil(units / part)


@given(st.text(st.characters(max_codepoint=0x5FF, exclude_categories=["Cs"]), min_size=71, max_size=300))
def test_the_short_way_for_plain_texts_is_the_long_way(text: str) -> None:
    found = segments(text)
    if found.encoding == "UCS-2":
        joined = any(len(part) > 1 for part in graphemes(re.sub(r"\r\n", "\n\n", text)))
        if not joined:
            assert found.count == math.ceil(found.units / 67)


def test_no_character_is_in_both_tables_and_all_are_known() -> None:
    assert len(set(GSM)) == len(GSM) == 127 + 10


@given(st.text(st.sampled_from("a `[€ç😀\t\n"), max_size=170))
def test_the_short_way_to_the_count_is_no_other(text: str) -> None:
    assert segment_count(text) == segments(text).count
    assert segments(text).encoding == ("GSM-7" if first_ucs2(text) is None else "UCS-2")
    plain = text.isascii() and first_ucs2(text) is None
    assert not plain or segments(text).units == len(text) + sum(text.count(each) for each in GSM_EXTENSION)


@pytest.mark.parametrize("character", "a`[ç😀")
def test_the_short_way_is_taken_where_one_segment_is_certain(character: str) -> None:
    for length in range(170):
        assert segment_count(character * length) == segments(character * length).count
