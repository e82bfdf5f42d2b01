"""Types through statements: what inference says of random templates is true of every row that they are rendered for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.templates import ABSENT, Environment, RenderError, parse
from msgspec_runner.templates.conclusions import Flow
from msgspec_runner.templates.flow import infer
from msgspec_runner.templates.scopes import Known
from msgspec_runner.templates.types import ABSENT_TYPE, FILLED_TEXT, Type, list_of, one_of, type_of, union
from tests.templates.kinds import EXAMPLES, TYPES, holds
from tests.templates.test_equality import BODY, LISTS, MIXED, NUMBERS, TEXTS, TRUTHS
from tests.templates.test_hostile import HOSTILE

WORDS = list_of(FILLED_TEXT, filled=True)
COLUMNS: dict[str, tuple[Type, list[Any]]] = {
    "name": (FILLED_TEXT, ["Ann Lee", "12", "2031-01-02"]),
    "city": (union(FILLED_TEXT, ABSENT_TYPE), ["deer park", ABSENT]),
    "empty": (type_of(""), [""]),
    "n": (TYPES["integer"], [3, 0, -1]),
    "big": (TYPES["integer"], [12345]),
    "half": (TYPES["number"], EXAMPLES["number"]),
    "yes": (TYPES["boolean"], [True, False]),
    "no": (TYPES["boolean"], [False]),
    "words": (WORDS, [["pear", "Apple", "fig", "pear"]]),
    "numbers": (list_of(TYPES["integer"]), [[3, 1, 2], []]),
    "none_here": (list_of(type_of(1)), [[]]),
    "order": (TYPES["mapping"], [{"id": 7, "total": 12.5, "items_": ["a", "b"]}]),
    "rows": (TYPES["list"], [[{"k": "x", "v": 2}, {"k": "y", "v": 1}]]),
    "nick": (union(FILLED_TEXT, ABSENT_TYPE), ["Annie", ABSENT]),
    "plan": (one_of(["gold", "silver"]), ["gold", "silver"]),
    "born": (TYPES["date"], EXAMPLES["date"]),
    "starts": (TYPES["datetime"], EXAMPLES["datetime"]),
}
"""The names of test_equality's templates and some more, with their types and some of their values."""
ROW = st.fixed_dictionaries({name: st.sampled_from(values) for name, (_, values) in COLUMNS.items()})
ENVIRONMENT = Environment(locale="en_US", timezone="America/New_York")


def flow(source: str, others: Type | None = None) -> Flow:
    template = parse(source)
    assert not template.problems, (source, template.problems)
    assert template.tree is not None
    names = {name: Known(given, column=name) for name, (given, _) in COLUMNS.items()}
    return infer(template.tree, names, *([others] if others is not None else []))


def said(source: str) -> list[str]:
    """Return the offending characters of each mismatch and constant condition."""
    found = flow(source)
    return [source[each.start : each.end] for each in (*found.mismatches, *found.constants)]


JOINED = st.tuples(st.sampled_from([" == ", " != ", " < ", " and ", " or ", " in ", " + ", " ~ ", " is "]))
NARROWING = st.recursive(
    st.sampled_from(
        [
            "nick",
            "city",
            "yes",
            "nick is defined",
            "nick is string",
            "n is number",
            "plan == 'gold'",
            "'silver' != plan",
            "n == 3",
            "yes is true",
            "name is none",
            "city is undefined",
            "half is float",
            "empty",
            "plan is sequence",
        ]
    ),
    lambda inner: st.one_of(
        inner.map("(not {})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map("({0[0]} {0[1]} {0[2]})".format),
    ),
    max_leaves=4,
)
NAME = st.sampled_from([*COLUMNS, "made"])
VALUE = st.one_of(
    NAME,
    st.tuples(
        NAME,
        st.sampled_from(
            ["| upper", "| date", "| currency('USD')", "| round", "| default('x')", "| first", "+ 1", "~ 'x'"]
        ),
    ).map(" ".join),
    NARROWING,
    st.tuples(NAME, NARROWING, NAME).map("({0[0]} if {0[1]} else {0[2]})".format),
    st.sampled_from(["'gold'", "5", "none", "true", "[n, name]", "(nick or 5)", "(nick and n)", "loop.index"]),
)
FLOWING = st.recursive(
    st.one_of(VALUE.map("{{{{ {} }}}}".format), st.tuples(NAME, VALUE).map("{{% set {0[0]} = {0[1]} %}}".format)),
    lambda body: st.one_of(
        st.tuples(NARROWING, body, NARROWING, body, body).map(
            "{{% if {0[0]} %}}{0[1]}{{% elif {0[2]} %}}{0[3]}{{% else %}}{0[4]}{{% endif %}}".format
        ),
        st.tuples(NARROWING, body).map("{{% if {0[0]} %}}{0[1]}{{% endif %}}".format),
        st.tuples(NAME, NAME, NARROWING, body).map("{{% for {0[0]} in {0[1]} if {0[2]} %}}{0[3]}{{% endfor %}}".format),
        st.tuples(NAME, VALUE, body).map("{{% with {0[0]} = {0[1]} %}}{0[2]}{{% endwith %}}".format),
        st.tuples(NAME, body, body).map("{{% macro m({0[0]}) %}}{0[1]}{{% endmacro %}}{0[2]}{{{{ m(1) }}}}".format),
        st.tuples(NAME, body).map("{{% set {0[0]} %}}{0[1]}{{% endset %}}".format),
        st.lists(body, min_size=2, max_size=4).map("".join),
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.one_of(NUMBERS, TEXTS, LISTS, TRUTHS, MIXED, VALUE), ROW)
def test_a_value_is_of_its_type(expression: str, row: dict[str, Any]) -> None:
    source = "{{ " + expression + " }}"
    template = parse(source)
    if template.tree is None or template.problems:
        return
    found = flow(source)
    try:
        value = ENVIRONMENT.bind(template).native(row)
    except RenderError:
        return
    assert holds(found.outputs[-1], value), (source, value, found)


ASKED = ["string", "integer", "boolean", "number", "mapping", "sequence", "none"]
WITNESS = (
    "\0{{ caught is undefined }}" + "".join(f"|{{{{ caught is {test} }}}}" for test in ASKED) + "|{{ not caught }}"
)


def kinds_of(witness: str) -> tuple[set[str], bool]:
    """Return the names of the kinds that a value may be of, and its truth, from what the tests say of it."""
    absent, text, integer, boolean, number, mapping, listed, none, false = (
        word == "True" for word in witness.split("|")
    )
    kind = (
        {"absent"} if absent else {"none"} if none else {"text"} if text else {"integer"} if integer
        else {"boolean"} if boolean else {"number"} if number else {"mapping"} if mapping
        else {"list"} if listed else {"date", "datetime", "unknown"}
    )  # fmt: skip
    return kind, not false


@settings(max_examples=100, deadline=None)
@given(st.one_of(BODY, FLOWING), VALUE, ROW)
def test_a_value_is_of_its_type_after_statements(before: str, expression: str, row: dict[str, Any]) -> None:
    source = before + "{{ " + expression + " }}"
    template = parse(source)
    if template.tree is None or template.problems:
        return
    found = flow(source)
    try:
        text = ENVIRONMENT.bind(parse(before + "{% set caught = " + expression + " %}" + WITNESS)).render(row)
    except RenderError:
        return
    kinds, truth = kinds_of(text.rpartition("\0")[2])
    given_type = found.outputs[-1]
    possible = [kind for kind in given_type.kinds if kind.name in kinds or kind.name == "unknown"]
    assert possible, (source, kinds, given_type)
    assert any(kind.truth in (None, truth) for kind in possible), (source, truth, given_type)


@settings(max_examples=100, deadline=None)
@given(st.one_of(NARROWING, VALUE), ROW)
def test_a_constant_condition_is_constant(condition: str, row: dict[str, Any]) -> None:
    source = "{% if " + condition + " %}{% endif %}"
    for constant in flow(source).constants:
        part = source[constant.start : constant.end]
        try:
            value = ENVIRONMENT.bind(parse("{{ " + part + " }}")).native(row)
        except RenderError:
            continue  # it never comes out otherwise
        assert bool(value) is constant.truth, (source, part, value)


@settings(max_examples=100, deadline=None)
@given(VALUE, ROW)
def test_a_mismatch_fails(expression: str, row: dict[str, Any]) -> None:
    source = "{{ " + expression + " }}"
    template = parse(source)
    if template.tree is None or template.problems:
        return
    for mismatch in flow(source).mismatches:
        part = source[slice(*mismatch.whole)]
        with pytest.raises(RenderError):
            ENVIRONMENT.bind(parse("{{ " + part + " }}")).native(row)


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("{% set n = 5 %}{{ n | date }}", ["date"]),
        ("{% set n = 5 %}{% set n = born %}{{ n | date('d MMMM') }}", []),
        ("{% if yes %}{% set v = 5 %}{% else %}{% set v = born %}{% endif %}{{ v | iso }}{{ v | abs }}", []),
        ("{% if yes %}{% set v = 5 %}{% else %}{% set v = true %}{% endif %}{{ v | iso }}", ["iso"]),
        ("{% if yes %}{% set n = born %}{% endif %}{{ n | iso }}", []),
        ("{% for n in words %}{{ n | round }}{% endfor %}{{ n | round }}", ["round"]),
        ("{% for n in words %}{% set big = born %}{% endfor %}{{ big | iso }}", ["iso"]),
        ("{% with n = born, v = n %}{{ n | iso }}{{ v | iso }}{% endwith %}", ["iso"]),
        ("{% set v %}{{ n }}{% endset %}{{ v | abs }}", ["abs"]),
        ("{% set v | length %}{{ n }}{% endset %}{{ v | abs }}{{ v | iso }}", ["iso"]),
        ("{% filter round %}{{ n }}{% endfilter %}", ["round"]),
        ("{% macro m(n) %}{{ n | iso }}{{ big | iso }}{% endmacro %}", ["iso"]),
        ("{% macro m() %}{{ big | iso }}{% endmacro %}{% set big = born %}{{ m() }}", []),
        ("{% if nick %}{% macro m() %}{% if nick %}x{% endif %}{% endmacro %}{% endif %}", []),
        ("{% if n is string %}{{ n.upper() }}{% else %}{{ n.upper() }}{% endif %}", ["upper", "n is string"]),
        ("{% set k, v = [n, big] %}{{ k | iso }}", ["iso"]),
        ("{% for k, v in order.items() %}{{ k | iso }}{{ v | round }}{% endfor %}", []),
        ("{% import 'p' as p %}{% from 'p' import q %}{{ p.x | round }}{{ q | date }}{{ p.f() | abs }}", []),
        ("{% set on = true %}{% if on %}x{% endif %}", []),
        ("{% set v = name %}{% if v == 5 %}x{% endif %}", ["v == 5"]),
        ("{% if plan == 'gold' %}{% if plan == 'silver' %}x{% endif %}{% endif %}", []),
        ("{{ loop.index | iso }}{% for c in name %}{{ loop.index | iso }}{{ loop.first | abs }}{% endfor %}", ["iso"]),
        ("{% if name and n %}x{% endif %}{{ name and n }}{{ n or 'none' }}", ["name", "name"]),
        ("{{ n | default(5) | iso }}{{ nick | default(5) | iso }}{{ nick | default(5) | abs }}", ["iso"]),
        ("{{ [n, big] | sort | first | iso }}{{ words | join(', ') | iso }}", ["iso"]),
        ("{% call(x) unknown.f() %}{{ n | iso }}{% endcall %}", ["iso"]),
    ],
)  # fmt: skip
def test_types_go_with_values(source: str, places: list[str]) -> None:
    if "unknown.f" in source:
        source = "{% import 'p' as unknown %}" + source
    assert said(source) == places


@pytest.mark.parametrize(
    "source",
    [
        "{{ x | date }}{{ x + 1 }}{{ x.upper() }}{{ x[1:] | round }}{{ x | first | iso }}{{ -x }}",
        "{% if x == 5 %}{% endif %}{% if x %}{% endif %}{% if x is none %}{% endif %}{% if x in [1] %}{% endif %}",
        "{{ (x or 5) | date }}{{ (x | default(5)) | date }}{% for y in x %}{{ y | date }}{% endfor %}",
    ],
)
def test_of_names_that_nobody_knows_nothing_is_said(source: str) -> None:
    assert said(source) == []


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_templates_are_inferred_without_a_word(name: str) -> None:
    template = parse(HOSTILE[name])
    if template.tree is not None and not template.problems:
        infer(template.tree, {}, type_of(5))


def test_a_condition_of_many_parts_is_looked_at_once() -> None:
    chain = " and ".join(f"a{number} is string" for number in range(90))
    template = parse(("{% if " + chain + " %}x{% endif %}") * 20)
    assert template.tree is not None
    assert (
        infer(template.tree, {f"a{number}": Known(TYPES["boolean"]) for number in range(90)}).constants[0].truth
        is False
    )
