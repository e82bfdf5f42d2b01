"""What a finding costs: the SMS segments of the messages that share it, in words."""

from __future__ import annotations

from collections import Counter

COSTS = "{costs}"
"""Stands in a row problem's detail where :func:`told` is to be put, when all rows have been counted."""

MOST = 3
"""How many kinds of change are told apart; the rest is summed up."""


def told(costs: Counter[tuple[int, int]]) -> str:
    """Say how many messages take how many segments, and how many they could take.

    Args:
        costs: messages by their segments as they are and as they could be; the same twice where nothing can be done.

    Example:
        >>> told(Counter({(2, 1): 11902, (4, 2): 1}))
        '11,902 messages go from 1 to 2 segments, 1 message goes from 2 to 4'
    """
    parts = []
    shown = costs.most_common(MOST)
    for number, ((now, could), count) in enumerate(shown):
        unit = " segments" if not number else ""
        if now == could:
            parts.append(f"{_messages(count)} {'takes' if count == 1 else 'take'} {now}{unit}")
        else:
            parts.append(f"{_messages(count)} {'goes' if count == 1 else 'go'} from {could} to {now}{unit}")
    rest = costs.total() - sum(count for _, count in shown)
    return ", ".join(parts) + (f", {rest:,} more vary" if rest else "")


def _messages(count: int) -> str:
    return f"{count:,} message{'' if count == 1 else 's'}"
