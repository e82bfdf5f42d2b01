"""What a pre-commit hook and an editor wait for: the process that hardly has anything to do, against yamllint's."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.corpus import write_specs
from tests.benchmarks.harness import Line, Scale, by_turns, command

AIM = 1.3


def run(scale: Scale) -> Iterator[Line]:
    """Time ``--version``, and the lint of one file."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (file,) = write_specs(root / "specs", 1)
        for what, ours, theirs in (
            ("--version", ["--version"], ["--version"]),
            ("lint one file", ["lint", file], [file]),
        ):
            pairs = by_turns(
                command("msgspec-runner", *ours, cwd=root),
                command("yamllint", *theirs, cwd=root),
                scale.pairs * 3,
            )
            yield Line(
                f"{what}: time, yamllint = 1",
                f"{pairs.ours * 1000:.0f} ms",
                f"{pairs.other * 1000:.0f} ms",
                1 / pairs.speed,
                aim=AIM,
                least=False,
            )
