"""The shapes of the sandbox's HTTP answers, and the one that is no answer: a reset."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any, Final

from aiohttp import web

from msgspec_runner._version import __version__
from msgspec_runner.sandbox.guard import BY_ADDRESS

_SERVER: Final = f"msgspec-runner-sandbox/{__version__}"
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: closing sends RST instead of FIN


def respond(
    status: int,
    body: bytes,
    *,
    content_type: str = "application/json",
    retry_after: float = 0.0,
    allow: str | None = None,
) -> web.Response:
    """Build an answer."""
    headers = {"Content-Type": f"{content_type}; charset=utf-8", "Server": _SERVER}
    if retry_after:
        headers["Retry-After"] = f"{retry_after:g}"
    if allow is not None:
        headers["Allow"] = allow
    return web.Response(status=status, body=body, headers=headers)


def accepted_body(message_id: str) -> bytes:
    """The API's answer to a message that it takes."""
    return b'{"status":"success","data":{"message_id":"%s"}}' % message_id.encode()


def error_body(*reasons: str) -> bytes:
    """The API's error object."""
    return json.dumps({"status": "error", "errors": [{"msg": reason} for reason in reasons]}).encode()


def success(data: list[dict[str, Any]]) -> web.Response:
    """The API's success object around a list."""
    return respond(200, json.dumps({"status": "success", "data": data}).encode())


def unauthorized() -> web.Response:
    """The answer to a missing or wrong key."""
    return respond(401, error_body("Authentication failed. Check the apikey header."))


def foreign() -> web.Response:
    """The answer to a page that was asked for under the name of a web site."""
    return respond(403, error_body(BY_ADDRESS))


async def final(request: web.Request, answer: web.Response) -> web.Response:
    """Send an answer and close at once: the rest of a broken body can neither be read nor skipped."""
    await answer.prepare(request)
    await answer.write_eof()
    request.protocol.force_close()
    return answer


def reset(request: web.Request) -> web.StreamResponse:
    """Reset the connection (RST, not FIN) and give aiohttp an answer that nobody will read."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
    return web.Response()
