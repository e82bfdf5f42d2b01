"""Identity: what makes a message the same message for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.model import identity

TEXT = st.text(max_size=20)


def test_identity_is_fixed_for_ever() -> None:
    # A changed digest would text everybody again: this literal may never be edited.
    digest = identity("https://api.sociocs.com", "appointment-reminder", 1, "+16175551212", "A-1001")
    assert digest == "de8e74e8a956ea49a902a384750634db7efc68c5c495ee93b0017be7a855f19c"


@given(st.tuples(TEXT, TEXT, st.integers(1, 99), TEXT, TEXT), st.tuples(TEXT, TEXT, st.integers(1, 99), TEXT, TEXT))
def test_different_parts_never_share_an_identity(
    one: tuple[str, str, int, str, str], other: tuple[str, str, int, str, str]
) -> None:
    assert (identity(*one) == identity(*other)) == (one == other)


def test_a_separator_in_a_part_changes_nothing() -> None:
    assert identity("o", 'a","b', 1, "t", "") != identity("o", "a", 1, 'b","t', "")
