"""Where people are sent to for a cell that stands in a spec: its own line and column; the JSON keeps row and number."""

from __future__ import annotations

import json

from msgspec_runner.reports.concise import concise
from msgspec_runner.reports.json_report import json_report
from msgspec_runner.reports.sarif import sarif

HEAD = """\
spec: s
message: {provider: twlo, channel_key: k, to: "{{ phone }}", text: "Hi {{ name }}"}
recipients:
  columns: {phone: {type: phone, header: Mobile}, name: {}}
"""
SPEC = (
    HEAD
    + """\
  samples: [{name: Ann, Mobile: "+16175551212"}, {name: Bob,
      Mobile: "x"}]
  rows:
    - name: Cy
      Mobile:   12 3
    - {name: Di}
"""
)


def test_it_is_the_cell_s_own(lint) -> None:
    result = lint(SPEC)
    spots = {(item.code, place.row, place.column, place.at) for item in result.diagnostics for place in item.related}
    assert spots == {
        ("MSG503", 5, 2, (6, 15)),  # of the second sample
        ("MSG503", 8, 2, (9, 17)),
        ("MSG501", 10, 2, (10, 7)),  # the row: it has no such cell
    }, concise(result)
    assert "specs/s.yaml:9:17" in concise(result)
    related = {
        (place["row"], place["column"])
        for item in json.loads(json_report(result))["diagnostics"]
        for place in item["related"]
    }
    assert related == {(5, 2), (8, 2), (10, 2)}
    regions = [
        place["physicalLocation"]["region"]
        for item in json.loads(sarif(result))["runs"][0]["results"]
        for place in item.get("relatedLocations", ())
    ]
    assert {"startLine": 9, "startColumn": 17} in regions


def test_a_file_s_cell_has_row_and_number(lint) -> None:
    spec = HEAD + "  file: ../people.csv\n"
    result = lint({"specs/s.yaml": spec, "people.csv": "name,Mobile\nAnn,x\n"})
    assert [(place.row, place.column, place.at) for item in result.diagnostics for place in item.related] == [
        (2, 2, None)
    ]
    assert "people.csv:2:2" in concise(result)
