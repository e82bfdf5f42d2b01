"""The lock that tells a live run from a dead one: an OS file lock, freed by the kernel when its process ends.

Neither a process id (it is used again) nor an age (a laptop sleeps) can tell that. A file beside the ledger
can: the run holds it exclusively, and whoever can share it knows that the run is over. Safety never rests on
it, only the question "is anybody still at work?" does; a message is claimed in the ledger itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int, *, shared: bool) -> None:
        """Lock the first byte or raise OSError; Windows has no shared mode here, which only makes it stricter."""
        _ = shared
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:  # as it says for a file that may not be opened, too
            raise BlockingIOError(*error.args) from error
else:
    import fcntl

    def _try_lock(descriptor: int, *, shared: bool) -> None:
        """Lock the open file or raise OSError. ``flock`` also keeps two handles of one process apart."""
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def lock_file(descriptor: int) -> None:
    """Lock an open file for this process alone, until it is closed.

    Raises:
        BlockingIOError: another holds it.
    """
    _try_lock(descriptor, shared=False)


class RunLock:
    """An exclusive lock that is held from construction until :meth:`release` or the end of the process.

    Args:
        path: the lock's file; made with mode 0600, in a folder with mode 0700.

    Raises:
        OSError: somebody holds it already (BlockingIOError), or the file cannot be made.
    """

    __slots__ = ("_descriptor", "_path")

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._path = path
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _try_lock(self._descriptor, shared=False)
        except OSError:
            os.close(self._descriptor)
            self._descriptor = None
            raise

    def release(self, *, remove: bool = True) -> None:
        """Let go, and remove the file unless told to leave it; a second call does nothing."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        os.close(descriptor)
        if remove:
            self._path.unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Return whether a living process holds the lock at ``path``; a file that is gone is held by nobody."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        _try_lock(descriptor, shared=True)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
