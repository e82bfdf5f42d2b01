"""Rows that are one message to the ledger: found in one walk that remembers eight bytes a row.

Only where a walk saw an identity twice are the rows looked at again, to tell which rows they are and whether they
say the same. So a million recipients cost a set of a million numbers, and no second rendering.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec_runner.audience import RenderedRow


class Twin(NamedTuple):
    """A row whose identity an earlier row has.

    Attributes:
        row: the later row.
        same: whether both would get the same message.
        first: the number of the earlier row.
    """

    row: RenderedRow
    same: bool
    first: int


class Identities:
    """Watches a walk over the recipients of one spec."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._repeated: set[int] = set()

    def see(self, row: RenderedRow) -> None:
        """Remember a sound row."""
        mark = _mark(row)
        if mark in self._seen:
            self._repeated.add(mark)
        else:
            self._seen.add(mark)

    @property
    def repeat(self) -> bool:
        """Whether any identity was seen twice."""
        return bool(self._repeated)

    def twins(self, rows: Iterable[RenderedRow]) -> Iterator[Twin]:
        """Yield the later rows of those that share an identity, in a second walk over the same rows."""
        firsts: dict[tuple[str, str], RenderedRow] = {}
        for row in rows:
            if row.problems or _mark(row) not in self._repeated:
                continue
            identity = (row.rendered.to, row.rendered.recipient_key)
            if identity in firsts:
                first = firsts[identity]
                yield Twin(row, first.rendered.body == row.rendered.body, first.row.number)
            else:
                firsts[identity] = row


def _mark(row: RenderedRow) -> int:
    _, to, recipient_key, _, _ = row.rendered
    return hash((to, recipient_key))
