"""Places as a client counts them: exact, whatever it counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.diagnostics import Position
from msgspec_runner.editor.positions import UNITS, Positions, Spot, Units
from msgspec_runner.source.document import Document

TEXTS = st.text(st.sampled_from("ab\t é€😀\u0301\u2028\x85\r\n"), max_size=30)


def encoded(text: str, units: Units) -> int:
    """Return how many units a text has, by Python's own encoders."""
    codec, width = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[units]
    return len(text.encode(codec)) // width


@pytest.mark.parametrize("units", UNITS)
@given(text=TEXTS)
def test_there_and_back(units: Units, text: str) -> None:
    positions = Positions(text, units)
    for offset in range(len(text) + 1):
        if text[offset - 1 : offset + 1] == "\r\n" and offset:
            continue  # nothing stands between the two
        assert positions.offset(positions.spot(offset)) == offset


@pytest.mark.parametrize("units", UNITS)
@given(text=TEXTS, line=st.integers(0, 20), character=st.integers(0, 200))
def test_any_place_is_somewhere(units: Units, text: str, line: int, character: int) -> None:
    positions = Positions(text, units)
    offset = positions.offset(Spot(line, character))
    assert 0 <= offset <= len(text)
    found = positions.spot(offset)
    assert found <= Spot(line, character)


@pytest.mark.parametrize("units", UNITS)
@given(text=TEXTS)
def test_lines_are_the_linters_and_columns_count_units(units: Units, text: str) -> None:
    positions, document = Positions(text, units), Document("a", text, None, ())
    for offset in range(len(text) + 1):
        if text[offset - 1 : offset + 1] == "\r\n" and offset:
            continue
        ours, theirs = positions.spot(offset), document.position(offset)
        before = text[document.offset(Position(theirs.line, 1)) : offset]
        assert ours == Spot(theirs.line - 1, encoded(before, units))


@pytest.mark.parametrize(
    ("units", "spot", "offset"),
    [
        ("utf-16", Spot(0, 2), 1),  # between the halves of 😀: at its beginning
        ("utf-16", Spot(0, 3), 2),
        ("utf-8", Spot(0, 3), 1),
        ("utf-32", Spot(0, 2), 2),
        ("utf-16", Spot(0, 99), 3),  # behind the line's end
        ("utf-16", Spot(9, 0), 5),
    ],
)
def test_a_place_inside_a_character_or_beyond_the_line(units: Units, spot: Spot, offset: int) -> None:
    assert Positions("a😀b\nc", units).offset(spot) == offset
