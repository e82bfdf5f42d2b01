"""``python -m msgspec_runner`` and the console script."""

from __future__ import annotations

import gc
import sys

COLLECT_AFTER = 500_000
"""Objects that are made and stay, until Python looks for garbage cycles among them. Its own 700 is a quarter of the
time of a lint of a thousand specs, and nearly in vain: what a run makes is kept to its end, or goes without a cycle,
as rows do."""


def main() -> int:
    """Run the command line and return the process's exit code."""
    gc.set_threshold(COLLECT_AFTER)
    from msgspec_runner.cli import run

    try:
        return run(sys.argv[1:])
    finally:
        # Python looks through all that is left for cycles before it ends: 10 ms, though all of it is given up anyway.
        gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
