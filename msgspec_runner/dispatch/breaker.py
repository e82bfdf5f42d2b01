"""When to stop a run that goes wrong. Pure: it counts outcomes, and knows no clock but the times it is given.

An outage must not put ten thousand messages in doubt, a wrong channel must not collect ten thousand rejections, and an
API that throttles everything must not be asked for ever (contract, section 4).
"""

from __future__ import annotations

from msgspec_runner.model import Outcome, OutcomeKind

MAX_DOUBTS = 5
"""In doubt in a row, across the run, until it stops. Only an acceptance or a rejection ends the row."""

MAX_REJECTIONS = 20
"""Rejections with the same words in a row until the run stops: "many identical rejections" of the contract."""

MAX_THROTTLES = 6
"""429 in a row until the run stops; those of requests in flight together count as one. As many as a message gets
attempts (``retry.MAX_ATTEMPTS``), so that a single message meets the same end."""


class Breaker:
    """Watches the outcomes of one run in the order in which they come."""

    def __init__(self) -> None:
        self._doubts = 0
        self._rejections = 0
        self._words: tuple[int | None, str | None] | None = None
        self._throttles = 0
        self._throttled_at = float("-inf")

    def observe(self, outcome: Outcome, started: float, now: float) -> str | None:
        """Count one outcome; return why the run must stop, or None.

        Args:
            outcome: what an attempt proved.
            started: when that attempt began, in seconds.
            now: when it ended, on the same clock.
        """
        match outcome.kind:
            case OutcomeKind.ACCEPTED:
                self._doubts = self._rejections = self._throttles = 0
                self._words = None
            case OutcomeKind.REJECTED:
                return self._rejected(outcome)
            case OutcomeKind.IN_DOUBT:
                self._doubts += 1
                if self._doubts >= MAX_DOUBTS:
                    return f"{MAX_DOUBTS} messages in a row are in doubt, the last: {outcome.error}"
            case OutcomeKind.THROTTLED:
                return self._throttled(started, now)
            case _:
                pass
        return None

    def _rejected(self, outcome: Outcome) -> str | None:
        self._doubts = self._throttles = 0
        words = (outcome.http_status, outcome.error)
        self._rejections = self._rejections + 1 if words == self._words else 1
        self._words = words
        if self._rejections >= MAX_REJECTIONS:
            return f"{MAX_REJECTIONS} messages in a row were rejected alike: {outcome.error}"
        return None

    def _throttled(self, started: float, now: float) -> str | None:
        if started >= self._throttled_at:
            self._throttles += 1
            self._throttled_at = now
        if self._throttles >= MAX_THROTTLES:
            return f"the API answered 429 {MAX_THROTTLES} times in a row: send again later, or with a lower --rate"
        return None
