"""A message on its way through the dispatcher, and what its attempts came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from msgspec_runner.dispatch.retry import History
from msgspec_runner.ledger.ledger import Planned, Settlement
from msgspec_runner.model import Outcome, OutcomeKind, State

_NOTHING: Final = Outcome(OutcomeKind.UNSENT)
"""What a message without an attempt has to tell."""


@dataclass(slots=True, eq=False)
class Job:
    """A message between its first claim and its last settlement.

    Attributes:
        message: as the ledger gave it.
        attempts: posts begun.
        due: when to try it again, on the dispatcher's clock; 0: it was never put off.
        not_after: when its claim is too old to be posted, in seconds of :func:`~msgspec_runner.boottime.boot_time`.
        turns: the moments of its turns, of the run's pace and of its spec's.
        first: when its first attempt began.
        began: when its last attempt began; from the moment in which it left, that.
        kept: whether that did not leave, because it was not to: then it was none.
        last: what its last attempt proved.
        scheduled_for: what the API was asked to wait for in its last attempt, ISO 8601; None: nothing.
    """

    message: Planned
    attempts: int = 0
    due: float = 0.0
    not_after: float = 0.0
    turns: tuple[float, float] = (0.0, 0.0)
    first: float = 0.0
    began: float = 0.0
    kept: bool = False
    last: Outcome = _NOTHING
    scheduled_for: str | None = None
    _unsent: int = 0
    _throttled: int = 0
    _excused: float = 0.0
    """Seconds that it waited because of 429."""
    _excused_since: float | None = None
    """When such a wait began; None: it does not wait for that."""

    def begin(self, now: float, scheduled_for: str | None = None) -> None:
        """An attempt begins."""
        self.scheduled_for = scheduled_for
        if self.attempts == 0:
            self.first = now
        elif self._excused_since is not None:
            self._excused += now - self._excused_since
        self._excused_since = None
        self.attempts += 1
        self.began, self.kept = now, False

    def keep(self, now: float, due: float) -> None:
        """The attempt that began is none, because the message is not to leave; it may be tried again from ``due``."""
        self.attempts -= 1
        self.kept = True
        self.postpone(now, due)

    def postpone(self, now: float, due: float) -> None:
        """Its turn is far off (a pause, a low rate): it waits without an attempt until ``due``."""
        self.due = due
        if self._excused_since is None:
            self._excused_since = now

    def learn(self, outcome: Outcome, now: float) -> History:
        """An attempt has ended; return what the retry rules want to know of the message."""
        self.last = outcome
        if outcome.kind is OutcomeKind.THROTTLED:
            self._throttled += 1
            self._excused_since = now
        elif outcome.kind is OutcomeKind.UNSENT:
            self._unsent += 1
        return History(self._unsent, self._throttled, now - self.first - self._excused)

    def settlement(self, state: State) -> Settlement:
        """Return what the ledger has to record when the message goes to ``state``."""
        last = self.last
        arrived = state is State.ACCEPTED or state is State.IN_DOUBT
        return Settlement(
            self.message.key,
            state,
            last.http_status,
            last.message_id,
            last.error,
            self.attempts,
            scheduled_for=self.scheduled_for if arrived else None,
        )
