"""What a run looks like at a terminal, recorded at a pseudo-terminal of a fixed size. The clock is a fake.

``UPDATE_GOLDENS=1 pytest tests/cli/test_recordings.py`` writes the files in ``golden/``; read the difference before you
commit it. Colours are written ``{green:12}``; below each picture is a line.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

import pexpect
import pyte
import pytest

from tests.cli.recorded import MARK

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"
COMMAND = [sys.executable, "-m", "tests.cli.recorded"]
PATIENCE = 30
ROWS = 24


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **more}


def recorded(columns: int, env: Mapping[str, str]) -> str:
    """Return every picture that a terminal of so many columns showed."""
    child = pexpect.spawn(
        COMMAND[0], COMMAND[1:], cwd=str(ROOT), env=dict(env), dimensions=(ROWS, columns), timeout=PATIENCE
    )
    written: bytes = child.read()
    child.close()
    assert child.exitstatus == 0, written.decode()
    screen = pyte.Screen(columns, ROWS)
    stream = pyte.Stream(screen)
    pictures = []
    for part in written.decode(env["PYTHONIOENCODING"]).split(MARK)[:-1]:
        stream.feed(part)
        pictures.append("\n".join(picture(screen)).rstrip())
    return f"\n{'~' * columns}\n".join(pictures) + "\n"


def picture(screen: pyte.Screen) -> Iterator[str]:
    for row in range(screen.lines):
        cells = [screen.buffer[row][column] for column in range(screen.columns)]
        parts = []
        for style, run in groupby(cells, lambda cell: " ".join(filter(None, (cell.bold and "bold", cell.fg)))):
            text = "".join(cell.data for cell in run)
            plain = style == "default" or not text.strip()
            parts.append(text if plain else f"{{{style.replace(' default', '')}:{text}}}")
        yield "".join(parts).rstrip()


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDENS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "UPDATE_GOLDENS=1 pytest tests/cli/test_recordings.py"


@pytest.mark.parametrize(
    ("name", "columns", "env"),
    [
        ("wide", 100, {}),
        ("narrow", 40, {"NO_COLOR": "1"}),
        ("no-color", 100, {"NO_COLOR": "1"}),
        ("ascii", 80, {"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}),
        ("dumb", 80, {"TERM": "dumb"}),
    ],
)
def test_a_run_at_a_terminal(name: str, columns: int, env: dict[str, str]) -> None:
    text = recorded(columns, environment(**env))
    compare(f"run-{name}.txt", text)
    assert "6175551212" not in text
    assert text.isascii() or name != "ascii"
    if name != "wide":
        assert "{" not in text


def test_a_run_without_a_terminal() -> None:
    done = subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=True,
    )
    assert "\x1b" not in done.stderr
    compare("run-piped.txt", done.stderr.replace(MARK, ""))
