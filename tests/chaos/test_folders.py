"""Whose folder is removed, and whose is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.chaos.folders import MARK, owned
from msgspec_runner.ledger.locks import is_held


def folder(beside: Path, name: str) -> Path:
    made = beside / f"msgspec-runner-{name}"
    made.mkdir()
    return made


def test_a_folder_is_removed_at_the_end_with_all_that_is_in_it(tmp_path: Path) -> None:
    mine, elsewhere = folder(tmp_path, "mine"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    with owned(mine):
        (mine / "worker-0" / "deep").mkdir(parents=True)
        (mine / "worker-0" / "deep" / "out").touch()
        (mine / "recipients.jsonl").touch()
        (mine / "link").symlink_to(elsewhere)
    assert [*tmp_path.iterdir()] == [elsewhere]


def test_it_is_removed_when_it_goes_wrong(tmp_path: Path) -> None:
    mine = folder(tmp_path, "mine")
    with pytest.raises(KeyboardInterrupt), owned(mine):
        raise KeyboardInterrupt
    assert not mine.exists()


def test_what_the_dead_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    living, dead, other, alien = (folder(tmp_path, name) for name in ("living", "dead", "other", "alien"))
    (dead / MARK).touch()
    (dead / "worker-0").mkdir()
    (dead / "worker-0" / "out").touch()
    (other / "ledger.db").touch()
    alien = alien.rename(tmp_path / "somebody-else")
    (alien / MARK).touch()
    with owned(living):
        assert is_held(living / MARK)
        with owned(folder(tmp_path, "next")):
            assert not dead.exists()
            assert living.exists()
        assert [*living.iterdir()] == [living / MARK]
    assert {*tmp_path.iterdir()} == {other, alien}


def test_a_removal_that_was_killed_half_way_is_finished(tmp_path: Path) -> None:
    dead = folder(tmp_path, "dead")
    (dead / MARK).touch()
    with owned(folder(tmp_path, "next")):
        assert not dead.exists()


def test_the_mark_goes_last(tmp_path: Path) -> None:
    """Without it nobody would know whose the rest is, if this is killed half-way."""
    mine = folder(tmp_path, "mine")
    with owned(mine):
        (mine / MARK).unlink()  # it cannot be removed then; all else is gone by that time
        (mine / "ledger.db").touch()
    assert [*mine.iterdir()] == []
