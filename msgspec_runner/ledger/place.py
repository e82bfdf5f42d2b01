"""Whether an open file is still the one that its path names."""

from __future__ import annotations

from pathlib import Path

from msgspec_runner.errors import LedgerError


class Place:
    """Remembers which file a path named when it was opened.

    SQLite goes on writing into a file that was removed, or replaced by a backup. What is recorded there is
    forgotten at the end, and the next run would send it again.

    Args:
        path: of a file that is open.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = self._identity()

    def check(self) -> None:
        """Make sure that the path still names the file.

        Raises:
            LedgerError: it was removed or replaced.
        """
        try:
            found = self._identity()
        except FileNotFoundError:
            found = None
        if found != self._file:
            raise LedgerError(
                f"the ledger {self._path} was removed or replaced while it was open. Put the right one back, "
                "and find out what was sent: this run's newest outcomes are not in it"
            )

    def _identity(self) -> tuple[int, int]:
        status = self._path.stat()
        return status.st_dev, status.st_ino
