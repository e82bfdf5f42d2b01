"""An editor as the server sees it: a process that speaks JSON-RPC over the server's standard input and output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.editor.texts import PEOPLE

COMMAND = Path(sys.executable).with_name("msgspec-runner")
PATIENCE = 30.0
"""Seconds that an answer may take on a machine that does other things, too."""

CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-16"]},
    "textDocument": {"publishDiagnostics": {"relatedInformation": True, "versionSupport": True}},
    "workspace": {"workspaceEdit": {"documentChanges": True}},
}

Json = dict[str, Any]


class Client:
    """One editor with its server.

    Args:
        cwd: where the server is started.
        env: of the server, beside the path.
        arguments: behind ``lsp``.
    """

    def __init__(self, cwd: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [COMMAND, "lsp", *arguments],
            cwd=cwd,
            env={"PATH": os.environ["PATH"], "HOME": str(cwd), "PYTHONWARNINGS": "error", **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.log = ""
        self.shown: list[Json] = []
        self.asked: list[Json] = []
        self._answers: dict[int, Json] = {}
        self._versions: dict[str, int] = {}
        self._number = 0
        self._news = threading.Condition()
        self._ended = False
        self.reply: Callable[[Json], Any] = lambda _: None
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_log, daemon=True).start()

    def begin(self, capabilities: Json | None = None, options: Json | None = None) -> Json:
        """Introduce each other; return what the server can do."""
        params = {
            "processId": os.getpid(),
            "rootUri": None,
            "capabilities": CAPABILITIES if capabilities is None else capabilities,
            "initializationOptions": options,
        }
        result = self.ask("initialize", params)
        self.tell("initialized", {})
        found: Json = result["capabilities"]
        return found

    def ask(self, method: str, params: Any) -> Any:
        """Return the answer to a request."""
        return self.answer(self.request(method, params))

    def request(self, method: str, params: Any) -> int:
        """Send a request; return its number."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        return self._number

    def answer(self, number: int) -> Any:
        """Wait for the answer to a request."""
        self._wait(lambda: number in self._answers, f"no answer to request {number}")
        found = self._answers.pop(number)
        if "error" in found:
            raise ServerError(found["error"])
        return found["result"]

    def tell(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def open(self, path: Path, text: str | None = None) -> str:
        """Open a file, with another text than it has if that is given; return its URI."""
        uri = path.as_uri()
        if text is None:
            text = path.read_bytes().decode()
        self._versions[uri] = 1
        self.tell(
            "textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}}
        )
        return uri

    def change(self, uri: str, text: str) -> int:
        """Type until a file has this text; return the version."""
        self._versions[uri] += 1
        document = {"uri": uri, "version": self._versions[uri]}
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
        return self._versions[uri]

    def close(self, uri: str) -> None:
        """Close a file."""
        self.tell("textDocument/didClose", {"textDocument": {"uri": uri}})

    def diagnostics(
        self, uri: str, version: int | None = None, when: Callable[[list[Json]], bool] | None = None
    ) -> Any:
        """Return what is shown of a version of a file, the current one if none is given, as soon as it is so."""
        version = self._versions[uri] if version is None else version

        def found() -> list[Json] | None:
            last = next((each for each in reversed(self.shown) if each["uri"] == uri), None)
            if last is None or last.get("version") != version:
                return None
            return last["diagnostics"] if when is None or when(last["diagnostics"]) else None

        self._wait(lambda: found() is not None, f"nothing (of this kind) was shown of {uri} {version}")
        return found()

    def wait_for(self, condition: Callable[[], bool], words: str = "it never happened") -> None:
        """Wait until something holds that news from the server may bring."""
        self._wait(condition, words)

    def end(self) -> int:
        """Say goodbye; return the exit code."""
        self.ask("shutdown", None)
        self.tell("exit", None)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """End the server whatever it is doing."""
        self.process.kill()
        self.process.wait(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            with suppress(OSError):
                stream.close()

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def _send(self, message: Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.send_bytes(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def _wait(self, condition: Callable[[], bool], words: str) -> None:
        deadline = time.monotonic() + PATIENCE
        with self._news:
            while not condition():
                left = deadline - time.monotonic()
                assert left > 0, f"{words}\n{self.log}"
                assert not self._ended, f"the server has ended\n{self.log}"
                self._news.wait(min(left, 1.0))

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        try:
            while (header := stream.readline()).startswith(b"Content-Length: "):
                while stream.readline() != b"\r\n":
                    pass
                self._take(json.loads(stream.read(int(header[16:]))))
        except ValueError:
            pass  # closed by kill()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _take(self, message: Json) -> None:
        with self._news:
            if "method" not in message:
                self._answers[message["id"]] = message
            elif message["method"] == "textDocument/publishDiagnostics":
                self.shown.append(message["params"])
            else:
                self.asked.append(message)
            self._news.notify_all()
        if "id" in message and "method" in message:
            self._send({"id": message["id"], "result": self.reply(message)})

    def _read_log(self) -> None:
        stream = self.process.stderr
        assert stream is not None
        try:
            for line in stream:
                with self._news:
                    self.log += line.decode()
                    self._news.notify_all()
        except ValueError:
            pass


class ServerError(Exception):
    """The server answered with an error."""


def place(uri: str, line: int, character: int) -> Json:
    """Return a place in a file as requests have it."""
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}


ROWS = 12_000
"""Recipients that take longer than an editor waits for them, on any machine."""


def codes(diagnostics: list[dict[str, Any]]) -> list[str]:
    return [item["code"] for item in diagnostics]


def has(code: str, message: str = "") -> Any:
    return lambda found: any(item["code"] == code and message in item["message"] for item in found)


def many(root: Path, rows: int = ROWS, *, broken: bool = True) -> None:
    """Write many recipients, the last of whom has a bad number."""
    lines = [f"+1617555{row % 10000:04},Ann{row},Elm,2031-03-10T19:30,x{row}" for row in range(rows)]
    text = "\n".join([PEOPLE.split("\n")[0], *lines, "12,Last,Elm,2031-03-10T19:30,x" if broken else ""])
    (root / "people.csv").write_text(text, encoding="utf-8")


class Deadline:
    """Waiting for something that tells nobody, with an end."""

    def __init__(self) -> None:
        self._end = time.monotonic() + PATIENCE

    def check(self) -> None:
        assert time.monotonic() < self._end, "it never happened"
