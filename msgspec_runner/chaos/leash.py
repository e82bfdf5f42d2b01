"""A program that does not outlive who started it: ``python leash.py PROGRAM ARGUMENT …``, PROGRAM being a path.

Standard input is the leash: a pipe that the starter holds the other end of, and writes nothing to. However the starter
ends, ``kill -9`` included, its end is closed. A process beside the program waits for that, and kills all of their
session: the program, even one that stands still, what it has started, and itself. Nothing else may be in there, so a
session is begun first; and as long as somebody waits in it, its number is nobody else's.

The program takes the place of this process: it has the number that the starter knows, nothing to read, and no part in
all this. It needs nothing of the package, so that it starts at once.
"""

from __future__ import annotations

import os
import signal
import sys


def main(command: list[str]) -> None:
    """Begin a session, leave somebody to wait in it, and become the program.

    Args:
        command: the program's path, and its arguments.

    Raises:
        OSError: the program cannot be started, or this process leads a group already.
    """
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    if os.fork():
        os.dup2(nowhere, 0)
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.read(0, 1)
    os.kill(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
