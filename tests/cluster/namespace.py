"""A machine of a test's own: a network namespace of Linux, whose one cable can be pulled."""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import Self

import pytest

_CLONE_NEWNET = 0x40000000
"""From Linux's ``sched.h``."""

_LINKS = "198.18"
"""The first half of the addresses of cables: a network that is set aside for tests between devices (RFC 2544)."""


class Namespace:
    """A namespace with a loopback of its own and a cable to this machine, as long as the block lasts.

    The test is skipped where the machine does not allow it: that takes Linux, its program ``ip``, and root.

    Attributes:
        here: this machine's address at its end of the cable.
        there: the namespace's address.
        inside: the words to put before a command that shall run in it.
    """

    def __init__(self) -> None:
        self._name = f"msr-{secrets.token_hex(4)}"
        self._cable = f"{self._name}-a"
        number = secrets.randbelow(1 << 14) * 4
        network = f"{_LINKS}.{number >> 8}"
        self.here, self.there = f"{network}.{(number & 255) + 1}", f"{network}.{(number & 255) + 2}"
        self.inside = ("ip", "netns", "exec", self._name)

    def __enter__(self) -> Self:
        if os.geteuid() != 0 or shutil.which("ip") is None:
            pytest.skip("a network of the test's own takes root and the program `ip` (Debian: iproute2)")
        try:
            _ip("netns", "add", self._name)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this machine allows no network of the test's own: {error.stderr}")
        other = f"{self._name}-b"
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", other, "netns", self._name)
        _ip("address", "add", f"{self.here}/30", "dev", self._cable)
        _ip("link", "set", self._cable, "up")
        for words in (
            ("address", "add", f"{self.there}/30", "dev", other),
            ("link", "set", other, "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-n", self._name, *words)
        return self

    def __exit__(self, *_: object) -> None:
        _ip("link", "delete", self._cable)
        _ip("netns", "delete", self._name)

    def cut(self) -> None:
        """Pull the cable: nothing goes through in either direction, and nobody is told."""
        _ip("link", "set", self._cable, "down")

    def heal(self) -> None:
        """Plug it in again."""
        _ip("link", "set", self._cable, "up")

    def deafen(self) -> None:
        """Let through what the namespace says, and nothing that it is told."""
        _ip("route", "add", "blackhole", f"{self.there}/32")

    def undeafen(self) -> None:
        """Let through what it is told again."""
        _ip("route", "delete", "blackhole", f"{self.there}/32")

    def listen(self, port: int) -> socket.socket:
        """Return a socket of this process that listens on the namespace's 127.0.0.1."""
        opened: list[socket.socket] = []

        def open_inside() -> None:
            # A thread may live in another namespace than its process; what it opens stays there.
            with Path("/run/netns", self._name).open("rb") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            opened.append(socket.create_server(("127.0.0.1", port)))

        thread = threading.Thread(target=open_inside)
        thread.start()
        thread.join()
        return opened[0]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
