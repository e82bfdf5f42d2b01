"""What is read without Jinja means exactly what Jinja's parser and our evaluator make of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.templates import ABSENT, Bound, Environment, RenderError, Template
from msgspec_runner.templates.analysis import analyse
from msgspec_runner.templates.limits import MAX_SOURCE
from msgspec_runner.templates.names_only import MAX_PARTS, read_names

VALUES: dict[str, Any] = {
    "a": "Ann",
    "name": "Åsa\n",
    "n": 3,
    "price": Decimal("3.50"),
    "day": date(2026, 1, 2),
    "words": ["x", {"y": None}],
    "nothing": None,
    "nick": ABSENT,
    "list_with_gap": [ABSENT],
    "strange": object(),
    "long": "x" * 60_000,
}
PARTS = st.sampled_from(
    ["Hi ", " ", "\n", "\n  ", "\t", "é😀", "}", "}}", "#", "%}", "{", "{%", "{#", "\r\n", "-", "", "a b"]
    + [f"{{{{{space}{name}{space}}}}}" for name in (*VALUES, "unknown") for space in ("", " ", "  ")]
    + [
        "{{-a }}",
        "{{ a -}}",
        "{{ a|upper }}",
        "{{ a.b }}",
        "{{ not }}",
        "{{ true }}",
        "{{ range }}",
        "{{ é }}",
        "{{ 1 }}",
    ]
)


def attempt(bound: Bound, what: str) -> object:
    try:
        return getattr(bound, what)(VALUES)
    except RenderError as error:
        return (error.message, error.start, error.end, error.kind, error.name)
    except ValueError as error:
        return str(error)


def bind(template: Template) -> Bound:
    return Environment().bind(template)


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=5).map("".join))
def test_what_is_read_without_jinja_means_the_same_with_it(source: str) -> None:
    template = read_names(source)
    if template is None:
        return
    if "{{" in source:
        reference = analyse(source)
        assert template == reference._replace(parts=template.parts, tree=None)
        for what in ("render", "native", "pieces"):
            assert attempt(bind(template), what) == attempt(bind(reference), what)


@pytest.mark.parametrize("source", ["Hi {{ a }}!", "{{a}}", "{{ a }}{{  name  }}", "x } {{ a }}", "{{ a }}}"])
def test_text_with_names_is_read_without_jinja(source: str) -> None:
    template = read_names(source)
    assert template is not None
    assert template == analyse(source)._replace(parts=template.parts, tree=None)


@pytest.mark.parametrize(
    "source",
    [
        "{{ a | upper }}",
        "{{- a }}",
        "{{{ a }}}",
        "{ {{ a }}",
        "{% if a %}{% endif %}",
        "{# note #}{{ a }}",
        "{{ a }}\r\n",
        "{{ a",
        "{{ none }}",
        "{{ loop }}",
        "{{ é }}",
        "{{ a.b }}",
        "{{ a }}" * (MAX_PARTS + 1),
        "{{ a }}" + "x" * MAX_SOURCE,
    ],
)
def test_everything_else_is_left_to_jinja(source: str) -> None:
    assert read_names(source) is None
