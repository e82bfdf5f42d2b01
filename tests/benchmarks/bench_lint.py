"""Lint of many specs in one process, against yamllint (YAML's style) and check-jsonschema (YAML's shape)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec_runner.source.schema import schema_path
from tests.benchmarks.corpus import write_specs
from tests.benchmarks.harness import Line, Scale, by_turns, command


def run(scale: Scale) -> Iterator[Line]:
    """Lint 1,000 specs of 27 lines, each with its sample rendered; whole processes, start-up included."""
    count = scale.of(1000, 200)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        files = write_specs(root / "specs", count)
        ours = command("msgspec-runner", "lint", "specs", cwd=root)
        others = {
            "yamllint": (10, command("yamllint", "specs", cwd=root)),
            "check-jsonschema": (
                8,
                command("check-jsonschema", "--schemafile", schema_path("spec"), *files, cwd=root),
            ),
        }
        for other, (aim, theirs) in others.items():
            pairs = by_turns(ours, theirs, max(2, scale.pairs // 2))
            yield Line(
                f"lint {count:,} specs: speed, {other} = 1",
                f"{count / pairs.ours:,.0f} specs/s",
                f"{count / pairs.other:,.0f} specs/s",
                pairs.speed,
                aim=aim,
            )
