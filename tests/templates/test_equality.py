"""Our evaluator means what Jinja's sandbox means: the same text, or both refuse."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from msgspec_runner.templates import ABSENT, Environment, RenderError, parse

VALUES: dict[str, Any] = {
    "name": "Ann Lee",
    "city": "deer park",
    "empty": "",
    "n": 3,
    "big": 12345,
    "half": 2.5,
    "yes": True,
    "no": False,
    "words": ["pear", "Apple", "fig", "pear"],
    "numbers": [3, 1, 2],
    "none_here": [],
    "order": {"id": 7, "total": 12.5, "items_": ["a", "b"]},
    "rows": [{"k": "x", "v": 2}, {"k": "y", "v": 1}, {"k": "x", "v": 3}],
}


class CalmUndefined(StrictUndefined):
    """An absent value is false in a condition (documented in values.Absent); otherwise strict."""

    def __bool__(self) -> bool:
        return False


def _listing(function: Any) -> Any:
    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        result = function(*args, **options)
        return list(result) if isinstance(result, Iterator) else result

    return call


KINDS = ("missing", "type", "value")


def _reference() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False, undefined=CalmUndefined
    )
    environment.globals.clear()
    # Ours give lists where Jinja gives generators, which have no length and print as their address.
    for name in ("map", "select", "reject", "selectattr", "rejectattr", "unique", "batch", "slice", "reverse"):
        environment.filters[name] = _listing(environment.filters[name])
    return environment


REFERENCE = _reference()


def theirs(source: str) -> str | None:
    try:
        return REFERENCE.from_string(source).render(VALUES)
    except Exception:  # noqa: BLE001 - Jinja lets through whatever Python raises
        return None


def ours(source: str) -> str | None:
    template = parse(source)
    if template.problems:
        return None
    try:
        bound = Environment().bind(template)
        text = bound.render({**VALUES, "nick": ABSENT})
    except RenderError as error:
        assume(error.kind != "bound")  # Jinja has no bounds to compare with
        return None if source[error.start : error.end] and error.kind in KINDS else f"nowhere: {error}"
    assert text == "".join(piece.text for piece in bound.pieces({**VALUES, "nick": ABSENT}))
    return text


def joined(*parts: Any) -> st.SearchStrategy[str]:
    return st.tuples(*[st.just(part) if isinstance(part, str) else part for part in parts]).map("".join)


def expressions() -> tuple[st.SearchStrategy[str], ...]:
    number: Any = st.deferred(lambda: numbers)
    text: Any = st.deferred(lambda: texts)
    listing: Any = st.deferred(lambda: lists)
    truth: Any = st.deferred(lambda: truths)
    numbers = st.one_of(
        st.sampled_from(
            ["n", "big", "half", "0", "7", "-2", "1_000", "0x1f", "1.5e1", "order.id", "order['total']", "n.x"]
        ),
        joined("(", number, st.sampled_from([" + ", " - ", " * ", " / ", " // ", " % "]), number, ")"),
        joined("(", number, " ** ", st.sampled_from(["2", "3", "0", "-1"]), ")"),
        joined("-", st.sampled_from(["n", "half", "4"])),
        joined(number, st.sampled_from([" | abs", " | int", " | round(1)", " | float", " | round"])),
        joined(text, st.sampled_from([" | length", " | wordcount", " | int(5)"])),
        joined(listing, st.sampled_from([" | length", " | sum", " | first", " | max", " | min"])),
        joined("(", number, " if ", truth, " else ", number, ")"),
        joined("(", text, st.sampled_from([").find('e')", ").count('e')"])),
    )
    texts = st.one_of(
        st.sampled_from(["name", "city", "empty", "'a b'", '"it\'s"', "'x' 'y'", "'<b>é\\n</b>'", "words[0]", "nick"]),
        joined("(", text, " ~ ", st.one_of(text, number, truth), ")"),
        joined("(", text, " + ", text, ")"),
        joined(
            text,
            st.sampled_from(
                [
                    " | upper",
                    " | lower",
                    " | title",
                    " | trim",
                    " | capitalize",
                    " | replace('e', 'EE')",
                    " | truncate(5)",
                    " | center(12)",
                    " | indent(2)",
                    " | default('dd', true)",
                    " | d('q')",
                    " | reverse",
                    " | striptags",
                    " | wordwrap(4)",
                    "[1:3]",
                    "[0]",
                    "[-9]",
                    " | string",
                    " | urlencode",
                    " | replace('', '-')",
                    " | list | join('.')",
                ]
            ),
        ),
        joined("(", text, st.sampled_from([").upper()", ").strip()", ").replace('a', 'b', 1)", ").split() | first"])),
        joined(listing, st.sampled_from([" | join(', ')", " | join"])),
        joined("(", text, st.sampled_from([" or ", " and "]), text, ")"),
        joined("(", text, " if ", truth, " else 'z')"),
        joined("rows | map(attribute='k') | join('/')"),
        joined("(rows | groupby('k') | first).grouper"),
    )
    lists = st.one_of(
        st.sampled_from(["words", "numbers", "none_here", "[1, 2, 3]", "('a', 'b')", "order.items_", "name.split()"]),
        joined("[", text, ", ", number, "]"),
        joined("(", listing, " + ", listing, ")"),
        joined(
            listing,
            st.sampled_from(
                [
                    " | sort",
                    " | sort(reverse=true)",
                    " | unique",
                    " | reverse",
                    "[1:]",
                    "[::-1]",
                    " | list",
                    " | select('odd')",
                    " | reject('equalto', 'pear')",
                    " | map('upper')",
                    " | select",
                    " | map('string')",
                    " | select('defined')",
                    " | batch(2) | first",
                    " | slice(2) | last",
                ]
            ),
        ),
    )
    truths = st.one_of(
        st.sampled_from(["yes", "no", "true", "nick", "empty", "none_here", "nick is defined", "name is defined"]),
        joined("(", number, st.sampled_from([" < ", " == ", " != ", " >= "]), number, ")"),
        joined("(", number, " < ", number, " <= ", number, ")"),
        joined("(", text, st.sampled_from([" == ", " < "]), text, ")"),
        joined("(", text, st.sampled_from([" in ", " not in "]), st.sampled_from(["words", "name", "order"]), ")"),
        joined("(not ", truth, ")"),
        joined("(", truth, st.sampled_from([" and ", " or "]), truth, ")"),
        joined(number, st.sampled_from([" is odd", " is not even", " is divisibleby 2", " is number", " is string"])),
        joined(
            text,
            st.sampled_from([" is upper", " is string", " is mapping", " is none", " is sequence", " is undefined"]),
        ),
    )
    mixed = st.one_of(
        joined(
            "(",
            st.one_of(number, text, listing),
            st.sampled_from([" - ", " + ", " < "]),
            st.one_of(text, number, listing),
            ")",
        )
    )
    return numbers, texts, lists, truths, mixed


NUMBERS, TEXTS, LISTS, TRUTHS, MIXED = expressions()
SPACE = st.sampled_from(
    ["", " ", "\n", "  \n", " x ", "\r\n", "line\n  ", "{# note #}", "{% raw %}{{ }}{% endraw %}\n"]
)
SIGN = st.sampled_from(["", "", "", "-", "+"])


def tag(*parts: Any) -> st.SearchStrategy[str]:
    return joined("{%", SIGN, " ", *parts, " ", SIGN, "%}", SPACE)


def statements(body: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    loop = st.sampled_from(["i", "loop.index", "loop.last", "loop.revindex0", "loop.previtem | default('-')"])
    return st.one_of(
        joined(tag("if ", TRUTHS), body, tag("elif ", TRUTHS), body, tag("else"), body, tag("endif")),
        joined(tag("if ", TRUTHS), body, tag("set made = ", NUMBERS), tag("endif"), body),
        joined(tag("for i in ", LISTS), "{{ ", loop, " }}", body, tag("else"), body, tag("endfor")),
        joined(tag("for i in ", LISTS, " if i != 2"), "{{ loop.length }}", tag("set city = 'in'"), body, tag("endfor")),
        joined(tag("for k, v in order.items()"), "{{ k }}={{ v if v is number else '-' }},", tag("endfor")),
        joined(tag("set made = ", TEXTS), body),
        joined(body, tag("set made"), body, tag("endset"), "{{ made }}"),
        joined(tag("with name = ", TEXTS, ", city = name"), body, tag("endwith"), "{{ name }}"),
        joined("{{ ", TEXTS, " if ", TRUTHS, " }}"),
        joined(tag("filter upper"), body, tag("endfilter")),
        joined(
            tag("macro m(a, b=a, city='c')"),
            "{{ a }}{{ b }}{{ caller() if caller else '' }}",
            body,
            tag("endmacro"),
            tag("set made = 9"),
            "{{ m(",
            TEXTS,
            ") }}{{ m(1, b=2) }}",
            tag("call m('q')"),
            body,
            tag("endcall"),
        ),
        joined("{{", SIGN, " ", st.one_of(TEXTS, NUMBERS), " ", st.sampled_from(["", "-"]), "}}", SPACE),
    )


BODY = st.recursive(
    st.one_of(SPACE, st.just("{{ made | default('-') }}"), joined("{{ ", st.one_of(TEXTS, NUMBERS, TRUTHS), " }}")),
    lambda body: st.lists(statements(body), min_size=1, max_size=3).map("".join),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(st.one_of(NUMBERS, TEXTS, TRUTHS, MIXED))
def test_an_expression_means_what_it_means_in_jinja(expression: str) -> None:
    source = (
        "{% if ("
        + expression
        + ") is not sequence or ("
        + expression
        + ") is string %}{{ "
        + expression
        + " }}{% endif %}"
    )
    assert ours(source) == theirs(source)


@settings(max_examples=40, deadline=None)
@given(LISTS)
def test_a_list_means_what_it_means_in_jinja(expression: str) -> None:
    source = "{% for each in " + expression + " %}[{{ each }}]{% endfor %}"
    assert ours(source) == theirs(source)


@settings(max_examples=60, deadline=None)
@given(st.lists(BODY, max_size=3).map("".join))
def test_statements_mean_what_they_mean_in_jinja(source: str) -> None:
    expected = theirs(source)
    if "{{" not in source and "{%" not in source and "{#" not in source:
        expected = source.replace("\r\n", "\n")
    assert ours(source) == expected
