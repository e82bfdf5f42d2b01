"""Hostile templates: each is refused in little memory, and never with anything but a RenderError."""

from __future__ import annotations

import tracemalloc
from decimal import Decimal
from typing import Any, ClassVar

import jinja2
import pytest

from msgspec_runner.templates import Environment, RenderError, parse
from msgspec_runner.templates.limits import MAX_SOURCE

DOUBLING = "".join(f"{{% set a{n + 1} = [a{n}, a{n}] %}}" for n in range(60))
NAMES: dict[str, Any] = {"name": "Ann", "long": "x" * 60_000, "xs": list(range(5_000)), "a0": ["x"]}
PARTIALS = {"self": "{% include 'self' %}", "twice": "{% include 'once' %}" * 500, "once": "{{ name | upper }}" * 500}
PARTIALS |= {f"p{n}": f"{{% include 'p{n + 1}' %}}" * 10 for n in range(9)} | {"p9": "x" * 1000}

HOSTILE = {
    "power": "{{ 9**9**9 }}",
    "negative power": "{{ 2 ** -999999999 }}",
    "power of powers": "{{ ((10**15)**2)**2 }}",
    "float power": "{{ 2.5 ** 99999999 }}",
    "long number": "{{ " + "9" * 20_000 + " }}",
    "forty digits": "{{ " + "9" * 40 + " }}",
    "text times number": "{{ 'x' * 10**9 }}",
    "number times text": "{{ 10**9 * 'x' }}",
    "list times number": "{{ [1] * 10**9 }}",
    "format width": "{{ '%999999999d' % 1 }}",
    "format filter": "{{ '%999999999d' | format(1) }}",
    "format method": "{{ '{:>999999999}'.format(1) }}",
    "replace": "{{ ('a' * 50000) | replace('a', 'b' * 50000) }}",
    "replace nothing": "{{ ('a' * 50000).replace('', 'b' * 50000) }}",
    "join": "{{ (('a' * 9000) | list) | join('b' * 50000) }}",
    "center": "{{ 'x' | center(10**9) }}",
    "indent": "{{ ('a\n' * 40000) | indent(100000) }}",
    "wordwrap": "{{ ('a' * 100000) | wordwrap(1, wrapstring='b' * 50000) }}",
    "striptags": "{{ ('<!--' * 25000) | striptags }}",
    "batch": "{{ [1] | batch(10**9, 'x') }}",
    "slice": "{{ [1] | slice(10**9, 'x') }}",
    "round": "{{ 1.5 | round(10**9, 'floor') }}",
    "json indent": "{{ [1] | tojson(10**9) }}",
    "doubling": DOUBLING + "{{ a60 }}",
    "doubling compared": DOUBLING + "{{ a60 == a59 }}",
    "doubling json": DOUBLING + "{{ a60 | tojson }}",
    "doubling sorted": DOUBLING + "{{ [a60, a59] | sort | length }}",
    "doubling key": DOUBLING + "{{ {'a': 1}[a60] }}",
    "doubling in": DOUBLING + "{{ a59 in a60 }}",
    "doubling unique": DOUBLING + "{{ [a60, a60] | unique | list }}",
    "doubling sum": DOUBLING + "{{ a60 | sum }}",
    "nested loops": "{% for a in xs %}{% for b in xs %}{% for c in xs %}{{ c }}{% endfor %}{% endfor %}{% endfor %}",
    "empty loops": "{% for a in xs %}{% for b in xs %}{% for c in xs %}{% endfor %}{% endfor %}{% endfor %}",
    "filtered loops": "{% for a in xs %}{% for b in xs if b < 0 %}{% endfor %}{% endfor %}",
    "long in a loop": "{% for a in xs %}{{ long }}{% endfor %}",
    "filters in a loop": "{% for a in xs %}{{ long | title | upper | lower }}{% endfor %}",
    "dead filters in a loop": "{% for a in xs %}{% set b = long | title | upper | trim | urlencode %}{% endfor %}",
    "compare in a loop": "{% for a in xs %}{% for b in xs %}{{ long ~ 1 == long ~ 2 }}{% endfor %}{% endfor %}",
    "many long outputs": "{{ long }}" * 3000,
    "many filters": "{{ long" + " | title" * 90 + " }}",
    "many long texts": "".join(f"{{% set b{n} = long ~ '{n}' %}}" for n in range(1000)),
    "list filters in a loop": "{% for a in xs %}{{ xs | sort | unique | map('string') | join | length }}{% endfor %}",
    "map of a costly filter": "{{ xs | map('string') | map('center', 90000) | list | length }}",
    "endless macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "branching macro": "{% macro m(n) %}{% if n %}{{ m(n-1) ~ m(n-1) }}{% endif %}{% endmacro %}{{ m(19) }}",
    "growing macro": "{% macro m(n, a) %}{{ m(n-1, [a,a,a,a]) if n else a }}{% endmacro %}{{ m(18, [1]) }}",
    "growing text": "{% macro m(n, a) %}{{ m(n-1, a ~ a) if n else a }}{% endmacro %}{{ m(19, long) }}",
    "partial in itself": "{% include 'self' %}",
    "partials": "{% include 'twice' %}" * 500,
    "partials of partials": "{% include 'p0' %}",
    "brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "lists": "{{ " + "[" * 500 + "]" * 500 + " }}",
    "not": "{{ " + "not " * 5000 + "1 }}",
    "signs": "{{ " + "-" * 5000 + "1 }}",
    "conditions": "{{ " + "1 if 0 else " * 2000 + "1 }}",
    "sum of many": "{{ " + "1 + " * 5000 + "1 }}",
    "concatenation of many": "{{ " + "long ~ " * 4000 + "1 }}",
    "filters of many": "{{ 1" + " | abs" * 5000 + " }}",
    "attributes of many": "{{ name" + ".x" * 5000 + " }}",
    "calls of many": "{{ name" + "()" * 5000 + " }}",
    "blocks": "{% if 1 %}" * 2000 + "{% endif %}" * 2000,
    "loops within loops": "{% for a in 'ab' %}" * 28 + "{% endfor %}" * 28,
    "block sets": "{% set a %}" * 1000 + "{% endset %}" * 1000,
    "too long": "{{ name }}" + "x" * MAX_SOURCE,
    "static": "x" * (MAX_SOURCE + 1),
    "attribute of a class": "{{ name.__class__.__mro__ }}",
    "item of a class": "{{ name['__class__'] }}",
    "computed item": "{{ name['__cl' ~ 'ass__'] }}",
    "attribute filter": "{{ name | attr('__class__') }}",
    "mapped attribute": "{{ [name] | map(attribute='__class__') | list }}",
    "sorted attribute": "{{ [name] | sort(attribute='x.__class__') | list }}",
    "grouped attribute": "{{ [name] | groupby('__class__') | list }}",
    "selected attribute": "{{ [name] | selectattr('__class__') | list }}",
    "summed attribute": "{{ [name] | sum(attribute='__class__') }}",
    "joined attribute": "{{ [name] | join(attribute='__class__') }}",
    "greatest by attribute": "{{ [name] | max(attribute='__class__') }}",
    "macro's globals": "{% macro m() %}{% endmacro %}{{ m.__globals__ }}{{ m.run }}",
    "macro as text": "{% macro m() %}{% endmacro %}{{ m }}",
    "method as text": "{{ name.upper }}",
    "loop as text": "{% for a in xs %}{{ loop }}{% endfor %}",
    "loop's method as text": "{% for a in xs %}{{ loop.cycle }}{% endfor %}",
    "caller as text": "{% macro m() %}{{ caller }}{% endmacro %}{% call m() %}{% endcall %}",
    "range": "{% for a in range(10**9) %}{% endfor %}",
    "own function": "{{ lipsum() }}{{ cycler() }}{{ self }}",
    "computed include": "{% include name %}",
    "absolute include": "{% include '/etc/passwd' %}",
    "date far away": "{{ '9999-12-31' | plus(days=1000000) }}",
    "months far away": "{{ '2026-01-01' | plus(months=1000000) }}",
    "long date pattern": "{{ '2026-01-01' | date('y' * 50000) }}",
    "long decimals": "{{ 1 | number(10**9) }}",
    "number with an exponent": "{{ '1e999999999' | number }}",
    "int with an exponent": "{{ '1e300' | int }}",
    "int of a long text": "{{ ('9' * 90000) | int + 'x' }}",
    "star arguments": "{{ name | replace(*xs) }}",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_template_is_refused_in_little_memory(case: str) -> None:
    source = HOSTILE[case]
    tracemalloc.start()
    try:
        template = parse.__wrapped__(source)
        environment = Environment("en_US", "UTC", PARTIALS.get)
        with pytest.raises(RenderError) as caught:
            environment.bind(template).render(NAMES)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0 <= caught.value.start < caught.value.end <= len(source)
    assert peak < 64 * 1024 * 1024


@pytest.mark.parametrize(
    "source",
    [
        "{{ name | upper }}" * 1000,
        "{% for x in xs %}{{ x }},{% endfor %}",
        "{{ 10 ** 30 }}",
        "{{ 'x' * 1000 }}",
        "{{ ((((((((((name)))))))))) }}",
        "{{ " + " ~ ".join(["name"] * 90) + " }}",
        "x{{ ('<!---->' * 1400) | striptags }}",
        "x{% if 0 %}" + "{% elif 0 %}" * 2000 + "{% endif %}",
    ],
)
def test_what_is_large_but_sane_is_rendered(source: str) -> None:
    assert Environment().bind(parse(source)).render(NAMES)


class TestAltogether:
    """What all renderings of one spec may cost together."""

    LOOPS = "{% for a in xs %}{% for b in xs %}{% endfor %}{% endfor %}"

    def test_many_dear_renderings_are_refused_without_work(self) -> None:
        bound = Environment().bind(parse(self.LOOPS))
        messages = []
        for _ in range(100):
            with pytest.raises(RenderError) as caught:
                bound.render(NAMES)
            messages.append(caught.value.message)
        assert messages[0].startswith("this takes more than 100,000 steps")
        assert messages[-1].startswith("the templates of this spec take too many steps altogether")

    def test_each_recipient_brings_steps(self) -> None:
        environment = Environment()
        dear = environment.bind(parse(self.LOOPS))
        cheap = environment.bind(parse("{% for a in 'ab' %}{{ a }}{% endfor %}"))
        for _ in range(20):
            with pytest.raises(RenderError):
                dear.render(NAMES)
        with pytest.raises(RenderError):
            cheap.render(NAMES)
        for _ in range(300):
            environment.next_recipient()
        assert cheap.render(NAMES) == "ab"

    def test_a_usual_template_has_steps_for_ever(self) -> None:
        environment = Environment()
        bound = environment.bind(
            parse("{% for a in 'abcdefghijklmnop' %}{{ a | upper }}{{ ',' if not loop.last }}{% endfor %}")
        )
        for _ in range(20_000):
            environment.next_recipient()
            assert bound.render(NAMES)

    def test_long_texts_are_paid_for(self) -> None:
        bound = Environment().bind(parse("{{ long }}{{ long }}{{ long }}"))
        for _ in range(1000):
            with pytest.raises(RenderError) as caught:
                bound.render({"long": "x" * 60_000})
        assert "altogether" in caught.value.message


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("{% if false %}{{ 9**9**9 }}{% endif %}", (17, 24)),
        ("{% set a = 'a' * 999999999 %}", (11, 26)),
        ("{% macro m() %}{{ -9**99 }}{% endmacro %}", (18, 24)),
        ("{{ name if 1 else (10 * 10**30) }}", (19, 30)),
    ],
)
def test_constants_beyond_all_bounds_are_found_unrendered(source: str, place: tuple[int, int]) -> None:
    (problem,) = parse(source).problems
    assert problem.kind == "unsafe"
    assert (problem.start, problem.end) == place


@pytest.mark.parametrize("source", ["{{ 1 / 0 }}", "{{ 'a' - 1 }}", "{{ 2 ** 10 }}", "{{ -'a' }}", "{{ 'a' * 900 }}"])
def test_other_constants_are_left_to_who_renders_them(source: str) -> None:
    assert not [problem for problem in parse(source).problems if "number of more" in problem.message]


@pytest.mark.parametrize(
    "source",
    [
        "{{ (n ** 900000) | round(0, 'ceil') }}",
        "{{ (n ** 900000) | round(0, 'floor') }}",
        "{% for a in xs %}{% set b = (n ** 900000) | int %}{% endfor %}",
        "{{ n * n ** 30 }}",
    ],
)
def test_a_decimal_is_no_larger_than_a_whole_number(source: str) -> None:
    with pytest.raises(RenderError) as caught:
        Environment().bind(parse(source)).render({"n": Decimal(10), "xs": list(range(1000))})
    assert caught.value.kind == "bound"


def test_no_more_than_some_problems_are_told() -> None:
    assert len(parse("{{ a | zz }}" * 2000).problems) == 20


class TestNothingUsualIsHindered:
    """What Jinja defines is rendered as Jinja renders it."""

    ORDER: ClassVar[dict[str, Any]] = {
        "name": "ann lee",
        "n": 7,
        "items": [{"title": "Tea", "price": 3, "tags": ["hot", "green"]}, {"title": "Cake", "price": 4, "tags": []}],
        "note": "  by the door ",
    }

    @pytest.mark.parametrize(
        "source",
        [
            "{% set greeting = 'Hi ' ~ name | title %}{{ greeting }}!",
            "{% if n > 5 and name %}many{% elif n %}some{% else %}none{% endif %}",
            "{% for item in items %}{{ loop.index }}. {{ item.title }}{{ ', ' if not loop.last }}{% else %}nothing{% endfor %}",
            "{% for item in items if item.price > 3 %}{{ item.title }}{% for tag in item.tags %} {{ tag }}{% endfor %}{% endfor %}",
            "{% for item in items %}{% for tag in item.tags %}{{ tag }}{{ '' if loop.last else '+' }}{% else %}-{% endfor %};{% endfor %}",
            "{{ n + 1 }} {{ n - 1 }} {{ n * 2 }} {{ n // 2 }} {{ n % 4 }} {{ n ** 2 }} {{ n / 2 }} {{ -n }} {{ (n + 1) * 2 }}",
            "{{ items | map(attribute='price') | sum }} {{ items | map(attribute='title') | join(', ') }}",
            "{{ items | sort(attribute='title') | map(attribute='title') | first }} {{ items | length }} {{ items[-1].title }}",
            "{{ items | selectattr('price', 'gt', 3) | map(attribute='title') | list | length }}",
            "{{ name.upper() }} {{ name.split(' ')[0].capitalize() }} {{ note.strip() }} {{ name.replace('n', 'm') }}",
            "{{ name.startswith('ann') }} {{ 'lee' in name }} {{ name[:3] }} {{ name | length }} {{ note | trim | upper }}",
            "{{ name | truncate(5, true, '..') }} {{ name | center(11) }}| {{ name | wordcount }} {{ name | replace('e', 'i', 1) }}",
            "{{ 3.14159 | round(2) }} {{ '42' | int + 1 }} {{ '1.5' | float * 2 }} {{ [3, 1, 2] | sort | join('-') }} {{ [1, 2] | max }}",
            "{% macro line(item, mark='*') %}{{ mark }} {{ item.title }}{% endmacro %}{{ line(items[0]) }}{{ line(items[1], mark='-') }}",
            "{% macro wrap() %}<{{ caller('a') }}>{% endmacro %}{% call(x) wrap() %}{{ x }}{{ n }}{% endcall %}",
            "{% include 'footer' %}|{% include 'none' ignore missing %}|{% from 'macros' import bold %}{{ bold(name) }}",
            "{% with a = n, b = 2 %}{{ a * b }}{% endwith %}{% filter upper %}{{ name }}{% endfilter %}{% set x %}{{ n }}!{% endset %}{{ x }}",
            "{# nothing #}{{ missing_is_not_here | default('x') if false else 'y' }}\n  {% if n %}\nline\n  {% endif %}\nend\n",
        ],
    )  # fmt: skip
    def test_as_in_jinja(self, source: str) -> None:
        partials = {"footer": "Bye {{ name }}", "macros": "{% macro bold(t) %}*{{ t }}*{% endmacro %}"}
        jinja = jinja2.Environment(
            trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, loader=jinja2.DictLoader(partials)
        )
        ours = Environment(partials=partials.get).bind(parse(source)).render(self.ORDER)
        assert ours == jinja.from_string(source).render(self.ORDER)
