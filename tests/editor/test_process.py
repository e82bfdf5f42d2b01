"""The server as a process: how it begins and ends, what it survives, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.editor.client import COMMAND, PATIENCE, Client, Deadline, ServerError, has, many, place
from tests.editor.texts import SPEC


def helpers(client: Client) -> list[int]:
    """Return the processes that the server has started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(client.process.pid)], capture_output=True, text=True)
    return [int(word) for word in found.stdout.split()]


def alive(pid: int) -> bool:
    """Say whether a process runs; one that has ended and that nobody has asked after does not."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(found.stdout.strip()) and not found.stdout.startswith("Z")


def test_killed_helpers_are_replaced_and_a_killed_server_leaves_none(own: Client, root: Path) -> None:
    own.begin()
    uri = own.open(root / "specs/hello.yaml")
    own.diagnostics(uri)
    for pid in helpers(own):
        os.kill(pid, signal.SIGKILL)
    own.change(uri, SPEC.replace("{{ clinic }}", "{{ clinik }}"))
    own.wait_for(lambda: own.ask("textDocument/hover", place(uri, 5, 4)) is not None)
    own.change(uri, SPEC.replace("{{ clinic }}", "{{ klinik }}"))
    own.diagnostics(uri, when=has("MSG402", "klinik"))
    many(root)
    own.change(uri, SPEC)
    own.diagnostics(uri)
    left = helpers(own)
    assert len(left) >= 2
    own.kill()
    deadline = Deadline()
    while any(map(alive, left)):
        deadline.check()


def test_a_client_that_is_gone(own: Client, root: Path) -> None:
    own.begin()
    uri = own.open(root / "specs/hello.yaml")
    own.diagnostics(uri)
    left = helpers(own)
    assert own.process.stdin is not None
    own.process.stdin.close()
    assert own.process.wait(PATIENCE) == 1
    assert own.log == ""
    deadline = Deadline()
    while any(map(alive, left)):
        deadline.check()


def test_ctrl_c(own: Client) -> None:
    own.begin()
    own.process.send_signal(signal.SIGINT)
    assert own.process.wait(PATIENCE) == 130


def test_an_exit_without_a_shutdown(own: Client) -> None:
    own.begin()
    own.tell("exit", None)
    assert own.process.wait(PATIENCE) == 1


def test_what_it_can_do_and_nonsense_which_it_survives(own: Client, root: Path) -> None:
    can = own.begin()
    assert can["positionEncoding"] == "utf-16"
    assert can["textDocumentSync"] == {"openClose": True, "change": 1, "save": True}
    assert {"completionProvider", "hoverProvider", "definitionProvider", "codeActionProvider"} <= can.keys()
    with pytest.raises(ServerError):
        own.ask("textDocument/nonsense", {})
    own.send_bytes(b'Content-Length: 9\r\n\r\n{"broken"')
    own.tell("textDocument/didChange", {"textDocument": {"uri": "file:///never"}, "contentChanges": "odd"})
    own.tell("textDocument/didClose", {"textDocument": {"uri": "file:///never"}})
    own.tell("$/unknown", {})
    uri = own.open(root / "specs/hello.yaml")
    assert own.ask("textDocument/hover", place(uri, 999, 999)) is None
    assert own.ask("textDocument/completion", place(uri, 4, 999)) is not None
    own.diagnostics(uri)
    assert not any(item["method"] == "window/showMessage" for item in own.asked)


HOSTILE = {
    "aliases": "a: &a [x, x]\n"
    + "".join(f"{y}: &{y} [{', '.join(['*' + x] * 9)}]\n" for x, y in pairwise("abcdefghi")),
    "brackets": "message: " + "[" * 5_000,
    "braces": "message:\n  text: '" + "{{" * 5_000,
    "dashes": "- " * 5_000,
    "nothing": "\0",
    "long": "spec: a\nmessage: {text: '" + "{{ x | upper }}" * 5_000 + "'}",
    "loop": "spec: a\nmessage: {provider: twlo, channel_key: k, to: '12', text: '{% for a in [1]*9999 %}{% for b in [1]*9999 %}{{ a }}{% endfor %}{% endfor %}'}",
    "quotes": 'spec: "' + "\n" * 20_000,
    "large": "# " + "x" * 2_000_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_texts(kind: str, shared: Client, root: Path) -> None:
    text = HOSTILE[kind]
    uri = shared.open(root / "specs/hostile.yaml", text)
    shared.diagnostics(uri)
    character = len(text.split("\n")[0]) // 2
    for method in ("hover", "completion", "definition"):
        shared.ask(f"textDocument/{method}", place(uri, 0, character))
    shared.close(uri)


def test_without_the_extra(tmp_path: Path) -> None:
    (tmp_path / "pygls.py").write_text("raise ModuleNotFoundError('pygls')", encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "msgspec_runner", "lsp"], env=env, capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: an editor's server needs pygls: pip install 'msgspec-runner[lsp]'\n"


def test_nobody_speaks(tmp_path: Path) -> None:
    for stdin in (subprocess.DEVNULL, None):
        command = f"{COMMAND} lsp" + ("" if stdin else " <&-")
        done = subprocess.run(
            ["sh", "-c", command], stdin=stdin, capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_help_has_an_example() -> None:
    done = subprocess.run([COMMAND, "lsp", "--help"], capture_output=True, text=True, check=True)
    assert "Example:\n    msgspec-runner lsp < /dev/null" in done.stdout
