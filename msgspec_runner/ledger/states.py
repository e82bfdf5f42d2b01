"""The state machine of a message: which moves there are, and who may make each. Pure; every store obeys it.

::

    planned    ──(claim)───────────▶ sending
    retry_wait ──(claim)───────────▶ sending
    sending    ──(outcome)─────────▶ accepted | rejected | retry_wait | planned
    sending    ──(outcome, crash)──▶ in_doubt
    retry_wait ──(outcome, crash)──▶ planned
    in_doubt   ──(outcome, person)─▶ accepted | rejected
    in_doubt   ──(person)──────────▶ released
    rejected   ──(person)──────────▶ released
    accepted   ──(person)──────────▶ cancelled
    released   ──(planning)────────▶ planned
    rejected   ──(planning)────────▶ planned
    skipped, cancelled: ends

Only what proves "not sent" leads from ``sending`` back to ``planned`` or ``retry_wait``. Only a person leads out of
doubt towards sending again; an outcome that was believed lost still counts. ``rejected`` is planned again when its
body changed since; with the same body it needs ``released`` in between (contract, section 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from msgspec_runner.model import State


class Mover(StrEnum):
    """Who may move a message.

    ``planning`` gives it to a run, ``claim`` announces the request that is about to leave, ``outcome`` is what the
    request proved, ``person`` decides (or ``reconcile`` and ``cancel`` on a person's word), and ``crash`` is what is
    left to say of a run that ended without a word.
    """

    PLANNING = "planning"
    CLAIM = "claim"
    OUTCOME = "outcome"
    PERSON = "person"
    CRASH = "crash"


MOVES: Mapping[tuple[State, State], frozenset[Mover]] = MappingProxyType(
    {
        (State.PLANNED, State.SENDING): frozenset({Mover.CLAIM}),
        (State.RETRY_WAIT, State.SENDING): frozenset({Mover.CLAIM}),
        (State.SENDING, State.ACCEPTED): frozenset({Mover.OUTCOME}),
        (State.SENDING, State.REJECTED): frozenset({Mover.OUTCOME}),
        (State.SENDING, State.RETRY_WAIT): frozenset({Mover.OUTCOME}),
        (State.SENDING, State.PLANNED): frozenset({Mover.OUTCOME}),
        (State.SENDING, State.IN_DOUBT): frozenset({Mover.OUTCOME, Mover.CRASH}),
        (State.RETRY_WAIT, State.PLANNED): frozenset({Mover.OUTCOME, Mover.CRASH}),
        (State.IN_DOUBT, State.ACCEPTED): frozenset({Mover.OUTCOME, Mover.PERSON}),
        (State.IN_DOUBT, State.REJECTED): frozenset({Mover.OUTCOME, Mover.PERSON}),
        (State.IN_DOUBT, State.RELEASED): frozenset({Mover.PERSON}),
        (State.REJECTED, State.RELEASED): frozenset({Mover.PERSON}),
        (State.ACCEPTED, State.CANCELLED): frozenset({Mover.PERSON}),
        (State.RELEASED, State.PLANNED): frozenset({Mover.PLANNING}),
        (State.REJECTED, State.PLANNED): frozenset({Mover.PLANNING}),
    }
)
"""Every legal move, and who may make it: the drawing above as a table."""

TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {state: frozenset(target for source, target in MOVES if source is state) for state in State}
)
"""Where a message may go from each state, whoever moves it."""

AT_REST = frozenset({State.ACCEPTED, State.REJECTED, State.CANCELLED, State.RELEASED})
"""Nothing of this machine moves them any more: their people's data may be erased."""

RESOLUTIONS = frozenset({State.ACCEPTED, State.REJECTED, State.CANCELLED})
"""What a message may be resolved to outside of a run; ``released`` has a door of its own."""


def sources(target: State, mover: Mover = Mover.OUTCOME) -> frozenset[State]:
    """Return the states from which ``mover`` may move a message to ``target``; empty: none.

    Args:
        target: where it shall go.
        mover: who asks; an outcome unless said otherwise.
    """
    return frozenset(source for (source, to), movers in MOVES.items() if to is target and mover in movers)
