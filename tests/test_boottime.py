"""The clock of leases goes on while the machine is suspended."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

HOUR = 3600.0
SHOW = "from msgspec_runner.boottime import boot_time; import time; print(boot_time() - time.monotonic())"


def ahead(*before: str) -> float:
    """Return how far the clock of leases is ahead of the one that stands still in a suspension."""
    done = subprocess.run([*before, sys.executable, "-c", SHOW], capture_output=True, text=True, check=False)
    if done.returncode and before:
        pytest.skip(f"this machine makes no time namespaces: {done.stderr}")
    return float(done.stdout)


def test_it_counts_a_suspension() -> None:
    """To a process in a time namespace of Linux the machine was suspended for as long as it is told."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare")
    suspended = ahead("unshare", "--time", "--boottime", str(int(HOUR)), "--fork")
    assert abs(suspended - ahead() - HOUR) < 1.0
