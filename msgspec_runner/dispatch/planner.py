"""From specs to a plan: every message rendered once, on the disk, with what the ledger knows of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from msgspec_runner.audience import open_audience, recipients_path, rendered_rows
from msgspec_runner.dispatch.delivery import own_schedule, read
from msgspec_runner.dispatch.drafting import Draft
from msgspec_runner.dispatch.plan import Decision, SpecPlan, decide, is_in_doubt
from msgspec_runner.errors import RecipientsError, UnsendableError
from msgspec_runner.ledger.ledger import Entry, Ledger, Skip
from msgspec_runner.ledger.spool import PlanSpool, Twin
from msgspec_runner.model import Message, State
from msgspec_runner.recipients.readers import fingerprint
from msgspec_runner.rendering import Renderer
from msgspec_runner.spec import Spec
from msgspec_runner.timing import Due, Reason, due


@dataclass(frozen=True, slots=True)
class Target:
    """One spec to be sent, ready to be rendered.

    Attributes:
        spec: the spec.
        renderer: of it.
        invalid: numbers of the rows to leave out, as the linter blamed them, beside those that cannot be rendered;
            None: every row must be sound.
        draft: its messages, where they were put into the spool already, while its rows were linted.
    """

    spec: Spec
    renderer: Renderer
    invalid: Collection[int] | None = None
    draft: Draft | None = None


@dataclass(slots=True)
class Plan:
    """What ``send`` would do.

    Attributes:
        spool: every message, in the order of the files and rows.
        specs: what happens to each spec's recipients.
    """

    spool: PlanSpool
    specs: list[SpecPlan] = field(default_factory=list)

    def count(self, decision: Decision) -> int:
        """Return the number of rows with a decision."""
        return sum(spec.decisions[decision] for spec in self.specs)

    @property
    def changed_in_doubt(self) -> int:
        """Return how many of the messages that changed are in doubt."""
        return sum(spec.changed_in_doubt for spec in self.specs)

    @property
    def in_doubt(self) -> int:
        """Return how many messages are in doubt, with the words that they had then or with others."""
        return self.count(Decision.IN_DOUBT) + self.changed_in_doubt

    @property
    def scheduled(self) -> dict[Reason, int]:
        """Return how many of the new messages would not arrive at once, by what makes them wait."""
        return {reason: sum(spec.scheduled[reason] for spec in self.specs) for reason in Reason}

    @property
    def segments(self) -> int | None:
        """Return the SMS segments of what is new; None where nothing has any."""
        known = [spec.segments for spec in self.specs if spec.segments is not None]
        return sum(known) if known else None


class Rails:
    """What keeps a new message from its recipient: a wish not to be texted, and an expiry.

    Args:
        now: an aware time: when the messages would be sent.
        suppressed: numbers that are never texted, in E.164 with ``+``.
    """

    def __init__(self, now: datetime, suppressed: Collection[str] = frozenset()) -> None:
        self._now = now
        self._suppressed = suppressed
        self._dues: dict[str | None, Due] = {}

    def due(self, message: Message) -> Due:
        """Return when a message would arrive."""
        own = own_schedule(message.body)
        if own is not None:
            return due(own, read(message.delivery), self._now)
        known = self._dues.get(message.delivery)
        if known is None:  # once a time zone
            known = self._dues[message.delivery] = due(None, read(message.delivery), self._now)
        return known

    def decide(self, entry: Entry | None, message: Message) -> Decision:
        """Say what to do with a message; only what would be sent can be left out here."""
        decision = decide(entry, message.digest)
        if decision is not Decision.NEW:
            return decision
        if message.to in self._suppressed:
            return Decision.SUPPRESSED
        return Decision.EXPIRED if self.due(message).too_late else Decision.NEW

    def may_keep(self, message: Message) -> bool:
        """Say whether a message could be left out here, whatever the ledger knows of it: most never are."""
        return message.delivery is not None or message.to in self._suppressed

    def waits_for(self, message: Message) -> Reason | None:
        """Say what would make a message wait; None where it would arrive at once."""
        arrival = self.due(message)
        return arrival.reason if arrival.at is not None and arrival.at > self._now else None


def audience_fingerprints(specs: Iterable[Spec], root: Path, override: Path | None) -> dict[Path, str]:
    """Return the digests of the files that the recipients come from, to see whether one changes between two reads."""
    paths = {override} if override is not None else {_path_or_none(spec, root) for spec in specs}
    return {path: fingerprint(path) for path in paths if path is not None and path.is_file()}


def _path_or_none(spec: Spec, root: Path) -> Path | None:
    try:
        return recipients_path(spec, root)
    except RecipientsError:  # outside the project: the linter says so
        return None


def build_plan(
    targets: Sequence[Target],
    spool: PlanSpool,
    ledger: Ledger | None,
    *,
    origin: str,
    root: Path,
    recipients: Path | None,
    rails: Rails,
) -> Plan:
    """Render the messages that are not drafted yet, and decide for every one what to do.

    What is not new now is withheld in the spool: what a person is shown is what a person says yes to, whatever other
    runs let go of meanwhile.

    Args:
        targets: specs that were linted, in the order to send them.
        spool: keeps the messages; empty but for drafts.
        ledger: None takes everything as new.
        origin: see :func:`msgspec_runner.model.identity`.
        root: the project's root.
        recipients: of ``--recipients``.
        rails: what keeps new messages from being sent.

    Raises:
        UnsendableError: a row cannot be sent, or two rows have one identity and different bodies.
        UsageError: a guard rail says no, or cannot be carried out.
        RecipientsError: a recipients' file cannot be read.
    """
    plan = Plan(spool)
    by_spec: dict[str, SpecPlan] = {}
    for target in targets:
        delivery = target.spec.delivery
        spec_plan = SpecPlan(
            target.spec.id,
            target.spec.edition,
            target.spec.document.file,
            opens=delivery.window.opens if delivery.window is not None else "",
            hold=delivery.hold or "",
        )
        by_spec[target.spec.id] = spec_plan
        plan.specs.append(spec_plan)
        draft = target.draft or _drafted(target, spool, origin=origin, root=root, recipients=recipients)
        draft.conclude(target.invalid)
    for skip in spool.left_out():
        by_spec[skip.spec].add(Decision.INVALID, None)
    _refuse_conflicts(spool, by_spec)
    for twin in spool.duplicates():
        by_spec[twin.spec].add(Decision.DUPLICATE, None)
    for places, messages in spool.places():
        decided = _decide(messages, ledger, rails)
        for message, decision, in_doubt in decided:
            waits_for = rails.waits_for(message) if decision is Decision.NEW else None
            by_spec[message.spec].add(decision, message.segments, waits_for, in_doubt=in_doubt)
        spool.withhold_places(
            [place for place, (_, decision, _) in zip(places, decided, strict=True) if decision is not Decision.NEW]
        )
    return plan


def new_messages(
    spool: PlanSpool, ledger: Ledger, rails: Rails, limit: int | None = None, found: Counter[Decision] | None = None
) -> Iterator[Message]:
    """Yield what was new when it was planned and still is, in order; what is withheld is not even asked about.

    Args:
        spool: the plan's.
        ledger: asked again: between the plan and a person's yes, another run may have been faster.
        rails: of this moment: it may have become too late.
        limit: at most that many.
        found: counts what has become of the messages that were looked at; what is in doubt and has other words now
            counts as in doubt.
    """
    found = Counter() if found is None else found
    count = 0
    for chunk in _decided(spool.given(), ledger, rails):
        for message, decision, in_doubt in chunk:
            if count == limit:
                return
            found[Decision.IN_DOUBT if in_doubt else decision] += 1
            if decision is Decision.NEW:
                count += 1
                yield message


def left_out(spool: PlanSpool, ledger: Ledger, rails: Rails) -> Iterator[Skip]:
    """Yield the rows that would be new if nothing kept them: who is suppressed, and what is expired.

    Args:
        spool: the plan's.
        ledger: asked again, as in :func:`new_messages`.
        rails: the same as there, so that no row is both.
    """
    exposed = ([message for message in chunk if rails.may_keep(message)] for chunk in spool.chunks())
    for chunk in _decided(filter(None, exposed), ledger, rails):
        for message, decision, _ in chunk:
            if decision in _REASONS:
                yield _skip(message, _REASONS[decision])


_REASONS = {Decision.SUPPRESSED: "suppressed", Decision.EXPIRED: "expired"}


def skips(spool: PlanSpool, ledger: Ledger, rails: Rails) -> Iterator[Skip]:
    """Yield every row that is left out, whatever the reason; see :func:`left_out` for the arguments."""
    for twin in spool.duplicates():
        yield _skip(twin, "duplicate")
    yield from spool.left_out()
    yield from left_out(spool, ledger, rails)


def unrecorded(rows: Iterable[Skip], spool: PlanSpool, ledger: Ledger, origin: str) -> Iterator[Skip]:
    """Yield the rows that the ledger does not have yet, of whatever run, with the same reason.

    A command that is run every hour, and finds the same bad row each time, must not fill the ledger with it. Rows are
    told apart by their keys, which outlast people's data, so what was erased from the ledger is not brought back.

    Args:
        rows: that are left out; each has a key, see :class:`~msgspec_runner.ledger.values.Skip`.
        spool: the plan's: it keeps what the ledger has, which may be a million rows.
        ledger: where they may be.
        origin: of the plan.
    """
    rows = iter(rows)
    chunk = list(islice(rows, _ROWS_AT_ONCE))
    if chunk:
        recorded = ledger.messages(state=State.SKIPPED, origin=origin)
        spool.know(hash((skip.spec, skip.edition, skip.row, skip.error, skip.key)) for skip in recorded)
    while chunk:
        digests = [hash((row.spec, row.edition, row.row, row.reason, row.key)) for row in chunk]
        known = spool.known(digests)
        yield from (row for row, digest in zip(chunk, digests, strict=True) if digest not in known)
        chunk = list(islice(rows, _ROWS_AT_ONCE))


_ROWS_AT_ONCE = 500
"""Rows that are looked up in one go."""


def decisions_by_key(spool: PlanSpool, ledger: Ledger | None, rails: Rails) -> Iterator[tuple[Message, Decision]]:
    """Yield every message with what is to be done with it, in the order of the keys: how a plan is pinned."""
    for chunk in _decided(spool.chunks_by_key(), ledger, rails):
        yield from ((message, decision) for message, decision, _ in chunk)


def _decided(
    chunks: Iterable[list[Message]], ledger: Ledger | None, rails: Rails
) -> Iterator[list[tuple[Message, Decision, bool]]]:
    for chunk in chunks:
        yield _decide(chunk, ledger, rails)


def _decide(chunk: Sequence[Message], ledger: Ledger | None, rails: Rails) -> list[tuple[Message, Decision, bool]]:
    """Return each message with what to do with it, and whether it is in doubt, whatever its words are now."""
    unsent: Mapping[str, Entry | None] = dict.fromkeys(message.key for message in chunk)
    if ledger is not None:
        unsent = ledger.unsent({message.key: message.digest for message in chunk})
    decided = []
    for message in chunk:
        if message.key in unsent:
            entry = unsent[message.key]
            decided.append((message, rails.decide(entry, message), is_in_doubt(entry)))
        else:
            decided.append((message, Decision.SENT, False))
    return decided


def _skip(row: Message | Twin, reason: str) -> Skip:
    return Skip(
        spec=row.spec,
        edition=row.edition,
        row=row.row,
        reason=reason,
        to=row.to,
        recipient_key=row.recipient_key,
        key=row.key,
        segments=row.segments,
    )


def _drafted(target: Target, spool: PlanSpool, *, origin: str, root: Path, recipients: Path | None) -> Draft:
    draft = Draft(target.renderer, spool, origin, leaves_out=target.invalid is not None)
    with open_audience(target.spec, root, recipients) as source:
        for _ in draft.through(rendered_rows(source, target.renderer)):
            if draft.is_refused:
                break
    return draft


def _refuse_conflicts(spool: PlanSpool, by_spec: dict[str, SpecPlan]) -> None:
    for twin in spool.conflicts():
        more = f" (and {spool.conflict_count - 1:,} more)" if spool.conflict_count > 1 else ""
        raise UnsendableError(
            f"{by_spec[twin.spec].file}: MSG504 duplicate-recipient: rows {twin.first_row} and {twin.row} go to one "
            f"number with different messages{more}. Give them a `recipients.key` that differs. Nothing was sent."
        )
