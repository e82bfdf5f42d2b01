"""The walk: what is merged, sorted, counted and judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.diagnostics import Severity
from msgspec_runner.errors import ConfigError, RecipientsError, UsageError
from msgspec_runner.linting.linter import LintResult

BAD = 'recipients: {samples: [{phone: "+16175551212"}]}\n'
HEAD = 'spec: s\nmessage:\n  provider: twlo\n  channel_key: k\n  to: "{{ phone }}"\n'
CLINIC = HEAD + '  text: "See you at {{ clinic }}"\n' + BAD
NEWLINE = HEAD + "  text: |\n    Hello!\n" + BAD
PROFILES = {"us": {"vars": {"clinic": "Elm"}}, "uk": {"vars": {"clinic": "Oak"}}, "fr": {}}


def messages(result: LintResult) -> list[str]:
    return [f"{item.code} {item.message}" for item in result.diagnostics]


class TestProfiles:
    def test_a_finding_of_some_profiles_names_them(self, lint) -> None:
        result = lint(CLINIC, profiles=PROFILES)
        assert [item.code for item in result.diagnostics] == ["MSG402"]
        assert result.diagnostics[0].message.endswith(" (profile fr)")
        result = lint(CLINIC, profiles={"us": PROFILES["us"], "fr": {}, "de": {}})
        assert result.diagnostics[0].message.endswith(" (profiles fr, de)")

    def test_a_finding_of_all_profiles_is_said_once_and_names_none(self, lint) -> None:
        result = lint(CLINIC, profiles={"us": {}, "uk": {}})
        assert len(result.diagnostics) == 1
        assert "profile" not in result.diagnostics[0].message

    def test_a_chosen_profile_is_the_only_one(self, lint, project: Path) -> None:
        from msgspec_runner.config import Config
        from msgspec_runner.linting.linter import Linter
        from msgspec_runner.source.document import parse_document

        config = Config(root=project, profiles=PROFILES)
        for name, expected in (("us", []), ("fr", ["MSG402"])):
            result = Linter(config.with_profile(name)).lint([parse_document("specs/s.yaml", CLINIC)])
            assert [item.code for item in result.diagnostics] == expected
            assert not any("profile" in item.message for item in result.diagnostics)

    def test_rows_differ_by_profile(self, lint) -> None:
        text = HEAD + '  text: "{{ 10 / visits }}"\n' + BAD
        result = lint(text, profiles={"one": {"vars": {"visits": 1}}, "none": {"vars": {"visits": 0}}})
        assert messages(result) == ["MSG609 `text`: this divides by zero (profile none)"]
        assert result.diagnostics[0].rows is not None

    def test_what_all_have_and_what_one_has_stay_apart(self, lint) -> None:
        result = lint(CLINIC.replace("  text:", "  foo: 1\n  text:"), profiles=PROFILES)
        assert [item.message.partition(" (profile")[2] for item in result.diagnostics] == ["", " fr)"]

    def test_project_rules_look_at_each_spec_once(self, lint) -> None:
        result = lint({"specs/a.yaml": NEWLINE, "specs/b.yaml": NEWLINE}, profiles=PROFILES, select=("MSG209",))
        assert [(item.file, item.code) for item in result.diagnostics] == [("specs/b.yaml", "MSG209")]

    def test_an_unknown_profile_key_is_a_configuration_error(self, lint) -> None:
        with pytest.raises(ConfigError, match="cliinic"):
            lint(CLINIC, profiles={"us": {"cliinic": 1}})


class TestSeverities:
    def test_the_configuration_overrides_any(self, lint) -> None:
        assert [item.severity for item in lint(NEWLINE).diagnostics] == [Severity.WARNING]
        for severity in Severity:
            result = lint(NEWLINE, severity={"MSG106": severity})
            assert [item.severity for item in result.diagnostics] == [severity]

    def test_it_overrides_a_finding_that_is_milder_than_its_rule(self, lint) -> None:
        text = HEAD + "  text: Hi\nrecipients: {file: no.csv, samples: [{phone: '+16175551212'}]}\n"
        assert lint(text).diagnostics[0].severity is Severity.WARNING
        assert lint(text, severity={"MSG506": Severity.ERROR}).diagnostics[0].severity is Severity.ERROR

    def test_an_unknown_rule_is_refused(self, lint) -> None:
        with pytest.raises(UsageError, match="no rule MSG999"):
            lint(NEWLINE, severity={"MSG999": Severity.INFO})

    @pytest.mark.parametrize(
        ("found", "level", "fails"),
        [
            ("error", "error", True), ("error", "warning", True), ("error", "info", True),
            ("warning", "error", False), ("warning", "warning", True), ("warning", "info", True),
            ("info", "error", False), ("info", "warning", False), ("info", "info", True),
        ],
    )  # fmt: skip
    def test_the_fail_level(self, lint, found: str, level: str, fails: bool) -> None:
        result = lint(NEWLINE, severity={"MSG106": Severity(found)})
        assert result.fails(Severity(level)) is fails
        assert result.count(Severity(found)) == 1

    def test_nothing_found_never_fails(self, lint) -> None:
        result = lint(HEAD + "  text: Hello!\n" + BAD)
        assert result.diagnostics == ()
        assert not any(result.fails(level) for level in Severity)


class TestOrder:
    def test_findings_are_sorted_by_file_place_and_code(self, lint) -> None:
        text = 'spec: 12\nmessage:\n  text: |\n    Hi {{ b }} {{ a }}\n  to: ""\n  foo: 1\n'
        result = lint({"specs/b.yaml": text, "specs/a.yaml": text.replace("12", "13")})
        keys = [(item.file, item.span.start, item.code) for item in result.diagnostics]
        assert keys == sorted(keys)
        assert {item.file for item in result.diagnostics} == {"specs/a.yaml", "specs/b.yaml"}

    def test_two_findings_at_one_place_are_both_there(self, lint) -> None:
        result = lint("spec: s\n")
        assert [item.code for item in result.diagnostics] == ["MSG108"]
        result = lint("message: {}\n")
        assert [item.path for item in result.diagnostics if item.code == "MSG108"] == [
            "message.channel_key", "message.provider", "message.to", "spec",
        ]  # fmt: skip

    def test_what_an_alias_repeats_is_said_once(self, lint) -> None:
        text = HEAD + "  text: &text |\n    Hello!\n  name: *text\n" + BAD
        assert [item.code for item in lint(text).diagnostics] == ["MSG106"]


class TestRecipients:
    def test_they_stand_in_for_the_specs_own(self, lint, project: Path) -> None:
        (project / "new.csv").write_text("phone,clinic\n617-555-1212,Elm\n", encoding="utf-8")
        text = HEAD + '  text: "See you at {{ clinic }}"\nrecipients: {file: no-such.csv}\n'
        result = lint(text, linter={"recipients": project / "new.csv"})
        assert [(item.code, item.related[0].file) for item in result.diagnostics] == [("MSG503", "new.csv")]

    def test_a_file_that_cannot_be_read_is_an_error_of_the_command(self, lint, project: Path) -> None:
        (project / "new.csv").write_text('phone\n"', encoding="utf-8")
        with pytest.raises(RecipientsError, match=r"new\.csv:2:1"):
            lint(NEWLINE, linter={"recipients": project / "new.csv"})

    def test_they_are_left_alone_where_only_specs_are_compared(self, lint, project: Path) -> None:
        (project / "new.csv").write_text('phone\n"', encoding="utf-8")
        specs = {"specs/a.yaml": NEWLINE, "specs/b.yaml": NEWLINE}
        across = ("duplicate-spec-id",)
        result = lint(specs, select=across, linter={"recipients": project / "new.csv"})
        assert [(item.file, item.code) for item in result.diagnostics] == [("specs/b.yaml", "MSG209")]
        with pytest.raises(RecipientsError):
            lint(specs, select=(*across, "MSG106"), linter={"recipients": project / "new.csv"})

    def test_without_rows_only_the_spec_is_looked_at(self, lint) -> None:
        text = HEAD + '  text: "{{ 1 / 0 }}"\n' + BAD
        assert [item.code for item in lint(text).diagnostics] == ["MSG609"]
        assert lint(text, linter={"rows": False}).diagnostics == ()

    def test_variables_stand_over_all_others(self, lint) -> None:
        text = HEAD + '  text: "{{ 10 / visits }}"\nvars: {visits: 0}\n' + BAD
        assert lint(text).diagnostics
        assert not lint(text, linter={"variables": {"visits": 2}}).diagnostics


def test_what_every_profile_says_in_its_own_words_is_said_once(lint) -> None:
    text = (
        'spec: s\nmessage: {provider: twlo, channel_key: k, to: "{{ phone }}", text: "Hi {{ nmae }}"}\n'
        "recipients: {samples: [{phone: '+16175551212', name: Ann}]}\n"
    )
    profiles = {"test": {"vars": {"here": 1}}, "live": {"vars": {"there": 2}}}
    (found,) = lint(text, profiles=profiles).diagnostics
    assert found.code == "MSG402"
    assert "(profile" not in found.message
