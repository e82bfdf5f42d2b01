"""A ledger's file: one name, one set of locks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Run
from msgspec_runner.ledger.stores import FileStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    FileStore(tmp_path / "ledger.db").create().close()
    return tmp_path / "ledger.db"


def test_a_file_with_two_names_is_refused_under_both(path: Path) -> None:
    other = path.with_name("hard.db")
    os.link(path, other)
    for name in (path, other):
        with pytest.raises(LedgerError, match="second name"):
            FileStore(name).open()
    other.unlink()
    FileStore(path).open().close()


def test_a_name_that_a_dead_process_left_is_taken_away(path: Path) -> None:
    left = path.with_name(".ledger.db-left")
    os.link(path, left)
    FileStore(path).open().close()
    assert not left.exists()


def test_a_run_lives_whatever_link_leads_to_its_ledger(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "soft.db"
    link.symlink_to(path)
    one, two = FileStore(path).open(), FileStore(link).open()
    one.begin(Run("run-1", "sandbox"))
    assert two.recover() == 0
    (run,) = two.runs()
    assert run.status == "running"
    one.close()
    two.close()


def test_what_is_no_ledger_is_never_said_to_be_removed(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("garbage")
    with pytest.raises(LedgerError, match="restore it"):
        FileStore(tmp_path / "ledger.db").open()
