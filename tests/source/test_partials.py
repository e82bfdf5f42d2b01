"""Partials come from ``partials/`` and from nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.source.partials import MAX_PARTIAL, Partials


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "partials"
    (folder / "de").mkdir(parents=True)
    (folder / "sign.txt").write_text("Grüße", encoding="utf-8")
    (folder / "de" / "sign.txt").write_text("Tschüss", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "latin.txt").write_bytes("Grüße".encode("latin-1"))
    (folder / "large.txt").write_text("x" * (MAX_PARTIAL + 1), encoding="utf-8")
    return tmp_path / "project"


def test_partials(root: Path) -> None:
    partials = Partials(root)
    assert partials("sign.txt") == "Grüße"
    assert partials("de/sign.txt") == "Tschüss"
    assert "de/sign.txt" in partials.names()


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../secret.txt", "../../secret.txt", "/etc/hostname", "link.txt", "de", "no.txt", "sign.txt\0",
     "..\\secret.txt", "latin.txt", "large.txt"],
)  # fmt: skip
def test_nothing_else(root: Path, name: str) -> None:
    assert Partials(root)(name) is None


def test_a_linked_folder_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "partials").symlink_to(tmp_path / "outside")
    assert Partials(tmp_path / "project")("secret.txt") is None
    assert Partials(tmp_path / "project").names() == ()


def test_a_partial_is_read_once(root: Path) -> None:
    partials = Partials(root)
    assert partials("sign.txt") == "Grüße"
    (root / "partials" / "sign.txt").write_text("changed", encoding="utf-8")
    assert partials("sign.txt") == "Grüße"  # what was linted is what is sent


def test_a_project_without_partials(tmp_path: Path) -> None:
    assert Partials(tmp_path)("sign.txt") is None
    assert Partials(tmp_path).names() == ()
