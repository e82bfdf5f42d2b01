"""Where the parser gives up: the exact characters, and what to type next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.source.document import Document, parse_document
from msgspec_runner.source.ruamel_events import RuamelEvents
from msgspec_runner.source.tree import PARSER

PARSERS = pytest.mark.parametrize("parser", [PARSER, RuamelEvents], ids=["libyaml", "ruamel"])

MISTAKES = [
    ('k: "abc\nd: 2\n', '"', (1, 4), "never closed"),
    ("k: 'abc\nd: 2\n", "'", (1, 4), "never closed"),
    ('a: "x\nb: "y"\n', 'y"', (2, 5), "opened on line 1"),
    ("k: 'it's'\n", "s'", (1, 8), "write a quote inside as ''"),
    ('k: "Hi" Ann\n', "Ann", (1, 9), "close it at the end"),
    ("k: Hi: there\n", ":", (1, 6), "colon and a space"),
    ("k: v\n  l: w\n", ":", (2, 4), "goes on with the value above"),
    ("k: @you\n", "@", (1, 4), "cannot begin with @"),
    ("k: %d\n", "%", (1, 4), "cannot begin with %"),
    ("k: `x`\n", "`", (1, 4), "cannot begin with `"),
    ("k: & more\n", "&", (1, 4), "cannot begin with &"),
    ("k:\n\tl: 1\n", "\t", (2, 1), "a tab"),
    ("k:\n  l: 1\n m: 2\n", "m:", (3, 2), "line up"),
    ("k: 1\nl:2\nm: 3\n", "l:2", (2, 1), "no colon and space"),
    ("k: [1, 2\nl: 3\n", "[", (1, 4), "not closed"),
    ("k: {a: 1\n", "{", (1, 4), "not closed"),
    ("k: [a] b\n", "b", (1, 8), "whole value in quotes"),
    ("k: [a, }\n", "}", (1, 8), "a value is missing"),
    ("k: > hi\n", "hi", (1, 6), "begins on the next line"),
    ('k: "a\\q"\n', "\\q", (1, 6), "no escape"),
    ('k: "\\ud83d\\ude00 x"\n', "\\ud83d\\ude00", (1, 5), "write the character itself, or \\U0001F600"),
    ('k: "\\ud83d x"\n', "\\ud83d", (1, 5), "half of a character"),
    ("{% if x %}\nk: v\n{% endif %}\n", "{% if x %}", (1, 1), "cannot make keys"),
    ("k: v\n{% if x %}\nl: w\n{% endif %}\n", "{% if x %}", (2, 1), "cannot make keys"),
]


def found(document: Document) -> list[tuple[str, str, tuple[int, int]]]:
    return [(p.kind, document.text[p.start : p.end], tuple(document.position(p.start))) for p in document.problems]


@PARSERS
@pytest.mark.parametrize(("text", "place", "position", "words"), MISTAKES)
def test_mistakes(text: str, place: str, position: tuple[int, int], words: str, parser: type[RuamelEvents]) -> None:
    document = parse_document("spec.yaml", text, parser=parser)
    assert document.root is None
    if "\\ud83d" in text and parser is RuamelEvents:  # which takes halves for characters: the whole scalar then
        assert "half of a character" in document.problems[0].message
        return
    assert found(document) == [("invalid-yaml", place, position)]
    assert words in document.problems[0].message


def test_a_star_is_an_alias_to_yaml_1_2_and_an_error_to_libyaml() -> None:
    for parser, place, words in ((PARSER, "*", "cannot begin with *"), (RuamelEvents, "*Hi*", "quote the value")):
        document = parse_document("spec.yaml", "k: *Hi* Ann\n", parser=parser)
        assert found(document) == [("invalid-yaml", place, (1, 4))]
        assert words in document.problems[0].message


def test_a_colon_in_a_flow_that_only_libyaml_refuses() -> None:
    document = parse_document("spec.yaml", "k: {a: b:?}\n")
    if document.problems:
        assert found(document) == [("invalid-yaml", ":", (1, 9))]
        assert "between braces" in document.problems[0].message
    else:  # PyYAML was built without libyaml
        assert document.value == {"k": {"a": "b:?"}}


TEMPLATES = [
    ("k: {{ name }}\n", "{{ name }}"),
    ("k: {{name}}\n", "{{name}}"),
    ("k: {{ name }} b # note\n", "{{ name }} b"),
    ("k: {{ a['b'] }}\n", "{{ a['b'] }}"),
    ('k: {{ d | date("EEEE: d") }}\n', '{{ d | date("EEEE: d") }}'),
    ('k: {{ a | default("x", true) }}\n', '{{ a | default("x", true) }}'),
    ("k: {{ a }}, {{ b }}!\n", "{{ a }}, {{ b }}!"),
    ("k: {% if a %}b{% endif %}\n", "{% if a %}b{% endif %}"),
    ("k: {# note #} b\n", "{# note #} b"),
    ("k:\n  {{ a }} b\n", "{{ a }} b"),
    ("k:\n  {% if a %}b{% endif %}\n", "{% if a %}b{% endif %}"),
    ("k: {{ a\n  }} b\n", "{{ a\n  }} b"),
    ("k: {{ a\n  }} b\n  c\n", "{{ a\n  }} b\n  c"),
    ("k: {{ a\n  }}\n", "{{ a\n  }}"),
    ("k: {{ a }} b\n  goes on\n", "{{ a }} b\n  goes on"),
    ("k: {{ a }} \u2028b\n", "{{ a }} \u2028b"),
]


@PARSERS
@pytest.mark.parametrize(("text", "place"), TEMPLATES)
def test_unquoted_templates_are_read_as_the_text_that_was_meant(
    text: str, place: str, parser: type[RuamelEvents]
) -> None:
    document = parse_document("spec.yaml", f"a: 1\n{text}z: 2\n", parser=parser)
    assert [(kind, source) for kind, source, _ in found(document)] == [("unquoted-template", place)]
    assert document.value == {"a": 1, "k": " ".join(place.split("\n  ")), "z": 2}


@PARSERS
def test_all_of_them_are_found_and_the_other_problems_too(parser: type[RuamelEvents]) -> None:
    text = 'to: {{ a }}\nl:\n  - {{ b }} c\n  - [1, {{ d[1] }} e, 2]\n  - m: {n: {{ f }}, o: 1}\nz: "open\n'
    document = parse_document("spec.yaml", text, parser=parser)
    assert [(kind, source) for kind, source, _ in found(document)] == [
        ("unquoted-template", "{{ a }}"),
        ("unquoted-template", "{{ b }} c"),
        ("unquoted-template", "{{ d[1] }} e"),
        ("unquoted-template", "{{ f }}"),
        ("invalid-yaml", '"'),
    ]


def test_the_message_shows_what_to_type() -> None:
    document = parse_document("spec.yaml", 'k: {{ a | default("x") }} b\n')
    assert document.problems[0].message.endswith(""": '{{ a | default("x") }} b'""")


def test_a_template_as_a_key_is_a_text_too() -> None:
    document = parse_document("spec.yaml", "{{ a }}: b\n")
    assert [kind for kind, _, _ in found(document)] == ["unquoted-template"]
    assert document.value == {"{{ a }}": "b"}


@pytest.mark.parametrize(
    "text",
    [
        'k: ["- {{ x", @]\n',
        'k: "x: {{ b }}\n',
        "k: Hi: {{ b }}\n",
        "k: {a: {b: 1}}\n",
        "k: '{{ b }}\n",
        "k: # {{ b }}\n\t@",
    ],
)
def test_what_only_looks_like_an_unquoted_template(text: str) -> None:
    assert "unquoted-template" not in [kind for kind, _, _ in found(parse_document("spec.yaml", text))]


def test_many_unquoted_templates_are_all_found() -> None:
    text = "".join(f"k{number}: {{{{ a }}}} b\n" for number in range(150))
    document = parse_document("spec.yaml", text)
    assert len(document.problems) == 150
    assert document.root is not None


TOKENS = st.sampled_from(
    [
        "{{ a }}", "{{", "}}", "{%", "%}", "{# c #}", "b", ": ", "- ", "\n", "\n  ", "\n\t", " # c", '"', "'", "[", "]", "{",
        "}", ", ", "|", "> ", "&x ", "*x", "*", "!t ", "!!str ", "? ", "%", "@", "\\", '"\\ud83d"', "---\n", "...\n", "<<: ",
        "\u2028", "\x00", "😀", "k: ", "\r",
    ]
)  # fmt: skip


@given(st.lists(TOKENS, max_size=14).map("".join), st.sampled_from([PARSER, RuamelEvents]))
def test_reading_never_raises_and_every_problem_has_a_place(text: str, parser: type[RuamelEvents]) -> None:
    document = parse_document("spec.yaml", text, parser=parser)
    for problem in document.problems:
        assert 0 <= problem.start <= problem.end <= len(document.text)
        assert problem.message
        assert "\n" not in problem.message
        document.span(problem.start, problem.end)
    assert "xxxx" not in repr(document.root)  # what hid a template from the parser never shows
    document.comments()
    assert document.root is not None or document.value is None
