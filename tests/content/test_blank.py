"""What a reader would see nothing of."""

from __future__ import annotations

import pytest

from msgspec_runner.content.blank import is_blank


@pytest.mark.parametrize(
    "text", ["", " ", "\t\r\n", "\u00a0\u2003\u3000", "\u200b\u200d\ufeff", "\u3164", "\u00ad", "\x01", "\u2800 \u115f"]
)
def test_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", " 1 ", "।", "👍🏽", "\u200b!", "é", "ㄱ", "\u0301", "½"])
def test_not_blank(text: str) -> None:
    assert not is_blank(text)
