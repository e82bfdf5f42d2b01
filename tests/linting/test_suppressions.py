"""Which comments suppress what, where."""

from __future__ import annotations

import pytest

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.suppressions import read_suppressions
from msgspec_runner.source.document import parse_document
from msgspec_runner.spec import build_spec

HEAD = "spec: s\nmessage:\n  provider: twlo\n  channel_key: k\n"
CODES = {"msg203": "MSG203", "invalid-phone-number": "MSG203", "msg402": "MSG402"}
ROWS = 'recipients:\n  rows: [{phone: "+16175551212"}]\n'


def read(text: str) -> list[tuple[list[str], range | None]]:
    document = parse_document("s.yaml", text)
    found = read_suppressions(document, build_spec(document), CODES)
    for item in found:
        assert document.text[item.start : item.end].startswith(("#", "{#"))
        for selector in item.selectors:
            assert document.text[selector.start : selector.end] == selector.text
    return [([selector.code for selector in item.selectors], item.lines) for item in found]


def codes(lint, text: str, **config: object) -> list[str]:
    return [item.code for item in lint(text, **config).diagnostics]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("spec: s # msgspec: ignore[MSG203]\n", (["MSG203"], range(1, 2))),
        ("spec: s #msgspec:ignore[msg203 ,  MSG402,]\n", (["MSG203", "MSG402"], range(1, 2))),
        ("spec: s # msgspec: ignore[MSG203, nothing] because\n", (["MSG203", ""], range(1, 2))),
        ("# msgspec: ignore[invalid-phone-number]\nspec: s\n", (["MSG203"], range(1, 3))),
        ("# msgspec: ignore[MSG203]\n# why\n  # more\nspec: s\n", (["MSG203"], range(1, 5))),
        ("spec: s\n# msgspec: ignore-file[MSG203]\n", (["MSG203"], None)),
        ("spec: s # why # msgspec: ignore[MSG203]\n", (["MSG203"], range(1, 2))),
        ("spec: s # msgspec: ignore MSG203\n", ([], range(1, 2))),
        ("# msgspec: ignore[MSG203]\r\nspec: s\r\n", (["MSG203"], range(1, 3))),
    ],
)
def test_in_yaml(text: str, expected: tuple[list[str], range | None]) -> None:
    assert read(text) == [expected]


def test_two_on_one_line() -> None:
    found = read("spec: s  # msgspec: ignore[MSG203] a # msgspec: ignore[MSG402] b\n")
    assert found == [(["MSG203"], range(1, 2)), (["MSG402"], range(1, 2))]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("  text: |-\n    Hi\n    {# msgspec: ignore[MSG402] #}\n    {{ a }}\n", [range(7, 9)]),
        ("  text: |-\n    Hi\n    {# msgspec: ignore[MSG402] #}{{ a }}\n    {{ b }}\n", [range(7, 8)]),
        ("  text: >-\n    Hi\n\n    {#- msgspec: ignore[MSG402] -#}\n    {{ a }}\n", [range(8, 10)]),
        (
            "  text: |-\n    {# msgspec: ignore[MSG402] #}\n    {# msgspec: ignore[MSG203] #}\n    {{ a }}\n",
            [range(6, 9), range(7, 9)],
        ),
        ("  text: |-\n    {# msgspec:\n       ignore[MSG402] #}\n    {{ a }}\n", [range(6, 8)]),
        ("  text: '{# msgspec: ignore[MSG402] #}{{ a }}'\n", [range(5, 6)]),
        ('  text: "{# msgspec: ignore[MSG402] #}\n    {{ a }}\n    {{ b }}"\n', [range(5, 8)]),
        ("  text: |-\n    {# msgspec: ignore-file[MSG402] #}{{ a }}\n", [None]),
        ("  text: |-\n    {% raw %}{# msgspec: ignore[MSG402] #}{% endraw %}\n", []),
        ("  text: |-\n    {# a note: msgspec: ignore[MSG402] #}\n", []),
    ],
)
def test_in_a_text(text: str, lines: list[range | None]) -> None:
    assert [item[1] for item in read(HEAD + text)] == lines


def test_an_anchor_s_text_is_read_once() -> None:
    text = "  name: &n '{# msgspec: ignore[MSG402] #}{{ a }}'\n  text: *n\n"
    assert len(read(HEAD + text)) == 1


def test_what_looks_like_one_in_a_value_is_none() -> None:
    assert read("spec: s\ndescription: '# msgspec: ignore[MSG203]'\nnote: |\n  # msgspec: ignore[MSG203]\n") == []


def test_a_file_that_cannot_be_parsed_has_none(lint) -> None:
    text = "# msgspec: ignore-file[MSG101]\nspec: [\n"
    assert read(text) == []
    assert codes(lint, text) == ["MSG101"]


HOSTILE = {
    "stacked": "# msgspec: ignore[MSG203]\n" * 8_000,
    "one comment": "# msgspec: ignore[" + "MSG203," * 20_000 + "]\n",
    "nothing known": "# msgspec: ignore[" + ",".join(f"w{number}" for number in range(20_000)) + "]\n",
    "never closed": "# msgspec: ignore" + " " * 500_000 + "[\n",
    "hashes": "# msgspec:" + " #" * 250_000 + "\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_as_many_as_fit_take_no_time_to_speak_of(name: str, lint) -> None:
    text = HEAD + "  to: '+16175551212'\n  text: Hi\n" + HOSTILE[name]
    assert set(codes(lint, text)) <= {"MSG901", "MSG902"}


class TestTheLinter:
    def test_a_finding_on_another_line_stays(self, lint) -> None:
        text = HEAD + "  to: '617'\n  text: |-\n    {{ a }} {# msgspec: ignore[MSG402] #}{{ b }}\n    {{ c }}\n"
        assert codes(lint, text) == ["MSG203", "MSG402"]

    def test_a_finding_of_a_row_is_suppressed_by_its_place_in_the_spec(self, lint) -> None:
        rows = "recipients:\n  rows: [{phone: '617'}]\n  columns: {phone: {type: phone}}\n"
        text = HEAD + "  to: '{{ phone }}'%s\n  text: Hi\n" + rows
        assert codes(lint, text % "") == ["MSG503"]
        assert codes(lint, text % "  # msgspec: ignore[invalid-phone-cell]") == []

    def test_a_project_rule_s_finding_is_suppressed_and_its_suppression_never_unused(self, lint) -> None:
        text = HEAD.replace("spec: s\n", "spec: s  # msgspec: ignore[MSG209]\n") + "  to: '+16175551212'\n  text: Hi\n"
        assert lint({"specs/a.yaml": text, "specs/b.yaml": text}).diagnostics == ()
        assert codes(lint, text) == []

    def test_a_suppressed_finding_has_no_fingerprint_to_count(self, lint) -> None:
        line = "    {{ a }}"
        text = (
            HEAD + "  to: '+16175551212'\n  text: |-\n" + line + "\n    {# msgspec: ignore[MSG402] #}\n" + line + "\n"
        )
        plain = lint(HEAD + "  to: '+16175551212'\n  text: |-\n" + line + "\n")
        assert [item.fingerprint for item in lint(text).diagnostics] == [plain.diagnostics[0].fingerprint]

    def test_the_configuration_s_severity_reaches_the_rules_about_suppressions(self, lint) -> None:
        text = HEAD + "  to: '+16175551212'  # msgspec: ignore[MSG203, oops]\n  text: Hi\n"
        found = lint(text, severity={"MSG901": Severity.ERROR}).diagnostics
        assert [(item.code, item.severity.value) for item in found] == [("MSG901", "error"), ("MSG902", "warning")]
        assert codes(lint, text, ignore=("MSG9",)) == []
        assert codes(lint, text, per_file_ignores={"specs/*": ("MSG902",)}) == ["MSG901"]


class TestUnused:
    TEXT = HEAD + "  to: '+16175551212'  # msgspec: ignore[MSG203]\n  text: Hi {{ a }}  # msgspec: ignore[MSG402]\n"

    def test_it_is_said_where_the_rules_have_seen_everything(self, lint) -> None:
        assert codes(lint, self.TEXT, vars={"a": "Ann"}) == ["MSG901", "MSG901"]

    def test_not_of_rules_that_do_not_run(self, lint) -> None:
        assert codes(lint, self.TEXT, vars={"a": "Ann"}, select=("MSG2", "MSG9")) == ["MSG901"]
        assert codes(lint, self.TEXT, vars={"a": "Ann"}, ignore=("MSG2", "MSG402")) == []

    def test_not_with_vars_of_the_command_line(self, lint) -> None:
        assert codes(lint, self.TEXT, linter={"variables": {"a": "Ann"}}) == []

    def test_not_with_one_of_several_profiles(self, lint) -> None:
        profiles = {"us": {"vars": {"a": "Ann"}}, "fr": {}}
        assert codes(lint, self.TEXT, profiles=profiles) == ["MSG901"]
        assert codes(lint, self.TEXT, profiles=profiles, profile="us") == []

    def test_not_of_recipients_that_are_not_here(self, lint) -> None:
        to = HEAD + "  to: '{{ phone }}'  # msgspec: ignore[MSG503]\n  text: Hi\nrecipients:\n"
        sample = "{phone: '+16175551212'}"
        assert codes(lint, to + f"  rows: [{sample}]\n") == ["MSG901"]
        assert codes(lint, to + f"  rows: [{sample}]\n  samples: [{sample}]\n") == ["MSG901"]
        assert codes(lint, to + f"  samples: [{sample}]\n") == []
        assert codes(lint, to + f"  samples: [{sample}]\n  file: a.csv\n") == ["MSG506"]
        assert codes(lint, to + f"  rows: [{sample}]\n", linter={"rows": False}) == []

    def test_not_of_rows_that_were_not_judged_because_of_an_error(self, lint) -> None:
        broken = HEAD + "  to: '617'\n  text: Hi  # msgspec: ignore[MSG602]\n"
        assert codes(lint, broken) == ["MSG203"]
        assert codes(lint, broken.replace("617", "+16175551212")) == ["MSG901"]
