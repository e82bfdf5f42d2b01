"""A ledger that is taken away while it is open: nothing more is recorded where nobody finds it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger import Run, RunStatus, new_run_id, open_ledger
from msgspec_runner.ledger.sqlite import SqliteLedger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".msgspec-runner" / "ledger.db"


def opened(tmp_path: Path) -> SqliteLedger:
    ledger = open_ledger(None, tmp_path, loopback_or_sandbox=True, create=True)
    assert isinstance(ledger, SqliteLedger)
    return ledger


@pytest.mark.parametrize("act", ["removed", "replaced by a backup"])
def test_it_is_noticed_before_the_next_write(tmp_path: Path, path: Path, act: str) -> None:
    ledger = opened(tmp_path)
    run = new_run_id()
    ledger.begin(Run(run, "sandbox"))
    backup = tmp_path / "backup.db"
    shutil.copy(path, backup)
    path.unlink()
    if act != "removed":
        backup.replace(path)
    with pytest.raises(LedgerError, match="removed or replaced"):
        ledger.claim(run, ["k"])
    with pytest.raises(LedgerError, match="removed or replaced"):
        ledger.end(run, RunStatus.FINISHED)
    ledger.close()


@pytest.mark.parametrize(("content", "mode"), [(b"notes", 0o644), (b"", 0o644), (b"notes", 0o600), (b"", 0o600)])
def test_what_is_no_ledger_is_not_touched(tmp_path: Path, path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(LedgerError, match="no ledger"):
        opened(tmp_path)
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == mode
