"""The status of an answer decides, whatever is wrong with what follows it.

aiohttp's parser forgets all that it has read of a piece of data in which something is broken. Where a server sends head
and body in one piece, a broken body would hide a status that has come whole, and a refusal would be in doubt: how the
network cuts an answer must not matter.
"""

from __future__ import annotations

import re
from typing import Any

from aiohttp.client_exceptions import ClientConnectionError
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import StreamReader

_HEAD_ENDS = re.compile(rb"\n\r?\n")


def is_interim(status: int) -> bool:
    """Whether the answer itself is still to come; after a 101 it never does."""
    return status < 200 and status != 101


class HeadFirst(ResponseHandler):
    """What reads a connection: aiohttp's own, which also knows the status of an answer that it could not read.

    Attributes:
        status: of the answer, as soon as its head has come whole; whoever waits for the next one sets it to None.
        is_held: whether no more is read from the connection, because what came was not taken yet.
    """

    status: int | None = None
    is_held = False
    _unread = b""
    """What came of an answer without a head so far."""
    _body: StreamReader | None = None

    def data_received(self, data: bytes) -> None:
        """Parse what came; what comes after an answer is nobody's, and the connection is not to be used again."""
        if self.status is None:
            self._unread += data
        elif data and self._body is not None and self._body.is_eof():
            self.set_exception(ClientConnectionError("the server talks before it is asked"))
            return
        super().data_received(data)

    def pause_reading(self) -> None:
        """Read no more for now."""
        self.is_held = True
        super().pause_reading()

    def resume_reading(self, *how: Any, **further: Any) -> None:
        """Read on; aiohttp asks for it after every answer, and it is work even where nothing was paused."""
        if self.is_held:
            self.is_held = False
            super().resume_reading(*how, **further)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take a head that was parsed, and what its body will be read from."""
        if not is_interim(data[0].code):
            self.status, self._unread = data[0].code, b""
        self._body = data[1]
        super().feed_data(data, size)

    def set_exception(self, exc: Any, *cause: BaseException) -> None:
        """End the answer; whoever waits for its body would wait until the time is up, as nothing else tells them."""
        if self._unread:
            self.status = self._status_of(self._unread)
        super().set_exception(exc, *cause)
        if self._body is not None and not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(exc)

    def _status_of(self, said: bytes) -> int | None:
        """Return the status of an answer, parsed again, head by head; None where a head is broken, or not whole."""
        heads = HeadFirst(self._loop)
        heads.set_response_params(read_until_eof=True, auto_decompress=False)
        begin = 0
        for end in _HEAD_ENDS.finditer(said):
            ResponseHandler.data_received(heads, said[begin : end.end()])
            begin = end.end()
            if heads.status is not None or heads.exception() is not None:
                break
        return heads.status
