from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any, NamedTuple

import pytest

from msgspec_runner.sandbox.server import RunningSandbox, SandboxOptions

KEY = {"apikey": "any key"}
HEADERS = {**KEY, "Content-Type": "application/json"}


class Answer(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def told(self) -> list[str]:
        """The reasons of an error answer."""
        assert self.body["status"] == "error"
        return [error["msg"] for error in self.body["errors"]]


class Caller:
    """A plain HTTP client of one running sandbox, a new connection for each call."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        self.address = sandbox.url.removeprefix("http://")

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        with closing(http.client.HTTPConnection(self.address, timeout=20)) as connection:
            connection.request(method, path, body, KEY if headers is None else headers)
            answer = connection.getresponse()
            content = answer.read()
            found = dict(answer.getheaders())
            is_json = found.get("Content-Type", "").startswith("application/json")
            return Answer(answer.status, json.loads(content) if is_json and content else content, found)

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status == 200, answer
        return answer.body

    def change(self, method: str, path: str, value: object = None) -> Answer:
        """Call what changes the sandbox, as its own page does."""
        body = None if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.call(method, path, body, {"X-Sandbox": "1"})

    def listed(self, query: str = "") -> list[Any]:
        """The requests of one list, newest first."""
        found: list[Any] = self.get(f"/_sandbox/requests?{query}")["requests"]
        return found

    def post(self, fields: object, **headers: str) -> Answer:
        body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
        return self.call("POST", "/message", body, {**HEADERS, **headers})


@pytest.fixture
def start(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., Caller]]:
    """Start sandboxes that stop with the test; none of them may have logged an error."""
    with ExitStack() as stack:

        def starting(**options: Any) -> Caller:
            return Caller(stack.enter_context(RunningSandbox(SandboxOptions(**options))))

        yield starting
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
