"""Rendering, against minijinja: Jinja in Rust, which calls back into Python for a filter that only Python has.

Both get the same values and the same Python functions as filters. Ours counts steps and characters on the way;
minijinja does not, and knows no place of an error beyond its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

import minijinja

from msgspec_runner.templates import Environment, parse
from msgspec_runner.templates.allowed import all_filters
from msgspec_runner.templates.limits import Budget
from tests.benchmarks.corpus import people
from tests.benchmarks.harness import Line, Scale, by_turns, timed

AIM = 0.7

TEMPLATES = {
    "names only": "Hi {{ first_name }} {{ last_name }}, your number at {{ clinic }} is {{ appointment }}.",
    "Python filter": "Hi {{ first_name | upper }}, see you at {{ clinic }}: {{ appointment | lower }}.",
    "date and money": "Hi {{ first_name }}, see you on {{ day | date('EEEE d MMMM') }} at {{ clinic }}."
    "{% if owes %} Please bring {{ balance | currency('USD') }}.{% endif %}",
}
"""By what they need: nothing but values, a cheap filter, and the filters that Babel does the work of."""


def run(scale: Scale) -> Iterator[Line]:
    """Render each template for the same rows with both."""
    count = scale.of(10_000, 2_000)
    rows = [
        {
            **person,
            "day": date.fromisoformat(person["day"]),
            "balance": Decimal(person["balance"]),
            "owes": float(person["balance"]) > 100,
            "clinic": "Deer Park",
        }
        for person in people(count)
    ]
    for name, source in TEMPLATES.items():
        ours, theirs = _ours(source), _minijinja(source)
        assert [ours(row) for row in rows] == [theirs(row) for row in rows]
        pairs = by_turns(lambda: _each(ours, rows), lambda: _each(theirs, rows), scale.pairs)  # noqa: B023
        yield Line(
            f"render, {name}: speed, minijinja = 1",
            f"{pairs.ours / count * 1e6:.2f} µs",
            f"{pairs.other / count * 1e6:.2f} µs",
            pairs.speed,
            aim=AIM,
        )


def _each(render: Callable[[Mapping[str, object]], str], rows: Sequence[Mapping[str, object]]) -> float:
    def work() -> None:
        for row in rows:
            render(row)

    return timed(work)


def _ours(source: str) -> Callable[[Mapping[str, object]], str]:
    return Environment("en_US", "America/New_York").bind(parse(source)).render


def _minijinja(source: str) -> Callable[[Mapping[str, object]], str]:
    environment = minijinja.Environment(templates={"message": source})
    environment.auto_escape_callback = lambda _: False
    filters = all_filters("en_US", "America/New_York", Budget())
    for name in ("upper", "lower", "date", "currency"):
        environment.add_filter(name, filters[name])
    return lambda row: environment.render_template("message", **row)
