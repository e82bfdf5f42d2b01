"""What a change means: both versions of a spec planned against one ledger, and their recipients compared."""

from __future__ import annotations

import json
from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from msgspec_runner.changes.messages import MAX_EXAMPLES, Example, Picture
from msgspec_runner.dispatch.plan import Decision, SpecPlan
from msgspec_runner.dispatch.planner import Rails, Target, build_plan, decisions_by_key
from msgspec_runner.errors import RecipientsError, UnsendableError, UsageError
from msgspec_runner.ledger.ledger import Ledger
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.model import Message
from msgspec_runner.rendering import Renderer
from msgspec_runner.spec import Spec


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a spec, ready to be planned.

    Attributes:
        spec: it.
        renderer: makes its renderer; also under another id and edition.
        root: the root of its project.
        recipients: a file instead of its own.
        rails: what keeps its messages from being sent.
    """

    spec: Spec
    renderer: Callable[[Spec], Renderer]
    root: Path
    recipients: Path | None
    rails: Rails


@dataclass(frozen=True, slots=True)
class Sending:
    """What ``send`` would do with one version of a spec.

    Attributes:
        plan: a decision for every row.
        segments: SMS segments for everybody who gets it, got it or would have got it; None where it is no SMS.
    """

    plan: SpecPlan
    segments: int | None

    @property
    def new(self) -> int:
        """How many messages would be sent."""
        return self.plan.decisions[Decision.NEW]


@dataclass(frozen=True, slots=True)
class Shift:
    """How the messages of two versions compare, recipient by recipient; the edition counts for nothing here.

    Attributes:
        added: who is in the new version only.
        removed: who was in the old version only.
        reworded: who is in both, with other messages.
        same: who is in both, with the same message.
        examples: a few of those whose messages are others, or who are added: people's data.
    """

    added: int = 0
    removed: int = 0
    reworded: int = 0
    same: int = 0
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """What became of planning two versions.

    Attributes:
        before: None where there is nothing to plan, or it could not be.
        after: as ``before``.
        shift: None unless there are both.
        trouble_before: why it could not be planned; empty where it could.
        trouble_after: as ``trouble_before``.
    """

    before: Sending | None = None
    after: Sending | None = None
    shift: Shift | None = None
    trouble_before: str = ""
    trouble_after: str = ""


def compare(before: Version | None, after: Version | None, ledger: Ledger | None, origin: str) -> Planned:
    """Plan two versions of a spec against one ledger. Memory does not grow with the recipients.

    Args:
        before: None where there was none, or it cannot be planned.
        after: None where there is none any more, or it cannot be planned.
        ledger: None takes everything as new.
        origin: see :func:`msgspec_runner.model.identity`.

    Raises:
        LedgerError: the ledger cannot be read, or the disk is full.
    """
    with PlanSpool() as old, PlanSpool() as new:
        was, trouble_before = _planned(before, old, ledger, origin)
        now, trouble_after = _planned(after, new, ledger, origin)
        shift = None
        if before is not None and after is not None and was is not None and now is not None:
            shift = _shift(before, after, old, new, origin)
    return Planned(was, now, shift, trouble_before, trouble_after)


def _planned(
    version: Version | None, spool: PlanSpool, ledger: Ledger | None, origin: str
) -> tuple[Sending | None, str]:
    if version is None:
        return None, ""
    try:
        plan = _plan(version, version.spec, spool, ledger, origin)
    except (RecipientsError, UnsendableError, UsageError) as error:
        return None, str(error).removesuffix(" Nothing was sent.")
    costs = (
        message.segments
        for message, decision in decisions_by_key(spool, None, version.rails)
        if decision is Decision.NEW and message.segments is not None
    )
    total, any_sms = 0, False
    for cost in costs:
        total, any_sms = total + cost, True
    return Sending(plan, total if any_sms else None), ""


def _plan(version: Version, spec: Spec, spool: PlanSpool, ledger: Ledger | None, origin: str) -> SpecPlan:
    [plan] = build_plan(
        [Target(spec, version.renderer(spec))],
        spool,
        ledger,
        origin=origin,
        root=version.root,
        recipients=version.recipients,
        rails=version.rails,
    ).specs
    return plan


def _shift(before: Version, after: Version, old: PlanSpool, new: PlanSpool, origin: str) -> Shift:
    was, now = before.spec, after.spec
    if (was.id, was.edition) == (now.id, now.edition):
        return shift(old, new)
    # Under one id and edition, the same recipient has the same key.
    with PlanSpool() as spool:
        _plan(before, was._replace(id=now.id, edition=now.edition), spool, None, origin)
        return shift(spool, new)


def shift(old: PlanSpool, new: PlanSpool) -> Shift:
    """Compare two plans of one spec, recipient by recipient."""
    added = removed = reworded = same = 0
    shown: list[tuple[bool, int, str, Message | None, Message]] = []
    for before, after in _joined(old, new):
        if after is None:
            removed += 1
            continue
        if before is None:
            added += 1
        elif before.digest == after.digest:
            same += 1
            continue
        else:
            reworded += 1
        # Those with other words come first, then who is added; each in the order of the rows.
        insort(shown, (before is None, after.row, after.key, before, after))
        del shown[MAX_EXAMPLES:]
    examples = tuple(
        Example(f"row {after.row:,}", _picture(before) if before is not None else None, _picture(after))
        for _, _, _, before, after in shown
    )
    return Shift(added, removed, reworded, same, examples)


def _joined(old: PlanSpool, new: PlanSpool) -> Iterator[tuple[Message | None, Message | None]]:
    """Yield the messages of two plans side by side, in the order of their keys."""
    left, right = _by_key(old), _by_key(new)
    before, after = next(left, None), next(right, None)
    while before is not None or after is not None:
        if after is None or (before is not None and before.key < after.key):
            yield before, None
            before = next(left, None)
        elif before is None or after.key < before.key:
            yield None, after
            after = next(right, None)
        else:
            yield before, after
            before, after = next(left, None), next(right, None)


def _by_key(spool: PlanSpool) -> Iterator[Message]:
    for chunk in spool.chunks_by_key():
        yield from chunk


def _picture(message: Message) -> Picture:
    return Picture(json.loads(message.body))
