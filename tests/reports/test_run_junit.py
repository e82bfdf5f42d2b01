from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgspec_runner.ledger.ledger import Record
from msgspec_runner.model import State
from msgspec_runner.reports.run_junit import write_run_junit

ANY = st.text(st.characters())


def record(row: int, state: State = State.ACCEPTED, error: str | None = None, **more: object) -> Record:
    values: dict[str, object] = {
        "key": f"{row:064x}"[::-1],
        "recipient_key": "",
        "run": "20311123-114501-x7k2",
        "spec": "hello",
        "edition": 1,
        "row": row,
        "to": f"+1617555{row:04d}",
        "state": state,
        "message_id": None,
        "http_status": None,
        "error": error,
        "attempts": 1,
        "segments": 1,
        "created_at": "2031-11-23T11:45:01.000Z",
        "updated_at": "2031-11-23T11:45:02.000Z",
    }
    return Record(**{**values, **more})  # type: ignore[arg-type]


RECORDS = [
    record(1),
    record(2, State.REJECTED, "No such number: +16175550002.", http_status=200),
    record(3, State.IN_DOUBT, "the connection was lost <before> the answer"),
    record(4, State.PLANNED),
    record(5, State.RETRY_WAIT, "HTTP 429"),
    record(6, State.SKIPPED, "invalid", to="", key=""),
    record(7, State.SKIPPED, "suppressed"),
    record(8, spec="other", edition=2),
]


def written(path: Path, records: list[Record], specs: tuple[str, ...] = ("hello", "other")) -> str:
    write_run_junit(path, specs, lambda spec: [item for item in records if item.spec == spec])
    return path.read_text(encoding="utf-8")


def test_the_report(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    text = written(tmp_path / "run.xml", RECORDS)
    golden("run_junit.xml", text)
    assert "6175550002" not in text


def test_the_numbers_are_those_of_the_cases(tmp_path: Path) -> None:
    root = ET.fromstring(written(tmp_path / "run.xml", RECORDS))
    for node in (root, *root.findall("testsuite")):
        cases = node.findall(".//testcase")
        assert int(node.attrib["tests"]) == len(cases)
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(node.attrib[name]) == len(node.findall(f".//{tag}")), name
    names = [(case.attrib["classname"], case.attrib["name"]) for case in root.iter("testcase")]
    assert len(set(names)) == len(names)


def test_nothing_to_send_is_a_report_too(tmp_path: Path) -> None:
    root = ET.fromstring(written(tmp_path / "run.xml", []))
    assert [suite.attrib["name"] for suite in root] == ["hello", "other"]
    assert root.attrib["tests"] == "0"


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY, st.sampled_from(State))
def test_whatever_the_api_says_is_well_formed(tmp_path: Path, words: str, state: State) -> None:
    root = ET.fromstring(written(tmp_path / "run.xml", [record(1, state, words)]).encode())
    assert len(root.findall("testsuite/testcase")) == 1


def test_a_report_that_cannot_be_finished_is_not_begun(tmp_path: Path) -> None:
    (tmp_path / "run.xml").write_text("the last one", encoding="utf-8")

    def broken(_: str) -> list[Record]:
        raise OSError

    with pytest.raises(OSError):
        write_run_junit(tmp_path / "run.xml", ["hello"], broken)
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["the last one"]
