"""The lock that tells a live run from a dead one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from msgspec_runner.ledger.locks import RunLock, is_held


def test_it_is_held_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "run.lock"
    assert not is_held(path)
    lock = RunLock(path)
    assert is_held(path)
    with pytest.raises(OSError, match="unavailable"):
        RunLock(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    lock.release()
    lock.release()
    assert not path.exists()
    assert not is_held(path)


def test_a_file_that_is_left_behind_is_held_by_nobody(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    RunLock(path).release(remove=False)
    assert path.exists()
    assert not is_held(path)
    RunLock(path).release()
