from __future__ import annotations

from pathlib import Path

from msgspec_runner.linting.linter import LintResult
from msgspec_runner.reports.repository import in_repository


def test_names_are_those_of_the_repository(result: LintResult, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "apps" / "messages"
    moved = in_repository(result, folder)
    assert list(moved.documents) == [f"apps/messages/{file}" for file in result.documents]
    assert moved.diagnostics[0].file == "apps/messages/specs/reminder.yaml"
    assert moved.diagnostics[1].related[0].file == "apps/messages/recipients/patients.csv"
    assert [item.fingerprint for item in moved.diagnostics] == [item.fingerprint for item in result.diagnostics]


def test_names_stay_at_the_top_and_where_there_is_no_repository(result: LintResult, tmp_path: Path) -> None:
    assert in_repository(result, tmp_path) == result
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")  # as in a work tree
    assert in_repository(result, tmp_path) == result


def test_a_file_outside_is_named_by_its_whole_path_and_standard_input_as_it_is(
    result: LintResult, tmp_path: Path
) -> None:
    (tmp_path / "inside" / ".git").mkdir(parents=True)
    items = [
        result.diagnostics[0]._replace(file=file)
        for file in ("../elsewhere.yaml", "/else/where.yaml", "<stdin>", f"{tmp_path}/inside/specs/s.yaml")
    ]
    moved = in_repository(LintResult(tuple(items), {}), tmp_path / "inside")
    assert [item.file for item in moved.diagnostics] == [
        f"{tmp_path.as_posix()}/elsewhere.yaml",
        "/else/where.yaml",
        "<stdin>",
        "specs/s.yaml",
    ]
