"""Jinja's comments are found where they stand, and told from what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.templates import Environment, parse
from msgspec_runner.templates.comments import comments, uncommented


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{# a #}", ["{# a #}"]),
        ("Hi {#- a -#}  {# b +#}\nHo", ["{#- a -#}", "{# b +#}"]),
        ("Hi\r\n  {# a\r\n b #}\r\nHo {# c #}", ["{# a\r\n b #}", "{# c #}"]),
        ("{% raw %}{# a #}{% endraw %}{{ '{# b #}' }}{# c #}", ["{# c #}"]),
        ("{# a #}{{ + }}{# b #}", ["{# a #}", "{# b #}"]),
        ("{# a #}{{ } {# b #}", ["{# a #}"]),
        ("{# a #} {# open", ["{# a #}"]),
        ("# a #", []),
    ],
)
def test_they_stand_where_they_are_found(source: str, found: list[str]) -> None:
    assert [source[item.start : item.end] for item in comments(source)] == found
    for item in comments(source):
        assert source[item.text_start : item.text_start + len(item.text)] == item.text


@pytest.mark.parametrize(
    ("source", "other", "same"),
    [
        ("a\n{# c #}\nb", "a\nb", True),
        ("a\n  {# c #}\nb", "a\nb", True),
        ("{# c #}a", "a", True),
        ("a {# c #}\nb", "a\nb", False),
        ("a{# c +#}\nb", "a\nb", True),
        ("a {# c #} b", "a b", False),
        ("{{ a }}{# c #}{{ b }}", "{{ a }}{{ b }}", True),
        ("{{ '{# c #}' }}", "{{ '' }}", False),
    ],
)
def test_a_text_without_its_comment(source: str, other: str, same: bool) -> None:
    assert (uncommented(source) == uncommented(other)) is same


@settings(max_examples=150)
@given(st.text("ab \n{}#%-+'", max_size=24), st.integers(0, 24))
def test_what_has_the_same_tokens_renders_the_same(source: str, place: int) -> None:
    other = source[:place] + "{# c #}" + source[place:]
    if uncommented(source) == uncommented(other):
        assert rendered(source) == rendered(other)


def rendered(source: str) -> str | None:
    template = parse(source)
    return None if template.problems else Environment(None, None).bind(template).render({"a": "x", "b": "y"})
