"""``python -m tests.benchmarks [NAME …] [--quick]``: a table of ratios, with what is aimed at beside them."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from tests.benchmarks.harness import Line, Scale

BENCHMARKS = {
    "memory": "bench_memory",
    "start-up": "bench_startup",
    "lint": "bench_lint",
    "rows": "bench_rows",
    "render": "bench_render",
    "send": "bench_send",
    "ledger": "bench_ledger",
    "cluster": "bench_cluster",
}
"""All of them, by module; each has a function ``run(scale)`` that yields lines. They are imported one after the other,
and ``memory`` comes first: a child's peak is never below what its parent holds."""

_ROW = "{:<54} {:>16} {:>16} {:>15} {:>10}  {}"


def main(arguments: list[str]) -> None:
    """Run the benchmarks that are named, or all, and print each line as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run: {', '.join(BENCHMARKS)}; default all")
    parser.add_argument("--quick", action="store_true", help="take less of everything: for trying out, not for quoting")
    given = parser.parse_args(arguments)
    for name in given.names:
        if name not in BENCHMARKS:
            parser.error(f"no benchmark `{name}`; there are {', '.join(BENCHMARKS)}")
    scale = Scale(pairs=3, quick=True) if given.quick else Scale(pairs=7, quick=False)
    print(_ROW.format("", "ours", "other", "figure", "aim", ""))
    for name in given.names or BENCHMARKS:
        for line in import_module(f"tests.benchmarks.{BENCHMARKS[name]}").run(scale):
            print(_format(line), flush=True)


def _format(line: Line) -> str:
    value = f"{line.value:,.2f}" if line.unit == "×" else f"{line.value:,.0f}"
    if line.aim is None:
        aim, mark = "", ""
    else:
        aim, mark = f"{'≥' if line.least else '≤'} {line.aim:g}{line.unit}", "pass" if line.met else "BELOW"
    return _ROW.format(line.what, line.ours, line.other, value + line.unit, aim, mark).rstrip()


if __name__ == "__main__":
    main(sys.argv[1:])
