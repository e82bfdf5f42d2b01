"""The line about what a run did not get of what was to be sent."""

from __future__ import annotations

import pytest

from msgspec_runner.cli.sending import Missing


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (Missing(1, taken=1), "0 of 1 message to send: another run took 1 meanwhile"),
        (Missing(5, expired=5), "0 of 5 messages to send: 5 expired meanwhile"),
        (
            Missing(4000, taken=1500, in_doubt=3, expired=1, left=2),
            (
                "2,497 of 4,000 messages to send: another run took 1,500 meanwhile, 1 expired meanwhile, "
                "2 belong to a run that died: run the command again"
            ),
        ),
    ],
)
def test_what_is_missing_is_said_in_one_line(missing: Missing, words: str) -> None:
    assert str(missing) == words
