"""Rows: grouped by what is wrong with them, with the place of their cells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from msgspec_runner.config import Config
from msgspec_runner.diagnostics import Diagnostic, Position, Related, Rows, Severity
from msgspec_runner.linting.linter import Linter
from msgspec_runner.source.document import read_document

HEAD = 'spec: s\nmessage:\n  provider: twlo\n  channel_key: k\n  to: "{{ phone }}"\n'
MANY = 5000


def only(result) -> Diagnostic:
    (item,) = result.diagnostics
    return item


class TestGrouping:
    def test_a_broken_column_of_five_thousand_rows_is_one_finding(self, lint, project: Path) -> None:
        lines = ["name,visits,phone", *(f"Ann,three,+1617555{number:04}" for number in range(MANY))]
        (project / "many.csv").write_text("\n".join(lines), encoding="utf-8")
        item = only(
            lint(
                HEAD + '  text: "{{ name }}"\nrecipients: {columns: {visits: {type: integer}}, file: ../many.csv}\n',
                ignore=("MSG409",),
            )
        )
        assert item.code == "MSG502"
        assert item.rows == Rows(MANY, (1, 2, 3), MANY)
        assert item.related == tuple(
            Related("many.csv", row + 1, 2, f"row {row}, column `visits`") for row in (1, 2, 3)
        )
        assert item.path == "recipients.columns.visits"

    def test_each_problem_is_a_finding_of_its_own(self, lint, project: Path) -> None:
        (project / "r.csv").write_text(
            "phone,name\n+16175551212,Ann\n617-555-1212,\n,Bob\nx,\n617 555 1213,Cy\n", encoding="utf-8"
        )
        result = lint(HEAD + '  text: "Hi {{ name }}"\nrecipients: {columns: {phone: {type: phone}}, file: ../r.csv}\n')
        said = {(item.code, item.rows) for item in result.diagnostics}
        assert said == {
            ("MSG503", Rows(2, (2, 5), 5)),  # punctuation
            ("MSG503", Rows(1, (4,), 5)),  # letters
            ("MSG505", Rows(1, (3,), 5)),  # no phone
            ("MSG505", Rows(2, (2, 4), 5)),  # no name
        }

    def test_one_row_may_have_several(self, lint, project: Path) -> None:
        (project / "r.csv").write_text("phone,name\nx,\n", encoding="utf-8")
        result = lint(HEAD + '  text: "Hi {{ name }}"\nrecipients: {file: ../r.csv}\n')
        assert [item.code for item in result.diagnostics] == ["MSG503", "MSG505"]

    def test_samples_and_the_file_are_told_apart(self, lint, project: Path) -> None:
        (project / "r.csv").write_text("phone\n1\n2\n", encoding="utf-8")
        text = HEAD + "  text: Hi\nrecipients:\n  file: ../r.csv\n  samples:\n    - phone: '3'\n"
        result = lint(text)
        assert [(item.related[0].file, item.related[0].row, item.rows) for item in result.diagnostics] == [
            ("specs/s.yaml", 10, Rows(1, (1,), 1)),
            ("r.csv", 2, Rows(2, (1, 2), 2)),
        ]

    def test_a_missing_column_is_said_once_for_the_table(self, lint, project: Path) -> None:
        (project / "r.csv").write_text("phone\n" + "+16175551212\n" * 100, encoding="utf-8")
        item = only(lint(HEAD + '  text: "Hi {{ name }}"\nrecipients: {columns: {name: {}}, file: ../r.csv}\n'))
        assert (item.code, item.rows, item.path) == ("MSG501", None, "recipients.columns.name")
        assert item.related == (Related("r.csv", 1, 1, "the columns are named here"),)

    def test_what_is_constant_is_no_rows_fault(self, lint) -> None:
        text = (
            "spec: s\nmessage:\n  provider: twlowa\n  channel_key: k\n  to: '{{ phone }}'\n"
            "  template: {id: HX0123456789abcdef0123456789abcdef, variables: {'1': ''}}\n"
            "recipients: {rows: [{phone: '+16175551212'}, {phone: '+16175551213'}]}\n"
        )
        item = only(lint(text))
        assert (item.code, item.rows, item.related) == ("MSG605", None, ())
        assert only(lint(text.replace("rows: [{phone: '+16175551212'}, {phone: '+16175551213'}]", "key: ''"))) == item


class TestPlaces:
    """``related`` counts as the file does, ``rows`` counts recipients."""

    def test_a_csv_with_blank_lines_and_lines_inside_cells(self, lint, project: Path) -> None:
        (project / "r.csv").write_text('phone,note\n\n+16175551212,"two\nlines"\n\n1,x\n"2",y\n', encoding="utf-8")
        item = only(lint(HEAD + "  text: Hi\nrecipients: {file: ../r.csv}\n"))
        assert [(place.row, place.column) for place in item.related] == [(6, 1), (7, 1)]
        assert item.rows == Rows(2, (2, 3), 3)

    def test_the_column_is_the_cells_number_in_its_row(self, lint, project: Path) -> None:
        (project / "r.tsv").write_text("a\tb\tThe phone\n\t\t1\n", encoding="utf-8")
        text = HEAD + "  text: Hi\nrecipients: {columns: {phone: {header: The phone, type: phone}}, file: ../r.tsv}\n"
        assert only(lint(text)).related == (Related("r.tsv", 2, 3, "row 1, column `phone`"),)

    def test_json_lines(self, lint, project: Path) -> None:
        rows = [{"phone": "+16175551212"}, {"phone": "1"}, {"name": "Ann", "phone": "2"}]
        (project / "r.jsonl").write_text("\n\n".join(map(json.dumps, rows)), encoding="utf-8")
        item = only(lint(HEAD + "  text: Hi\nrecipients: {file: ../r.jsonl}\n"))
        assert [place.row for place in item.related] == [3, 5]
        assert item.rows == Rows(2, (2, 3), 3)

    def test_rows_of_the_spec_have_its_lines(self, lint) -> None:
        text = (
            HEAD
            + "  text: Hi\nrecipients:\n  rows:\n    - {phone: '+16175551212'}\n\n    - name: Ann\n      phone: '1'\n"
        )
        item = only(lint(text))
        assert item.related == (Related("specs/s.yaml", 11, 1, "row 2, column `phone`", at=Position(12, 14)),)
        assert item.rows == Rows(1, (2,), 2)

    def test_nothing_that_is_said_holds_a_cell(self, lint, project: Path) -> None:
        secret = "s3cret"
        header = "phone,visits,price,vip,day,starts,photo,note"
        (project / "r.csv").write_text(f"{header}\n{','.join([secret] * 8)}\n", encoding="utf-8")
        text = (
            HEAD + '  text: "{{ note + 1 }}{{ note | date }}"\n  schedule: "{{ note }}"\n'
            '  image_url: "{{ note }}"\n  contact_saving: {save: "{{ note }}", list_id: "{{ note }}"}\n'
            "recipients:\n  columns: {phone: {type: phone}, visits: {type: integer}, price: {type: number},\n"
            "    vip: {type: boolean}, day: {type: date}, starts: {type: datetime}, photo: {type: url},\n"
            "    note: {enum: [a, b]}}\n  file: ../r.csv\n"
        )
        for text_ in (text, text.replace("note: {enum: [a, b]}", "note: {}")):
            result = lint(text_)
            assert len(result.diagnostics) > 7
            assert secret not in repr(result.diagnostics)


class TestReading:
    def test_findings_up_to_the_broken_line_are_kept(self, lint, project: Path) -> None:
        (project / "r.csv").write_text('phone\n1\n"2\n', encoding="utf-8")
        result = lint(HEAD + "  text: Hi\nrecipients: {file: ../r.csv}\n")
        assert [item.code for item in result.diagnostics] == ["MSG503", "MSG506"]
        assert result.diagnostics[1].related == (Related("r.csv", 3, 1, "reading stopped here"),)

    def test_a_message_that_is_no_mapping_has_no_rows(self, lint) -> None:
        result = lint("spec: s\nmessage: 5\nrecipients: {rows: [{phone: x}]}\n")
        assert [item.code for item in result.diagnostics] == ["MSG109"]

    @pytest.mark.parametrize("rules", [("MSG1",), ("MSG402",)])
    def test_groups_of_rules_that_are_not_selected_are_left_out(self, lint, rules: tuple[str, ...]) -> None:
        assert lint(HEAD + "  text: Hi\nrecipients: {rows: [{phone: x}]}\n", select=rules).diagnostics == ()

    def test_without_recipients_there_is_one_message_and_no_row(self, lint) -> None:
        text = HEAD.replace("{{ phone }}", "+16175551212") + '  text: "{{ 1 / 0 }}"\n'
        item = only(lint(text))
        assert (item.code, item.rows, item.related) == ("MSG609", None, ())


class TestEveryRow:
    """Who leaves rows out needs to know all of them; nobody else pays for that."""

    DATA = "phone,name\n12,A\n+16175551212,B\n13,C\n14,D\n15,E\n+16175551212,F\n+16175551212,B\n"
    SPEC = (
        HEAD + '  text: "{{ name }}"\n'
        "recipients: {columns: {phone: {type: phone}}, file: people.csv, samples: [{phone: '1', name: A}]}\n"
    )

    def every(self, project: Path, *, keep: bool) -> dict[tuple[str, Severity, int], set[int]]:
        (project / "people.csv").write_text(self.DATA, encoding="utf-8")
        document = read_document("hello.yaml", self.SPEC.encode())
        result = Linter(Config(root=project), every_row=keep).lint([document])
        return {
            (item.code, item.severity, item.rows.count): set(item.rows.every)
            for item in result.diagnostics
            if item.rows is not None
        }

    def test_the_rows_of_the_recipients_and_never_those_of_samples(self, project: Path) -> None:
        found = self.every(project, keep=True)
        assert found["MSG503", Severity.ERROR, 4] == {1, 3, 4, 5}
        assert found["MSG503", Severity.ERROR, 1] == set()  # the sample

    def test_a_contradiction_is_the_fault_of_all_of_its_rows(self, project: Path) -> None:
        assert self.every(project, keep=True)["MSG504", Severity.ERROR, 1] == {2, 6, 7}

    def test_they_are_kept_for_nobody_else(self, project: Path) -> None:
        assert set(map(tuple, self.every(project, keep=False).values())) == {()}
