"""Reading bytes and text, positions, comments, values."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.diagnostics import Position, Span
from msgspec_runner.source.document import MAX_BYTES, Mapping, Scalar, parse_document, read_document


def test_an_empty_file_has_no_root_and_no_problem() -> None:
    for data in (b"", b"\n", b"# only this\n", b"\xef\xbb\xbf"):
        document = read_document("spec.yaml", data)
        assert (document.root, document.problems, document.value) == (None, (), None)


def test_a_byte_order_mark_is_no_column() -> None:
    document = read_document("spec.yaml", b"\xef\xbb\xbfk: v\n")
    assert document.bom
    assert document.text == "k: v\n"
    node = document.node(("k",))
    assert node is not None
    assert document.span(node.start, node.end) == Span(Position(1, 4), Position(1, 5))
    assert not read_document("spec.yaml", b"k: v\n").bom


@pytest.mark.parametrize(
    ("data", "words", "position"),
    [
        (b"k: caf\xe9\n", "0xe9", (1, 7)),
        (b"\xef\xbb\xbfa: 1\nk: \xc3\xa9\xff\n", "0xff", (2, 5)),
        (b"a: 1\nk: \x00\n", "U+0000", (2, 4)),
        (b"k: \x7f\n", "U+007F", (1, 4)),
        ("k: v\n".encode("utf-16"), "UTF-16", (1, 1)),
        ("k: v\n".encode("utf-16-le"), "UTF-16", (1, 1)),
        ("k: v\n".encode("utf-16-be"), "UTF-16", (1, 1)),
    ],
)
def test_what_is_no_text_is_one_problem_at_its_place(data: bytes, words: str, position: tuple[int, int]) -> None:
    document = read_document("spec.yaml", data)
    assert document.root is None
    (problem,) = document.problems
    assert problem.kind == "invalid-yaml"
    assert words in problem.message
    assert document.position(problem.start) == position


def test_lone_surrogates_in_a_text_are_a_problem() -> None:
    (problem,) = parse_document("spec.yaml", "k: \ud83d\n").problems
    assert "U+D83D" in problem.message


def test_a_large_file_is_refused_unread() -> None:
    for document in (read_document("s", b"#" * (MAX_BYTES + 1)), parse_document("s", "#" * (MAX_BYTES + 1))):
        assert [problem.kind for problem in document.problems] == ["oversized-document"]
        assert document.position(0) == (1, 1)
    assert read_document("s", b"#" * MAX_BYTES).problems == ()


@given(st.binary(max_size=60))
def test_any_bytes_can_be_read(data: bytes) -> None:
    document = read_document("spec.yaml", data)
    for problem in document.problems:
        assert 0 <= problem.start <= problem.end
        document.span(problem.start, problem.end)
    document.comments()


@given(st.text(alphabet="ab😀é\n\r\t \u2028\x85\x0b\x0c", max_size=30))
def test_positions_count_code_points_and_only_yaml_s_line_breaks(text: str) -> None:
    document = parse_document("spec.yaml", text)
    if document.text != text:
        return
    line = col = 1
    for offset, character in enumerate(text):
        assert document.position(offset) == (line, col)
        assert document.offset(Position(line, col)) == offset
        if character == "\n" or (character == "\r" and text[offset + 1 : offset + 2] != "\n"):
            line, col = line + 1, 1
        else:
            col += 1
    assert document.position(len(text)) == (line, col)
    assert document.offset(Position(line + 5, 1)) == len(text)


def test_values_are_plain_and_keys_are_their_source_text() -> None:
    document = parse_document("spec.yaml", "1: a\ntrue: [1, 2.5, ~, yes]\n'x y': {0x1F: 't'}\n")
    assert document.problems == ()
    assert document.value == {"1": "a", "true": [1, 2.5, None, "yes"], "x y": {"0x1F": "t"}}
    assert document.value is document.value


def test_aliases_share_one_value() -> None:
    value = parse_document("spec.yaml", "a: &a [1]\nb: [*a, *a]\n").value
    assert isinstance(value, dict)
    assert value["b"][0] is value["b"][1] is value["a"]


def test_nodes_are_found_by_path() -> None:
    document = parse_document("spec.yaml", "m:\n  - x: {1: y}\n")
    node = document.node(("m", 0, "x", 1))
    assert isinstance(node, Scalar)
    assert node.value == "y"
    assert document.node(()) is document.root
    for path in [("n",), ("m", 1), ("m", -1), ("m", "0"), ("m", 0, "x", "1", "y")]:
        assert document.node(path) is None


def test_locate_inside_a_folded_value() -> None:
    document = parse_document("spec.yaml", "k: >-\n  Hi\n  {{ nme }}!\n")
    node = document.node(("k",))
    assert isinstance(node, Scalar)
    start = node.text.index("nme")
    assert document.locate(node, start, start + 3) == Span(Position(3, 6), Position(3, 9))


COMMENTS = """\
# first
a: b # second
c: "no # comment" # third
d: |  # fourth
  # none
    # none either
# fifth
e: 'it''s # none'
f: http://x#none
g: [1, # sixth
  2] #seventh
h: &x v
i: >-
  text
 # eighth
"""


def test_comments() -> None:
    document = parse_document("spec.yaml", COMMENTS)
    assert document.problems == ()
    comments = document.comments()
    assert [comment.text.strip("# ") for comment in comments] == [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth",
    ]  # fmt: skip
    assert [comment.alone for comment in comments] == [True, False, False, False, True, False, False, True]
    assert all(document.text[comment.start : comment.end] == comment.text for comment in comments)
    assert document.comments() is comments


def test_comments_after_tags_and_directives() -> None:
    document = parse_document("spec.yaml", "%YAML 1.2 # one\n---  # two\na: &x !<tag:yaml.org,2002:str> b # three\n")
    assert [comment.text for comment in document.comments()] == ["# one", "# two", "# three"]


def test_where_parsing_stopped_comments_on_lines_of_their_own_are_still_found() -> None:
    document = parse_document("spec.yaml", "# one\na: 1 # two\nb: @\n# three\nc: 'x # four'\n")
    assert document.root is None
    assert [comment.text for comment in document.comments()] == ["# one", "# two", "# three"]


def test_a_mapping_looks_up_by_text() -> None:
    root = parse_document("spec.yaml", "1: a\n").root
    assert isinstance(root, Mapping)
    entry = root.entry("1")
    assert entry is not None
    assert entry.key.value == 1
    assert root.get("1") is entry.value
    assert root.get("2") is None
    assert root.entry("2") is None


def test_deep_documents_need_no_deep_stack() -> None:
    limit = sys.getrecursionlimit()
    text = "[" * 5000 + "]" * 5000
    assert parse_document("spec.yaml", text).problems[0].kind == "oversized-document"
    assert sys.getrecursionlimit() == limit
