"""From events to nodes: places, keys, aliases, merges, and the bounds."""

from __future__ import annotations

import pytest

from msgspec_runner.source.bounds import MAX_DEPTH, MAX_NODES
from msgspec_runner.source.document import Document, Entry, Mapping, Node, Scalar, Sequence, parse_document
from msgspec_runner.source.ruamel_events import RuamelEvents
from msgspec_runner.source.tree import PARSER


@pytest.fixture(params=[PARSER, RuamelEvents], ids=["libyaml", "ruamel"])
def parse(request: pytest.FixtureRequest):
    """Return a function that parses a text with each of the two parsers."""
    return lambda text: parse_document("spec.yaml", text, parser=request.param)


def source(document: Document, node: Node | None) -> str:
    assert node is not None
    return document.text[node.start : node.end]


@pytest.mark.parametrize(
    ("text", "path", "place"),
    [
        ("k: plain  # c\n", ("k",), "plain"),
        ("k: plain\n  goes on\nj: 1\n", ("k",), "plain\n  goes on"),
        ("k: 'a b'\n", ("k",), "'a b'"),
        ('k: &x !!str "a b"\n', ("k",), '"a b"'),
        ("k: !!int\n  5\n", ("k",), "5"),
        ("k: &x # c\n  v\n", ("k",), "v"),
        ("k:\nj: 1\n", ("k",), ""),
        ("k: &x\nj: 1\n", ("k",), ""),
        ("k: |-\n  a\n  b\n\n\nj: 1\n", ("k",), "|-\n  a\n  b"),
        ("k: &x >+ # c\n  a\n\n\n", ("k",), ">+ # c\n  a"),
        ("k: |\n  a  \n", ("k",), "|\n  a  "),
        ("k: |1-\n    \nj: 1\n", ("k",), "|1-\n    "),
        ("k: |-\n\nj: 1\n", ("k",), "|-"),
        ("k: {a: b} # c\n", ("k",), "{a: b}"),
        ("k: &x {a: b}\n", ("k",), "{a: b}"),
        ("k: [a, b,\n c ]\n", ("k",), "[a, b,\n c ]"),
        ("k:\n  - a\n  - b # c\n\nj: 1\n", ("k",), "- a\n  - b"),
        ("k:\n- a\n- b\nj: 1\n", ("k",), "- a\n- b"),
        ("k: &x\n  a: 1\n  b: 2\n\n# c\nj: 1\n", ("k",), "a: 1\n  b: 2"),
        ("k:\n  a: 1\n  b:\n# c\nj: 1\n", ("k",), "a: 1\n  b:"),
        ("k: &x v\nj: *x\n", ("j",), "v"),
        ("k: 😀\r\nj: é\r\n", ("j",), "é"),
        ("k: a\u2028b\x85c\ufeffd\nj: e\n", ("k",), "a\u2028b\x85c\ufeffd"),
        ("k: a\u2028b\nj: e\n", ("j",), "e"),
        ('k: "\\uE000\u2028\\ue001"\nj: e\n', ("k",), '"\\uE000\u2028\\ue001"'),
    ],
)
def test_places(parse, text: str, path: tuple[str, ...], place: str) -> None:
    document = parse(text)
    assert document.problems == ()
    assert source(document, document.node(path)) == place


def test_characters_that_yaml_1_1_took_for_line_breaks_are_characters(parse) -> None:
    document = parse('a: x\u2028y\x85z\u2029\nb: "\\ue000\u2028"\nc: |-\n  p\u2028q\nd\ufeff: 1\n')
    assert document.value == {"a": "x\u2028y\x85z\u2029", "b": "\ue000\u2028", "c": "p\u2028q", "d\ufeff": 1}


def test_header_of_a_block_scalar(parse) -> None:
    document = parse("k: !!str |2-  # c\n   a\n")
    node = document.node(("k",))
    assert isinstance(node, Scalar)
    assert document.text[node.start : node.header_end] == "|2-"
    assert node.text == " a"
    assert node.tag == "tag:yaml.org,2002:str"


def test_duplicate_keys_keep_the_first_and_name_both_places(parse) -> None:
    document = parse("a: 1\nb: {x: 1, 'x': 2}\na: 3\n")
    assert document.value == {"a": 1, "b": {"x": 1}}
    (inner, outer) = document.problems
    assert (inner.kind, document.text[inner.start : inner.end], inner.related) == ("duplicate-key", "'x'", (9, 10))
    assert (outer.kind, document.position(outer.start), outer.related) == ("duplicate-key", (3, 1), (0, 1))


def test_keys_must_be_scalars(parse) -> None:
    document = parse("? [a, b]\n: 1\n? {c: d}\n: 2\ne: 3\n")
    assert document.value == {"e": 3}
    assert [document.text[p.start : p.end] for p in document.problems] == ["[a, b]", "{c: d}"]


def test_an_alias_is_its_anchor_s_node(parse) -> None:
    document = parse("a: &x {k: v}\nb: *x\nc: &x 1\nd: *x\n*x : e\n")
    assert document.node(("b",)) is document.node(("a",))
    assert document.node(("d",)) is document.node(("c",))
    assert document.node(("1",)) is not None


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: *x\nb: &x 1\n", "*x", "no anchor &x"),
        ("a: &x [1, *x]\n", "*x", "never end"),
        ("a: &x {k: *x}\n", "*x", "never end"),
        ("a: &x 1\nb: &x [*x]\n", "*x", "never end"),
        ("a: 1\n---\nb: 2\n", "---", "one file is one spec"),
        ("a: 1\n...\n---\nb: 2\n", "---", "one file is one spec"),
    ],
)
def test_what_cannot_be_read_on(parse, text: str, place: str, words: str) -> None:
    document = parse(text)
    (problem,) = document.problems
    assert document.root is None
    assert (problem.kind, document.text[problem.start : problem.end]) == ("invalid-yaml", place)
    assert words in problem.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n", {"y": 3, "x": 1}),
        ("a: &a {x: 1, y: 2}\nb:\n  y: 3\n  <<: *a\n", {"y": 3, "x": 1}),
        ("a: &a {x: 1}\nb: {<<: [*a, {x: 2, z: 4}]}\n", {"x": 1, "z": 4}),
        ("b: {<<: {x: 1}, <<: {y: 2}}\n", {"x": 1, "y": 2}),
        ("b: {'<<': 1}\n", {"<<": 1}),
        ("b: {!!str <<: 1}\n", {"<<": 1}),
    ],
)
def test_merge_keys(parse, text: str, value: object) -> None:
    document = parse(text)
    assert document.problems == ()
    assert document.value["b"] == value


def test_a_merge_of_anything_else_is_a_problem_at_its_key(parse) -> None:
    document = parse("a: {<<: 1, x: 2}\nb: {<<: [[1]]}\n")
    assert [(p.kind, document.text[p.start : p.end]) for p in document.problems] == [("invalid-yaml", "<<")] * 2
    assert document.value == {"a": {"x": 2}, "b": {}}


def test_unknown_tags_are_problems_and_the_rest_is_read(parse) -> None:
    document = parse("a: !mine x\nb: !!int x\nc: !!python/name:os.system y\nd: !!seq {}\ne: !!map {k: v}\n")
    assert [document.text[p.start : p.end] for p in document.problems] == [
        "!mine x", "!!int x", "!!python/name:os.system y", "!!seq {",
    ]  # fmt: skip
    assert document.value == {"a": "x", "b": "x", "c": "y", "d": {}, "e": {"k": "v"}}


def test_repr_is_for_people() -> None:
    root = parse_document("spec.yaml", "a: [1]\n").root
    assert isinstance(root, Mapping)
    assert isinstance(root.entries[0], Entry)
    assert isinstance(root.entries[0].value, Sequence)
    assert repr(root) == "Mapping([Entry('a': Sequence([Scalar(1, plain, 4:5)]))])"


# Bounds


def oversized(document: Document) -> tuple[int, int]:
    (problem,) = document.problems
    assert problem.kind == "oversized-document"
    assert document.root is None
    return document.position(problem.start)


def test_depth() -> None:
    assert parse_document("s", "[" * MAX_DEPTH + "]" * MAX_DEPTH).problems == ()
    assert oversized(parse_document("s", "[" * (MAX_DEPTH + 1))) == (1, MAX_DEPTH + 1)
    nested = "\n".join(" " * depth + "k:" for depth in range(MAX_DEPTH + 1))
    assert oversized(parse_document("s", nested)) == (MAX_DEPTH + 1, MAX_DEPTH + 1)


def test_depth_with_aliases_followed() -> None:
    half = MAX_DEPTH // 2
    fits = f"- &a {'[' * half}{']' * half}\n- {'[' * (half - 1)}*a{']' * (half - 1)}\n"
    assert parse_document("s", fits).problems == ()
    too_deep = fits.replace("*a", "[*a]")
    assert oversized(parse_document("s", too_deep))[0] == 2


def test_nodes() -> None:
    assert parse_document("s", "[" + "1," * (MAX_NODES - 1) + "]").problems == ()
    assert oversized(parse_document("s", "[" + "1," * MAX_NODES + "]")) == (1, 2 * MAX_NODES)


def test_an_alias_bomb_stops_where_it_would_explode() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert oversized(parse_document("s", "\n".join(lines)))[0] == 5


def test_merges_cannot_explode_either() -> None:
    lines = ["a0: &a0 {k: v}"] + [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], x{n}: 1}}" for n in range(1, 40)]
    oversized(parse_document("s", "\n".join(lines)))
