"""Sheets: cells come out as the text that a person would have typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from msgspec_runner.errors import RecipientsError
from msgspec_runner.recipients.readers import open_recipients

Writer = Callable[[list[list[Any]]], Path]


def test_cells(write_xlsx: Writer) -> None:
    path = write_xlsx(
        [
            ["phone", " name ", "n", "day", "starts_at", "time", "member", "gone"],
            [16175551212.0, "Ann & Bob", 3.5, (48206.0, 1), (48206.375, 2), (0.375, 3), True],
            [],
            ["+16175551213", None, 5.0, (48206.0, 1), (48206.0, 2), None, False, 1e20],
        ]
    )
    with open_recipients(path, "people.xlsx") as source:
        assert source.header == ("phone", "name", "n", "day", "starts_at", "time", "member", "gone")
        assert source.fixed
        assert source.column_number("day") == 4
        rows = list(source)
    assert rows == [
        (1, 2, ("16175551212", "Ann & Bob", "3.5", "2031-12-24", "2031-12-24T09:00:00", "09:00:00", "true", "")),
        (2, 4, ("+16175551213", "", "5", "2031-12-24", "2031-12-24T00:00:00", "", "false", "1e+20")),
    ]


def test_the_header_may_stand_further_down(write_xlsx: Writer) -> None:
    source = open_recipients(write_xlsx([[], [], ["phone"], ["1"]]), "people.xlsx")
    assert source.header == ("phone",)
    assert list(source) == [(1, 4, ("1",))]


@pytest.mark.parametrize(
    ("rows", "place", "words"),
    [
        ([], "1:1", "is empty"),
        ([["a", "a"]], "1:1", "two columns are named “a”"),
        ([["a"], ["1"], ["1", "2"]], "3:2", "has 2 cells, the header has 1"),
        ([["a"], ["x" * 70_000]], "2:1", "more than 65,536 characters"),
    ],
)
def test_errors(write_xlsx: Writer, rows: list[list[Any]], place: str, words: str) -> None:
    with pytest.raises(RecipientsError) as caught:
        list(open_recipients(write_xlsx(rows), "people.xlsx"))
    assert str(caught.value).startswith(f"people.xlsx:{place}: ")
    assert words in caught.value.message


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_what_is_no_workbook(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "people.xlsx"
    path.write_bytes(content)
    with pytest.raises(RecipientsError, match="no XLSX workbook"):
        open_recipients(path, "people.xlsx")
