"""Standard input and output as the protocol's two ends, so that Ctrl-C, a closed pipe and a stray print do no harm."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import suppress
from typing import BinaryIO, Final

CHUNK: Final = 64 * 1024
"""Bytes that are read at once."""


class Writer:
    """Where answers go: standard output as it was when the server began.

    Everything else that prints from then on prints to standard error: one stray word would end the conversation.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._out: BinaryIO = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._out.write(data)
        self._out.flush()

    def close(self) -> None:
        """Do nothing: the process ends, and its files with it."""


def reader(loop: asyncio.AbstractEventLoop) -> asyncio.StreamReader:
    """Return standard input as a stream.

    A thread of its own waits for it; it may be left waiting when the process ends, which no pool's thread may.
    """
    stream = asyncio.StreamReader(loop=loop)

    def pump() -> None:
        with suppress(RuntimeError):  # the loop has ended
            with suppress(OSError):  # it was closed before we began
                while data := os.read(0, CHUNK):
                    loop.call_soon_threadsafe(stream.feed_data, data)
            loop.call_soon_threadsafe(stream.feed_eof)

    threading.Thread(target=pump, name="standard input", daemon=True).start()
    return stream
