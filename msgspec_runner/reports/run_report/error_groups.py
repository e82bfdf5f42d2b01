"""Errors that say the same of different messages, counted together.

An API quotes what it is about: a number, an id, a time. Two errors are one where they differ in such things only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from msgspec_runner.ledger.ledger import Record
from msgspec_runner.model import State
from msgspec_runner.reports.run_summary import shown

MOST_GROUPS = 1_000
"""Groups that are told apart; an API that says something else each time must not fill the memory."""

LONGEST = 500
"""Characters of an error that are looked at: as many as the runner keeps of what an API says."""

_CHANGES = re.compile(
    r"(?P<code>\b(?:HTTP|Errno|error|code|status)[ :#=]{0,2}[0-9]{1,6}\b|\([0-9]{3,6}\))"  # what kind of error it is
    r"|[^\s@<>\"'(),;:]{1,64}@[A-Za-z0-9.-]{1,253}"  # somebody's mail address
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.,]+(?:Z|[+-][0-9:]+)?)?"  # a date, with a time or without
    r"|\b(?=[A-Za-z_-]{0,40}[0-9])[A-Za-z0-9_-]{12,}\b"  # an id
    r"|[+-]?[0-9](?:[0-9•]|[.,:/T-](?=[0-9]))*Z?",  # a number, a time
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Errors that say the same.

    Attributes:
        state: of the messages.
        http_status: of the answers; None where there was none.
        words: what they have in common, with ``…`` for what differs; printable, without people's numbers.
        count: messages.
        example: one of them.
    """

    state: State
    http_status: int | None
    words: str
    count: int
    example: Record


class ErrorGroups:
    """Counts errors in groups, first come first kept."""

    def __init__(self) -> None:
        self._counts: dict[tuple[State, int | None, str], int] = {}
        self._examples: dict[tuple[State, int | None, str], Record] = {}
        self.others = 0
        """Messages whose error came when there were :data:`MOST_GROUPS` groups already."""

    def add(self, record: Record) -> None:
        """Count the error of a message."""
        group = record.state, record.http_status, folded(record.error or "")
        if group in self._counts:
            self._counts[group] += 1
        elif len(self._counts) < MOST_GROUPS:
            self._counts[group] = 1
            self._examples[group] = record
        else:
            self.others += 1

    def build(self) -> Sequence[ErrorGroup]:
        """Return the groups, largest first."""
        largest = sorted(self._counts.items(), key=lambda item: -item[1])
        return tuple(ErrorGroup(*group, count, self._examples[group]) for group, count in largest)


@lru_cache(maxsize=256)
def folded(error: str) -> str:
    """Return an error with ``…`` for whatever names one message: numbers, ids, times, addresses.

    A number behind ``HTTP``, ``error``, ``code`` and the like stays, as does a short one in brackets: it says what went
    wrong.
    """
    return shown(_CHANGES.sub(lambda found: found["code"] or "…", error[:LONGEST])).strip() or "no words"
