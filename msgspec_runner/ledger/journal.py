"""Outcomes that could not be recorded yet, in a file of this machine: ``kill -9`` during an outage loses none.

While a ledger on a server is out of reach, what came of each message is known to the run's process alone. The journal
holds it durably: keys and outcomes, no numbers and no bodies. The run's own next commit empties it; where the run died
first, the next ``send`` on this machine brings it to the ledger (:meth:`Ledger.recover`).

The run's process holds a lock on its journal, so a journal that can be locked belongs to nobody who lives.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from msgspec_runner.ledger.locks import lock_file
from msgspec_runner.ledger.values import Settlement
from msgspec_runner.model import State

_NAME = "outcomes-{}.jsonl"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}", re.ASCII)
_NUMBER = re.compile(r"\+?\d[\d ().-]{4,}\d")


@dataclass(frozen=True, slots=True)
class Noted:
    """An outcome in a journal.

    Attributes:
        write: the last one of the run that is known to have got through: a later claim is not what this came of.
        settlement: the outcome.
    """

    write: int
    settlement: Settlement


class Journal:
    """The journal of one run; its file is there only while something is in it.

    Safe to call from any thread.

    Args:
        folder: of this machine; made with mode 0700, and ignored by git, if it is new.
        ledger_id: the ledger that it is for.
        run_id: the run.
    """

    def __init__(self, folder: Path, ledger_id: str, run_id: str) -> None:
        self.path = folder / _NAME.format(_file_name(run_id))
        self._ledger_id = ledger_id
        self._run_id = run_id
        self._mutex = threading.Lock()
        self._descriptor: int | None = None
        self._noted: list[Noted] = []

    def note(self, write: int, settlements: Iterable[Settlement]) -> None:
        """Append outcomes, on the disk before this returns; one that is in there is not repeated.

        Where the file cannot be written they are in memory only, as they would be without a journal.

        Args:
            write: see :class:`Noted`.
            settlements: outcomes.
        """
        with self._mutex:
            known = {noted.settlement for noted in self._noted}
            fresh = [Noted(write, settled) for settled in settlements if settled not in known]
            if fresh:
                self._noted += fresh
                with suppress(OSError):
                    self._write(fresh)

    def forget(self, settlements: Iterable[Settlement]) -> None:
        """Take out outcomes that the ledger has; remove the file when it is empty."""
        done = set(settlements)
        with self._mutex:
            if self._descriptor is None:
                return
            self._noted = [noted for noted in self._noted if noted.settlement not in done]
            with suppress(OSError):  # what stays is a move that the ledger refuses the next time
                # Emptied durably before it is removed: a file that a power cut brings back must not hold old news.
                os.ftruncate(self._descriptor, 0)
                self._write(self._noted)
            if not self._noted:
                self._close(remove=True)

    def close(self) -> None:
        """Let go of the file, and leave what is in it to :func:`abandoned`."""
        with self._mutex:
            self._close(remove=False)

    def _close(self, *, remove: bool) -> None:
        if self._descriptor is not None:
            if remove:
                self.path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, fresh: list[Noted]) -> None:
        if self._descriptor is None:
            self._descriptor = self._open()
            fresh = self._noted  # with what there was no file for when it was noted
        rows = [_row(noted) for noted in fresh]
        if os.fstat(self._descriptor).st_size == 0:
            rows.insert(0, [self._ledger_id, self._run_id])
        lines = map(json.dumps, rows)
        data = "".join(line + "\n" for line in lines).encode()
        while data:
            data = data[os.write(self._descriptor, data) :]
        os.fsync(self._descriptor)

    def _open(self) -> int:
        folder = self.path.parent
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        while (descriptor := _locked(self.path, os.O_CREAT | os.O_APPEND)) is None:
            pass  # one that was there before was brought to the ledger, and removed, just now
        _sync_folder(folder)
        return descriptor


def _locked(path: Path, flags: int = 0) -> int | None:
    """Open and lock a file; return its descriptor, or None where it is not there any more, or another is.

    Raises:
        OSError: it cannot be opened, or another holds its lock.
    """
    descriptor = os.open(path, os.O_RDWR | flags, 0o600)
    is_there = False
    try:
        lock_file(descriptor)
        with suppress(FileNotFoundError):
            is_there = os.path.samestat(os.fstat(descriptor), path.stat())
    finally:
        if not is_there:
            os.close(descriptor)
    return descriptor if is_there else None


def _file_name(run_id: str) -> str:
    """Return what a file may be called: the ledger says the run's id, and who can write there may not write here."""
    if _PLAIN.fullmatch(run_id):
        return run_id
    return hashlib.sha256(run_id.encode("utf-8", "surrogatepass")).hexdigest()


def abandoned(folder: Path, ledger_id: str) -> Iterator[tuple[str, list[Noted]]]:
    """Yield the run and the outcomes of each journal whose process has ended; a journal is removed afterwards.

    Args:
        folder: of this machine.
        ledger_id: the ledger that can take them; journals for another one are left alone, as is what is no journal.
    """
    for path in sorted(folder.glob(_NAME.format("*"))):
        try:
            descriptor = _locked(path)
        except OSError:  # somebody else's; or its process lives, and will bring it itself
            continue
        if descriptor is None:  # its process brought it just now
            continue
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
            # The last line is whole only if it was ended: the power may have gone while it was written.
            first, *rest = [*file.read().split("\n")[:-1], ""]
            owner, run_id = _head(first)
            if first and owner != ledger_id:
                continue
            if first:
                yield run_id, [noted for noted in map(_noted, rest) if noted is not None]
            path.unlink(missing_ok=True)


def _head(line: str) -> tuple[str, str]:
    """Return the ledger and the run of a journal; empty for what is none."""
    try:
        ledger_id, run_id = json.loads(line)
    except (ValueError, TypeError):
        return "", ""
    return str(ledger_id), str(run_id)


def _row(noted: Noted) -> list[object]:
    key, state, http_status, message_id, error, attempts, at, scheduled_for = noted.settlement
    said = None if error is None else _NUMBER.sub("•••", error)
    return [noted.write, key, state, http_status, message_id, said, attempts, at and at.isoformat(), scheduled_for]


def _noted(line: str) -> Noted | None:
    """Return the outcome of a line; None for what is none."""
    try:
        write, key, state, http_status, message_id, error, attempts, at, scheduled_for = json.loads(line)
        moment = None if at is None else datetime.fromisoformat(at)
        settled = Settlement(key, State(state), http_status, message_id, error, attempts, moment, scheduled_for)
        return Noted(int(write), settled)
    except (ValueError, TypeError):
        return None


def _sync_folder(folder: Path) -> None:
    """Make a new file's name durable, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
