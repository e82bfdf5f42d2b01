"""``plan --since``: what a change means for the people who get the messages; as text and as JSON.

Cells and rendered rows are people's data: the values here hold samples only, unless real rows were asked for.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from msgspec_runner.changes.messages import Example, Picture, difference
from msgspec_runner.changes.specs import SpecChange, Version
from msgspec_runner.dispatch.comparison import Planned, Sending
from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.reports.change_words import change_kind, change_words
from msgspec_runner.reports.markdown import cut
from msgspec_runner.reports.text import count, printable

NO_LEDGER = "no ledger: upper bounds, as if nobody got anything yet"
"""What a reader of the numbers must know where a pull request's job has no secrets."""

MAX_LINE = 2_000
"""Characters of one line of a message that are shown; the longest SMS has 1,600."""
MAX_LINES = 60
"""Lines of one message's difference that are shown."""

WORDS = {
    Decision.SENT: "already sent",
    Decision.CHANGED: "changed (not re-sent)",
    Decision.IN_DOUBT: "in doubt",
    Decision.REJECTED: "rejected before",
    Decision.CANCELLED: "cancelled before",
    Decision.BUSY: "in another run",
    Decision.DUPLICATE: "duplicate",
    Decision.EXPIRED: "expired",
    Decision.SUPPRESSED: "suppressed",
    Decision.INVALID: "invalid",
}
"""The decisions in a sentence; what is new is told with its difference."""


@dataclass(frozen=True, slots=True)
class ChangedSpec:
    """What a change means for one spec.

    Attributes:
        change: what happened to it.
        planned: both versions.
        broken: why the version now cannot be sent; empty where it can.
        notes: what else a reader of the numbers must know.
        examples: samples, and rows where they were asked for.
        hint: what to type to see messages; empty where there are some to see.
    """

    change: SpecChange
    planned: Planned
    broken: str = ""
    notes: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    hint: str = ""

    @property
    def version(self) -> Version:
        """The version now, or the last one of a spec that was deleted."""
        version = self.change.after or self.change.before
        assert version is not None
        return version

    @property
    def name(self) -> str:
        """Its id; where it has none, its file."""
        return self.version.spec.id or self.version.file

    @property
    def editions(self) -> tuple[int | None, int | None]:
        """Before and now; None where there is no such version."""
        was, now = self.change.before, self.change.after
        return (was.spec.edition if was is not None else None, now.spec.edition if now is not None else None)


@dataclass(frozen=True, slots=True)
class PlanChanges:
    """What a change means.

    Attributes:
        ref: what it is compared with, as the user named it.
        commit: the merge base.
        ledger: whether there is one.
        total: how many specs the project has.
        specs: those that are touched.
        notes: what could not be compared.
        blocked: findings in specs that are not touched, because of those that are: nothing can be sent.
    """

    ref: str
    commit: str
    ledger: bool
    total: int
    specs: tuple[ChangedSpec, ...]
    notes: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()

    @property
    def is_broken(self) -> bool:
        """Whether anything cannot be sent as it is now."""
        return bool(self.blocked) or any(spec.broken for spec in self.specs)


@dataclass(frozen=True, slots=True)
class Sum:
    """The numbers of one or several specs, side by side.

    Attributes:
        before: messages by decision in the old version; None where there was none that could be sent.
        after: the same now; None where there is none.
        segments: of all messages, before and now; None where there is no SMS.
        to_send: segments of what is new, now.
    """

    before: Counter[Decision] | None
    after: Counter[Decision] | None
    segments: tuple[int | None, int | None]
    to_send: int


def summed(specs: Iterable[ChangedSpec]) -> Sum:
    """Add up what was planned. A spec whose version now could not be planned counts in no sum."""
    whole = [spec.planned for spec in specs if spec.change.after is None or spec.planned.after is not None]
    before = [each.before for each in whole if each.before is not None]
    after = [each.after for each in whole if each.after is not None]
    return Sum(
        _decisions(before),
        _decisions(after),
        (_segments(before), _segments(after)),
        sum(each.plan.segments or 0 for each in after),
    )


def _decisions(sendings: list[Sending]) -> Counter[Decision] | None:
    return sum((each.plan.decisions for each in sendings), Counter[Decision]()) if sendings else None


def _segments(sendings: list[Sending]) -> int | None:
    known = [each.segments for each in sendings if each.segments is not None]
    return sum(known) if known else None


def sentence(total: Sum) -> str:
    """Return ``+412 new, 9,588 already sent, 37 changed (not re-sent); 11,902 → 23,804 segments``."""
    if total.before is None and total.after is None:
        return "not planned"
    before, after = total.before or Counter[Decision](), total.after or Counter[Decision]()
    parts = [new_words(before[Decision.NEW], after[Decision.NEW])]
    parts += [f"{after[decision]:,} {words}" for decision, words in WORDS.items() if after[decision]]
    cost = segment_words(total)
    return "; ".join(filter(None, (", ".join(parts), cost)))


def new_words(before: int, after: int) -> str:
    """Return ``+412 new``; where there was something to send before the change too, ``10,412 new (+412)``."""
    if not before:
        return f"+{after:,} new" if after else "0 new"
    return f"{after:,} new ({'as before' if after == before else f'{after - before:+,}'})"


def segment_words(total: Sum) -> str:
    """Return ``11,902 → 23,804 segments``, and how many of them are still to be sent; empty where there is no SMS."""
    was, now = total.segments
    if was is None and now is None:
        return ""
    words = f"{was or 0:,} → {now or 0:,} segments" if was != now else count(now or 0, "segment")
    return words if total.to_send == (now or 0) else f"{words}, {total.to_send:,} of them to send"


def shift_words(spec: ChangedSpec) -> str:
    """Return ``recipients: 412 added, 37 with another message, 9,548 with the same message``; empty if not compared."""
    shift = spec.planned.shift
    if shift is None:
        return ""
    numbers = {
        "added": shift.added,
        "gone": shift.removed,
        "with another message": shift.reworded,
        "with the same message": shift.same,
    }
    return "recipients: " + (", ".join(f"{number:,} {words}" for words, number in numbers.items() if number) or "none")


def remarks(spec: ChangedSpec, quote: Callable[[str], str] = printable) -> Iterator[str]:
    """Yield what a reader of a spec's numbers must know.

    Args:
        spec: it.
        quote: makes foreign words harmless where they are shown.
    """
    was, now = spec.editions
    if was is not None and now is not None and was != now:
        yield f"edition {was} → {now}: whoever got it gets it again"
    if spec.broken:
        yield f"it cannot be sent as it is now: {quote(spec.broken)}"
    if spec.planned.trouble_before:
        yield f"it could not be planned as it was before: {quote(spec.planned.trouble_before)}"
    yield from spec.notes


def pictures(spec: ChangedSpec) -> Iterator[tuple[str, list[str]]]:
    """Yield the messages that differ: a title, and lines of a diff. Where none does, one title says so."""
    differing = [(_title(example), lines) for example in spec.examples if (lines := _diff(example))]
    yield from differing
    if spec.examples and not differing:
        yield "samples: the same messages as before", []


def _title(example: Example) -> str:
    """Return ``sample 1: 1 → 2 segments (GSM-7 → UCS-2)``."""
    was, now = (picture.cost if picture is not None else None for picture in (example.before, example.after))
    if now is None:
        return example.label
    if was is None or was.count == now.count:
        return f"{example.label}: {count(now.count, 'segment')}"
    why = f" ({was.encoding} → {now.encoding})" if was.encoding != now.encoding else ""
    return f"{example.label}: {was.count} → {now.count} segments{why}"


def _diff(example: Example) -> list[str]:
    """Return what differs in a message as lines of a diff; long ones and many are cut, and say so."""
    lines = [f"{line.sign} {cut(line.text, MAX_LINE)}" for line in difference(example)]
    if len(lines) > MAX_LINES:
        lines[MAX_LINES:] = [f"  … {len(lines) - MAX_LINES:,} more lines"]
    return lines


def heading(changes: PlanChanges) -> str:
    """Return ``2 of 14 specs changed since origin/main (merge base 1a2b3c4d5e)``."""
    here = sum(spec.change.after is not None for spec in changes.specs)
    number = f"{here:,} of {count(changes.total, 'spec')} changed" if here else "no spec changed"
    gone = len(changes.specs) - here
    return f"{number}{f', {gone:,} deleted' if gone else ''} since {changes.ref} (merge base {changes.commit[:10]})"


def plan_changes_text(changes: PlanChanges) -> str:
    """Return the report as people read it at a terminal."""
    return "\n".join(printable(line) for line in _text(changes))


def _text(changes: PlanChanges) -> Iterator[str]:
    yield heading(changes)
    yield from changes.notes
    yield from (f"nothing can be sent: {words}" for words in changes.blocked)
    if changes.specs and not changes.ledger:
        yield NO_LEDGER
    for spec in changes.specs:
        yield ""
        yield f"{spec.name} (edition {spec.version.spec.edition})  {change_words(spec.change)}"
        yield f"  {sentence(summed([spec]))}"
        if shift_words(spec):
            yield f"  {shift_words(spec)}"
        yield from (f"  {remark}" for remark in remarks(spec))
        for title, lines in pictures(spec):
            yield f"  {title}"
            yield from (f"    {line}" for line in lines)
        if spec.hint:
            yield f"  {spec.hint}"
    if len(changes.specs) > 1:
        yield ""
        yield f"total: {sentence(summed(changes.specs))}"


def plan_changes_json(changes: PlanChanges, *, show_numbers: bool = False) -> str:
    """Return the report as one JSON object; numbers that messages go to are masked, unless they are to be shown."""
    total = summed(changes.specs)
    report = {
        "version": 1,
        "since": {"ref": changes.ref, "commit": changes.commit},
        "ledger": changes.ledger,
        "specs": [_spec(spec, show_numbers=show_numbers) for spec in changes.specs],
        "totals": {
            "before": _counts(total.before),
            "after": _counts(total.after),
            "segments": {"before": total.segments[0], "after": total.segments[1], "to_send": total.to_send},
        },
        "notes": list(changes.notes),
        "blocked": list(changes.blocked),
    }
    return json.dumps(report, ensure_ascii=False, indent=2).encode("utf-8", "replace").decode()


def _spec(spec: ChangedSpec, *, show_numbers: bool) -> dict[str, object]:
    shift = spec.planned.shift
    total = summed([spec])
    return {
        "spec": spec.version.spec.id,
        "file": spec.version.file,
        "file_before": spec.change.before.file if spec.change.before is not None else None,
        "change": change_kind(spec.change),
        "because": list(spec.change.because),
        "editions": {"before": spec.editions[0], "after": spec.editions[1]},
        "before": _counts(total.before),
        "after": _counts(total.after),
        "segments": {"before": total.segments[0], "after": total.segments[1], "to_send": total.to_send},
        "recipients": None
        if shift is None
        else {"added": shift.added, "removed": shift.removed, "reworded": shift.reworded, "same": shift.same},
        "broken": spec.broken or None,
        "remarks": list(remarks(spec)),
        "examples": [
            {
                "label": each.label,
                "before": _picture(each.before, show_numbers=show_numbers),
                "after": _picture(each.after, show_numbers=show_numbers),
            }
            for each in spec.examples
        ],
    }


def _counts(decisions: Counter[Decision] | None) -> dict[str, int] | None:
    return None if decisions is None else {decision.name.lower(): decisions[decision] for decision in Decision}


def _picture(picture: Picture | None, *, show_numbers: bool) -> dict[str, object] | None:
    if picture is None:
        return None
    from msgspec_runner.content.phone import mask

    body = dict(picture.body)
    if isinstance(body.get("to"), str) and not show_numbers:
        body["to"] = mask(str(body["to"]))
    cost = picture.cost
    return {
        "body": body,
        "problems": list(picture.problems),
        "segments": cost.count if cost is not None else None,
    }
