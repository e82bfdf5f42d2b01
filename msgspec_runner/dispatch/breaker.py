"""When to stop a run that goes wrong. Pure: it counts outcomes, and knows no clock.

An outage must not put ten thousand messages in doubt, and a wrong channel must not collect ten thousand rejections
(contract, section 4). An API that throttles everything is none of its business: the message that waits longest is tried
first after each pause, and soon has had its attempts (:mod:`.retry`).
"""

from __future__ import annotations

import re
from collections import deque

from msgspec_runner.model import Outcome, OutcomeKind

MAX_DOUBTS = 5
"""In doubt in a row, across the run, until it stops. Only an acceptance or a rejection ends the row. Each worker of a
shared run counts by itself; together they would save four messages for each worker but one."""

MAX_REJECTIONS = 20
"""Rejections alike in a row until the run stops: "many identical rejections" of the contract. Those are alike that
differ in numbers and ids only: an API that quotes the recipient says something else each time."""

WINDOW = 100
"""Messages of late over which failures are counted. Only what is known of a message for good counts, not what will be
tried again: a burst of 429 says nothing of the messages."""

MAX_FAILURES = WINDOW // 2
"""Of the last :data:`WINDOW` messages, so many may be rejected or in doubt; one more stops the run."""

_FAILURES = (OutcomeKind.REJECTED, OutcomeKind.IN_DOUBT)

_ID = re.compile(r"\+?\b[0-9a-f]*[0-9][0-9a-f]*(?:[-:.][0-9a-f]+)*\b|[0-9]+", re.IGNORECASE)
"""A number, or an id in hexadecimal digits; a word without any digit is none."""


class Breaker:
    """Watches the outcomes of one run in the order in which they come."""

    def __init__(self) -> None:
        self._doubts = 0
        self._rejections = 0
        self._words: tuple[int | None, str] | None = None
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        """Whether each of the last messages failed."""
        self._failures = 0

    def observe(self, outcome: Outcome) -> str | None:
        """Count one outcome; return why the run must stop, or None.

        Args:
            outcome: what an attempt proved.
        """
        match outcome.kind:
            case OutcomeKind.ACCEPTED:
                self._doubts = self._rejections = 0
                self._words = None
                return self._settled(outcome)
            case OutcomeKind.REJECTED:
                return self._rejected(outcome) or self._settled(outcome)
            case OutcomeKind.IN_DOUBT:
                return self._in_doubt(outcome) or self._settled(outcome)
            case _:
                pass
        return None

    def _settled(self, outcome: Outcome) -> str | None:
        failed = outcome.kind in _FAILURES
        if len(self._recent) == WINDOW:
            self._failures -= self._recent[0]
        self._recent.append(failed)
        self._failures += failed
        if failed and len(self._recent) == WINDOW and self._failures > MAX_FAILURES:
            return f"{self._failures} of the last {WINDOW} messages were not accepted, the last: {outcome.error}"
        return None

    def _in_doubt(self, outcome: Outcome) -> str | None:
        self._doubts += 1
        if self._doubts >= MAX_DOUBTS:
            return f"{MAX_DOUBTS} messages in a row are in doubt, the last: {outcome.error}"
        return None

    def _rejected(self, outcome: Outcome) -> str | None:
        self._doubts = 0
        words = (outcome.http_status, _ID.sub("#", outcome.error or ""))
        self._rejections = self._rejections + 1 if words == self._words else 1
        self._words = words
        if self._rejections >= MAX_REJECTIONS:
            return f"{MAX_REJECTIONS} messages in a row were rejected alike: {outcome.error}"
        return None
