"""Each program sends exactly the body, whatever a recipient is called."""

from __future__ import annotations

import ast
import http.server
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.reports.code_samples import KINDS, code_sample
from tests.programs import program as needed

URL = "http://127.0.0.1:8025/message"
NASTY = (
    'It\'s "quoted" \\ back\\slash \\u0041 \\n $HOME ${x} #{y} `id` %PATH% !x! & | < > ^ $(id)\n'
    "two\r\n\ttab é 日本 😀 \u2028\u2029\u0085\ufeff\x7f\u200b </script> @file /* */ // -- ; <?php ?> \\"
)
RUN = {"python": [sys.executable], "node": ["node"], "curl": ["bash"]}
"""The languages that every machine that runs the tests has."""


def body_of(text: str) -> bytes:
    fields = {"provider": "twlo", "to": "+16175551212", "text": text, "contact_saving": {"extra_fields": {text: "x"}}}
    return orjson.dumps(fields)


@pytest.fixture
def posted() -> Iterator[tuple[str, list[tuple[bytes, str | None, str | None]]]]:
    """A server's URL, and what came in: body, key, content type."""
    seen: list[tuple[bytes, str | None, str | None]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((body, self.headers["apikey"], self.headers["Content-Type"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"thanks")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/message", seen
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("kind", RUN)
def test_the_program_sends_the_exact_body(
    kind: str, tmp_path: Path, posted: tuple[str, list[tuple[bytes, str | None, str | None]]]
) -> None:
    needed("curl" if kind == "curl" else RUN[kind][0])
    url, seen = posted
    program = tmp_path / "program"
    program.write_text(code_sample(kind, url, body_of(NASTY)), encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "SOCIOCS_API_KEY": "k-1", "LC_ALL": "C.UTF-8"}
    done = subprocess.run([*RUN[kind], program], env=environment, capture_output=True, check=True, timeout=60)
    assert done.stdout.decode().strip() == "thanks"
    assert seen == [(body_of(NASTY), "k-1", "application/json")]


def literal_of(sample: str, pattern: str) -> str:
    found = re.search(pattern, sample, re.DOTALL | re.MULTILINE)
    assert found is not None, sample
    return found[1]


def decoded(kind: str, sample: str) -> str:
    """Read the body out of a program by the rules of its language."""
    match kind:
        case "curl":
            return shlex.split(sample)[-1]
        case "curl-windows":
            argument = literal_of(sample, r'--data-raw "(.*)"\n\Z')
            assert not re.search(r"[&|<>^%!\n\r]", argument), "cmd.exe would read these"
            assert argument.isascii()
            return argument.replace('\\"', '"')
        case "python":
            text: str = ast.literal_eval(literal_of(sample, r"^body = (.*?)\nrequest ="))
            return text
        case "go":
            literal = literal_of(sample, r"body := (.*?)\n\trequest")
            return literal[1:-1] if literal[0] == "`" else json.loads(literal)
        case "java":
            return json.loads(literal_of(sample, r"String body = (.*?);\n"))
        case "csharp":
            return json.loads(literal_of(sample, r"var body = (.*?);\n"))
        case "php":
            literal = literal_of(sample, r"\$body = '(.*?)';\n\$request")
            return re.sub(r"\\(['\\])", r"\1", literal)
        case "dart":
            literal = literal_of(sample, r"final body = (.*?);\n  final client")
            assert not re.search(r"(?<!\\)(\\\\)*\$", literal), "Dart would look up a name"
            return ast.literal_eval(re.sub(r"((?<!\\)(?:\\\\)*)\\\$", r"\1$", literal))
    return ast.literal_eval(literal_of(sample, r"const body = (.*?);\n\nfetch"))


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.just(NASTY))
def test_the_body_survives_its_notation(kind: str, text: str) -> None:
    sample = code_sample(kind, URL, body_of(text))
    body = decoded(kind, sample)
    if kind == "curl-windows":
        assert json.loads(body) == json.loads(body_of(text))
    else:
        assert body == body_of(text).decode()


@pytest.mark.parametrize("kind", KINDS)
def test_the_program(kind: str, golden: Callable[[str, str], None]) -> None:
    golden(f"sample-{kind}.txt", code_sample(kind, URL, body_of("It's Ann’s")))
