"""Two plans of one spec, recipient by recipient."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.dispatch.comparison import Shift, shift
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.model import Message

PEOPLE = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3), st.sampled_from(["Hi", "Hello", "Bye"]), max_size=12
)


def compared(before: Mapping[str, str], after: Mapping[str, str]) -> Shift:
    with PlanSpool() as old, PlanSpool() as new:
        for spool, people in ((old, before), (new, after)):
            spool.add(
                Message(key, "", "s", 1, row, "+16175551212", json.dumps({"text": text}).encode(), text)
                for row, (key, text) in enumerate(people.items(), 1)
            )
        return shift(old, new)


@given(PEOPLE, PEOPLE)
def test_everybody_is_counted_once(before: dict[str, str], after: dict[str, str]) -> None:
    found = compared(before, after)
    both = before.keys() & after.keys()
    same = sum(before[key] == after[key] for key in both)
    assert (found.added, found.removed) == (len(after.keys() - both), len(before.keys() - both))
    assert (found.same, found.reworded) == (same, len(both) - same)
    assert len(found.examples) == min(3, found.added + found.reworded)


def test_examples_are_those_with_other_words_first_in_the_order_of_the_rows() -> None:
    before = {"z": "1", "y": "2", "x": "3", "same": "4"}
    after = {"new": "0", "z": "a", "same": "4", "y": "b"}
    examples = compared(before, after).examples
    assert [example.label for example in examples] == ["row 2", "row 4", "row 1"]
    texts = [
        tuple(picture.body["text"] if picture is not None else None for picture in (example.before, example.after))
        for example in examples
    ]
    assert texts == [("1", "a"), ("2", "b"), (None, "0")]


def test_memory_does_not_grow_with_the_examples() -> None:
    many = {f"{number:05}": "Hi" for number in range(3_000)}
    found = compared(many, dict.fromkeys(many, "Hello"))
    assert (found.reworded, len(found.examples)) == (3_000, 3)
    assert [example.label for example in found.examples] == ["row 1", "row 2", "row 3"]
