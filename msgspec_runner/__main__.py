"""``python -m msgspec_runner`` and the console script."""

from __future__ import annotations

import gc
import signal
import sys

COLLECT_AFTER = 500_000
"""Objects that are made and stay, until Python looks for garbage cycles among them. Its own 700 is a quarter of the
time of a lint of a thousand specs, and nearly in vain: what a run makes is kept to its end, or goes without a cycle,
as rows do."""

_HEARD = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def main() -> int:
    """Run the command line and return the process's exit code.

    SIGTERM and SIGHUP end it as Ctrl-C does, so that temporary files, which hold people's data, are removed. As long
    as there are none, before a command is found and after it has ended, a signal simply ends the process: an exception
    in the middle of an import, or of Python's own end, would be a traceback. What whoever started us has told us to
    ignore (``nohup``) stays ignored.
    """
    heard = [number for number in _HEARD if signal.getsignal(number) is not signal.SIG_IGN]
    _let(heard, signal.SIG_DFL)
    gc.set_threshold(COLLECT_AFTER)
    from msgspec_runner.cli import run
    from msgspec_runner.errors import INTERRUPTED

    try:
        _let(heard, signal.default_int_handler)
        return run(sys.argv[1:])
    except KeyboardInterrupt:  # between two lines of ours
        return INTERRUPTED
    finally:
        _let(heard, signal.SIG_DFL)
        # Python looks through all that is left for cycles before it ends: 10 ms, though all of it is given up anyway.
        gc.freeze()


def _let(numbers: list[signal.Signals], action: signal._HANDLER) -> None:
    for number in numbers:
        signal.signal(number, action)


if __name__ == "__main__":
    sys.exit(main())
