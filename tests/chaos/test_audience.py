from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from msgspec_runner.chaos.audience import write_recipients
from msgspec_runner.content.phone import is_valid
from msgspec_runner.errors import UsageError
from msgspec_runner.spec import Spec

MakeSpec = Callable[..., Spec]


def invented(spec: Spec, root: Path, number: int) -> list[dict[str, object]]:
    file = root / "invented.jsonl"
    write_recipients(spec, root, number, file)
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_each_has_a_number_of_its_own_and_the_rest_from_the_samples(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec(
        rest="recipients:\n  samples:\n    - {phone: '+16175551212', n: 1}\n    - {phone: '+16175551213'}\n"
    )
    rows = invented(spec, tmp_path, 5)
    assert len({row["phone"] for row in rows}) == 5
    assert all(is_valid(str(row["phone"])) for row in rows)
    assert [row.get("n") for row in rows] == ["1", None, "1", None, "1"]


def test_cells_come_from_the_file_where_there_are_no_samples(make_spec: MakeSpec, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("Phone,nick\n+16175551212,Ann\n", encoding="utf-8")
    rest = "recipients:\n  columns: {phone: {type: phone, header: Phone}, nick: {}}\n  file: ../people.csv\n"
    rows = invented(make_spec(rest=rest), tmp_path, 2)
    assert [row["nick"] for row in rows] == ["Ann", "Ann"]
    assert len({row["Phone"] for row in rows}) == 2


def test_types_have_to_do_where_there_is_nothing_else(make_spec: MakeSpec, tmp_path: Path) -> None:
    columns = "{phone: {type: phone}, day: {type: date}, size: {enum: [S, L]}, on: {type: boolean}}"
    for more in ("", "  file: not-here.csv\n"):
        [row] = invented(make_spec(rest=f"recipients:\n  columns: {columns}\n{more}"), tmp_path, 1)
        assert row == {"phone": "+16172000000", "day": "2031-03-10", "size": "S", "on": True}


@pytest.mark.parametrize("rest", ["", "recipients:\n  rows: [{name: Ann}]\n", "recipients:\n  rows: []\n"])
def test_without_a_number_nobody_can_be_invented(make_spec: MakeSpec, tmp_path: Path, rest: str) -> None:
    with pytest.raises(UsageError, match="type: phone"):
        invented(make_spec(rest=rest), tmp_path, 1)
