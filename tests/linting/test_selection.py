"""Which rules run, and what is left out for a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.config import Config
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
    [("MSG299", "did you mean MSG2"), ("no-contnt", "did you mean no-content"), ("xyz", "lists all rules")],
)
@pytest.mark.parametrize("key", ["select", "ignore"])
def test_a_selector_of_nothing_is_refused(selector: str, hint: str, key: str) -> None:
    with pytest.raises(UsageError, match=hint):
        codes(**{key: (selector,)})
    with pytest.raises(UsageError, match=f"no rule {selector}"):
        find_rules(selector)


class TestPerFileIgnores:
    @pytest.mark.parametrize("pattern", ["specs/s.yaml", "specs/*", "*.yaml", "s.yaml", "*", "specs/[rst].yaml"])
    def test_patterns_are_relative_to_the_root_or_the_files_name(self, lint, pattern: str) -> None:
        result = lint(TWO, per_file_ignores={pattern: ("MSG106",)})
        assert [item.code for item in result.diagnostics] == ["MSG107"]

    @pytest.mark.parametrize("pattern", ["other/*", "spec/s.yaml", "s.yml", "/specs/s.yaml", ""])
    def test_others_do_not_match(self, lint, pattern: str) -> None:
        assert len(lint(TWO, per_file_ignores={pattern: ("MSG106",)}).diagnostics) == 2

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
