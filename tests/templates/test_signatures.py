"""The table of filters, operators, tests and methods says nothing that they do not do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.templates import ABSENT, Environment, RenderError, parse
from msgspec_runner.templates.allowed import FILTER_NAMES, TEST_NAMES
from msgspec_runner.templates.conclusions import Flow
from msgspec_runner.templates.flow import infer
from msgspec_runner.templates.lookups import METHOD_NAMES
from msgspec_runner.templates.scopes import Known
from msgspec_runner.templates.signatures import SIGNATURES, parameters
from msgspec_runner.templates.types import UNDECLARED, Type, union
from tests.templates.kinds import EXAMPLES, PRECISE, TYPES, holds

ENVIRONMENT = Environment(locale="en_US", timezone="America/New_York")
TYPED: list[tuple[Type, list[Any]]] = [(TYPES[name], values) for name, values in EXAMPLES.items()] + PRECISE
OPERANDS = st.one_of(
    st.sampled_from(TYPED),
    st.lists(st.sampled_from(TYPED), min_size=2, max_size=3).map(
        lambda several: (union(*(each[0] for each in several)), [value for each in several for value in each[1]])
    ),
    st.just((UNDECLARED, ["a", "false", [], {}, [1], {"a": "b"}])),
)
ONE = st.sampled_from(
    [
        "'a'",
        "1",
        "-3",
        "2.5",
        "true",
        "none",
        "'USD'",
        "'09:00'",
        "'medium'",
        "'HH:mm'",
        "'YYYY'",
        "'upper'",
        "y",
        "[1]",
        "'en_US'",
        "'ceil'",
        "'common'",
        "''",
        "{'a': 1}",
        "'d MMMM'",
        "'x' * 3",
    ]
)
OPTION = st.sampled_from(
    ["days=1", "hours=2", "months='x'", "attribute='a'", "locale='de_DE'", "boolean=true", "default=5"]
)
ARGUMENTS = st.one_of(
    st.just(""),
    ONE.map("({})".format),
    st.tuples(ONE, ONE).map("({0[0]}, {0[1]})".format),
    st.tuples(ONE, ONE, ONE).map("({0[0]}, {0[1]}, {0[2]})".format),
    OPTION.map("({})".format),
    st.tuples(ONE, OPTION).map("({0[0]}, {0[1]})".format),
)


def flow(source: str, **names: Type) -> Flow:
    template = parse(source)
    assert not template.problems, (source, template.problems)
    assert template.tree is not None
    return infer(template.tree, {name: Known(each, column=name) for name, each in names.items()})


def agrees(expression: str, x: tuple[Type, list[Any]], y: tuple[Type, list[Any]]) -> None:
    source = "{{ " + expression + " }}"
    found = flow(source, x=x[0], y=y[0])
    bound = ENVIRONMENT.bind(parse(source))
    for value in x[1]:
        for other in y[1]:
            failed: RenderError | None = None
            result: Any = None
            try:
                result = bound.native({"x": value, "y": other})
            except RenderError as error:
                failed = error
            if failed is not None:
                blamed = (failed.start, failed.end)
                assert not found.mismatches or failed.kind == "missing" or blamed == found.mismatches[0].whole
                continue
            said = [each.message for each in found.mismatches]
            assert not said, f"{source} of {value!r} and {other!r} gives {result!r}, but: {said}"
            assert holds(found.outputs[-1], result), f"{source} of {value!r} and {other!r} gives {result!r}: {found}"


def test_every_filter_has_a_signature() -> None:
    assert FILTER_NAMES - {"default", "d"} == SIGNATURES.keys()


@pytest.mark.parametrize("name", sorted(FILTER_NAMES))
def test_a_signature_names_arguments_that_there_are(name: str) -> None:
    signature = SIGNATURES.get(name)
    if signature is not None and not parameters(name).options:
        assert {*signature.arguments, *signature.checks} <= set(parameters(name).names)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(FILTER_NAMES)), ARGUMENTS, OPERANDS, st.sampled_from(TYPED))
def test_filters(name: str, arguments: str, x: tuple[Type, list[Any]], y: tuple[Type, list[Any]]) -> None:
    if parse("{{ x | " + name + arguments + " }}").problems:  # map('a')
        return
    agrees(f"x | {name}{arguments}", x, y)


@pytest.mark.parametrize("name", sorted(FILTER_NAMES))
@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_filters_without_arguments(name: str, kind: str) -> None:
    agrees(f"x | {name}", (TYPES[kind], EXAMPLES[kind]), (TYPES["text"], ["a"]))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        ["+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!=", "in", "~", "and", "or", "not in"]
    ),
    OPERANDS,
    OPERANDS,
)
def test_operators(sign: str, x: tuple[Type, list[Any]], y: tuple[Type, list[Any]]) -> None:
    agrees(f"x {sign} y", x, y)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(
        [
            "-x",
            "+x",
            "not x",
            "x[0]",
            "x[-9]",
            "x[1:]",
            "x[y]",
            "x[:y]",
            "x.year",
            "x.hour",
            "x.a",
            "x['year']",
            "[x, y]",
            "[x, y] | first",
            "(x, y)[0]",
            "{'a': x}",
            "{'a': x}.a",
            "{'a': x} | length",
            "x if y else 'n'",
            "x | default(y)",
            "x | default(y, true)",
            "x | default",
            "[x, y] | select | first",
            "[x] + [y]",
            "x < y < x",
            "x in [y]",
            "x in [1, 'a']",
            "x not in ['Ann Lee', 'b']",
            "[x, y] | sort | first",
            "x | d(y, y)",
        ]
    ),
    OPERANDS,
    OPERANDS,
)
def test_other_expressions(expression: str, x: tuple[Type, list[Any]], y: tuple[Type, list[Any]]) -> None:
    agrees(expression, x, y)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(TEST_NAMES)), st.sampled_from(["", " y", " 2", " 'a'", "(1, 2)"]), OPERANDS, OPERANDS)
def test_tests(name: str, argument: str, x: tuple[Type, list[Any]], y: tuple[Type, list[Any]]) -> None:
    for negation in ("", "not "):
        source = f"x is {negation}{name}{argument}"
        if not parse("{{ " + source + " }}").problems:
            agrees(source, x, y)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(METHOD_NAMES)),
    st.sampled_from(["()", "('a')", "('a', 'b')", "(y)", "(1)"]),
    OPERANDS,
    OPERANDS,
)
def test_methods(name: str, arguments: str, x: tuple[Type, list[Any]], y: tuple[Type, list[Any]]) -> None:
    agrees(f"x.{name}{arguments}", x, y)


@pytest.mark.parametrize("name", sorted(TEST_NAMES))
def test_of_an_absent_value_tests_say_what_they_say(name: str) -> None:
    source = "{{ x is " + name + " }}"
    if parse(source).problems:
        return
    found = flow(source, x=union(TYPES["text"], Type((TYPES["text"].kinds[0]._replace(name="absent"),))))
    try:
        result = ENVIRONMENT.bind(parse(source)).native({"x": ABSENT})
    except RenderError:
        return
    assert holds(found.outputs[-1], result)
