"""What to do after one attempt. Pure: an outcome, the message's history and the time in; a decision out.

Only what is *proven* unsent is tried again. The numbers are the contract's (section 4): at most 6 attempts within
60 s; the time that is spent waiting because of a 429 is not counted, the attempt is. A message that is then still
unsent goes back to ``planned`` and the run stops.

The backoff is "full jitter": a random moment between now and an exponentially growing limit, so that the messages of
an outage do not come back all at once.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec_runner.model import Outcome, OutcomeKind, State

MAX_ATTEMPTS = 6
"""Attempts for one message, those that were answered with 429 included."""

MAX_ELAPSED = 60.0
"""Seconds from the first attempt to the last, waits for 429 not counted."""

BACKOFF_BASE = 0.5
"""Seconds: the limit of the first wait; each further limit is twice the one before."""

BACKOFF_CAP = 20.0
"""Seconds: no backoff is longer."""

MAX_PAUSE = 900.0
"""Seconds: if the API asks for a longer wait, the run stops and says so instead of sitting there."""

_FINAL = {
    OutcomeKind.ACCEPTED: State.ACCEPTED,
    OutcomeKind.REJECTED: State.REJECTED,
    OutcomeKind.IN_DOUBT: State.IN_DOUBT,
}


class History(NamedTuple):
    """What happened to a message in this run so far, the attempt in question included.

    Attributes:
        unsent: attempts that ended ``UNSENT``.
        throttled: attempts that ended ``THROTTLED``.
        elapsed: seconds since its first attempt began, less the waits for 429.
    """

    unsent: int = 0
    throttled: int = 0
    elapsed: float = 0.0

    @property
    def attempts(self) -> int:
        """All of them."""
        return self.unsent + self.throttled


class Decision(NamedTuple):
    """What follows from an attempt.

    Attributes:
        state: where the message goes now.
        retry_at: when to try it again, on the clock of ``now``; only with ``RETRY_WAIT``.
        stop: why the run must stop, for people; None: it goes on.
        pause: hold the whole run until ``retry_at``, not only this message.
    """

    state: State
    retry_at: float | None = None
    stop: str | None = None
    pause: bool = False


def backoff(failures: int, rand: float) -> float:
    """Return seconds to wait after ``failures`` (1 or more) failures; ``rand`` is in [0, 1)."""
    return rand * min(BACKOFF_CAP, BACKOFF_BASE * 2.0 ** min(failures - 1, 16))


def decide(outcome: Outcome, history: History, now: float, rand: float) -> Decision:
    """Return what to do after an attempt.

    Args:
        outcome: what the attempt proved.
        history: of the message, this attempt included.
        now: the present, in seconds of any clock.
        rand: a random number in [0, 1); the jitter.
    """
    match outcome.kind:
        case OutcomeKind.STOP:
            return Decision(State.PLANNED, stop=outcome.error or "the API refused to go on")
        case OutcomeKind.THROTTLED:
            return _throttled(outcome, history, now, rand)
        case OutcomeKind.UNSENT:
            return _unsent(outcome, history, now, rand)
        case _:
            return Decision(_FINAL[outcome.kind])


def _throttled(outcome: Outcome, history: History, now: float, rand: float) -> Decision:
    wait = outcome.retry_after if outcome.retry_after is not None else backoff(history.throttled, rand)
    if wait > MAX_PAUSE:
        return Decision(State.PLANNED, stop=f"the API asks to wait {wait:.0f} seconds (HTTP 429): send again later")
    if history.attempts >= MAX_ATTEMPTS:
        reason = f"the API answered 429 to the last of {history.attempts} attempts for one message"
        return Decision(State.PLANNED, stop=f"{reason}: send again later, or with a lower --rate")
    return Decision(State.RETRY_WAIT, retry_at=now + wait, pause=True)


def _unsent(outcome: Outcome, history: History, now: float, rand: float) -> Decision:
    wait = max(backoff(history.unsent, rand), outcome.retry_after or 0.0)
    if history.attempts >= MAX_ATTEMPTS or history.elapsed + wait > MAX_ELAPSED:
        attempts = "1 attempt" if history.attempts == 1 else f"{history.attempts} attempts"
        reason = f"{outcome.error or 'nothing could be sent'} ({attempts} in {history.elapsed:.0f} s)"
        return Decision(State.PLANNED, stop=reason)
    return Decision(State.RETRY_WAIT, retry_at=now + wait)
