"""Peak memory of commands that read recipients: it must not grow with the rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.corpus import write_project
from tests.benchmarks.harness import Line, Scale, peak_memory

AIM = 60


def run(scale: Scale) -> Iterator[Line]:
    """Measure ``render`` and ``plan`` once each with few rows and with twenty times as many."""
    few, many = scale.of(20_000, 5_000), scale.of(400_000, 100_000)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for count in (few, many):
            write_project(root / str(count), count)
        for what in ("render", "plan"):
            small, large = (
                peak_memory("msgspec-runner", what, "reminder.yaml", cwd=root / str(count)) for count in (few, many)
            )
            yield Line(
                f"{what}: growth of peak memory, {few:,} to {many:,} rows",
                f"{large:.0f} MB",
                f"{small:.0f} MB",
                large - small,
                unit=" MB",
                aim=AIM,
                least=False,
            )
