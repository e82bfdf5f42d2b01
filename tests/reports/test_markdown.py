"""Foreign text in Markdown stays text, by the judgement of a real parser."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from msgspec_runner.reports.markdown import MAX_WORDS, code, cut, fenced
from msgspec_runner.reports.text import printable

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = st.one_of(st.text(max_size=40), st.text("`|<>&@#[]()*_~!\\ \n\r:/.ax1-", max_size=40))


def test_plain_words_are_plain_code() -> None:
    assert code("specs/a.yaml") == "`specs/a.yaml`"
    assert code("specs/a.yaml", html=True) == "<code>specs&#47;a&#46;yaml</code>"


def test_what_is_long_is_cut() -> None:
    assert cut("x" * 12, 10) == "xxxxxxxxxx… (2 more)"
    assert "(5 more)" in code("x" * (MAX_WORDS + 5)).replace("&#40;", "(").replace("&#41;", ")")


@given(HOSTILE)
@example("`a`")
@example("@team")
@example(" a")
@example("")
def test_a_word_in_a_cell_is_one_cell_of_code(text: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {code(text)} | end |\n"
    cells = [token for token in MARKDOWN.parse(table) if token.type == "inline"][2:]
    assert [cell.content for cell in cells][1:] == ["end"]
    children = [child for child in cells[0].children or () if child.content]
    shown = "".join(child.content for child in children if child.type != "html_inline")
    assert shown == printable(text)
    kinds = [child.type for child in children]
    if "code_inline" in kinds:
        assert kinds == ["code_inline"]
    else:
        assert {child.content for child in children if child.type == "html_inline"} == {"<code>", "</code>"}
        assert set(kinds) <= {"html_inline", "text", "text_special"}


@given(st.lists(HOSTILE, max_size=5))
@example(["```", "````x", "  ```"])
@example(["~~~", "</details>", "::error::x"])
def test_lines_are_one_block(lines: list[str]) -> None:
    text = "\n".join(["before", "", *fenced(lines, "diff"), "", "after"])
    kinds = [(token.type, token.content) for token in MARKDOWN.parse(text) if token.type in {"fence", "inline"}]
    assert [kind for kind, _ in kinds] == ["inline", "fence", "inline"]
    assert kinds[1][1] == "".join(f"{printable(line)}\n" for line in lines)
