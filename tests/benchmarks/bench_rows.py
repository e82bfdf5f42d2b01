"""Lint of one spec with many recipients: every row is read, converted, rendered and judged."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.corpus import write_project
from tests.benchmarks.harness import Line, Scale, command


def run(scale: Scale) -> Iterator[Line]:
    """Time the whole process; there is nobody to compare with, so there is no aim."""
    count = scale.of(100_000, 10_000)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "project"
        write_project(root, count)
        lint = command("msgspec-runner", "lint", "reminder.yaml", cwd=root)
        seconds = statistics.median(lint() for _ in range(scale.of(3, 1)))
        yield Line(f"lint {count:,} rows", f"{seconds:.2f} s", "", count / seconds, unit=" rows/s")
