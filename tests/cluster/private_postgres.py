"""A PostgreSQL server of a test's own: one that may be restarted, and crashed, without hurting others."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Self

import pytest

OWNER = "postgres"
"""Whom it runs as where we are root, as whom it refuses to run."""


class PrivatePostgres:
    """A server on a free port of 127.0.0.1, as long as the block lasts; the test is skipped where there is no program.

    Args:
        also: an address of this machine where it listens too, to whoever is on that address's network.

    Attributes:
        url: of its database.
        also_url: of its database, by the other address.
    """

    def __init__(self, also: str = "127.0.0.1") -> None:
        self._programs = _programs()
        self._user = OWNER if os.geteuid() == 0 else None
        # Not below pytest's own folder, which nobody else may enter.
        self._folder = Path(tempfile.mkdtemp(prefix="msgspec-runner-postgres-"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._also = also
        self.url, self.also_url = (
            f"postgresql://postgres@{host}:{self._port}/postgres" for host in ("127.0.0.1", also)
        )

    def __enter__(self) -> Self:
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "-A", "trust", "-U", "postgres", "--no-sync")
        with (self._folder / "data" / "pg_hba.conf").open("a") as trusted:
            trusted.write("host all all samenet trust\n")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._control("stop", "-m", "immediate", check=False)
        shutil.rmtree(self._folder)

    @property
    def log(self) -> str:
        """What it has written about itself."""
        return (self._folder / "log").read_text(encoding="utf-8")

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
        options = f"-p {self._port} -k {self._folder} -c listen_addresses={addresses} -c fsync=off"
        self._run("pg_ctl", "-w", "-s", "-l", str(self._folder / "log"), "-o", options, *what, check=check)

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        subprocess.run(
            [self._programs / program, "-D", self._folder / "data", *arguments],
            check=check,
            user=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


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
