"""Which branches were taken: the same ones that Jinja itself writes, for any template and any rows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment as Jinja

from msgspec_runner.templates import ABSENT, Environment, RenderError, parse
from msgspec_runner.templates.coverage import Branch, Coverage, Watch

Row = dict[str, Any]
BRANCHES = 24


def watched(source: str, *rows: Row) -> Watch | None:
    """Return the watch of a template after some rows; a row that fails is noted as the renderer does."""
    coverage = Coverage()
    template = parse(source)
    assert template.problems == ()
    bound = Environment(coverage=coverage).bind(template)
    for row in rows:
        try:
            bound.render(row)
        except RenderError:
            coverage.fail(template)
    return coverage.watch(template.tree) if template.tree is not None else None


def missed(source: str, *rows: Row) -> list[str]:
    """Return what the missed branches are pointed at, with their kinds."""
    watch = watched(source, *rows)
    assert watch is not None
    return [f"{each.branch.kind} {source[slice(*each.branch.place)]}" for each in watch.missed()]


class Writer:
    """Draws a template in which every branch begins with a marker of its own, ``«7»``, which its condition names."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.markers = 0

    def one_of(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def branch(self) -> tuple[str, str]:
        """Return a condition and a marker; the marker's number is a part of the condition that changes nothing."""
        self.markers += 1
        test = self.one_of(
            *("a", "b", "n > 1", "n == 2", "not a", "a and b", "a or n > 2", "1 < n < 3", "xs", "a is true"),
            *("('p' if a else '') == 'p'", "b and ('q' if n else '')"),
        )
        return f"({test}) and {self.markers}", f"«{self.markers}»"

    def inline(self, depth: int) -> str:
        test, marker = self.branch()
        _, other = self.branch()
        more = f" ~ ({self.inline(depth - 1)})" if depth and self.draw(st.booleans()) else ""
        return f"'{marker}' if {test} else '{other}'{more}"

    def body(self, depth: int) -> str:
        return "".join(self.part(depth) for _ in range(self.draw(st.integers(0, 2))))

    def part(self, depth: int) -> str:
        kinds = ["text", "inline", "argument", "lazy"] + (["if", "chain", "for", "macro", "set"] if depth else [])
        if self.markers > BRANCHES:
            return "."
        match self.one_of(*kinds):
            case "inline":
                return f"{{{{ {self.inline(1)} }}}}"
            case "argument":
                return f"{{{{ none | default({self.inline(0)}, true) | upper }}}}"
            case "lazy":
                return f"{{{{ {self.one_of('a', 'b', 'n')} {self.one_of('and', 'or')} ({self.inline(0)}) }}}}"
            case "if":
                test, marker = self.branch()
                return f"{{% if {test} %}}{marker}{self.body(depth - 1)}{{% endif %}}"
            case "chain":
                text = ""
                for word in ("if", "elif", "elif"):
                    test, marker = self.branch()
                    text += f"{{% {word} {test} %}}{marker}{self.body(depth - 1)}"
                return f"{text}{{% else %}}{self.branch()[1]}{self.body(depth - 1)}{{% endif %}}"
            case "for":
                text = f"{{% for x in xs{self.one_of('', ' if x != 2', ' if a')} %}}"
                text += f"{self.branch()[1]}{self.body(depth - 1)}"
                return f"{text}{{% else %}}{self.branch()[1]}{self.body(depth - 1)}{{% endfor %}}"
            case "macro":
                test, marker = self.branch()
                name = f"m{self.markers}"
                call = f"{{{{ {name}({self.one_of('a', 'b')}) }}}}" if self.draw(st.booleans()) else ""
                return f"{{% macro {name}(a) %}}{{% if {test} %}}{marker}{{% endif %}}{{% endmacro %}}{call}"
            case "set":
                return f"{{% set t %}}{self.body(depth - 1)}{{% endset %}}{{{{ t }}}}"
        return self.one_of("t ", "\n", "{{ n }}", "{# c #}")


@st.composite
def templates(draw: st.DrawFn) -> str:
    writer = Writer(draw)
    return "".join(writer.part(3) for _ in range(draw(st.integers(1, 4))))


rows = st.fixed_dictionaries(
    {
        "a": st.booleans(),
        "b": st.booleans(),
        "n": st.integers(0, 3),
        "none": st.none(),
        "xs": st.lists(st.integers(1, 3), max_size=3),
    }
)


def marker_of(branch: Branch, source: str) -> str | None:
    """Return the number of the marker that a branch begins with; None for those without, which are inside of tests."""
    text, behind = source[slice(*branch.place)], source[branch.place[1] :]
    if branch.kind == "if":
        found = re.search(r" and (\d+)$", text)
    elif branch.kind == "else" and text != "else":
        found = re.match(r"'«(\d+)»'", text)
    else:
        found = re.match(r"[^%]*%\}«(\d+)»", behind)
    return found[1] if found else None


@settings(deadline=None, max_examples=300)
@given(templates(), st.lists(rows, min_size=1, max_size=4))
def test_what_is_taken_is_what_jinja_writes(source: str, values: list[Row]) -> None:
    watch = watched(source, *values)
    branches = {marker_of(branch, source): branch for branch in watch.branches} if watch is not None else {}
    branches.pop(None, None)
    jinja = Jinja(trim_blocks=True, lstrip_blocks=True, autoescape=False).from_string(source)
    written = set(re.findall(r"«(\d+)»", "".join(jinja.render(row) for row in values)))
    assert branches.keys() == set(re.findall(r"«(\d+)»", source))
    assert {number for number, branch in branches.items() if watch.has_taken(branch)} == written
    assert not written & {marker_of(each.branch, source) for each in watch.missed()} if watch is not None else True


@settings(deadline=None)
@given(templates(), rows)
def test_pieces_take_the_same_branches(source: str, row: Row) -> None:
    template = parse(source)
    text, pieces = Coverage(), Coverage()
    Environment(coverage=text).bind(template).render(row)
    Environment(coverage=pieces).bind(template).pieces(row)
    assert text.missed(template) == pieces.missed(template)


@settings(deadline=None)
@given(templates(), rows)
def test_who_watches_changes_nothing(source: str, row: Row) -> None:
    template = parse(source)
    assert Environment(coverage=Coverage()).bind(template).render(row) == Environment().bind(template).render(row)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{% if a %}x{% endif %}", ["if a"]),
        ("{% if not a %}x{% else %}y{% endif %}", ["else else"]),
        ("{%- if not a -%}x{%- else -%}y{%- endif -%}", ["else else"]),
        ("{% if not a %}{% if a %}x{% else %}y{% endif %}{%else%}z{% endif %}", ["if a", "else else"]),
        ("{% for x in xs %}x{% endfor %}", ["loop xs"]),
        ("{% for x in [1] %}{% if a %}x{% endif %}{% else %}z{% endfor %}", ["empty else", "if a"]),
        ("{{ 'x' if a else 'y' }}", ["if a"]),
        ("{{ 'x' if not a else ('y' ~ name) }}", ["else 'y' ~ name"]),
        ("{{ 'x' if a else 'y' if not a else 'z' }}", ["if a", "else 'z'"]),
        ("{% if a %}{% set b = 1 %}{% endif %}", ["if a"]),
        ("{% if a %}{% include 'p' %}{% endif %}", ["if a"]),
        ("é😀\r\n{% if a %}\r\nx{% endif %}", ["if a"]),
        ("{% raw %}{% else %}{% endraw %}{% if not a %}x{% else %}y{% endif %}", ["else else"]),
        ("{% call m() %}{% if a %}x{% endif %}{% endcall %}{% macro m() %}{{ caller() }}{% endmacro %}", None),
        ("{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{% if a %}x{% endif %}{% endcall %}", ["if a"]),
        ("{% macro m(x='d' if a else 'e') %}{{ x }}{% endmacro %}{{ m() }}", ["if a"]),
        ("{% filter upper %}{% if a %}x{% endif %}{% endfilter %}", ["if a"]),
        ("{% with y = ('x' if a else 'z') %}{{ y }}{% endwith %}", ["if a"]),
        ("{{ ['x' if a else 'z'] | join }}{{ {'k': 'x' if a else 'z'}['k'] }}", ["if a", "if a"]),
        ("{{ name['x' if a else 0] }}", ["if a"]),
        ("{% if a %}\n {% endif %}{% if a %}{# x #}{% else %}{% endif %}{{ '' if a else 'x' }}{{ 'x' if not a }}", []),
    ],
)
def test_what_is_missed(source: str, found: list[str] | None) -> None:
    row = {"a": False, "xs": [], "name": "Ann"}
    assert missed(source, row) == (found if found is not None else [])


def test_a_branch_says_whether_every_rendering_comes_to_it_and_whether_it_was_asked() -> None:
    source = "{% if a %}1{% elif b %}2{% else %}3{% endif %}{% if c or d %}{% if c %}4{% endif %}{% endif %}"
    watch = watched(source, {"a": True, "b": False, "c": False, "d": True})
    assert watch is not None
    said = {source[slice(*each.branch.place)]: (each.branch.decision.always, each.asked) for each in watch.missed()}
    assert said == {"b": (True, False), "else": (True, False), "c": (False, True)}
    names = [sorted(branch.names) for branch in watch.branches]
    assert names == [["a"], ["a", "b"], ["a", "b"], ["c", "d"], ["c"]]


def test_a_rendering_that_breaks_off_leaves_nothing_to_say() -> None:
    source = "{{ nick }}{% if a %}x{% endif %}"
    assert missed(source, {"a": False, "nick": "Al"}) == ["if a"]
    assert missed(source, {"a": False, "nick": "Al"}, {"a": False, "nick": ABSENT}) == []


def test_what_rows_take_adds_up_over_environments() -> None:
    template = parse("{% if a %}x{% else %}y{% endif %}")
    coverage = Coverage()
    assert coverage.missed(template) == ()
    for a in (True, False):
        Environment(coverage=coverage).bind(template).render({"a": a})
    assert coverage.missed(template) == ()


def test_partials_are_not_watched() -> None:
    template = parse("{% include 'p' %}{% if a %}x{% endif %}")
    coverage = Coverage()
    bound = Environment(partials={"p": "{% if a %}x{% endif %}{{ 'x' if a else 'y' }}"}.get, coverage=coverage)
    assert bound.bind(template).render({"a": True}) == "xxx"
    assert coverage.missed(template) == ()
    assert template.tree is not None
    assert len(coverage.watch(template.tree).branches) == 1
