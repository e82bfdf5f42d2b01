"""Lint of one spec with many recipients: every row is read, converted, rendered and judged by every rule."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.corpus import write_project
from tests.benchmarks.harness import Line, Scale, by_turns, command

TEXT = "Hi {{ first_name }}, we see you on {{ day }} for {{ appointment | lower }}. {% if late %}Be quick!{% endif %}"
NAME = "{{ first_name }} {{ last_name }}"
SPEC = f"""\
spec: rows
message:
  provider: twlo
  channel_key: your_channel_key
  to: "{{{{ phone }}}}"
  name: "{NAME}"
  text: "{TEXT}"
recipients:
  columns:
    phone: {{type: phone}}
    late: {{type: boolean, required: false}}
  file: people.csv
  key: "{{{{ appointment }}}}"
"""

READ_AND_RENDER = """
import csv, sys
import minijinja

environment = minijinja.Environment(templates={"text": sys.argv[1], "name": sys.argv[2]})
with open("people.csv", encoding="utf-8", newline="") as file:
    for row in csv.DictReader(file):
        environment.render_template("text", late=False, **row)
        environment.render_template("name", **row)
"""
"""What somebody writes who wants the texts and no promise: the csv module and a fast Jinja, no check of anything."""


def run(scale: Scale) -> Iterator[Line]:
    """Time whole processes, ours beside one that reads the same file and renders the same two templates."""
    count = scale.of(100_000, 10_000)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "project"
        write_project(root, count).with_name("rows.yaml").write_text(SPEC, encoding="utf-8")
        ours = command("msgspec-runner", "lint", "rows.yaml", "--exit-zero", cwd=root)
        theirs = command(Path(sys.executable).name, "-c", READ_AND_RENDER, TEXT, NAME, cwd=root)
        pairs = by_turns(ours, theirs, max(2, scale.pairs // 2))
        yield Line(
            f"lint {count:,} rows: speed, csv + minijinja = 1",
            f"{count / pairs.ours:,.0f} rows/s",
            f"{count / pairs.other:,.0f} rows/s",
            pairs.speed,
        )
