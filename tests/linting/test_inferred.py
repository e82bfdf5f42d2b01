"""A filter that can read no row is a mismatch of types; one that cannot read some has bad cells."""

from __future__ import annotations

import pytest

from msgspec_runner.linting.flows import Flows
from msgspec_runner.linting.inferred import judged
from msgspec_runner.rendering import RowProblem
from msgspec_runner.source.document import parse_document
from msgspec_runner.spec import build_spec
from tests.linting.conftest import Lint, spec

NO_DATE = "this text is not a date; dates are written 2026-01-02 or 2026-01-02T15:04:05-05:00"
SPEC = build_spec(
    parse_document(
        "s.yaml",
        spec(
            '  text: "{{ day | date }} {{ visits | iso }}"\nrecipients:\n  columns: {day: {}, visits: {type: integer}}\n'
        ),
    )
)
FLOWS = Flows(SPEC, {}).of(None)
TEXT = SPEC.field("text")
PLACE = (3, 13)


def problem(detail: str = NO_DATE, place: tuple[int, int] = PLACE, rule: str = "invalid-rendered-field") -> RowProblem:
    return RowProblem(rule, TEXT, detail, *place)


def test_a_filter_that_reads_no_row_is_a_mismatch_at_its_name() -> None:
    found = judged(problem(), 3, 3, FLOWS)
    assert found is not None
    assert (found.rule, found.start, found.end, found.column) == ("filter-type-mismatch", 9, 13, "day")
    assert found.detail.startswith("`day` holds no date in any row; `date` takes a date: ")


@pytest.mark.parametrize(
    ("given", "count", "total"),
    [
        (problem(), 2, 3),
        (problem("this needs a locale; write 'locale: en_US' (or another) in the spec"), 3, 3),
        (problem(place=(0, 5)), 3, 3),
        (problem(place=(-1, -1)), 3, 3),
        (problem(rule="empty-cell"), 3, 3),
        (problem()._replace(field=None), 3, 3),
        (problem()._replace(field=SPEC.field("to")), 3, 3),
    ],
    ids=["some rows", "another reason", "another place", "no place", "another rule", "no field", "another field"],
)
def test_everything_else_stays_what_it_is(given: RowProblem, count: int, total: int) -> None:
    assert judged(given, count, total, FLOWS) == given


def test_what_is_said_of_the_template_is_not_said_of_its_rows() -> None:
    assert judged(problem("a date is needed here, not a number", (20, 32)), 1, 3, FLOWS) is None


ROWS = """\
  text: "{{{{ price | currency('USD') }}}}"
locale: en_US
recipients:
  samples: [{{phone: "+16175551212", price: {0}}}, {{phone: "+16175551213", price: {1}}}]
"""


@pytest.mark.parametrize(
    ("first", "second", "codes"),
    [("3", "4.50", []), ("3", "free", ["MSG609"]), ("cheap", "free", ["MSG404"])],
)
def test_in_the_linter(lint: Lint, first: str, second: str, codes: list[str]) -> None:
    assert [item.code for item in lint(spec(ROWS.format(first, second))).diagnostics] == codes


def test_rows_are_told_where_the_rule_is_ignored(lint: Lint) -> None:
    text = '  text: "{{ phone | round }}"\nrecipients:\n  samples: [{phone: "+16175551212"}]\n'
    assert [item.code for item in lint(spec(text)).diagnostics] == ["MSG404"]
    assert [item.code for item in lint(spec(text), ignore=("MSG404",)).diagnostics] == ["MSG609"]
