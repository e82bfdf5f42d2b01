"""Rendering: texts, values, pieces, partials, and errors at their places."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from msgspec_runner.templates import ABSENT, Environment, Piece, RenderError, parse

VALUES: dict[str, Any] = {
    "name": "Ann",
    "n": 3,
    "price": Decimal("3.50"),
    "day": date(2026, 1, 2),
    "moment": datetime(2026, 1, 2, 15, 4, tzinfo=UTC),
    "words": ["a", "b"],
    "order": {"id": 7, "items": ["x"], "none": None},
    "nick": ABSENT,
}
PARTIALS = {
    "sign": "-- {{ name }}\n",
    "macros": "{% macro greet(who) %}Hi {{ who }}{{ secret | default('!') }}{% endmacro %}{% set year = 2026 %}",
    "broken": "{{ name",
    "failing": "{{ nick }}",
    "plain": "as it is",
    "long": "x" * 99
    + "\n{% macro bad() %}{{ nick }}{% endmacro %}{% macro late(who=nick.upper()) %}{{ who }}{% endmacro %}"
    + "{% macro box() %}[{{ caller() }}]{% endmacro %}{% macro deep() %}{{ bad() }}{% endmacro %}",
}


def render(source: str, **values: Any) -> str:
    template = parse(source)
    assert template.problems == ()
    return Environment("en_US", "America/New_York", PARTIALS.get).bind(template).render({**VALUES, **values})


def fail(source: str) -> tuple[str, str, str | None]:
    template = parse(source)
    with pytest.raises(RenderError) as caught:
        Environment("en_US", "America/New_York", PARTIALS.get).bind(template).render(VALUES)
    error = caught.value
    return error.kind, source[error.start : error.end], error.name


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", ""),
        ("plain\r\n", "plain\n"),
        ("Hi {{ name }}!\n", "Hi Ann!\n"),
        ("{{ n }} {{ price }} {{ true }} {{ 1.5 }}", "3 3.50 True 1.5"),
        ("{{ day }} {{ moment }}", "2026-01-02 2026-01-02T15:04:00+00:00"),
        ("{{ words }} {{ {'é': price} }}", '["a", "b"] {"é": 3.5}'),
        ("{{ price * 2 }} {{ price * 1.5 }} {{ 1.5 + price }}", "7.00 5.250 5.00"),
        ("{{ order.items | join }} {{ order.get('id') }} {{ order.items() | length }}", "x 7 3"),
        ("{{ day.year }}-{{ moment.hour }}", "2026-15"),
        ("{{ nick | default('friend') }}{% if nick %}!{% endif %}", "friend"),
        ("{{ [name, nick] | select | join(' ') }}", "Ann"),
        ("{{ 'x' if nick }}", ""),
        ("{{ order.none | default('-', true) }}", "-"),
        ("{{ {'a': '<&>'} | tojson }}", '{"a": "<&>"}'),
        ("{% set n = n + 1 %}{{ n }}{% for n in words %}{{ n }}{% set n = 9 %}{% endfor %}{{ n }}", "4ab4"),
        ("{{ name }}{% if n %}{% set name = 'B' %}{% endif %}{{ name }}", "AnnB"),
        ("{% for w in words %}{{ loop.cycle('-', '+') }}{{ w }}{{ loop.changed(n) }}{% endfor %}", "-aTrue+bFalse"),
        ("{% for a in words %}{% for b in words %}{{ loop.depth }}{% endfor %}{% endfor %}", "2222"),
        ("{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, a=2) }}", '[1]{"a": 2}'),
        ("{% set x | upper | replace('A', 'B') %}a{% endset %}{{ x }}", "B"),
        ("{% include 'sign' %}|{% include 'plain' %}", "-- Ann\n|as it is"),
        ("{% include 'none' ignore missing %}.", "."),
        ("{% import 'macros' as m %}{{ m.greet(name) }} {{ m.year }}", "Hi Ann! 2026"),
        ("{% set secret = '?' %}{% from 'macros' import greet as g with context %}{{ g('B') }}", "Hi B?"),
        ("{% raw %}{{ name }}{% endraw %}", "{{ name }}"),
    ],
)
def test_text(source: str, text: str) -> None:
    assert render(source) == text


@pytest.mark.parametrize(
    ("source", "kind", "place", "name"),
    [
        ("Hi {{ nick }}", "missing", "nick", "nick"),
        ("Hi {{ nobody | upper }}", "missing", "nobody", "nobody"),
        ("{{ name ~ nick }}", "missing", "nick", "nick"),
        ("{{ 1 + nick }}", "missing", "nick", "nick"),
        ("{{ nick == 'x' }}", "missing", "nick", "nick"),
        ("{{ nick.first }}", "missing", "nick", "nick"),
        ("{{ order.phone }}", "missing", "order.phone", "order.phone"),
        ("{{ order['phone'].x }}", "missing", "order['phone']", "order['phone']"),
        ("{{ order.none }}", "missing", "order.none", None),
        ("{{ name | replace('n', nick) }}", "missing", "nick", "nick"),
        ("{% for x in nick %}{% endfor %}", "missing", "nick", "nick"),
        ("{{ nick | default(nick) }}", "missing", "nick", "nick"),
        ("{{ [nick] }}", "missing", "[nick]", None),
        ("{{ name.startswith(nick) }}", "missing", "nick", "nick"),
        ("a {{ name + 1 }} b", "type", "name + 1", None),
        ("a {{ (n * 2) - name }} b", "type", "n * 2) - name", None),
        ("{{ day + 1 }}", "type", "day + 1", None),
        ("{{ name | round }}", "type", "name | round", None),
        ("{{ n | first }}", "type", "n | first", None),
        ("{{ name | truncate(lenght=3) }}", "type", "name | truncate(lenght=3)", None),
        ("{{ words.upper() }}", "type", "words.upper()", None),
        ("{% for a, b in words %}{% endfor %}", "value", "a, b", None),
        ("{% for x in n %}{% endfor %}", "type", "n", None),
        ("{{ 1 / (n - 3) }}", "value", "1 / (n - 3", None),
        ("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "type", "m(1, 2)", None),
        ("{{ words | map('nope') }}", "value", "nope", None),
        ("{% include 'none' %}", "include", "'none'", None),
        ("{% include 'broken' %}", "syntax", "'broken'", None),
        ("é {% include 'failing' %}", "missing", "'failing'", "nick"),
        ("{% import 'long' as m with context %}é {{ m.bad() }}", "missing", "m.bad()", "nick"),
        ("{% from 'long' import deep with context %}{{ deep() }}", "missing", "deep()", "nick"),
        ("{% from 'long' import late with context %}{{ late() }}", "missing", "late()", "nick"),
        ("{% from 'long' import box %}{% call box() %}é {{ nick }}{% endcall %}", "missing", "nick", "nick"),
        ("{% macro own() %}é {{ nick }}{% endmacro %}{{ own() }}", "missing", "nick", "nick"),
    ],
)
def test_an_error_points_at_the_offending_characters(source: str, kind: str, place: str, name: str | None) -> None:
    assert fail(source) == (kind, place, name)


@pytest.mark.parametrize("written", ["two", "1,50", "1.234,50", "", "12 EUR"])
@pytest.mark.parametrize("name", ["int", "float"])
def test_what_is_no_number_never_becomes_zero_unasked(name: str, written: str) -> None:
    with pytest.raises(RenderError, match=rf"not a number; .* as in {name}\(0\)"):
        render(f"{{{{ x | {name} }}}}", x=written)
    assert render(f"{{{{ x | {name}(7) }}}}", x=written) == "7"
    assert render(f"{{{{ x | {name}(default=7) }}}}", x=written) == "7"


def test_numbers_are_read_as_jinja_reads_them() -> None:
    assert render("{{ ' 42 ' | int }} {{ '5.7' | int }} {{ 'ff' | int(base=16) }} {{ true | int }}") == "42 5 255 1"
    assert render("{{ '1.5' | float }} {{ '1e3' | float }} {{ price | float }}") == "1.5 1000.0 3.5"


def test_an_error_never_quotes_a_value() -> None:
    for source in (
        "{{ name | number }}",
        "{{ name | date }}",
        "{{ name + 1 }}",
        "{{ words[name] }}",
        "{{ name.index }}",
    ):
        with pytest.raises(RenderError) as caught:
            render(source)
        assert "Ann" not in str(caught.value)


def test_a_template_with_a_problem_cannot_be_rendered() -> None:
    bound = Environment().bind(parse("Hi {{ name"))
    for use in (bound.render, bound.native, bound.pieces):
        with pytest.raises(RenderError, match="never closed"):
            use({})


def test_pieces_know_where_they_come_from() -> None:
    source = "{% for w in words %}\n- {{ w | upper }};\n{% endfor %}"
    pieces = Environment().bind(parse(source)).pieces(VALUES)
    assert pieces == (
        Piece("- ", 21, 23, literal=True),
        Piece("A", 26, 35, literal=False),
        Piece(";\n", 38, 40, literal=True),
        Piece("- ", 21, 23, literal=True),
        Piece("B", 26, 35, literal=False),
        Piece(";\n", 38, 40, literal=True),
    )
    assert all(source[piece.start : piece.end] == piece.text for piece in pieces if piece.literal)
    assert Environment().bind(parse("a\nb")).pieces({}) == (Piece("a\nb", 0, 3, literal=True),)


def test_a_sole_expression_has_a_value() -> None:
    environment = Environment()
    assert environment.bind(parse("{{ order }}")).native(VALUES) == VALUES["order"]
    assert environment.bind(parse("{{ n + 1 }}")).native(VALUES) == 4
    with pytest.raises(RenderError, match="nick"):
        environment.bind(parse("{{ nick }}")).native(VALUES)
    with pytest.raises(ValueError, match="expression"):
        environment.bind(parse("n: {{ n }}")).native(VALUES)


def test_the_same_source_is_compiled_once() -> None:
    environment = Environment()
    assert environment.bind(parse("{{ n }}")) is environment.bind(parse("{{ n }}"))


def test_a_failed_rendering_leaves_nothing_behind() -> None:
    bound = Environment().bind(parse("{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) if loops else name }}"))
    for _ in range(3):
        with pytest.raises(RenderError):
            bound.render({"loops": True, "name": "Ann"})
        assert bound.render({"loops": False, "name": "Ann"}) == "Ann"
