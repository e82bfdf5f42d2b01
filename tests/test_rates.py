"""How a rate is written."""

from __future__ import annotations

import pytest

from msgspec_runner.errors import UsageError
from msgspec_runner.rates import parse_rate


@pytest.mark.parametrize(
    ("text", "per_second"),
    [("20/s", 20), ("300/min", 5), ("3600/h", 1), ("0.5/s", 0.5), (" 20 / S ", 20), ("90/m", 1.5), ("6/minute", 0.1)],
)
def test_a_rate_is_messages_per_unit(text: str, per_second: float) -> None:
    assert parse_rate(text).per_second == pytest.approx(per_second)


@pytest.mark.parametrize("text", ["", "20", "s", "0/s", "0.0/min", "-1/s", "20/d", "1e3/s", "20/s/s", "٣/s", "nan/s"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="like 20/s or 300/min"):
        parse_rate(text)
