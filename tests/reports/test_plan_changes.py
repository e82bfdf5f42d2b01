"""The words for what a change means, and that no report grows beyond what a forge takes."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from msgspec_runner.changes.messages import Example, Picture
from msgspec_runner.changes.specs import SpecChange, Version
from msgspec_runner.dispatch.comparison import Planned, Sending, Shift
from msgspec_runner.dispatch.plan import Decision, SpecPlan
from msgspec_runner.reports.plan_changes import (
    MAX_LINES,
    ChangedSpec,
    PlanChanges,
    Sum,
    new_words,
    plan_changes_json,
    plan_changes_text,
    sentence,
    summed,
)
from msgspec_runner.reports.plan_changes_markdown import plan_changes_markdown
from msgspec_runner.source.document import parse_document
from msgspec_runner.spec import build_spec

GITHUB_LIMIT = 1024 * 1024
"""Bytes of a step's summary."""


def version(name: str, edition: int = 1) -> Version:
    file = f"specs/{name}.yaml"
    return Version(build_spec(parse_document(file, f"spec: {name}\nedition: {edition}\n")), file)


def sending(segments: int | None, **decisions: int) -> Sending:
    counts = Counter({Decision[name.upper()]: number for name, number in decisions.items()})
    to_send = decisions.get("new") if segments is not None else None
    return Sending(SpecPlan("s", 1, "f", counts, to_send), segments)


def changed(name: str = "hello", planned: Planned | None = None, text: str = "Hi") -> ChangedSpec:
    example = Example("sample 1", Picture({"text": "Ho"}), Picture({"text": text}))
    planned = planned or Planned(sending(3, new=3), sending(4, new=4), Shift(1, 0, 3, 0))
    return ChangedSpec(SpecChange(version(name), version(name), ("the spec",)), planned, examples=(example,))


def report(*specs: ChangedSpec, ledger: bool = False) -> PlanChanges:
    return PlanChanges("main", "0123456789abcdef", ledger, len(specs), specs)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (0, 412, "+412 new"),
        (0, 0, "0 new"),
        (5, 5, "5 new (as before)"),
        (10, 1012, "1,012 new (+1,002)"),
        (9, 0, "0 new (-9)"),
    ],
)
def test_what_is_new_is_told_with_its_difference(before: int, after: int, words: str) -> None:
    assert new_words(before, after) == words


def test_the_sentence_of_the_issue() -> None:
    planned = Planned(sending(11_902, sent=9_625), sending(23_804, new=412, sent=9_588, changed=37, suppressed=22))
    assert sentence(summed([changed(planned=planned)])) == (
        "+412 new, 9,588 already sent, 37 changed (not re-sent), 22 suppressed; "
        "11,902 → 23,804 segments, 412 of them to send"
    )


def test_what_costs_nothing_says_nothing_of_segments() -> None:
    assert sentence(Sum(None, Counter({Decision.NEW: 2}), (None, None), 0)) == "+2 new"
    assert sentence(Sum(None, None, (None, None), 0)) == "not planned"


def test_what_could_not_be_planned_is_in_no_sum() -> None:
    broken = changed("b", Planned(before=sending(7, new=7), trouble_after="bad"))
    assert summed([changed(), broken]) == summed([changed()])
    assert sentence(summed([broken])) == "not planned"


def test_every_decision_has_its_word() -> None:
    everything = Planned(None, sending(None, **{decision.name.lower(): 2 for decision in Decision}))
    words = sentence(summed([changed(planned=everything)]))
    assert words.count(", ") == len(Decision) - 1


def test_a_long_message_is_cut_and_says_so() -> None:
    long = changed(text="\n".join(f"line {number}" for number in range(1_000)) + "x" * 5_000)
    text = plan_changes_text(report(long))
    assert f"… {1_001 - MAX_LINES:,} more lines" in text
    assert "more)" in plan_changes_text(report(changed(text="x" * 5_000)))


def test_a_summary_is_never_larger_than_github_takes() -> None:
    many = [changed(f"spec-{number}", text="é" * 1_600) for number in range(2_500)]
    markdown = plan_changes_markdown(report(*many))
    assert len(markdown.encode()) < GITHUB_LIMIT
    assert "1,500 specs more: run it with `--output json`." in markdown
    assert markdown.rstrip().endswith("specs more: `msgspec-runner plan --since` shows them.")
    assert markdown.count("<details") == markdown.count("</details>")
    assert len(json.loads(plan_changes_json(report(*many)))["specs"]) == 2_500


def test_a_few_are_unfolded_and_many_are_not() -> None:
    assert plan_changes_markdown(report(changed())).count("<details open>") == 1
    many = plan_changes_markdown(report(*(changed(f"s{number}") for number in range(4))))
    assert (many.count("<details open>"), many.count("<details>")) == (0, 4)


def test_without_a_ledger_every_form_says_so() -> None:
    words = "no ledger: upper bounds, as if nobody got anything yet"
    for form in (plan_changes_text, plan_changes_markdown):
        assert words in form(report(changed()))
        assert words not in form(report(changed(), ledger=True))
    assert json.loads(plan_changes_json(report(changed())))["ledger"] is False
