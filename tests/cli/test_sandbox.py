"""``sandbox``: the server as a process of its own, what it says, and the page that it opens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from msgspec_runner.cli.sandbox import command
from msgspec_runner.sandbox.faults import FAULT_KINDS, kinds_in_short

OPENER = """\
#!/bin/sh
printf '%s\\n' "$1" > {fifo}
"""


@contextmanager
def running(*options: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command until it listens; afterwards end it with Ctrl-C."""
    command = [sys.executable, "-m", "msgspec_runner", "sandbox", "--port", "0", *options]
    kept = {name: value for name, value in os.environ.items() if name not in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**kept, **environment}
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def test_it_says_where_it_is_and_what_to_do(tmp_path: Path) -> None:
    with running("--seed", "7", "--url-file", str(tmp_path / "url")) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.split()[2]
        assert line == f"sandbox at {url} (seed 7); stop it with Ctrl-C\n"
        assert process.stderr is not None
        assert process.stderr.readline().startswith(f"send to it: MSGSPEC_RUNNER_BASE_URL={url} ")
        assert process.stderr.readline() == f"see what arrives: open {url} in a browser\n"
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": "text/html"}), timeout=20) as answer:
            assert b"<title>Sandbox inbox</title>" in answer.read()
    assert process.returncode == 0
    assert (tmp_path / "url").read_text(encoding="utf-8") == f"{url}\n"


def test_open_opens_the_inbox(tmp_path: Path) -> None:
    fifo, opener = tmp_path / "opened", tmp_path / "browser"
    os.mkfifo(fifo)
    opener.write_text(OPENER.format(fifo=fifo), encoding="utf-8")
    opener.chmod(0o755)
    with running("--open", BROWSER=str(opener)) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[2]
        assert fifo.read_text(encoding="utf-8") == f"{url}/\n"  # blocks until the browser writes


def test_a_machine_without_a_browser_says_so_and_goes_on(tmp_path: Path) -> None:
    with running("--open", "--quiet", PATH=str(tmp_path), BROWSER="no-such-browser") as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[2]
        assert process.stderr is not None
        assert process.stderr.readline() == f"no browser could be started: open {url}/ yourself\n"
        with urllib.request.urlopen(url, timeout=20) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("option", "told"),
    [("--fault=500", "--fault '500': write KIND=RATE"), ("--latency=20", "--latency '20': write a duration")],
)
def test_a_wrong_option_says_what_to_write(option: str, told: str) -> None:
    with running(option) as process:
        out, error = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert told in error


def test_the_page_tells_what_each_fault_does() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    table = page.partition("<!-- faults: begin -->\n")[2].partition("<!-- faults: end -->")[0]
    rows = ["| KIND | what happens | kept | after a colon |", "| --- | --- | --- | --- |"]
    for name, kind in FAULT_KINDS.items():
        if name.isdigit() and name not in ("429", "500"):
            assert kind == FAULT_KINDS["500"]._replace(says=FAULT_KINDS["500"].says.replace("500", name))
            continue
        names = "`500` to `511`" if name == "500" else f"`{name}`"
        says = kind.says.replace("500", "so") if name == "500" else kind.says
        default = f" ({kind.default:g})" if kind.default else ""
        cell = f"{kind.unit}{default} " if kind.unit else ""
        rows.append(f"| {names} | {says} | {'yes' if kind.keeps else 'no'} | {cell}|")
    assert table.splitlines() == rows, "docs/sandbox.md: write the table as it is in sandbox/faults.py"


def test_the_help_names_every_fault_and_fits_a_terminal() -> None:
    assert kinds_in_short() == (
        "429, 500 to 511, 500-after, reset-before, reset-after, hang, hang-after, garbage, slow"
    )
    told = CliRunner().invoke(command, ["--help"], terminal_width=80).output
    assert kinds_in_short() in " ".join(told.split())
    assert len(told.splitlines()) <= 35
    assert max(map(len, told.splitlines())) <= 80
