"""What is said of partials that the linter does not read, or that are wrong themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.config import Config
from msgspec_runner.linting.linter import Linter
from msgspec_runner.source.document import parse_document

SPEC = """\
spec: s
message: {provider: twlo, channel_key: k, to: "+16175551212", text: "Hello {% include 'f.txt' %}"}
"""


@pytest.fixture
def partials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a project's partials; the project is below the test's own folder."""
    folder = tmp_path / "project" / "partials"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder.parent)
    return folder


def test_a_link_that_leads_out_is_called_one(partials: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("secret")
    (partials / "f.txt").symlink_to(tmp_path / "outside.txt")
    (found,) = Linter(Config(root=partials.parent)).lint([parse_document("s.yaml", SPEC)]).diagnostics
    assert found.code == "MSG410"
    assert "leads out of `partials/`" in found.message
    assert "KiB" not in found.message


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("\n  {{ 'a' | foo }}", "MSG403", 12),
        ("\n  {{ 'a' is foo }}", "MSG403", 13),
        ("\n  {{ x", "MSG401", 3),
        ("\n  {{ 'a'.__class__ }}", "MSG407", 10),
        ("\n  {{ 'abc' | round }}", "MSG404", 6),
        ("\n  {{ range(3) }}", "MSG402", 6),
        ("\n  {{ nam }}", "MSG402", 6),
    ],
)
def test_a_partial_has_the_codes_of_a_text_and_its_own_place(partials: Path, text: str, code: str, column: int) -> None:
    (partials / "f.txt").write_text(text)
    (found,) = Linter(Config(root=partials.parent)).lint([parse_document("s.yaml", SPEC)]).diagnostics
    assert found.code == code
    assert [(place.file, place.row, place.column) for place in found.related] == [("partials/f.txt", 2, column)]
