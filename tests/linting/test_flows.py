"""What a spec tells of its columns and vars is what their values are."""

from __future__ import annotations

import pytest

from msgspec_runner.linting.flows import Flows
from msgspec_runner.recipients.columns import Columns
from msgspec_runner.recipients.rows import Row
from msgspec_runner.source.document import parse_document
from msgspec_runner.spec import Spec, build_spec
from msgspec_runner.templates.types import ABSENT_TYPE, UNDECLARED, UNKNOWN, Type, union, words
from tests.linting.conftest import spec
from tests.templates.kinds import holds

CELLS = {
    "string": ["Ann", "12", " "],
    "integer": ["12", "-3", ""],
    "number": ["3.50", "1e3"],
    "boolean": ["yes", "false", "0"],
    "date": ["2031-01-02", " "],
    "datetime": ["2031-01-02T10:30", "2031-01-02 10:30Z"],
    "phone": ["+16175551212"],
    "url": ["https://example.com/a"],
}


def made(columns: str, text: str = "{{ x | default(x) }}", rest: str = "") -> Spec:
    return build_spec(parse_document("s.yaml", spec(f'  text: "{text}"\nrecipients:\n  columns: {columns}\n{rest}')))


def type_of_x(of: Spec, variables: dict[str, object] | None = None, columns: frozenset[str] | None = None) -> Type:
    ((_, flow),) = Flows(of, variables or {}).of(columns)
    return flow.outputs[0]


@pytest.mark.parametrize("type_", sorted(CELLS))
@pytest.mark.parametrize("more", ["", ", required: false", ", default: '{0}'", ", enum: ['{0}', '{1}']"])
def test_a_column_holds_what_its_cells_become(type_: str, more: str) -> None:
    cells = CELLS[type_]
    of = made(f"{{x: {{type: {type_}{more.format(cells[0], cells[-1])}}}}}")
    binder = Columns(of.columns).bind(["x"])
    for cell in cells:
        values, problems = binder.convert(Row(1, 1, (cell,)))
        if not problems:  # a row with a bad cell is not rendered
            assert holds(type_of_x(of), values["x"]), (cell, values)


@pytest.mark.parametrize("type_", ["int", "[]", "text"])
def test_of_a_type_that_does_not_exist_nothing_follows(type_: str) -> None:
    assert type_of_x(made(f"{{x: {{type: {type_}}}}}")) == UNKNOWN


def test_who_may_be_absent() -> None:
    assert "absent" in type_of_x(made("{x: {required: false}}")).names
    assert "absent" not in type_of_x(made("{x: {required: false, default: a}}")).names
    assert "absent" in type_of_x(made("{x: {required: false, type: integer, default: a}}")).names


def test_names_that_nothing_declares() -> None:
    of = made("{}", "{{ [x] | first }}")
    assert type_of_x(of) == union(UNDECLARED, ABSENT_TYPE)
    assert words(UNDECLARED) == "a text"
    assert type_of_x(of, columns=frozenset({"x"})) == union(UNDECLARED, ABSENT_TYPE)
    assert type_of_x(of, columns=frozenset({"y"})) == UNKNOWN
    assert words(type_of_x(of, {"x": 5})) == "an integer"
    assert type_of_x(made("{x: {}}", "{{ [x] | first }}"), {"x": 5}) == UNKNOWN


def test_templates_that_say_nothing_of_types_are_left_out() -> None:
    assert Flows(made("{x: {}}", "Hi {{ x }}!"), {}).of(None) == ()
    assert Flows(made("{x: {}}", "Hi {{ x | nothing }}!"), {}).of(None) == ()
