"""What ``{% include %}`` may read: files below ``partials/`` in the project's root, and nothing else."""

from __future__ import annotations

from functools import cache
from pathlib import Path

MAX_PARTIAL = 32 * 1024
"""Most bytes of one partial: the bound of a template's source."""


class Partials:
    """Reads partials by name; a name that leads out of ``partials/`` (symlinks resolved) does not exist.

    Args:
        root: the project's root.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "partials"
        self.read = cache(self._read)

    def __call__(self, name: str) -> str | None:
        """Return the text of a partial, or None where there is none (or it is not UTF-8, or too large)."""
        return self.read(name)

    def _read(self, name: str) -> str | None:
        if not name or "\0" in name or "\\" in name:
            return None
        try:
            folder = self._folder.resolve()
            path = (folder / name).resolve()
            if not folder.is_relative_to(self._root.resolve()):  # a link: partials/ -> /etc
                return None
            if not path.is_relative_to(folder) or not path.is_file() or path.stat().st_size > MAX_PARTIAL:
                return None
            return path.read_text(encoding="utf-8")
        except (OSError, RuntimeError, UnicodeDecodeError):  # RuntimeError: links in a circle
            return None

    def names(self) -> tuple[str, ...]:
        """Return the names that exist, for "did you mean"."""
        folder = self._folder
        if not folder.is_dir() or not folder.resolve().is_relative_to(self._root.resolve()):
            return ()
        return tuple(sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()))
