"""Every character of a value leads back to the characters of the file that made it, in all five styles."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.source.document import Document, Scalar, parse_document
from msgspec_runner.source.scalars import character_map, fold_plain, quoted

BREAKS = ("\n", "\r\n", "\r")
CHARACTERS = "ab zé{}:#'\"\\|>-&*!%@` ,[]?~=—😀👩‍👩‍👧\t\xa0\x85\u2028\u2029\ufeff\u0301"


def only_scalar(source: str) -> tuple[Document, Scalar]:
    """Return the value of the only key of a document, which must be without problems."""
    document = parse_document("spec.yaml", source)
    assert document.problems == ()
    node = document.node(("k",))
    assert isinstance(node, Scalar)
    return document, node


def assert_exact(document: Document, scalar: Scalar) -> None:
    """Every decoded character is made by its range, in order, and nothing that is no white space is left out."""
    found = character_map(document.text, scalar)
    if not scalar.text:
        assert found is None
        return
    assert found is not None, (document.text, scalar)
    assert len(found.starts) == len(found.ends) == len(scalar.text)
    at = scalar.header_end
    for character, start, end in zip(scalar.text, found.starts, found.ends, strict=True):
        source = document.text[start:end]
        assert start >= at
        between = re.sub(r"\\(?=[\r\n])", "", document.text[at:start])
        if at == scalar.header_end:
            between = re.sub(r"^['\"]|^[ \t]*#[^\r\n]*", "", between)
        assert not between.strip(" \t\r\n"), (between, document.text)
        at = end
        if source == character:
            continue
        if character in " \n":
            assert re.fullmatch(r"[ \t\r\n]*[\r\n][ \t\r\n]*", source) or source in (r"\n", r"\ ", r"\x20", r"\u000a")
        elif scalar.style == "single":
            assert (source, character) == ("''", "'")
        else:
            assert scalar.style == "double"
            assert source.startswith("\\")
            assert parse_document("x", f'"{source}"').value == character


# Random scalars, built piece by piece: what is expected is known from the building, not from reading it again.

Pieces = list[tuple[str, str]]
"""The source of a character, and the character; a source without a character is dropped by YAML."""

ESCAPED = st.sampled_from(
    [
        ("\\n", "\n"), ("\\t", "\t"), ("\\\\", "\\"), ('\\"', '"'), ("\\/", "/"), ("\\xe9", "é"), ("\\u2026", "…"),
        ("\\U0001F600", "😀"), ("\\_", "\xa0"), ("\\N", "\x85"), ("\\L", "\u2028"), ("\\P", "\u2029"), ("\\0", "\0"),
        ("\\e", "\x1b"), ("\\ ", " "), ("\\uE000", "\ue000"), ("\\\t", "\t"),
    ]
)  # fmt: skip


PLAIN = [(c, c) for c in "abzé|>-~=—😀👩‍\xa0\x85\u2028\u2029\ufeff\u0301"]
QUOTED = [(c, c) for c in CHARACTERS if c not in "\t \"'\\"]


@st.composite
def flow_pieces(
    draw: st.DrawFn, characters: st.SearchStrategy[tuple[str, str]], *, joins: bool = False, tab: str = "\t"
) -> Pieces:
    """Return words, spaces, folds, paragraphs and, where there are any, escaped line breaks."""
    pieces: Pieces = []
    for _ in range(draw(st.integers(1, 5))):
        pieces += draw(st.lists(characters, min_size=1, max_size=5))
        newline = draw(st.sampled_from(BREAKS))
        match draw(st.sampled_from(["nothing", "spaces", "fold", "paragraph", "join"])):
            case "spaces":
                pieces += [(" ", " ")] * draw(st.integers(1, 2))
            case "fold":
                pieces += [(draw(st.sampled_from(["", " ", "\t "])) + newline, " "), ("   ", "")]
            case "paragraph":
                pieces += [(newline + "  " + newline, "\n"), (tab + "  " + newline, "\n"), ("  ", "")]
            case "join" if joins:
                pieces += [("\\" + newline, ""), ("  ", "")]
            case _:
                pass
    return [*pieces, (".", ".")]


PROPERTIES = st.sampled_from(["", "&a ", "!!str ", "! ", "&a !!str ", "!!str &a # c\n  "])


@given(PROPERTIES, flow_pieces(st.sampled_from(QUOTED) | ESCAPED, joins=True))
def test_double_quoted(properties: str, pieces: Pieces) -> None:
    check_pieces(f'\ufeffk: {properties}"', pieces, '"\n')


@given(PROPERTIES, flow_pieces(st.sampled_from([*QUOTED, ('"', '"'), ("\\", "\\"), ("''", "'")])))
def test_single_quoted(properties: str, pieces: Pieces) -> None:
    check_pieces(f"k: {properties}'", pieces, "'\r\n")


@given(PROPERTIES, flow_pieces(st.sampled_from(PLAIN), tab=""))
def test_plain(properties: str, pieces: Pieces) -> None:
    check_pieces(f"j: 1\nk: {properties}w", pieces, "   # comment\n")


def check_pieces(before: str, pieces: Pieces, after: str) -> None:
    document, scalar = only_scalar(before + "".join(source for source, _ in pieces) + after)
    assert_exact(document, scalar)
    text = "".join(character for _, character in pieces)
    skipped = len(scalar.text) - len(text)  # the "w" that begins a plain scalar
    assert scalar.text[skipped:] == text
    offset = len(before) - before.startswith("\ufeff")
    index = skipped
    for source, character in pieces:
        if character:
            start, end = document.offsets(scalar, index, index + 1)
            assert document.text[start:end].strip(" \t\r\n") == source.strip(" \t\r\n")
            if source[0] not in " \t\r\n":
                assert (start, end) == (offset, offset + len(source))
            index += 1
        offset += len(source)


LINES = st.lists(
    st.one_of(
        st.just(""),
        st.just("  "),
        st.text(alphabet=CHARACTERS, max_size=6),
        st.text(alphabet="ab", min_size=1, max_size=4).map(lambda line: "  " + line),
        st.text(alphabet="ab", min_size=1, max_size=4),
    ),
    max_size=7,
)


@st.composite
def block_scalars(draw: st.DrawFn) -> tuple[str, list[str], str]:
    """Return a header, content lines, and the line break of the file."""
    style = draw(st.sampled_from("|>"))
    lines = draw(LINES)
    before_content = [*itertools.takewhile(lambda line: not line.strip(" "), lines)]
    first = lines[len(before_content)] if len(before_content) < len(lines) else " "
    explicit = first.startswith((" ", "\t")) or any(before_content)
    chomping = draw(st.sampled_from(["", "-", "+"]))
    comment = draw(st.sampled_from(["", " # c", "  "]))
    properties = draw(st.sampled_from(["", "&a ", "!!str "]))
    return f"{properties}{style}{'4' if explicit else ''}{chomping}{comment}", lines, draw(st.sampled_from(BREAKS))


@given(block_scalars(), st.sampled_from(["", "j: 1", "# comment", "\n\nj: 1"]), st.booleans())
def test_block(block: tuple[str, list[str], str], after: str, last_break: bool) -> None:
    header, lines, newline = block
    source = f"k: {header}{newline}" + newline.join("    " + line if line else "" for line in lines)
    source += newline if last_break or after else ""
    document, scalar = only_scalar(source + after.replace("\n", newline))
    assert_exact(document, scalar)
    assert re.fullmatch(r"[|>][0-9]?[-+]?", document.text[scalar.start : scalar.header_end])
    content = scalar.text.rstrip("\n")
    if scalar.style == "literal":
        wanted = "\n".join(lines)
        assert content == wanted.rstrip("\n") or not wanted.strip(" \n")
    if content:
        assert document.offsets(scalar, len(content) - 1, len(content))[1] == scalar.end
        assert document.text[scalar.end : scalar.end + 1] in ("", "\n", "\r")
    else:
        assert scalar.end == scalar.header_end


TOKENS = st.sampled_from(
    [
        "a", "b ", "é", "😀", " ", "\n", "\n  ", "\n    ", "\r\n", ": ", "- ", "# c", '"', "'", "{", "}", "[", "]", ", ",
        "|", ">", "|-\n  ", ">+\n  ", "&x ", "!!str ", "\t", "\\n", "\\", "''", "\\\n", "\xa0", "\u2028", "k: ", "\\x41",
    ]
)  # fmt: skip


@given(
    st.lists(TOKENS, max_size=12).map("".join),
    st.sampled_from(["", "k: ", "- ", "k: |\n  ", "k: >\n  ", 'k: "', "k: '"]),
)
def test_whatever_parses_has_exact_positions(text: str, before: str) -> None:
    document = parse_document("spec.yaml", before + text + (before[-1] if before[-1:] in ("'", '"') else ""))
    if document.root is None:
        return
    nodes = [document.root]
    while nodes:
        node = nodes.pop()
        assert 0 <= node.start <= node.end <= len(document.text)
        if isinstance(node, Scalar):
            assert_exact(document, node)
        else:
            entries = getattr(node, "entries", ())
            nodes += [part for entry in entries for part in (entry.key, entry.value)] or getattr(node, "items", ())


# Examples that show what the positions are.


@pytest.mark.parametrize(
    ("source", "index", "place"),
    [
        ('k: "caf\\xe9!"\n', 3, "\\xe9"),
        ('k: "a\\\n     b"\n', 0, "a"),
        ('k: "a\\\n     b"\n', 1, "b"),
        ("k: 'it''s'\n", 2, "''"),
        ("k: one\n  two\n", 3, "\n"),
        ("k: one  \n\n  two\n", 3, "  \n\n"),
        ("k: >-\n  one\n  two\n", 3, "\n"),
        ("k: >-\n  one\n\n\n  two\n", 3, "\n\n"),
        ("k: >-\n  one\n\n\n  two\n", 4, "\n"),
        ("k: >-\n  one\n    two\n  three\n", 4, " "),
        ("k: >-\n  one\n    two\n  three\n", 3, "\n"),
        ("k: |2-\n    x\n", 0, " "),
        ("k: |\n  x\n", 1, "\n"),
        ("k: |\r\n  x\r\n  y\r\n", 1, "\r\n"),
        ("k: |+\n  x\n\n\n", 3, "\n"),
    ],
)
def test_examples(source: str, index: int, place: str) -> None:
    document, scalar = only_scalar(source)
    start, end = document.offsets(scalar, index, index + 1)
    assert document.text[start:end] == place


def test_a_range_ends_with_its_last_character_not_with_the_next() -> None:
    document, scalar = only_scalar('k: "a\\\n    b"\n')
    found = character_map(document.text, scalar)
    assert found is not None
    assert found.range(0, 1) == (4, 5)
    assert found.range(0, 2) == (4, 12)
    assert found.range(1, 1) == (11, 11)
    assert found.range(2, 2) == (12, 12)


def test_no_map_where_the_source_says_something_else() -> None:
    document, scalar = only_scalar("k: 'abc'\n")
    wrong = Scalar("abd", "abd", scalar.style, scalar.start, scalar.end, scalar.header_end)
    assert character_map(document.text, wrong) is None
    assert document.offsets(wrong, 1, 2) == (scalar.start, scalar.end)


@pytest.mark.parametrize("text", ["{{ a }}", '{{ a | default("x") }}', 'it\'s "x"', "a\\b", "é 😀", ""])
def test_quoted_text_means_the_text(text: str) -> None:
    assert parse_document("spec.yaml", f"k: {quoted(text)}").value == {"k": text}


def test_double_quotes_are_preferred() -> None:
    assert quoted("{{ a['b'] }}") == "\"{{ a['b'] }}\""


def test_fold_plain() -> None:
    assert fold_plain("x {{ a\n   }} b\n\n  c y", 2, 19) == "{{ a }} b\nc"
