"""``python -m msgspec_runner`` and the console script."""

from __future__ import annotations

import gc
import sys

COLLECT_AFTER = 50_000
"""New objects until Python looks for garbage cycles; its own 700 is a quarter of the time of a lint of many specs,
and in vain: nearly all that a run makes is kept to its end, or goes without a cycle. In memory it is some 10 MB."""


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
