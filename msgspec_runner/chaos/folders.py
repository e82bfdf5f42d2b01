"""The folder of an experiment, which the next one removes where it was left behind.

It holds what the spec's recipients are like, so ``kill -9`` must not leave it for ever. A file in it is locked as long
as the experiment lives: neither a process id nor an age can tell that.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec_runner.ledger.locks import is_held, lock_file

MARK = ".msgspec-runner-chaos"
"""The file by which a folder is known for an experiment's. It has its name from when it is locked, so one that is not
locked belongs to nobody who lives."""

_BESIDE = f"msgspec-runner-*/{MARK}"


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Mark a folder as that of a living experiment, and remove it at the end.

    What dead ones have left beside it is removed first.

    Args:
        folder: an empty one of this user's.
    """
    for mark in folder.parent.glob(_BESIDE):
        with suppress(OSError):  # another removes it too
            if mark.parent.lstat().st_uid == os.getuid() and not is_held(mark):
                _remove(mark.parent)
    nameless = folder / f"{MARK}-nobody"
    descriptor = os.open(nameless, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock_file(descriptor)
        nameless.rename(folder / MARK)
        yield
    finally:
        with suppress(OSError):
            _remove(folder)
        os.close(descriptor)


def _remove(folder: Path) -> None:
    """Remove what is in a folder, and only then its mark: if this is killed, the next one goes on with it.

    Raises:
        OSError: something cannot be removed; then the mark is still there.
    """
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        elif each.name != MARK:
            each.unlink()
    (folder / MARK).unlink()
    folder.rmdir()
