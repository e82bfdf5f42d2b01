"""A line to a server that can fall silent: a network that is cut, seen from both ends. Nobody is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit


class Partition:
    """Forwards connections to a server, and holds back everything while it is :meth:`cut`. A context manager.

    Args:
        url: of the server.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._socket = socket.create_server(("127.0.0.1", 0))
        user = f"{parts.username}@" if parts.username else ""
        self.url = urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{self._socket.getsockname()[1]}"))
        self._open = threading.Event()
        self._open.set()
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Partition:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.heal()
        for end in (self._socket, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in (self._socket, *self._ends):
            end.close()

    def _start(self, work: Callable[..., None], *about: object) -> None:
        self._threads.append(threading.Thread(target=work, args=about, daemon=True))
        self._threads[-1].start()

    def cut(self) -> None:
        """Let nothing through in either direction."""
        self._open.clear()

    def heal(self) -> None:
        """Let everything through again, what was held back first."""
        self._open.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self._open.wait()
            server = socket.create_connection(self._server)
            self._ends += [client, server]
            for source, target in ((client, server), (server, client)):
                self._start(self._forward, source, target)

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._open.wait()
                target.sendall(data)
        self._open.wait()
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
