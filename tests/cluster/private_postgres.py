"""A PostgreSQL server of a test's own: one that may be restarted, and crashed, without hurting others."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Self

import pytest

from tests.ports import free_port

OWNER = "postgres"
"""Whom it runs as where we are root, as whom it refuses to run."""


class PrivatePostgres:
    """A server on a free port of 127.0.0.1, as long as the block lasts; the test is skipped where there is no program.

    Args:
        also: an address of this machine where it listens too, to whoever is on that address's network.

    Attributes:
        folder: where its socket file is.
        url: of its database.
        also_url: of its database, by the other address.
    """

    SETTINGS = "-c fsync=off"

    def __init__(self, also: str = "127.0.0.1") -> None:
        self._programs = _programs()
        self.folder = _folder()
        self._port = free_port()
        self._also = also
        self.url, self.also_url = (
            f"postgresql://postgres@{host}:{self._port}/postgres" for host in ("127.0.0.1", also)
        )

    def __enter__(self) -> Self:
        _run("cp", "-a", _cluster(), self.folder / "data")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._control("stop", "-m", "immediate", check=False)
        shutil.rmtree(self.folder)

    @property
    def log(self) -> str:
        """What it has written about itself."""
        return (self.folder / "log").read_text(encoding="utf-8")

    def admit(self, rules: str) -> None:
        """Let in from now on who ``rules`` let in: lines of a pg_hba.conf; and ``postgres``, as always."""
        (self.folder / "data" / "pg_hba.conf").write_text(f"host all postgres all trust\n{rules}", encoding="utf-8")
        self._control("reload")

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._control("start")

    def restart(self) -> None:
        """Restart it in order."""
        self._control("restart", "-m", "fast")

    def crash(self) -> None:
        """Stop it at once, as a crash does."""
        self._control("stop", "-m", "immediate")

    def _control(self, *what: str, check: bool = True) -> None:
        addresses = ",".join({"127.0.0.1", self._also})
        options = f"-p {self._port} -k {self.folder} -c listen_addresses={addresses} {self.SETTINGS}"
        control = self._programs / "pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log"
        _run(*control, "-w", "-s", "-o", options, *what, check=check)


@cache
def _cluster() -> Path:
    """Return a cluster that was never started: it is made once, because that takes a second, and copied."""
    folder = _folder()
    atexit.register(shutil.rmtree, folder)
    data = folder / "data"
    _run(_programs() / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync")
    with (data / "pg_hba.conf").open("a") as trusted:
        trusted.write("host all all samenet trust\n")
    return data


def _user() -> str | None:
    """Return as whom all of this runs; None: as who we are."""
    return OWNER if os.geteuid() == 0 else None


def _folder() -> Path:
    """Make a folder of that user's; not below pytest's own, which nobody else may enter."""
    folder = Path(tempfile.mkdtemp(prefix="msgspec-runner-postgres-"))
    if user := _user():
        owner = pwd.getpwnam(user)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


def _run(*command: str | Path, check: bool = True) -> None:
    subprocess.run(command, check=check, user=_user(), cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs, or skip the test where there is none; CI has one."""
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path))
    if not found:
        reason = "no PostgreSQL programs for a server of the test's own (Debian: apt-get install postgresql)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found[-1].parent
