"""Lookalikes: every twin is outside GSM-7, what stands for it is inside, and nobody reads another word."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.content.lookalikes import _PLAIN, LOOKALIKE, in_plain, plain, shown
from msgspec_runner.content.segments import GSM_BASIC, first_ucs2


@pytest.mark.parametrize("twin", sorted(_PLAIN), ids=lambda twin: f"U+{ord(twin):04X}")
def test_a_twin_forces_ucs2_and_what_stands_for_it_does_not(twin: str) -> None:
    assert first_ucs2(twin) == 0
    assert first_ucs2(plain(twin)) is None
    assert len(plain(twin)) <= 3


@pytest.mark.parametrize("letter", [each for each in GSM_BASIC if len(unicodedata.normalize("NFD", each)) == 2])
def test_an_accent_behind_its_letter_becomes_one_with_it(letter: str) -> None:
    apart = unicodedata.normalize("NFD", letter)
    assert in_plain(f"x{apart}y") == f"x{letter}y"


@given(st.text(st.sampled_from([*_PLAIN, *"abc é€{à", "\u0301", "\u200d", "ã", "🎉"]), max_size=30))
def test_what_is_plain_stays_and_nothing_is_left_to_replace(text: str) -> None:
    replaced = in_plain(text)
    assert not any(each in replaced for each in _PLAIN)
    if first_ucs2(text) is None:
        assert replaced == text
    assert all(each in replaced for each in text if each in "🎉ã\u200d"), "letters, emoji and joiners are never touched"


@given(st.text(st.sampled_from([*_PLAIN, *"ab ", "\u0301"]), max_size=30))
def test_a_match_is_one_character_or_a_letter_with_its_accent(text: str) -> None:
    for match in LOOKALIKE.finditer(text):
        assert len(match[0]) == 1 or unicodedata.combining(match[0][1])


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ("’", "’"),
        ("\u00a0", "a no-break space (U+00A0)"),
        ("\u2003", "a space (U+2003)"),
        ("\u2060", "U+2060"),
        ("e\u0301", "“e\u0301” in two characters (U+0065 U+0301)"),
    ],
)
def test_people_are_told_which_character_is_meant(found: str, words: str) -> None:
    assert shown(found) == words
