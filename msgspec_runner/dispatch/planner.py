"""From specs to a plan: every message rendered once, on the disk, with what the ledger knows of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from msgspec_runner.audience import open_audience, recipients_path, rendered_rows
from msgspec_runner.content.segments import segments
from msgspec_runner.dispatch.plan import Decision, SpecPlan, decide
from msgspec_runner.errors import RecipientsError, UnsendableError, UsageError
from msgspec_runner.ledger.ledger import Ledger, Skip
from msgspec_runner.ledger.spool import PlanSpool, Twin
from msgspec_runner.model import Message
from msgspec_runner.recipients.readers import fingerprint
from msgspec_runner.rendering import Rendered, Renderer, to_message
from msgspec_runner.spec import Spec


@dataclass(frozen=True, slots=True)
class Target:
    """One spec to be sent, ready to be rendered."""

    spec: Spec
    renderer: Renderer


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
    def segments(self) -> int | None:
        """Return the SMS segments of what is new; None where nothing has any."""
        known = [spec.segments for spec in self.specs if spec.segments is not None]
        return sum(known) if known else None


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
    now: datetime,
) -> Plan:
    """Render every message of the targets, and decide for each what to do.

    Args:
        targets: specs that were linted, in the order to send them.
        spool: empty; keeps the messages.
        ledger: None takes everything as new.
        origin: see :func:`msgspec_runner.model.identity`.
        root: the project's root.
        recipients: of ``--recipients``.
        now: an aware time, for ``delivery.expires``.

    Raises:
        UnsendableError: a row cannot be sent, or two rows have one identity and different bodies.
        UsageError: a guard rail says no, or there is something in ``delivery`` that this version does not carry out.
        RecipientsError: a recipients' file cannot be read.
    """
    plan = Plan(spool)
    by_spec: dict[str, SpecPlan] = {}
    for target in targets:
        _check_delivery(target.spec)
        spec_plan = SpecPlan(target.spec.id, target.spec.edition, target.spec.document.file)
        by_spec[target.spec.id] = spec_plan
        plan.specs.append(spec_plan)
        messages = _messages(target, origin=origin, root=root, recipients=recipients)
        if _is_expired(target.spec, now):
            for _ in messages:
                spec_plan.add(Decision.EXPIRED, None)
        else:
            spool.add(messages)
    _refuse_conflicts(spool, by_spec)
    for twin in spool.duplicates():
        by_spec[twin.spec].add(Decision.DUPLICATE, None)
    for chunk in spool.chunks():
        entries = ledger.entries([message.key for message in chunk]) if ledger is not None else {}
        for message in chunk:
            by_spec[message.spec].add(decide(entries.get(message.key), message.digest), message.segments)
    return plan


def new_messages(spool: PlanSpool, ledger: Ledger, limit: int | None = None) -> Iterator[Message]:
    """Yield the messages that are to be sent, in order, as the ledger stands now.

    Args:
        spool: the plan's.
        ledger: asked again: between the plan and a person's yes, another run may have been faster.
        limit: at most that many.
    """
    count = 0
    for chunk in spool.chunks():
        entries = ledger.entries([message.key for message in chunk])
        for message in chunk:
            if count == limit:
                return
            if decide(entries.get(message.key), message.digest) is Decision.NEW:
                count += 1
                yield message


def duplicate_skips(spool: PlanSpool) -> Iterator[Skip]:
    """Yield the rows that say the same to the same recipient again."""
    for twin in spool.duplicates():
        yield _skip(twin, "duplicate")


def expired_skips(
    targets: Iterable[Target], *, origin: str, root: Path, recipients: Path | None, now: datetime
) -> Iterator[Skip]:
    """Yield the recipients of specs whose ``delivery.expires`` has passed."""
    for target in targets:
        if _is_expired(target.spec, now):
            for message in _messages(target, origin=origin, root=root, recipients=recipients):
                yield _skip(message, "expired")


def _skip(left_out: Message | Twin, reason: str) -> Skip:
    return Skip(
        spec=left_out.spec,
        edition=left_out.edition,
        row=left_out.row,
        reason=reason,
        to=left_out.to,
        recipient_key=left_out.recipient_key,
        key=left_out.key,
        segments=left_out.segments,
    )


def _messages(target: Target, *, origin: str, root: Path, recipients: Path | None) -> Iterator[Message]:
    spec = target.spec
    most = spec.delivery.max_recipients
    count = 0
    with open_audience(spec, root, recipients) as source:
        for row in rendered_rows(source, target.renderer):
            count += 1
            if most is not None and count > most:
                raise UsageError(
                    f"{spec.document.file}: more than {most:,} recipients, which delivery.max_recipients forbids: "
                    "check the recipients, or raise it in a reviewed commit. Nothing was sent."
                )
            if row.problems:
                problem = row.problems[0]
                raise UnsendableError(
                    f"{spec.document.file}: row {row.row.number} cannot be sent ({problem.rule}: {problem.detail}), "
                    "and the configuration ignores that rule. Correct the row. Nothing was sent."
                )
            yield to_message(spec, row.rendered, row.row.number, origin, segments=_segments(row.rendered))


def _segments(rendered: Rendered) -> int | None:
    text = rendered.body.get("text")
    if rendered.body.get("provider") != "twlo" or not isinstance(text, str):
        return None
    return segments(text).count


def _is_expired(spec: Spec, now: datetime) -> bool:
    text = spec.delivery.expires
    if text is None:
        return False
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(
            f"{spec.document.file}: delivery.expires is no date and time with an offset: "
            'write it like "2031-12-24T18:00:00-05:00"'
        )
    return moment <= now


def _check_delivery(spec: Spec) -> None:
    """A guard rail that is silently not kept would be worse than none."""
    for name in ("window", "hold"):
        if getattr(spec.delivery, name) is not None:
            raise UsageError(
                f"{spec.document.file}: delivery.{name} is not carried out by this version, and sending without it "
                "would break what was reviewed. Remove it, or write `schedule`. Nothing was sent."
            )


def _refuse_conflicts(spool: PlanSpool, by_spec: dict[str, SpecPlan]) -> None:
    for twin in spool.conflicts():
        more = f" (and {spool.conflict_count - 1:,} more)" if spool.conflict_count > 1 else ""
        raise UnsendableError(
            f"{by_spec[twin.spec].file}: MSG504 duplicate-recipient: rows {twin.first_row} and {twin.row} go to one "
            f"number with different messages{more}. Give them a `recipients.key` that differs. Nothing was sent."
        )
