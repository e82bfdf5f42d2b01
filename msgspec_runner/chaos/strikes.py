"""When to strike a shared run, and whom. Pure: a seed makes a list.

As in :mod:`.kills`, what repeats is the share of the work that is done by then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from random import Random
from typing import NamedTuple

from msgspec_runner.chaos.kills import JITTER, Kill, Moment

ENQUEUE_SHARE = 0.2
"""Of all kills: the coordinator, while it writes the plan."""

KILLS_PER_STOP = 3
"""A worker is stopped and continued for each so many kills, and at least one is."""

KILLS_PER_OUTAGE = 10
"""The database is away once for each so many kills, and at least once: it takes longer than any other strike."""

OUTAGE = 3.0
"""Seconds that it is away: longer than the lease of an experiment, and so long that who is silent is taken for dead."""

SESSIONS = 2
"""Sessions with the ledger of a worker, each with half of its requests (:mod:`msgspec_runner.cluster.sessions`)."""


class Target(StrEnum):
    """Whom a strike meets, and how.

    ``ENQUEUE``: the coordinator is killed in the transaction that writes the plan. ``WATCH``: it is killed while it
    watches. ``WORKER``: a worker is killed. ``STOP``: one stands still until it is taken for dead, and then goes on.
    ``OUTAGE``: the database goes away for all, and comes back.
    """

    ENQUEUE = "enqueue"
    WATCH = "watch"
    WORKER = "worker"
    STOP = "stop"
    OUTAGE = "outage"


class Strike(NamedTuple):
    """One strike.

    Attributes:
        target: whom it meets.
        kill: when, for all but those on a plan: they come before the first request.
        chance: in [0, 1): which worker, or how far the plan has got.
    """

    target: Target
    kill: Kill
    chance: float


def strikes(seed: int, kills: int) -> list[Strike]:
    """Return as many kills, and the stops and outages that go with them, in their order; the same seed gives the same.

    The first kill is a worker's, right after the first claims; the second meets a plan, the third who watches.
    """
    random = Random(seed)  # noqa: S311 - no secret
    first = [Target.WORKER, Target.ENQUEUE, Target.WATCH]
    rest = [Target.ENQUEUE if random.random() < ENQUEUE_SHARE else Target.WORKER for _ in range(kills - len(first))]
    targets = [*first, *rest][:kills]
    before = [target for target in targets if target is Target.ENQUEUE]
    after: list[Target] = [target for target in targets if target is not Target.ENQUEUE]
    stops, outages = -(-kills // KILLS_PER_STOP), -(-kills // KILLS_PER_OUTAGE)
    for target in [Target.STOP] * stops + [Target.OUTAGE] * outages:
        after.insert(random.randint(1, len(after)), target)
    drawn = [Strike(target, _moment(random), random.random()) for target in (*before, *after)]
    if after:
        drawn[len(before)] = drawn[len(before)]._replace(kill=Kill(Moment.SENDING, 0.0, 0.0))
    return drawn


def _moment(random: Random) -> Kill:
    return Kill(Moment.SENDING, random.uniform(0.05, 1.0), random.uniform(0.0, JITTER))


def lost_workers(killed: Collection[int], fenced: Mapping[int, int]) -> int:
    """Return how often a worker was lost: killed, or taken for dead while it lived.

    Args:
        killed: process ids.
        fenced: by process id, how many of its sessions were fenced. A killed worker's are, sooner or later; more than
            it has at once were fenced in an earlier life.
    """
    return sum(max(int(pid in killed), -(-fenced.get(pid, 0) // SESSIONS)) for pid in {*killed, *fenced})
