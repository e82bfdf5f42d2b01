"""Twins are found whatever the order and the size of the data, and told apart by what they would get."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.audience import RenderedRow
from msgspec_runner.linting.identities import Identities
from msgspec_runner.recipients.rows import Row
from msgspec_runner.rendering import Rendered, RowProblem

ROWS = st.lists(st.tuples(st.sampled_from(["+1", "+2", "+3"]), st.sampled_from(["", "k"]), st.sampled_from("ab")))


def rendered(number: int, to: str, key: str, text: str, *, sound: bool = True) -> RenderedRow:
    problems = () if sound else (RowProblem("empty-cell", None, ""),)
    return RenderedRow(Row(number, number, ()), {}, Rendered({"to": to, "text": text}, to, key, problems), problems, ())


@given(ROWS)
def test_every_later_row_of_an_identity_is_a_twin(rows: list[tuple[str, str, str]]) -> None:
    made = [rendered(number, *row) for number, row in enumerate(rows, 1)]
    identities = Identities()
    for row in made:
        identities.see(row)
    firsts: dict[tuple[str, str], str] = {}
    expected = []
    for number, (to, key, text) in enumerate(rows, 1):
        if (to, key) in firsts:
            expected.append((number, firsts[to, key] == text))
        firsts.setdefault((to, key), text)
    assert [(twin.row.row.number, twin.same) for twin in identities.twins(made)] == expected
    assert identities.repeat == bool(expected)


def test_a_broken_row_is_nobodys_twin() -> None:
    made = [rendered(1, "+1", "", "a"), rendered(2, "+1", "", "b", sound=False)]
    identities = Identities()
    identities.see(made[0])
    assert not identities.repeat
    assert list(identities.twins(made)) == []
