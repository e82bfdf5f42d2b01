"""What is known of a template without values: problems with exact places, names, partials."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.templates import RESERVED_NAMES, IncludeUse, parse


def problems(source: str) -> list[tuple[str, str]]:
    return [(problem.kind, source[problem.start : problem.end]) for problem in parse(source).problems]


def names(source: str) -> list[tuple[str, bool, bool]]:
    template = parse(source)
    assert not template.problems
    for use in template.names:
        assert source[use.start : use.end] == use.name
    return [(use.name, use.guarded, use.output) for use in template.names]


@pytest.mark.parametrize(
    ("source", "kind", "place"),
    [
        ("Hi {{ name", "syntax", "{{"),
        ("Hi {{ name }", "syntax", "}"),
        ("Hi {{ }} you", "syntax", "}}"),
        ("Hi {{ first name }}", "syntax", "name"),
        ("Hi {{ 'Ann }}", "syntax", "'"),
        ("Hi {{ name ? }}", "syntax", "?"),
        ("Hi {# note", "syntax", "{#"),
        ("{% raw %}x", "syntax", "{% raw %}"),
        ("{% if a %}b", "syntax", "if"),
        ("{% if a %}{% for b in c %}b{% endif %}", "syntax", "endif"),
        ("b{% endif %}", "syntax", "endif"),
        ("{% unless a %}", "syntax", "unless"),
        ("{% set a %}{% set b = 1 %}x", "syntax", "set"),
        ("{{ a + }}", "syntax", "}}"),
        ("{{ (a }}", "syntax", "}"),
        ("{{ a | uper }}", "unknown-filter", "uper"),
        ("{{ a\r\n | uper }}", "unknown-filter", "uper"),
        ("é😀\r\n{{ a | uper('x') }}", "unknown-filter", "uper"),
        ("{% filter uper %}{% endfilter %}", "unknown-filter", "uper"),
        ("{{ a | safe }}", "unknown-filter", "safe"),
        ("{{ a | map('uper') }}", "unknown-filter", "uper"),
        ('{{ a | reject("evn") }}', "unknown-test", "evn"),
        ("{{ a | selectattr('x', 'evn') }}", "unknown-test", "evn"),
        ("{{ a | sum(attribute='_x') }}", "unsafe", "'_x'"),
        ("{{ a | groupby('_x') }}", "unsafe", "'_x'"),
        ("{% if a is strng %}{% endif %}", "unknown-test", "strng"),
        ("{% if a is not strng(1) %}{% endif %}", "unknown-test", "strng"),
        ("{{ a.b.__class__ }}", "unsafe", "__class__"),
        ("{{ a['_b'] }}", "unsafe", "'_b'"),
        ("{{ a.format(1) }}", "unsafe", "format"),
        ("{{ range(3) }}", "undefined", "range"),
        ("{{ a[0](1) }}", "unsafe", "a[0]"),
        ("{{ a | replace(*b) }}", "unsafe", "b"),
        ("{% block a %}{% endblock %}", "unsafe", "block"),
        ("{% extends 'a' %}", "unsafe", "extends"),
        ("{% autoescape true %}{% endautoescape %}", "unsafe", "autoescape"),
        ("{% for a in (b, c) recursive %}{% endfor %}", "unsafe", "b, c"),
        ("{% set a.b = 1 %}", "unsafe", "a"),
        ("{{ '\\ud83d' }}", "unsafe", "'\\ud83d'"),
        ("{{ " + "1" * 31 + " }}", "unsafe", "1" * 31),
        ("{% include a ~ 'b' %}", "include", "a ~ 'b'"),
        ("{% from a import b %}", "include", "a"),
    ],
)
def test_a_problem_points_at_the_offending_characters(source: str, kind: str, place: str) -> None:
    assert problems(source) == [(kind, place)]


def test_a_problem_suggests_what_was_meant() -> None:
    (problem,) = parse("{{ a | curency('USD') }}").problems
    assert problem.suggestion == "currency"
    assert "did you mean 'currency'" in problem.message


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{% if a = 1 %}{% endif %}", "write =="),
        ("{{ {{ a }} }}", "braces inside braces"),
        ("{{#ifeq a b}}", "not Handlebars"),
        ("{{ a && b }}", "'and' is written out"),
        ("{{ a | default(“x”) }}", "straight quotes"),
        ("{% break %}", "there is no tag 'break'"),
        ("{{ range(3) }}", "not available"),
        ("{{ upper(a) }}", "{{ … | upper }}"),
        ("{{ a.strftime('%d') }}", "| date('d MMMM')"),
        ("{{ a | money }}", "write | currency('USD')"),
        ("{{ a | ucfirst }}", "write | capitalize"),
        ("{{ a | map('format_date') }}", "write | date('d MMMM')"),
        ("{{ a }", "}}"),
    ],
)
def test_a_message_says_what_to_write(source: str, words: str) -> None:
    assert words in parse(source).problems[0].message


def test_several_problems_stand_in_the_order_of_their_places() -> None:
    assert [place for _, place in problems("{{ a | uper }}{{ _b.__c }}{{ d | lowr }}")] == ["uper", "__c", "lowr"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ a }}", [("a", False, True)]),
        ("{{ a.b[c] }}", [("a", False, True), ("c", False, True)]),
        ("{{ a | default(b) }}", [("a", True, True), ("b", False, True)]),
        ("{{ a | d('x') | upper }}", [("a", True, True)]),
        ("{{ a | upper | d('x') }}", [("a", False, True)]),
        ("{{ a or b }}", [("a", True, True), ("b", False, True)]),
        ("{{ a and b }}", [("a", False, True), ("b", False, True)]),
        ("{{ a if a else b }}", [("a", True, True), ("a", True, False), ("b", False, True)]),
        ("{{ b if not a else a }}", [("b", False, True), ("a", True, False), ("a", True, True)]),
        ("{% if a %}{{ a }}{% else %}{{ a }}{% endif %}", [("a", True, False), ("a", True, True), ("a", False, True)]),
        (
            "{% if a is defined and b %}{{ a }}{{ b }}{% endif %}",
            [("a", True, False), ("b", True, False), ("a", True, True), ("b", True, True)],
        ),
        (
            "{% if a is undefined %}x{% elif b %}{{ a }}{% endif %}",
            [("a", True, False), ("b", True, False), ("a", True, True)],
        ),
        ("{% if a or b %}{{ a }}{% endif %}", [("a", True, False), ("b", True, False), ("a", False, True)]),
        ("{% if a == 1 %}{% endif %}", [("a", False, False)]),
        (
            "{% for a in b %}{{ a }}{{ loop.index }}{{ c }}{% endfor %}{{ a }}",
            [("b", False, True), ("c", False, True), ("a", False, True)],
        ),
        ("{% set a = b %}{{ a }}", [("b", False, True)]),
        ("{{ a }}{% set a = 1 %}{{ a }}", [("a", False, True)]),
        (
            "{% macro m(a, b=c) %}{{ a }}{{ d }}{{ caller() }}{% endmacro %}{{ m(1) }}",
            [("c", False, True), ("d", False, True)],
        ),
        ("{% with a = a %}{{ a }}{% endwith %}", [("a", False, True)]),
        ("{{ [a, b] | select | join }}", [("a", True, True), ("b", True, True)]),
        ("{{ {'k': a, b: 1} }}", [("a", False, True), ("b", False, True)]),
        ("{{ true }}{{ none }}{{ 'a' }}", []),
        ("plain", []),
    ],
)
def test_names_that_are_read_from_outside(source: str, expected: list[tuple[str, bool, bool]]) -> None:
    assert names(source) == expected


def test_partials_are_named_with_their_places() -> None:
    source = "{% include 'a' %}{% include \"b\" ignore missing %}{% import 'c' as c %}{% from 'd' import e %}"
    uses = parse(source).includes
    assert [(use.name, use.optional, source[use.start : use.end]) for use in uses] == [
        ("a", False, "'a'"),
        ("b", True, '"b"'),
        ("c", False, "'c'"),
        ("d", False, "'d'"),
    ]
    assert isinstance(uses[0], IncludeUse)


@pytest.mark.parametrize(
    ("source", "sole"),
    [
        *(("{{ a }}", True), ("{{- a -}}", True), ("{{ a ~ '}}' }}", True), (" {{ a }}", False), ("{{ a }}\n", False)),
        *(("{{ a -}}\n", False), ("{{ a }}{{ b }}", False), ("{{ a }}{# b #}", False), ("{# b #}{{ a }}", False)),
        *(("{% print a %}", False), ("a", False), ("", False)),
    ],
)
def test_a_sole_expression_is_nothing_else(source: str, sole: bool) -> None:
    assert parse(source).sole_expression is sole


def test_a_text_without_tags_is_static() -> None:
    assert parse("Hi } {there} }}").is_static
    assert not parse("{# note #}").is_static


def test_reserved_names() -> None:
    assert {"loop", "range", "true", "none", "if", "class", "self"} <= RESERVED_NAMES
    assert "name" not in RESERVED_NAMES


@settings(max_examples=200, deadline=None)
@given(st.text("{}%#-+ \r\n'\"\\()[]|.,:~*/<=>aif_é0", max_size=40) | st.text(max_size=20).map("{{{{ {} }}}}".format))
def test_any_text_is_parsed_without_an_exception(source: str) -> None:
    template = parse(source)
    for problem in template.problems:
        assert 0 <= problem.start <= problem.end <= len(source)
        assert problem.message
    for use in template.names:
        assert source[use.start : use.end] == use.name


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["\r\n", "\n", "\r", " x ", "é😀", "{{- a -}}", "{{ b_2 }}", "{# c #}", "{% if d -%}", "{% endif %}"]
        )
    )
)
def test_names_are_found_at_their_places_among_any_white_space(parts: list[str]) -> None:
    source = "".join(parts)
    for use in parse(source).names:
        assert source[use.start : use.end] == use.name
