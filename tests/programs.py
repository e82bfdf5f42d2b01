"""Programs that some tests need and not every machine has: shells, and what runs other languages."""

from __future__ import annotations

import os
import shutil

import pytest

PACKAGES = {"node": "nodejs", "systemd-analyze": "systemd", "useradd": "passwd"}
"""Debian's names of packages, where they differ from the program's."""


def program(name: str) -> str:
    """Return where a program is, or skip the test where there is none; CI has them all."""
    found = shutil.which(name)
    if found is not None:
        return found
    reason = f"{name} is not here: apt-get install {PACKAGES.get(name, name)}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
