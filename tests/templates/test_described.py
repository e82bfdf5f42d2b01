"""What an editor says of filters is what they do."""

from __future__ import annotations

import pytest

from msgspec_runner.templates import Environment, parse
from msgspec_runner.templates.allowed import FILTER_NAMES, TEST_NAMES
from msgspec_runner.templates.described import FILTERS, STATEMENTS, TESTS

SIGNS = frozenset(
    ["!=", "<", "<=", "==", ">", ">=", "eq", "equalto", "ge", "greaterthan", "gt", "le", "lessthan", "lt", "ne"]
)


def test_every_filter_and_test_is_described() -> None:
    assert set(FILTERS) == FILTER_NAMES
    assert set(TESTS) == TEST_NAMES - SIGNS


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_an_example_writes_what_it_is_said_to(name: str) -> None:
    described = FILTERS[name]
    assert f"| {name}" in described.example
    template = parse("{{ " + described.example + " }}")
    assert template.problems == ()
    assert Environment(locale="en_US", timezone="America/New_York").bind(template).render({}) == described.result


@pytest.mark.parametrize("name", sorted(TESTS))
def test_a_described_test_can_be_asked(name: str) -> None:
    argument = {"divisibleby": "(2)", "in": " [2]"}.get(name, "")
    template = parse("{{ 2 is " + name + argument + " }}")
    assert template.problems == ()
    assert Environment(locale=None, timezone=None).bind(template).render({}) in {"True", "False", "true", "false"}


@pytest.mark.parametrize("word", sorted(STATEMENTS))
def test_a_described_statement_is_a_statement(word: str) -> None:
    problems = [problem.message for problem in parse("{% " + word + " %}").problems]
    assert not any("no tag" in message for message in problems)
