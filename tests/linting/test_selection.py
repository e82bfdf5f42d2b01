"""Which rules run, and what is left out for a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.config import Config
from msgspec_runner.diagnostics import Severity
from msgspec_runner.errors import UsageError
from msgspec_runner.linting.rules import RULES
from msgspec_runner.linting.selection import OPT_IN, find_rules, selected

HEAD = 'spec: s\nmessage:\n  provider: twlo\n  channel_key: k\n  to: "+16175551212"\n'
TWO = HEAD + "  text: |\n    Hello!\n  foo: 1\n"


def codes(**config: tuple[str, ...]) -> list[str]:
    return [rule.code for rule in selected(Config(root=Path(), **config))]


def test_codes_and_names_are_unique_and_in_order() -> None:
    everything = [rule.code for rule in RULES]
    assert everything == sorted(set(everything))
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_all_rules_run_but_those_that_are_opt_in() -> None:
    assert codes() == [rule.code for rule in RULES if not rule.code.startswith(OPT_IN)]
    assert codes(select=("ALL",)) == [rule.code for rule in RULES]


@pytest.mark.parametrize("selector", ["MSG203", "msg203", "invalid-phone-number", "Invalid-Phone-Number"])
def test_a_rule_is_named_by_code_or_name(selector: str) -> None:
    assert codes(select=(selector,)) == ["MSG203"]
    assert "MSG203" not in codes(ignore=(selector,))


def test_digits_are_the_code_without_its_letters() -> None:
    assert codes(select=("203",)) == ["MSG203"]
    assert codes(select=("3",)) == codes(select=("MSG3",))
    assert "MSG203" not in codes(ignore=("203",))


def test_a_hint_names_a_few_rules_and_says_that_there_are_more() -> None:
    with pytest.raises(UsageError, match=r"did you mean (MSG\d{3} [a-z-]+, ){5}…\?$"):
        find_rules("column")


def test_a_prefix_selects_a_family() -> None:
    assert codes(select=("MSG3",)) == [rule.code for rule in RULES if rule.code[3] == "3"]
    assert set(codes(select=("MSG20", "MSG1"))) <= set(codes(select=("MSG2", "MSG1"))) < set(codes(select=("MSG",)))


def test_ignore_wins_over_select() -> None:
    assert codes(select=("MSG2",), ignore=("MSG203", "MSG204")) == [
        rule.code for rule in RULES if rule.code.startswith("MSG2") and rule.code not in {"MSG203", "MSG204"}
    ]
    assert codes(ignore=("ALL",)) == []


@pytest.mark.parametrize(
    ("selector", "hint"),
    [
        ("MSG299", r"`msgspec-runner rule MSG2` lists MSG201 to MSG2\d\d"),
        ("MSG1234", r"`msgspec-runner rule MSG1` lists MSG101 to MSG1\d\d"),
        ("2031", "did you mean MSG203 invalid-phone-number"),
        ("MSG8", "lists all rules"),
        ("MGS203", "did you mean MSG203"),
        ("no-contnt", "did you mean no-content"),
        ("phone", "did you mean MSG203 invalid-phone-number, MSG503 invalid-phone-cell, MSG507"),
        ("recipients", "did you mean MSG506 unreadable-recipients, MSG508 empty-recipients"),
        ("shortener_link", "did you mean MSG702 public-shortener"),
        ("unsubscribe", "did you mean MSG701 no-opt-out"),
        ("xyz", "lists all rules"),
    ],
)
@pytest.mark.parametrize("key", ["select", "ignore"])
def test_a_selector_of_nothing_is_refused(selector: str, hint: str, key: str) -> None:
    with pytest.raises(UsageError, match=hint):
        codes(**{key: (selector,)})
    with pytest.raises(UsageError, match=f"no rule {selector}"):
        find_rules(selector)


class TestSeverity:
    @pytest.mark.parametrize(
        ("severity", "expected"),
        [
            ({"MSG106": "error"}, ["error", "error"]),
            ({"106": "info"}, ["info", "error"]),
            ({"MSG1": "info"}, ["info", "info"]),
            ({"trailing-newline-in-text": "error", "MSG": "info"}, ["error", "info"]),
            ({"MSG1": "info", "MSG106": "error"}, ["error", "info"]),
            ({"MSG106": "error", "MSG1": "info", "ALL": "warning"}, ["error", "info"]),
            ({"MSG1": "info", "106": "error"}, ["error", "info"]),
            ({"MSG2": "info"}, ["warning", "error"]),
        ],
        ids=str,
    )
    def test_it_takes_codes_and_names_before_their_families(
        self, lint, severity: dict[str, str], expected: list[str]
    ) -> None:
        result = lint(TWO, severity={code: Severity(level) for code, level in severity.items()})
        assert [item.severity.value for item in result.diagnostics] == expected

    def test_one_of_no_rule_is_refused(self) -> None:
        with pytest.raises(UsageError, match="severity: no rule MSG999"):
            selected(Config(root=Path(), severity={"MSG999": Severity.INFO}))


class TestPerFileIgnores:
    @pytest.mark.parametrize("pattern", ["specs/s.yaml", "specs/*", "*.yaml", "s.yaml", "*", "specs/[rst].yaml"])
    def test_patterns_are_relative_to_the_root_or_the_files_name(self, lint, pattern: str) -> None:
        result = lint(TWO, per_file_ignores={pattern: ("MSG106",)})
        assert [item.code for item in result.diagnostics] == ["MSG107"]

    @pytest.mark.parametrize("pattern", ["other/*", "spec/s.yaml", "s.yml", "/specs/s.yaml", ""])
    def test_others_do_not_match(self, lint, pattern: str) -> None:
        assert len(lint(TWO, per_file_ignores={pattern: ("MSG106",)}).diagnostics) == 2

    @pytest.mark.parametrize("code", ["MSG999", "unknown", "", "MSG1*"])
    def test_what_is_no_rule_is_refused(self, code: str) -> None:
        with pytest.raises(UsageError, match="per-file-ignores: no rule"):
            selected(Config(root=Path(), per_file_ignores={"*": ("MSG106", code)}))

    def test_codes_are_written_as_in_ignore(self, lint) -> None:
        for code in ("106", "msg106"):
            result = lint(TWO, per_file_ignores={"*": (code,)})
            assert [item.code for item in result.diagnostics] == ["MSG107"]
        assert lint(TWO, per_file_ignores={"*": ("ALL",)}).diagnostics == ()

    def test_codes_may_be_prefixes_and_names(self, lint) -> None:
        assert lint(TWO, per_file_ignores={"*": ("MSG1",)}).diagnostics == ()
        result = lint(TWO, per_file_ignores={"*": ("unknown-field",)})
        assert [item.code for item in result.diagnostics] == ["MSG106"]

    def test_other_files_keep_their_findings(self, lint) -> None:
        specs = {"specs/a.yaml": TWO.replace("spec: s", "spec: a"), "specs/b.yaml": TWO}
        result = lint(specs, per_file_ignores={"specs/a.yaml": ("MSG1",)})
        assert {item.file for item in result.diagnostics} == {"specs/b.yaml"}

    def test_the_working_folder_does_not_matter(self, lint, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from msgspec_runner.linting.linter import Linter
        from msgspec_runner.source.document import parse_document

        monkeypatch.chdir(project / "specs")
        config = Config(root=project, per_file_ignores={"specs/*": ("MSG1",)})
        assert Linter(config).lint([parse_document("s.yaml", TWO)]).diagnostics == ()
