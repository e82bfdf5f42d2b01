"""Who got what: three accounts of one experiment held against each other. Pure.

What should be sent comes from ``render``, what was sent from the server, and what the runner believes from its ledger.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple

import orjson

from msgspec_runner.model import State

_UNFINISHED = (State.PLANNED, State.SENDING, State.RETRY_WAIT)


class Believed(NamedTuple):
    """What the ledger says of one message."""

    state: State
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of an experiment.

    Attributes:
        recipients: messages that were to be sent.
        kills: how often ``send`` was killed.
        runs: how often it was started.
        accepted: messages that the server has, however often.
        lost: messages that nobody would ever send or miss: unknown to the ledger, never finished, or accepted there
            without being at the server.
        duplicated: messages that the server has too often, counted by copies too many.
        rejected: messages that the server refused.
        skipped: rows that ``send`` leaves out.
        in_doubt: messages in doubt after the last run.
        arrived: of those, how many the server has.
        allowed: how many may be: 2 x concurrency for each kill, and one for each fault that hides an outcome.
        reconciled: of those in doubt, how many were settled afterwards; None: nothing was tried.
    """

    recipients: int
    kills: int
    runs: int
    accepted: int
    lost: int
    duplicated: int
    rejected: int
    skipped: int
    in_doubt: int
    arrived: int
    allowed: int
    reconciled: int | None = None

    @property
    def holds(self) -> bool:
        """Whether the promise was kept."""
        return not self.lost and not self.duplicated and self.in_doubt <= self.allowed

    def as_dict(self) -> dict[str, int | bool | None]:
        """Return everything for the JSON report."""
        return {**asdict(self), "holds": self.holds}


def fingerprint(body: bytes) -> bytes:
    """Return a digest by which a body is known again; when it is to arrive is no part of it.

    Delivery rules give a body its ``schedule`` in the moment in which it is posted.
    """
    fields = orjson.loads(body)
    fields.pop("schedule", None)
    return hashlib.blake2b(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def judge(
    expected: Mapping[str, bytes],
    kept: Mapping[str, bytes],
    believed: Mapping[str, Believed],
    *,
    kills: int,
    runs: int,
    allowed: int,
    settled: Mapping[str, Believed] | None = None,
) -> Verdict:
    """Hold the accounts against each other.

    Args:
        expected: fingerprints of the bodies that should be sent, by identity.
        kept: fingerprints of the bodies that the server has, by message id.
        believed: what the ledger says when everything is done, by identity.
        kills: made.
        runs: started.
        allowed: see :class:`Verdict`.
        settled: what the ledger says after ``reconcile``; None where that was not tried.
    """
    final = believed if settled is None else settled
    owners = Counter(each.message_id or "" for each in final.values())
    lost = sum(_is_lost(final.get(key), body, kept, owners) for key, body in expected.items())
    doubts = _count(believed, State.IN_DOUBT)
    duplicated = _surplus(kept.values(), expected.values())
    return Verdict(
        recipients=len(expected),
        kills=kills,
        runs=runs,
        accepted=len(kept),
        lost=lost,
        duplicated=duplicated,
        rejected=_count(final, State.REJECTED),
        skipped=_count(final, State.SKIPPED),
        in_doubt=doubts,
        arrived=max(0, min(doubts, len(kept) - duplicated - _count(believed, State.ACCEPTED))),
        allowed=allowed,
        reconciled=None if settled is None else doubts - _count(settled, State.IN_DOUBT),
    )


def _is_lost(known: Believed | None, body: bytes, kept: Mapping[str, bytes], owners: Counter[str]) -> bool:
    if known is None or known.state in _UNFINISHED:
        return True
    if known.state is not State.ACCEPTED:
        return False
    message_id = known.message_id or ""
    return kept.get(message_id) != body or owners[message_id] > 1


def _surplus(got: Iterable[bytes], wanted: Iterable[bytes]) -> int:
    """Count what came more often than it was wanted; two recipients' bodies may well be the same."""
    return (Counter(got) - Counter(wanted)).total()


def _count(known: Mapping[str, Believed], state: State) -> int:
    return sum(each.state is state for each in known.values())
