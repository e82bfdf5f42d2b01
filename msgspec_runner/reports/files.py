"""Files that a user asked for: written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

PRIVATE = 0o600
"""For what holds people's data."""

PUBLIC = 0o666
"""For what does not; less what the umask takes away."""


@contextmanager
def whole_file(path: Path, mode: int) -> Iterator[TextIO]:
    """Yield a text file that gets its name when all is written; a device or a pipe is written to instead.

    Args:
        path: the file; replaced where it exists.
        mode: :data:`PRIVATE` or :data:`PUBLIC`.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8") as file:
            yield file
        return
    path = path.resolve()  # not the link is replaced, but the file
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
