"""A run's messages as JSON lines and as CSV."""

from __future__ import annotations

import csv
import json
import os
import stat
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.ledger import Record
from msgspec_runner.model import State
from msgspec_runner.reports.results import csv_lines, write_results
from msgspec_runner.reports.text import printable_lines

RECORD = Record(
    key="0123",
    recipient_key="A1",
    run="20261123-114501-x7k2",
    spec="reminder",
    edition=1,
    row=7,
    to="+16175551212",
    state=State.REJECTED,
    message_id=None,
    http_status=200,
    error="Grüße, „Ann“\nand Bob",
    attempts=1,
    segments=None,
    created_at="2026-11-23T11:45:01.250Z",
    updated_at="2026-11-23T11:45:02.250Z",
)


def test_a_line_for_each_message_in_the_contract_s_order(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    write_results(path, [RECORD, replace(RECORD, row=8, state=State.ACCEPTED, error=None, message_id="id-1")])
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert lines[0] == (
        '{"key": "0123", "recipient_key": "A1", "run": "20261123-114501-x7k2", "spec": "reminder", "edition": 1, '
        '"row": 7, "to": "+16175551212", "state": "rejected", "message_id": null, "http_status": 200, '
        '"error": "Grüße, „Ann“\\nand Bob", "attempts": 1, "segments": null, '
        '"created_at": "2026-11-23T11:45:01.250Z", "updated_at": "2026-11-23T11:45:02.250Z"}'
    )
    assert json.loads(lines[1])["message_id"] == "id-1"


def test_the_file_is_replaced_and_its_owner_s_alone(tmp_path: Path) -> None:
    path, link = tmp_path / "results.jsonl", tmp_path / "link.jsonl"
    path.write_text("what was there\n", encoding="utf-8")
    path.chmod(0o644)
    link.symlink_to(path)
    write_results(link, [RECORD])
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text(encoding="utf-8"))["row"] == 7
    assert sorted(item.name for item in tmp_path.iterdir()) == ["link.jsonl", "results.jsonl"]


def test_what_was_there_stays_when_the_messages_cannot_be_read(tmp_path: Path) -> None:
    def records() -> object:
        yield RECORD
        raise RuntimeError("the ledger is gone")

    path = tmp_path / "results.jsonl"
    path.write_text("what was there\n", encoding="utf-8")
    with pytest.raises(RuntimeError):
        write_results(path, records())  # type: ignore[arg-type]
    assert path.read_text(encoding="utf-8") == "what was there\n"
    assert [item.name for item in tmp_path.iterdir()] == ["results.jsonl"]


def test_a_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    device = tmp_path / "null"
    device.symlink_to(os.devnull)
    write_results(device, [RECORD])
    assert device.is_char_device()


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_no_cell_of_a_csv_is_a_formula_and_none_is_lost(text: str) -> None:
    record = replace(RECORD, error=text, recipient_key="=1+1")
    header, row = csv.reader(StringIO("".join(csv_lines([record])), newline=""))
    cells = dict(zip(header, row, strict=True))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    assert cells["recipient_key"] == "'=1+1"
    assert cells["error"].removeprefix("'") == printable_lines(text).removeprefix("'")
    assert not set("".join(row)) & set("\x1b\x07\x9b\r\u202e")
    assert cells["message_id"] == ""
    assert cells["state"] == "rejected"
