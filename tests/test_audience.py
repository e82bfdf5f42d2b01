"""Who gets the message: which source is opened, and what a row's problems are."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.audience import open_audience, open_samples, recipients_path, rendered_rows, shown_path
from msgspec_runner.errors import RecipientsError, UsageError
from msgspec_runner.rendering import Renderer
from tests.conftest import MakeSpec

CSV = "phone,name\n+16175551212,Ann\n12,Bob\n+16175551214,\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "r.csv").write_text(CSV, encoding="utf-8")
    return tmp_path


def numbers(make_spec: MakeSpec, root: Path, rest: str, override: Path | None = None) -> list[int]:
    with open_audience(make_spec(rest=rest), root, override) as source:
        return [row.number for row in source]


def test_the_specs_file(make_spec: MakeSpec, root: Path) -> None:
    assert numbers(make_spec, root, "recipients: {file: r.csv}\n") == [1, 2, 3]


def test_the_flag_stands_in_for_everything(make_spec: MakeSpec, root: Path) -> None:
    other = root / "one.csv"
    other.write_text("phone\n+16175551212\n", encoding="utf-8")
    assert numbers(make_spec, root, "recipients: {file: r.csv}\n", other) == [1]
    assert numbers(make_spec, root, "", other) == [1]


def test_rows_of_the_spec(make_spec: MakeSpec, root: Path) -> None:
    assert numbers(make_spec, root, "recipients: {rows: [{phone: '+1'}, {phone: '+2'}]}\n") == [1, 2]


def test_without_recipients_one_message(make_spec: MakeSpec, root: Path) -> None:
    assert numbers(make_spec, root, "") == [1]


def test_samples_are_never_an_audience(make_spec: MakeSpec, root: Path) -> None:
    with pytest.raises(UsageError, match="--recipients"):
        open_audience(make_spec(rest="recipients: {samples: [{phone: '+1'}]}\n"), root)
    with open_samples(make_spec(rest="recipients: {samples: [{phone: '+1'}]}\n")) as source:
        assert [row.cells for row in source] == [{"phone": "+1"}]


def test_a_file_outside_the_project(make_spec: MakeSpec, root: Path) -> None:
    for path in ("../../r.csv", "/etc/hostname", "link.csv"):
        (root / "specs" / "link.csv").unlink(missing_ok=True)
        (root / "specs" / "link.csv").symlink_to("/etc/hostname")
        with pytest.raises(RecipientsError, match="inside the project"):
            recipients_path(make_spec(rest=f"recipients: {{file: {path}}}\n"), root)


def test_a_cell_is_blamed_once(make_spec: MakeSpec, root: Path) -> None:
    spec = make_spec("  text: 'Hi {{ name }}'\n", "recipients: {columns: {phone: {type: phone}}, file: r.csv}\n")
    renderer = Renderer(spec, {})
    with open_audience(spec, root) as source:
        found = [[problem.rule for problem in row.problems] for row in rendered_rows(source, renderer)]
    assert found == [[], ["invalid-phone-cell"], ["empty-cell"]]


def test_paths_are_shown_from_where_one_stands(tmp_path: Path) -> None:
    assert shown_path(tmp_path / "a" / "b.csv", tmp_path) == "a/b.csv"
    assert shown_path(Path("/x/b.csv"), tmp_path) == "/x/b.csv"
