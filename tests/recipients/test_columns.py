"""Cells become values, and problems name a column and never the cell's text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.recipients.cells import TYPES
from msgspec_runner.recipients.columns import CellProblem, Column, Columns, default_problem
from msgspec_runner.recipients.rows import Row
from msgspec_runner.templates.values import ABSENT


def convert(column: Column, text: str) -> tuple[object, tuple[CellProblem, ...]]:
    values, problems = Columns((column,)).bind((column.heading,)).convert(Row(1, 2, (text,)))
    assert list(values) == [column.name]
    return values[column.name], problems


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("string", " as it is ", " as it is "),
        ("integer", "12", 12),
        ("integer", " -3", -3),
        ("number", "3.50", Decimal("3.50")),
        ("number", "-.5", Decimal("-0.5")),
        ("number", "1E+5", Decimal("1E+5")),
        ("boolean", "TRUE", True),
        ("boolean", "no", False),
        ("boolean", "1", True),
        ("date", "2031-12-24", date(2031, 12, 24)),
        ("datetime", "2031-12-24T09:00", datetime(2031, 12, 24, 9)),
        ("datetime", "2031-12-24 09:00:30", datetime(2031, 12, 24, 9, 0, 30)),
        ("datetime", "2031-12-24T09:00:00Z", datetime(2031, 12, 24, 9, tzinfo=UTC)),
        ("datetime", "2031-12-24 09:00 -0500", datetime(2031, 12, 24, 9, tzinfo=timezone(timedelta(hours=-5)))),
        ("phone", "16175551212", "+16175551212"),
        ("phone", "+16175551212 ", "+16175551212"),
        ("url", "https://example.com/a.png?x=1", "https://example.com/a.png?x=1"),
        ("url", "HTTP://user@[::1]:80#x", "HTTP://user@[::1]:80#x"),
    ],
)
def test_values(type_: str, text: str, value: object) -> None:
    found, problems = convert(Column("c", type_), text)
    assert problems == ()
    assert found == value
    assert type(found) is type(value)
    assert str(found) == str(value)


@pytest.mark.parametrize(
    ("type_", "text", "words"),
    [
        ("integer", "12.5", "is not a whole number"),
        ("integer", "١٢", "is not a whole number"),
        ("integer", "9" * 31, "more than 30 digits"),
        ("number", "3,50", "no grouping"),
        ("number", "three", "is not a number"),
        ("number", "NaN", "is not a number"),
        ("number", "1e99", "more than 30 digits"),
        ("number", "1e-99", "more than 30 digits"),
        ("boolean", "maybe", "true, false, yes, no, 1 or 0"),
        ("date", "24.12.2031", "is not a date"),
        ("date", "20311224", "is not a date"),
        ("date", "2031-02-30", "a day that does not exist"),
        ("date", "2031-12-24T09:00", "has a time too"),
        ("datetime", "2031-01-02", "has no time"),
        ("datetime", "tomorrow", "is not a date with a time"),
        ("datetime", "2031-12-24T25:00", "a day or a time that does not exist"),
        ("phone", "617-555-1212", "region: US"),
        ("url", "example.com/a.png", "write it in full"),
        ("url", "ftp://example.com", "write it in full"),
        ("url", "http://", "write it in full"),
        ("url", "https://example.com/a b", "has a space"),
    ],
)
def test_a_wrong_cell_is_absent_and_told(type_: str, text: str, words: str) -> None:
    value, problems = convert(Column("c", type_), text)
    assert value is ABSENT
    (problem,) = problems
    assert problem.column == "c"
    assert problem.kind == ("phone" if type_ == "phone" else "invalid")
    assert problem.message.startswith("a cell of column “c” ")
    assert words in problem.message
    assert text not in problem.message


def test_a_region_reads_national_numbers() -> None:
    column = Column("c", "phone", region="US")
    assert convert(column, "(617) 555-1212") == ("+16175551212", ())
    assert convert(column, "+44 7400 123456") == ("+447400123456", ())
    for text, words in [("555-1212", "not a phone number of the region US"), ("+44 07400 123456", "too long")]:
        value, (problem,) = convert(column, text)
        assert value is ABSENT
        assert problem.kind == "phone"
        assert words in problem.message


@pytest.mark.parametrize("blank", ["", " ", "\t\u00a0"])
def test_a_blank_cell(blank: str) -> None:
    value, (problem,) = convert(Column("c"), blank)
    assert value is ABSENT
    assert (problem.column, problem.kind) == ("c", "empty")
    assert "required: false" in problem.message
    assert convert(Column("c", required=False), blank) == (ABSENT, ())
    assert convert(Column("c", default="you"), blank) == ("you", ())
    assert convert(Column("c", "integer", default=5), blank) == (5, ())
    assert convert(Column("c", "boolean", default=False, required=False), blank) == (False, ())


def test_an_enum() -> None:
    column = Column("c", enum=("S", "M"))
    assert convert(column, "M") == ("M", ())
    value, (problem,) = convert(column, "XL")
    assert value is ABSENT
    assert problem.message == "a cell of column “c” is none of S, M"
    assert convert(Column("c", "integer", enum=("1", "2")), "2") == (2, ())


def test_undeclared_columns_are_strings() -> None:
    binder = Columns((Column("phone", "phone"),)).bind(("first_name", "phone", "First Name", "", "n"))
    assert binder.names == ("phone", "first_name", "n")
    assert binder.unnamed == ("First Name",)
    assert [binder.column_number(name) for name in ("phone", "first_name", "n", "other")] == [2, 1, 5, 1]
    values, problems = binder.convert(Row(1, 2, ("Ann", "16175551212", "x", "y", " ")))
    assert values == {"phone": "+16175551212", "first_name": "Ann", "n": ABSENT}
    assert problems == ()


def test_without_any_declaration() -> None:
    binder = Columns().bind(("a", "b"))
    assert binder.convert(Row(1, 2, ("1", "x"))) == ({"a": "1", "b": "x"}, ())
    assert binder.convert(Row(1, 2, ("1", ""))) == ({"a": "1", "b": ABSENT}, ())
    assert binder.convert(Row(1, 2, (" ", "x"))) == ({"a": ABSENT, "b": "x"}, ())


def test_a_mapped_header() -> None:
    binder = Columns((Column("first_name", header="First Name"),)).bind(("First Name", "first_name"))
    assert binder.unnamed == ()
    assert binder.convert(Row(1, 2, ("Ann", "Bob"))) == ({"first_name": "Ann"}, ())


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (("First Name",), "have no column “first_name”; did you mean “First Name”? write header: First Name"),
        (("frist_name",), "did you mean “frist_name”"),
        (("other",), "add it to the data"),
        ((), "add it to the data"),
    ],
)
def test_a_missing_column(header: tuple[str, ...], words: str) -> None:
    binder = Columns((Column("first_name"),)).bind(header)
    (problem,) = binder.problems
    assert (problem.column, problem.kind) == ("first_name", "missing-column")
    assert words in problem.message
    values, problems = binder.convert(Row(1, 2, ("x",) * len(header)))
    assert values["first_name"] is ABSENT
    assert problems == ()


def test_a_missing_column_that_is_not_needed() -> None:
    binder = Columns((Column("a", required=False), Column("b", "integer", default="5"))).bind(("c",))
    assert binder.problems == ()
    assert binder.convert(Row(1, 2, ("x",))) == ({"a": ABSENT, "b": 5, "c": "x"}, ())


def test_objects() -> None:
    columns = Columns((Column("phone", "phone"), Column("vip", "boolean"), Column("nick", required=False)))
    binder = columns.bind(("phone", "vip", "n"), fixed=False)
    values, problems = binder.convert(
        Row(1, 1, {"phone": 16175551212, "vip": True, "n": 5, "price": Decimal("3.50"), "ok": False, "gone": None,
                   "items": [{"a": 1}], "no name": "x", "f": 1.5})
    )  # fmt: skip
    assert problems == ()
    assert values == {
        "phone": "+16175551212", "vip": True, "nick": ABSENT, "n": "5", "price": "3.50", "ok": "false", "gone": ABSENT,
        "items": [{"a": 1}], "f": "1.5",
    }  # fmt: skip


def test_problems_of_objects() -> None:
    binder = Columns((Column("a"), Column("b"), Column("c", "integer"))).bind(("a", "b"), fixed=False)
    assert binder.problems == ()
    values, problems = binder.convert(Row(1, 1, {"a": None, "c": [1]}))
    assert values == {"a": ABSENT, "b": ABSENT, "c": ABSENT}
    assert [(problem.column, problem.kind) for problem in problems] == [
        ("a", "empty"),
        ("b", "missing-column"),
        ("c", "invalid"),
    ]
    assert "holds a list or an object" in problems[2].message


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (Column("c", "integer", default="x"), "the default of column “c” is not a whole number"),
        (Column("c", default="L", enum=("S", "M")), "is none of S, M"),
        (Column("c", default=[1]), "a list or mapping"),
        (Column("c", default=" "), "is blank"),
        (Column("c", default="you"), None),
        (Column("c", "boolean", default=False), None),
        (Column("c"), None),
    ],
)
def test_a_default_is_checked_like_a_cell(column: Column, words: str | None) -> None:
    said = default_problem(column)
    assert said is None if words is None else words in str(said)
    assert column.name in Columns((column,)).bind(()).convert(Row(1, 1, ()))[0]


def test_the_types_are_those_of_the_contract() -> None:
    assert TYPES == ("string", "integer", "number", "boolean", "date", "datetime", "phone", "url")


@given(st.sampled_from(TYPES), st.text(max_size=30), st.sampled_from([None, "US"]))
def test_any_text_has_a_value_or_a_problem(type_: str, text: str, region: str | None) -> None:
    value, problems = convert(Column("c", type_, region=region), text)
    assert (value is ABSENT) == bool(problems)


@given(st.dictionaries(st.text(max_size=4), st.text(max_size=5) | st.none() | st.integers(), max_size=5))
def test_objects_and_tables_give_the_same_values(row: dict[str, object]) -> None:
    header = tuple(row)
    texts = tuple("" if value is None else str(value) for value in row.values())
    declared = Columns((Column("a", "integer", required=False), Column("b", default="x")))
    table = declared.bind(header).convert(Row(1, 1, texts))
    objects = declared.bind((), fixed=False).convert(Row(1, 1, {key: value for key, value in row.items() if key}))
    assert table == objects
