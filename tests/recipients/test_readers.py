"""Opening, spooling and fingerprints; memory that does not grow with the rows."""

from __future__ import annotations

import io
import stat
import tracemalloc
from pathlib import Path

import pytest

from msgspec_runner.errors import RecipientsError
from msgspec_runner.recipients.readers import fingerprint, inline, open_recipients, spool


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecipientsError, match=r"^people.csv:1:1: there is no such file$"):
        open_recipients(tmp_path / "people.csv", "people.csv")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "jsonl", "xlsx"])
def test_a_folder_is_no_file(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / f"people.{suffix}"
    folder.mkdir()
    with pytest.raises(RecipientsError, match="cannot be opened"):
        open_recipients(folder, "people")


def test_an_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(RecipientsError, match=r"save it as .csv, .tsv, .jsonl, .ndjson, .json or .xlsx"):
        open_recipients(tmp_path / "people.ods", "people.ods")


def test_the_end_of_the_name_may_be_in_capitals(tmp_path: Path) -> None:
    path = tmp_path / "PEOPLE.CSV"
    path.write_text("a\n1\n")
    assert [row.cells for row in open_recipients(path, "PEOPLE.CSV")] == [("1",)]


def test_a_source_closes_itself(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("a\n1\n2\n")
    source = open_recipients(path, "people.csv")
    assert len(list(source)) == 2
    with pytest.raises(ValueError, match="read already"):
        list(source)
    with open_recipients(path, "people.csv") as half_read:
        next(iter(half_read))
    half_read.close()


def test_inline_rows() -> None:
    source = inline([{"a": "1"}, {"b": 2, "a": None}], "spec.yaml")
    assert (source.name, source.header, source.fixed) == ("spec.yaml", ("a", "b"), False)
    assert list(source) == [(1, 1, {"a": "1"}), (2, 2, {"b": 2, "a": None})]
    assert source.column_number("b") == 2
    assert source.column_number("c") == 1
    assert [row.line for row in inline([{"a": "1"}, {"a": "2"}], "spec.yaml", (7, 9))] == [7, 9]


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (b"a,b\n1,2\n", ".csv"),
        (b"a\n1\n", ".csv"),
        (b"", ".csv"),
        (b"a\tb\n1\t2\n", ".tsv"),
        (b'\xef\xbb\xbf [{"a": 1}]', ".json"),
        (b'\n{"a": 1}\n', ".jsonl"),
        (b"PK\x03\x04...", ".xlsx"),
    ],
)
def test_standard_input_is_spooled_for_this_user_only(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = spool(io.BytesIO(content), tmp_path)
    assert path.suffix == suffix
    assert path.parent == tmp_path
    assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_long_standard_input_is_spooled_whole(tmp_path: Path) -> None:
    content = b"a\n" + b"1\n" * 1_500_000
    assert spool(io.BytesIO(content), tmp_path).read_bytes() == content


def test_a_fingerprint_changes_with_the_content(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("a\n1\n")
    before = fingerprint(path)
    path.write_text("a\n2\n")
    assert before != fingerprint(path)
    assert len(before) == 64


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, suffix: str) -> None:
    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.{suffix}"
        line, separator = ("+1617,Ann", "\n") if suffix == "csv" else ('{"phone":"+1617","name":"Ann"}', "\n")
        body = (",\n" if suffix == "json" else separator).join([line] * rows)
        path.write_text(f"phone,name\n{body}" if suffix == "csv" else f"[{body}]" if suffix == "json" else body)
        del body
        tracemalloc.start()
        assert sum(1 for _ in open_recipients(path, "people")) == rows
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(100)
    assert peak(20_000) - peak(2_000) < 500_000  # bytes; the rows themselves would take some 5 MB
