"""Whose messages a preview shows, and what it puts beside each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from msgspec_runner.cli import run
from msgspec_runner.content.segments import Segments
from msgspec_runner.diagnostics import Severity
from msgspec_runner.errors import RecipientsError
from msgspec_runner.reports.preview.values import Origin, Preview
from tests.reports.preview.project import FILE, PEOPLE, ROWS, SAMPLES, Project

CATALOG = """\
provider: twlowa
templates:
  - {id: HX0123456789abcdef0123456789abcdef, name: old, status: paused, variables: ["1", "2", "3"], body: "{{1}} {{2}} {{3}}"}
  - {id: HX0123456789abcdef0123456789abcdef, name: shipped, status: approved, variables: ["1"], body: "Hi {{1}}"}
"""
TEMPLATE = """\
spec: shipped
message:
  provider: twlowa
  channel_key: k
  to: "+16175551212"
  template: {id: HX0123456789abcdef0123456789abcdef, variables: {1: Ann}}
"""


def names(preview: Preview) -> list[str]:
    return [json.loads(message.body).get("text", "") for message in preview.specs[0].messages]


def origins(preview: Preview) -> list[tuple[Origin, int]]:
    return [(message.origin, message.number) for message in preview.specs[0].messages]


@pytest.mark.parametrize("also", ["", ROWS, FILE])
def test_samples_are_shown_where_there_are_some(also: str, project: Project) -> None:
    project.write("people.csv", PEOPLE)
    project.spec(SAMPLES + also)
    preview = project.preview()
    assert origins(preview) == [(Origin.SAMPLE, 1), (Origin.SAMPLE, 2)]
    assert preview.personal is (also == ROWS)  # a finding may show a row's line


def test_rows_that_stand_in_the_spec_are_shown_without_samples(project: Project) -> None:
    project.spec(ROWS)
    preview = project.preview()
    assert names(preview) == ["Hi Zoë", "Hi Li"]
    assert origins(preview) == [(Origin.ROW, 1), (Origin.ROW, 2)]
    assert preview.personal is True


def test_a_file_is_shown_to_who_asks_for_data_only(project: Project) -> None:
    project.write("people.csv", PEOPLE)
    project.spec(FILE)
    preview = project.preview()
    assert origins(preview) == []
    assert preview.specs[0].notes == ("no samples to show: write `samples` under `recipients`, or add --show-data",)
    assert "Carol" not in str(preview)
    assert [text for text in names(project.preview(show_data=True)) if text] == ["Hi Carol", "Hi Erin"]
    assert project.preview(show_data=True).personal is True


def test_data_come_before_samples_and_from_where_they_are_said_to_be(project: Project) -> None:
    project.spec(SAMPLES + FILE)
    preview = project.preview(show_data=True)
    assert origins(preview)[0] == (Origin.SAMPLE, 1)
    assert preview.specs[0].notes == ("its recipients are not here: add --recipients FILE",)
    other = project.write("others.csv", "phone,first_name\n+12125550109,Gus\n")
    assert names(project.preview(show_data=True, recipients=other)) == ["Hi Gus"]
    assert names(project.preview(recipients=other))[0] == "Hi Ann"
    project.write("people.csv", PEOPLE)
    assert names(project.preview(show_data=True))[0] == "Hi Carol"


def test_a_spec_without_recipients_is_one_message(project: Project) -> None:
    project.write("specs/shipped.yaml", TEMPLATE)
    assert origins(project.preview()) == [(Origin.ONLY, 1)]
    assert project.preview().personal is True


def test_rows_are_chosen(project: Project) -> None:
    project.write("people.csv", PEOPLE)
    project.spec(FILE)
    assert origins(project.preview(show_data=True, only=3)) == [(Origin.ROW, 3)]
    assert origins(project.preview(show_data=True, only=4)) == []
    limited = project.preview(show_data=True, limit=2)
    assert origins(limited) == [(Origin.ROW, 1), (Origin.ROW, 2)]
    assert limited.specs[0].notes == ("only the first 2 recipients are shown: --limit N shows more",)
    assert project.preview(show_data=True, limit=3).specs[0].notes == ()


@pytest.mark.parametrize(
    ("rest", "show_data", "blamed"),
    [
        (SAMPLES, False, {2: "MSG503"}),
        (SAMPLES + ROWS, False, {2: "MSG503"}),
        (SAMPLES + ROWS, True, {}),
        (SAMPLES + FILE, False, {2: "MSG503"}),
        (SAMPLES + FILE, True, {2: "MSG505"}),
        (FILE, True, {2: "MSG505"}),
    ],
)
def test_a_finding_stands_beside_the_rows_that_it_is_about(
    rest: str, show_data: bool, blamed: dict[int, str], project: Project
) -> None:
    project.write("people.csv", PEOPLE)
    project.spec(rest)
    [spec] = project.preview(show_data=show_data).specs
    beside = {
        (message.number, spec.findings[index].diagnostic.code)
        for message in spec.messages
        for index in message.findings
        if spec.findings[index].diagnostic.severity is Severity.ERROR
    }
    assert beside == set(blamed.items())


def test_a_row_that_cannot_be_sent_is_shown_with_why(project: Project) -> None:
    project.spec(SAMPLES)
    sound, broken = project.preview().specs[0].messages
    assert (sound.obstacles, bool(sound.key)) == ((), True)
    [obstacle] = broken.obstacles
    assert (obstacle.code, obstacle.name) == ("MSG503", "invalid-phone-cell")
    assert "617" not in obstacle.words.replace("+16175551212", "")
    assert broken.key == ""
    assert json.loads(broken.body)["text"] == "Hi Bob"
    assert project.preview().unsendable == 1


def test_what_the_linter_was_told_to_ignore_is_still_no_message(project: Project) -> None:
    project.write("msgspec-runner.toml", 'ignore = ["MSG503"]\n')
    project.spec(SAMPLES)
    preview = project.preview()
    assert preview.counts[Severity.ERROR] == 0
    assert preview.specs[0].messages[1].obstacles[0].name == "invalid-phone-cell"


def test_body_and_key_are_those_of_render(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write("people.csv", PEOPLE.replace("\n+12125550102,", ""))
    project.spec(FILE + '  key: "{{ first_name }}"\n')
    run(["render", "--sandbox"])
    rendered = capsys.readouterr().out.splitlines()
    messages = project.preview(show_data=True).specs[0].messages
    assert [json.loads(line)["key"] for line in rendered] == [message.key for message in messages]
    assert all(line.endswith(f'"body": {message.body}}}') for line, message in zip(rendered, messages, strict=True))
    assert [message.recipient_key for message in messages] == ["Carol", "Erin"]


def test_segments_are_told_for_sms_only(project: Project) -> None:
    project.write("specs/shipped.yaml", TEMPLATE)
    project.spec(ROWS)
    sms, whatsapp = project.preview().specs
    assert [message.segments for message in sms.messages] == [Segments("UCS-2", 6, 1), Segments("GSM-7", 5, 1)]
    assert [message.forcing for message in sms.messages] == ["ë", ""]
    assert [message.segments for message in whatsapp.messages] == [None]


def test_a_template_comes_from_the_catalog_the_entry_that_suits(project: Project) -> None:
    project.write("specs/shipped.yaml", TEMPLATE)
    assert project.preview().specs[0].messages[0].template is None
    project.write("msgspec-runner.toml", 'catalogs = ["catalog.yaml"]\n')
    project.write("catalog.yaml", CATALOG)
    [message] = project.preview().specs[0].messages
    assert message.template is not None
    assert message.template.name == "shipped"


def test_a_file_that_is_no_spec_is_shown_with_its_finding(project: Project) -> None:
    project.write("specs/broken.yaml", "message: [")
    project.write("specs/other.yaml", "- a\n")
    broken, other = project.preview().specs
    assert [item.diagnostic.code for item in broken.findings] == ["MSG101"]
    assert broken.messages == other.messages == ()
    assert other.findings


def test_too_many_findings_are_counted(project: Project) -> None:
    project.write("specs/a.yaml", "".join(f"unknown{number}: 1\n" for number in range(130)))
    [spec] = project.preview().specs
    assert (len(spec.findings), spec.unsaid > 30) == (100, True)
    assert project.preview().counts[Severity.ERROR] == 100 + spec.unsaid


def test_an_excerpt_shows_where_and_hides_what_a_reader_could_be_deceived_by(project: Project) -> None:
    project.spec(SAMPLES.replace("Ann", "Ann\u202e"))
    text = project.root / "specs" / "hello.yaml"
    text.write_text(text.read_text("utf-8").replace("first_name }}", f"frist_name }}}} \u202e{'x' * 500}"), "utf-8")
    found = next(item for item in project.preview().specs[0].findings if item.diagnostic.code == "MSG402")
    assert (found.excerpt.before, found.excerpt.marked) == ("  text: Hi {{ ", "frist_name")
    assert found.excerpt.after.startswith(" }} <U+202E>x")
    assert found.excerpt.after.endswith("…")


def test_recipients_that_cannot_be_read_on_are_shown_as_far_as_they_go(project: Project) -> None:
    project.write("people.csv", PEOPLE + '"open\n')
    project.spec(FILE)
    preview = project.preview(show_data=True)
    assert len(preview.specs[0].messages) == 3
    assert "people.csv" in preview.specs[0].notes[0]


def test_recipients_of_the_command_line_that_cannot_be_read_stop_it(project: Project, tmp_path: Path) -> None:
    project.spec(SAMPLES)
    bad = project.write("bad.csv", '"open\n')
    with pytest.raises(RecipientsError):
        project.preview(show_data=True, recipients=bad)
