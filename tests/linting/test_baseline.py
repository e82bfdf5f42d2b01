"""A baseline hides what was there, shows what is new, and counts what has gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from msgspec_runner.errors import UsageError
from msgspec_runner.linting.baseline import Entry, hide, read_baseline, write_baseline
from msgspec_runner.linting.linter import LintResult

HEAD = "spec: s\nmessage:\n  provider: twlo\n  channel_key: k\n"
DIRTY = HEAD + "  to: '617'\n  name: yes\n  txt: Hi\n  text: |-\n    {{ a }}\n    {{ a }}\n"
FILE = Path("baseline.json")


def left(result: LintResult, text: str, root: Path) -> tuple[list[str], int, int]:
    remaining = hide(result.diagnostics, read_baseline(text, FILE), lambda _: True)
    return [item.code for item in remaining.diagnostics], remaining.hidden, remaining.stale


def test_what_was_there_is_hidden(lint, project: Path) -> None:
    result = lint(DIRTY)
    text = write_baseline(result.diagnostics, project)
    assert left(result, text, project) == ([], 5, 0)
    assert left(lint("# one\n# more\n" + DIRTY), text, project) == ([], 5, 0)


def test_what_is_new_is_shown_and_what_has_gone_is_stale(lint, project: Path) -> None:
    text = write_baseline(lint(DIRTY).diagnostics, project)
    changed = DIRTY.replace("name: yes", "name: 'yes'").replace("    {{ a }}\n", "    {{ a }} {{ b }}\n", 1)
    codes, hidden, stale = left(lint(changed), text, project)
    # Whoever touches a line sees its findings again; the equal line below is known.
    assert codes == ["MSG402", "MSG402"]
    assert (hidden, stale) == (3, 2)


def test_it_is_the_same_in_whichever_folder_the_command_runs(
    lint, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from msgspec_runner.config import Config
    from msgspec_runner.linting.linter import Linter
    from msgspec_runner.source.document import parse_document

    text = write_baseline(lint(DIRTY).diagnostics, project)
    monkeypatch.chdir(project / "specs")
    result = Linter(Config(root=project)).lint([parse_document("s.yaml", DIRTY)])
    assert left(result, text, project) == ([], 5, 0)
    assert write_baseline(result.diagnostics, project) == text


def test_the_file_is_for_people_too(lint, project: Path) -> None:
    text = write_baseline(lint(DIRTY).diagnostics, project)
    lines = text.splitlines()
    assert lines[:3] == ["{", '  "version": 1,', '  "findings": [']
    assert lines[3].startswith('    {"file": "specs/s.yaml", "code": "MSG104", "fingerprint": "')
    assert len(lines) == 3 + 5 + 2
    assert write_baseline((), project) == '{\n  "version": 1,\n  "findings": []\n}\n'
    assert read_baseline(write_baseline((), project), FILE) == ()


def test_each_is_hidden_as_often_as_it_is_there(lint) -> None:
    finding = lint(DIRTY).diagnostics[0]
    entry = Entry("specs/s.yaml", finding.code, finding.fingerprint, 2)
    remaining = hide([finding] * 3, [entry], lambda _: True)
    assert (len(remaining.diagnostics), remaining.hidden, remaining.stale) == (1, 2, 0)
    assert hide([finding], [entry], lambda _: True).stale == 1
    assert hide([], [entry], lambda _: False).stale == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"version": 1}',
        '{"version": 1, "findings": [1]}',
        '{"version": 1, "findings": [{"file": "a"}]}',
        '{"version": 1, "findings": [{"file": "a", "code": "b", "fingerprint": "c", "count": "d"}]}',
        '{"version": 1, "findings": [{"file": "a", "code": "b", "fingerprint": "c", "count": 1, "e": 1}]}',
        "[" * 100_000,
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"no baseline; write it with .* --write-baseline baseline\.json"):
        read_baseline(text, FILE)


def test_a_later_version_is_refused() -> None:
    with pytest.raises(UsageError, match="version 2"):
        read_baseline(json.dumps({"version": 2, "findings": []}), FILE)
