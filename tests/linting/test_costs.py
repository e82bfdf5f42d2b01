"""Costs in words."""

from __future__ import annotations

from collections import Counter

import pytest

from msgspec_runner.linting.costs import told


@pytest.mark.parametrize(
    ("costs", "words"),
    [
        ({(2, 1): 1}, "1 message goes from 1 to 2 segments"),
        ({(2, 1): 11_902}, "11,902 messages go from 1 to 2 segments"),
        ({(2, 1): 11_902, (4, 2): 31}, "11,902 messages go from 1 to 2 segments, 31 messages go from 2 to 4"),
        ({(5, 5): 3}, "3 messages take 5 segments"),
        ({(5, 5): 1, (4, 4): 2}, "2 messages take 4 segments, 1 message takes 5"),
        (
            {(2, 1): 9, (3, 1): 8, (4, 2): 7, (5, 2): 6, (6, 3): 5},
            "9 messages go from 1 to 2 segments, 8 messages go from 1 to 3, 7 messages go from 2 to 4, 11 more vary",
        ),
    ],
)
def test_a_cost_is_told(costs: dict[tuple[int, int], int], words: str) -> None:
    assert told(Counter(costs)) == words
