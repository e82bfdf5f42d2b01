"""MSG411."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.spec import Field

if TYPE_CHECKING:
    from msgspec_runner.linting.reach import Reach
    from msgspec_runner.templates.coverage import Branch, Missed

MAX_SHOWN = 60
"""Characters of a condition that a message repeats."""


@spec_rule("MSG411", Severity.INFO)
def branch_never_rendered(subject: Subject) -> Iterator[Finding]:
    """No recipient and no sample gets the words that stand under a condition.

    The condition may be misspelled, so that those who should get the words do not: ``vip == 'Yes'`` where the data
    say ``yes``. Or nobody is concerned today, and nobody has seen the words as they would be sent: a sample shows
    them, in ``lint`` as in ``preview``.

    Conditions that only vars decide are left alone, and so are fields in which a row could not be rendered.

    Bad::

        message:
          text: "See you tomorrow.{% if vip == 'Yes' %} Your coffee is on us.{% endif %}"
        recipients:
          rows: [{phone: "+16175551212", vip: "yes"}, {phone: "+16175551213", vip: "no"}]

    Good::

        message:
          text: "See you tomorrow.{% if vip == 'yes' %} Your coffee is on us.{% endif %}"
        recipients:
          rows: [{phone: "+16175551213", vip: "no"}]
          samples: [{phone: "+16175551212", vip: "yes"}]
    """
    reach = subject.reach
    if reach is None or not reach.missed or not subject.spec.has_recipients:
        return
    constant = _constant_conditions(subject, reach)
    for field, missed in reach.missed:
        branch = missed.branch
        if not _depends_on_rows(branch, field, subject) or branch.names & reach.doubtful:
            continue
        if _overlap(branch.tests, constant.get(field, ())):
            continue
        span = subject.field_span(field, *branch.place)
        yield Finding(span, _message(missed, field, subject, reach), field.dotted, related=reach.related(branch.names))


def _depends_on_rows(branch: Branch, field: Field, subject: Subject) -> bool:
    """Say whether rows decide a branch: not vars alone, and no name that does not exist, which MSG402 tells."""
    variables = set(subject.variables)
    read = {use.name for use in field.template.names}
    unknown = branch.names & read - variables - (subject.columns or frozenset())
    return not unknown and not branch.names <= variables and not read <= variables


def _constant_conditions(subject: Subject, reach: Reach) -> dict[Field, list[tuple[int, int]]]:
    """Return the conditions of which MSG405 says that they are always the same, by field."""
    found: dict[Field, list[tuple[int, int]]] = {}
    for field, flow in subject.flows:
        found.setdefault(field, []).extend((constant.start, constant.end) for constant in flow.constants)
    for field, start, end in reach.constant:
        found.setdefault(field, []).append((start, end))
    return found


def _overlap(places: Iterable[tuple[int, int]], others: Collection[tuple[int, int]]) -> bool:
    return any(
        start < end_of_other and start_of_other < end
        for start, end in places
        for start_of_other, end_of_other in others
    )


def _message(missed: Missed, field: Field, subject: Subject, reach: Reach) -> str:
    branch = missed.branch
    tests = [_words(field.template.source[start:end]) for start, end in branch.tests]
    first, own = tests[0], tests[-1]
    cure = "add a sample for it"
    often = "in" if branch.decision.always else "each time it was asked, over"
    if branch.kind in ("loop", "empty"):
        is_empty = branch.kind == "loop"
        why = f"`{first}` was {'empty' if is_empty else 'filled'}"
        if len(tests) > 1:
            why = f"{'nothing' if is_empty else 'something'} in `{first}` met `{own}`"
    elif missed.asked:
        why = f"`{own}` was {_answers(own, subject)[0]}"
        if len(tests) > 1:
            often = "each time it was asked, over"
        if "'" in own or '"' in own:
            cure = f"check the spelling, or {cure}"
    elif len(tests) == 1 or (branch.kind == "if" and len(tests) == 2):
        why = f"`{first}` was {_answers(first, subject)[1]}"
    else:
        why = "a condition before it was true"
    return f"no recipient gets this: {why} {often} {reach.everybody}; {cure}"


def _answers(condition: str, subject: Subject) -> tuple[str, str]:
    """Return the words for false and for true: those of its type where the condition is but a column."""
    if subject.columns is None or condition not in subject.columns:
        return "false", "true"
    declared = next((column.type for column in subject.spec.columns if column.name == condition), "string")
    return {"boolean": ("false", "true"), "integer": ("0", "not 0"), "number": ("0", "not 0")}.get(
        declared, ("empty", "filled")
    )


def _words(condition: str) -> str:
    text = " ".join(condition.split())
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
