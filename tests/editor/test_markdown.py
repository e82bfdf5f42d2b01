"""What others wrote is shown as it is: no picture is loaded, no link made, no code ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.editor import markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a plain text, with first_name.", "a plain text, with first_name."),
        ("![x](https://evil.example/a.png)", r"!\[x\](https://evil.example/a.png)"),
        ("<img src=x>", r"\<img src=x\>"),
        ("*bold* _and_ `code`", r"\*bold\* \_and\_ \`code\`"),
        ("# no heading", r"\# no heading"),
        ("- no item", r"\- no item"),
        ("two\nlines", "two lines"),
        ("a\\", r"a\\"),
    ],
)
def test_words(text: str, shown: str) -> None:
    assert markdown.words(text) == shown


@given(st.text())
def test_words_have_no_bare_mark(text: str) -> None:
    shown = markdown.words(text)
    assert "\n" not in shown
    bare = shown.replace("\\\\", "").replace("\\`", "").replace("\\[", "").replace("\\]", "").replace("\\<", "")
    assert not set(bare) & set("`[]<")


@given(st.text(st.sampled_from("`a\n ~")))
def test_a_block_ends_where_it_should(text: str) -> None:
    first, *lines, last = markdown.block(text).split("\n")
    assert first == f"{last}text"
    assert not any(line.strip().startswith(last) for line in lines)


@given(st.text(st.sampled_from("`a ")))
def test_code_ends_where_it_should(text: str) -> None:
    shown = markdown.code(text)
    fence = shown[: len(shown) - len(shown.lstrip("`"))]
    assert shown.endswith(fence)
    assert fence not in shown[len(fence) : -len(fence)]


def test_what_is_long_is_cut() -> None:
    assert len(markdown.block("x" * 100_000)) < 5_000
