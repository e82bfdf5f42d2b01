"""``python -m msgspec_runner`` and the console script."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return the process's exit code."""
    from msgspec_runner.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
