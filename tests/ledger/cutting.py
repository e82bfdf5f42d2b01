"""A line to a server that breaks where a test wants it to: the restart of a server, seen from a client."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from enum import StrEnum
from urllib.parse import urlsplit, urlunsplit


class Moment(StrEnum):
    """When the line breaks, seen from a request."""

    BEFORE = "before the server hears it"
    DURING = "while the server carries it out"
    AFTER = "before the client hears the answer"


class Line:
    """Forwards connections to a server, and breaks them on demand. A context manager.

    Args:
        url: of the server.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._socket = socket.create_server(("127.0.0.1", 0))
        user = f"{parts.username}@" if parts.username else ""
        self.url = urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{self._socket.getsockname()[1]}"))
        self.requests = 0
        """Pieces that clients have sent."""
        self.cuts: dict[int, Moment] = {}
        """Before, at or after which piece the line breaks."""
        self.down = False
        """Whether nobody can connect."""
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._mutex = threading.Lock()

    def __enter__(self) -> Line:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection now."""
        with self._mutex:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _shut(pair)

    def go_down(self) -> None:
        """Break every connection, and refuse new ones until ``down`` is False again."""
        self.down = True
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            pair = client, socket.create_connection(self._server)
            with self._mutex:
                self._pairs.append(pair)
            if self.down:
                _shut(pair)
            threading.Thread(target=self._forward, args=pair, daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        broken: Moment | None = None
        with suppress(OSError):
            while broken is None:
                readable, _, _ = select.select([client, server], [], [])
                if server in readable:
                    data = server.recv(65536)
                    if not data:
                        break
                    client.sendall(data)
                    continue
                data = client.recv(65536)
                if not data:
                    break
                with self._mutex:
                    self.requests += 1
                    broken = self.cuts.get(self.requests)
                if broken is not Moment.BEFORE:
                    server.sendall(data)
                if broken is Moment.AFTER:
                    server.recv(65536)
        _shut((client, server))
        client.close()
        server.close()


def _shut(pair: tuple[socket.socket, socket.socket]) -> None:
    """End both directions of both; whoever reads from one sees it."""
    for end in pair:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
